"""The table of the usual criteria: its shares and intervals, its picture, and what README says of both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scipy.stats import beta

from benchmarks.compare_criteria import COLOURS, CRITERIA, Answers, draw, spell

PROJECT = Path(__file__).resolve().parents[1]
SETS = (65, 30, 30)
"""Without clusters; with, of which the last two columns speak."""

CELL = re.compile(r"(\d+) % \((\d+) to (\d+)\)")


def published() -> dict[str, list[tuple[int, int, int]]]:
    """Return the table of docs/verdicts.md: share and interval of every column, in percent."""
    text = (PROJECT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    rows = text.split("## Beside the usual criteria")[1].split("\n## ", maxsplit=1)[0].splitlines()
    cells = [row.strip("|").split("|") for row in rows if CELL.search(row)]
    return {name.strip(): [tuple(map(int, found)) for found in CELL.findall("|".join(rest))] for name, *rest in cells}


def test_shares_and_intervals_of_the_table_are_those_of_whole_sets() -> None:
    table = published()
    assert len(table) == len(CRITERIA)
    for columns in table.values():
        for (share, low, high), sets in zip(columns, SETS, strict=True):
            hits = round(share * sets / 100)
            # Clopper and Pearson's limits, by the quantiles of the beta distribution.
            limits = (
                beta.ppf(0.025, hits, sets - hits + 1) if hits else 0.0,
                beta.ppf(0.975, hits + 1, sets - hits) if hits < sets else 1.0,
            )
            assert (share, low, high) == (round(100 * hits / sets), *(round(100 * limit) for limit in limits))


def test_readme_says_what_the_table_says() -> None:
    *usual, ours = published().values()
    said = " ".join((PROJECT / "README.md").read_text(encoding="utf-8").split())
    wrong = [columns[0][0] for columns in usual]
    found = round(ours[2][0] * SETS[2] / 100)
    assert f"Of {SETS[0]} generated sets without any cluster the usual criteria call between" in said
    assert f"between {min(wrong)} and {max(wrong)} % clustered, Steadymap's test none; of {SETS[1]} sets" in said
    assert ours[0][0] == 0
    assert f"sets with clusters it finds those of {found}" in said


def test_the_table_and_the_picture_show_every_share() -> None:
    answers = {
        name: Answers([at % 2 == 0, True, False], [True, True, False, True], [at > 3, False, True, False])
        for at, name in enumerate(CRITERIA)
    }
    for line, (name, one) in zip(spell(answers).splitlines()[2:], answers.items(), strict=True):
        shares = [f"{100 * sum(said) / len(said):.0f} % (" for said in (one.wrong, one.seen, one.found)]
        assert [cell.strip().startswith(share) for cell, share in zip(line.split("|")[2:], shares, strict=False)] == [
            True
        ] * 3
        assert line.startswith(f"| {name} |")
    (axes,) = draw(answers).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == list(CRITERIA)[::-1]
    for what in COLOURS:
        points = {
            names[int(line.get_ydata()[0])]: line.get_xdata()[0]
            for line in axes.get_lines()
            if line.get_color() == COLOURS[what] and line.get_marker() == "o"
        }
        of = {name: getattr(one, what) for name, one in answers.items()}
        assert points == pytest.approx({name: sum(said) / len(said) for name, said in of.items()})
