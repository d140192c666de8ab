"""What the last selftest of this installation has shown, for reports to cite."""

from __future__ import annotations

import json
from pathlib import Path

from steadymap.reports.wording import spell_share

SUMMARY = "selftest.json"


def cite_selftest(run: Path) -> str:
    """Say how often verdicts were false in the last selftest kept in the store of a run folder.

    It lies beside the runs, outside of every digest: a report says what is known when it is rendered.
    """
    try:
        summary = json.loads((run.resolve().parents[1] / SUMMARY).read_text(encoding="utf-8"))
        false, rows = summary["false_real"], [int(rows) for rows in summary["rows"]]
        size = f"{rows[0]:,}" if len(rows) == 1 else f"{rows[0]:,} to {rows[-1]:,}"
        told = (
            f"The last selftest of this installation drew {false['trials']:,} sets of {size} rows without a cluster; "
            f"{false['hits']:,} of them got a REAL or HIDDEN ({spell_share(false['share'])}, 95 % interval "
            f"{spell_share(false['low'])} to {spell_share(false['high'])})."
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return "This installation has no selftest in its store yet; “steadymap selftest” measures its own error rate."
    return told
