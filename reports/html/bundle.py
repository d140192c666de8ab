"""The page's script from its modules, as one function: what a bundler does, for modules as simple as ours.

Building a report needs no node.

Modules are laid one after the other, each after those that it imports, in one function; so ``export`` and ``import``
fall away, and a name means one thing in all of them. What does not fit that (a name given twice, a renamed or a default
import, a circle) is an error here, not a surprise in a browser.
"""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup

SCRIPTS = Path(__file__).parent / "script"
ENTRY = "page.js"

IMPORT = re.compile(r'^import \{\s*([^}]*?),?\s*\} from "\./([\w-]+\.js)";\n', flags=re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) )", flags=re.MULTILINE)
TOP_LEVEL = re.compile(r"^(?:export )?(?:async function|function|class|const|let) (.+)$", flags=re.MULTILINE)
NAMES = re.compile(r"^(\w+)|^\[([\w, ]+)\]|, (\w+) = ")
GOES_ON = re.compile(r"^((?:export )?(?:const|let) .*),\n {2}(?=\w+ = )", flags=re.MULTILINE)


def bundle(folder: Path = SCRIPTS, entry: str = ENTRY) -> Markup:
    """Return the modules that an entry needs as one script: our own files, trusted markup.

    Raises
    ------
    ValueError
        Two modules give one name, import what is not exported, or need each other in a circle.
    """
    sources = _in_order(folder, entry, [], {})
    _check_names(sources)
    body = "".join(EXPORT.sub("", IMPORT.sub("", source)).strip("\n") + "\n\n" for source in sources.values())
    return Markup('"use strict";\n(async () => {\n' + body + "})();\n")  # noqa: S704


def _in_order(folder: Path, name: str, above: list[str], done: dict[str, str]) -> dict[str, str]:
    """Read a module after all that it imports; ``above`` are those that led here."""
    if name in above:
        raise ValueError(f"modules import each other in a circle: {' → '.join([*above, name])}")
    if name not in done:
        source = (folder / name).read_text(encoding="utf-8")
        for wanted, other in IMPORT.findall(source):
            _in_order(folder, other, [*above, name], done)
            _check_exports(name, wanted, other, done[other])
        done[name] = source
        if re.search(r"^(?:import|export) ", EXPORT.sub("", IMPORT.sub("", source)), flags=re.MULTILINE):
            raise ValueError(
                f"{name}: an import or export of another kind than `import {{ a }} from` and `export const`"
            )
    return done


def _check_exports(name: str, wanted: str, other: str, source: str) -> None:
    exported = {one for line in source.splitlines() if line.startswith("export ") for one in names_of(line)}
    missing = [one for one in re.split(r",\s*", wanted) if one not in exported]
    if missing:
        raise ValueError(f"{name} imports {', '.join(missing)}, which {other} does not export")


def _check_names(sources: dict[str, str]) -> None:
    owner: dict[str, str] = {}
    for name, source in sources.items():
        for one in (one for line in _joined(source).splitlines() for one in names_of(line)):
            if owner.setdefault(one, name) != name:
                raise ValueError(f"{name} and {owner[one]} both give the name {one}")


def _joined(source: str) -> str:
    """Put declarations of several names that go over lines into one."""
    while (joined := GOES_ON.sub(r"\1, ", source)) != source:
        source = joined
    return source


def names_of(line: str) -> list[str]:
    """Return the names that a line at a module's top level declares: ``const a = 1, b = 2`` gives ``a`` and ``b``."""
    found = TOP_LEVEL.match(line)
    if found is None:
        return []
    if line.removeprefix("export ").startswith(("function", "class", "async")):
        return [re.split(r"\W", found[1], maxsplit=1)[0]]
    groups = (group for match in NAMES.finditer(found[1]) for group in match.groups() if group)
    return [one for group in groups for one in group.split(", ")]
