"""The script of the page from its modules: in order, in one function, and what would break is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steadymap.reports.html.bundle import SCRIPTS, bundle, names_of


def modules(folder: Path, **sources: str) -> Path:
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source, encoding="utf-8")
    return folder


def test_modules_stand_after_what_they_import_each_once(tmp_path: Path) -> None:
    folder = modules(
        tmp_path,
        page='import { b } from "./b.js";\nimport { a } from "./a.js";\nb(a);\n',
        b='import { a } from "./a.js";\nexport function b(x) { return x + a; }\n',
        a="export const a = 1;\n",
    )
    script = str(bundle(folder))
    assert script.count("const a = 1;") == 1
    assert script.index("const a") < script.index("function b") < script.index("b(a);")
    assert not re.search(r"^\s*(import|export)\b", script, flags=re.MULTILINE)
    assert script.startswith('"use strict";\n(async () => {\n')


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (
            {"page": 'import { a } from "./a.js";\nconst b = 1;\n', "a": "export const a = 1;\nconst b = 2;\n"},
            "both give",
        ),
        (
            {
                "page": 'import { a } from "./a.js";\nconst b = 1,\n  c = 2;\n',
                "a": "export const a = 1;\nconst c = 2;\n",
            },
            "both give the name c",
        ),
        ({"page": 'import { b } from "./a.js";\n', "a": "export const a = 1;\n"}, "does not export"),
        (
            {"page": 'import { a } from "./a.js";\n', "a": 'import { b } from "./b.js";\nexport const a = 1;\n'}
            | {"b": 'import { a } from "./a.js";\nexport const b = 1;\n'},
            "circle",
        ),
        ({"page": 'import a from "./a.js";\n', "a": "export const a = 1;\n"}, "another kind"),
    ],
    ids=["one name twice", "one of several names twice", "not exported", "a circle", "a default import"],
)
def test_what_would_break_in_a_browser_is_told(tmp_path: Path, sources: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        bundle(modules(tmp_path, **sources))


def test_every_module_is_in_the_page_and_none_is_long() -> None:
    files = sorted(SCRIPTS.glob("*.js"))
    assert len(files) >= 5
    script = str(bundle())
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) < 300, file.name
        assert next(line for line in reversed(lines) if len(line) > 8).removeprefix("export ") in script


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("export const a = 1, b = 2;", ["a", "b"]),
        ("const [x, y] = pair;", ["x", "y"]),
        ("export async function f(a, b) {", ["f"]),
        ("export class Panel {", ["Panel"]),
        ("  const inner = 1;", []),
    ],
)
def test_names_of_a_top_level_line(line: str, names: list[str]) -> None:
    assert names_of(line) == names
