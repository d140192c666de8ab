"""docs/promises.md: the table of promises, with the numbers that were reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.chaos.breaks import BREAKS
from tests.chaos.row import Reached, Row
from tests.chaos.rows import ROWS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "promises.md"

HEAD = """# Promises

What Steadymap promises, how each promise is attacked, and what came of it. `make chaos` runs the attacks and prints the
table; `python -m tests.chaos R1 --write` runs one and notes its number here (`--part=10`: a tenth of it). Rounds are
seeded. "Seen red with" names the line that was broken to see the attack find it (`python -m tests.chaos.breaks`): an
attack that cannot fail would not count.

| # | promise | attack | reached | seen red with |
|---|---|---|---|---|
"""

FOOT = """
Beside the table: `make endurance` kills whole sweeps, with Prefect and the report; `make test-services` kills servers,
machines and nights, and lets two machines work over one bucket. `make test-processors` draws with the kernels of other
processors. tests/tasks/store/test_store_machine.py lets Hypothesis choose the order in which a store is written,
crashed, damaged, repaired and collected.
"""

NOT_RUN = "not run"

_REACHED = re.compile(r"(\d[\d,]*) of (\d[\d,]*) (.+?) held(?:, the full form runs ([\d,]+))?(?:; .*)?")


def tell(row: Row, reached: Reached) -> str:
    """Say in a line what a row has reached."""
    return f"{row.key:3} {row.promise}: {spell(row, reached)}"


def spell(row: Row, reached: Reached) -> str:
    """Say how many rounds held, how many the full form runs where these were fewer, and what else was counted."""
    if not reached.rounds and not reached.broken:
        return f"{NOT_RUN}: {reached.skipped}"
    held = reached.rounds - len(reached.broken)
    fewer = f", the full form runs {row.goal:,}" if reached.rounds < row.goal else ""
    more = "".join(f"; {one}" for one in (reached.note, reached.skipped) if one)
    return f"{held:,} of {reached.rounds:,} {row.unit} held{fewer}{more}"


def write_page(reached: Mapping[str, Reached]) -> None:
    """Write the page: static columns from the rows, numbers as reached now, or as they stood."""
    known = {key: cells[3] for key, cells in read_rows().items()}
    lines = []
    for row in ROWS:
        number = spell(row, reached[row.key]) if row.key in reached else known.get(row.key, NOT_RUN)
        lines.append(f"| {row.key} | {row.promise} | {row.attack} | {number} | {BREAKS[row.key].words} |\n")
    PAGE.write_text(HEAD + "".join(lines) + FOOT, encoding="utf-8")


def read_rows() -> dict[str, list[str]]:
    """Read the table of the page: its cells by the number of the promise."""
    if not PAGE.is_file():
        return {}
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if re.match(r"\| [A-Z]\d+ ", line)
    ]
    return {cells[0]: cells for cells in rows}


def counted(text: str) -> tuple[int, int] | None:
    """Read how many rounds of how many held; None where none was run.

    Raises
    ------
    ValueError
        The text says neither.
    """
    if text.startswith(NOT_RUN):
        return None
    found = _REACHED.fullmatch(text)
    if found is None:
        raise ValueError(text)
    held, rounds = (int(found[place].replace(",", "")) for place in (1, 2))
    return held, rounds
