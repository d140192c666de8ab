"""Names that would run a script, make a request or break the page if they were ever read as markup.

``__hit`` is what the tests look for: a payload that runs sets ``window.__hit``. ``.invalid`` resolves nowhere (RFC
2606), so even a payload that got through would reach nobody.
"""

from __future__ import annotations

from tests.reports.run_folder_fixture import ROWS, RunFolder

PAYLOADS = (
    "<script>window.__hit=1</script>",
    "</script><script>window.__hit=1</script>",
    "</SCRIPT ><svg onload=window.__hit=1>",
    '"><img src=x onerror=window.__hit=1>',
    "'><img src=x onerror='window.__hit=1'>",
    '" onmouseover="window.__hit=1" autofocus onfocus="window.__hit=1" x="',
    "</title></style></textarea><img src=https://steadymap.invalid/a onerror=window.__hit=1>",
    "<iframe srcdoc='<script>parent.__hit=1</script>'></iframe>",
    "<svg><animate onbegin=window.__hit=1 attributeName=x dur=1s>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=window.__hit=1></style></mglyph></math>",
    "<link rel=stylesheet href=https://steadymap.invalid/a.css>",
    "<meta http-equiv=refresh content='0;url=https://steadymap.invalid/'>",
    "<base href=https://steadymap.invalid/>",
    "<form action=https://steadymap.invalid/><button autofocus>",
    "<object data=https://steadymap.invalid/a></object><embed src=https://steadymap.invalid/b>",
    "<dialog open><details open ontoggle=window.__hit=1>",
    "javascript:window.__hit=1",
    "[a](javascript:window.__hit=1) ![b](https://steadymap.invalid/b.png)",
    "<!--<script>",
    "--><script>window.__hit=1</script><!--",
    "]]><script>window.__hit=1</script><![CDATA[",
    "{{7*7}}{% for i in range(9) %}{{ cycler.__init__.__globals__ }}{% endfor %}",
    "${window.__hit=1}`;window.__hit=1;`",
    "\\u003cscript\\u003ewindow.__hit=1\\u003c/script\\u003e",
    "&lt;script&gt;window.__hit=1&lt;/script&gt;",
    "a\u2028b\u2029';window.__hit=1;//",
    "\u202e<script>window.__hit=1</script>\u202c",
    "x' style='background:url(https://steadymap.invalid/c.png)",
    "} body{background:url(https://steadymap.invalid/d.png)} @import 'https://steadymap.invalid/e.css';{",
    "__proto__",
    "constructor",
    "$\\frac{",
)

HARMLESS = "harmless"


def hostile_folder(payload: str) -> RunFolder:
    """Return a run that has one payload in every place that a user, a file or a library writes."""
    return RunFolder(
        name=payload,
        run=payload,
        source=payload,
        labels={payload: [f"{payload}{row % 3}" for row in range(ROWS)], f"second {payload}": [payload] * ROWS},
        ids=[f"{payload}{row}" for row in range(ROWS)],
        skipped_because=payload,
        crashed_because=payload,
        warnings=(payload,),
        reproduce=payload,
        notes={payload: payload},
        versions={payload: payload},
        verdicts=("REAL", "HIDDEN", "ARTEFACT"),
        verdict_reason=payload,
    )
