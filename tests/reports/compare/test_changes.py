"""What changed since the run before: said on the first screen where there is one, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steadymap.reports.build import build_report
from steadymap.reports.compare.compare_runs import ClusterChange, Facts, compare_runs
from steadymap.reports.compare.comparison_page import render_comparison
from steadymap.reports.compare.since_last_run import find_changes
from steadymap.reports.nights.night_changes import find_night_changes
from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.markdown import to_markdown
from steadymap.reports.summary.summary import summarise
from steadymap.reports.summary.terminal import to_lines
from tests.reports.page.test_page import Parsed
from tests.reports.payloads import PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import PARAMETERS, PCA, RunFolder, without_clusters
from tests.reports.site.test_site import NOON, add


def test_a_first_run_says_nothing_and_the_next_says_what_changed(tmp_path: Path) -> None:
    first = add(tmp_path, "first", 0)
    assert find_changes(read_run(first)) is None
    assert "Since the run before" not in build_report(first).read_text()
    second = add(tmp_path, "second", 1, RunFolder(run="second", verdicts=("REAL", "REAL", "HIDDEN")))
    found = find_changes(read_run(second))
    assert found is not None
    assert (found.previous, found.command) == ("first", "steadymap compare first second")
    assert found.sentences == (
        "3 of 3 clusters are found again, 2 of them unchanged.",
        "1 cluster became REAL, UNCERTAIN before: cluster\u00a0c1 (earlier cluster\u00a0c1).",
    )
    summary = summarise(read_run(second))
    page = Parsed(render_page(read_run(second), summary)).text
    assert "Since the run before of this name, first" in page
    assert page.index("Since the run before") < page.index("The clusters")
    for told in (page, to_markdown(summary), "\n".join(to_lines(summary))):
        assert "1 cluster became REAL, UNCERTAIN before" in told


def test_a_flip_by_chance_says_so_after_those_that_are_none(tmp_path: Path) -> None:
    folder = RunFolder(run="first", verdicts=("REAL", "REAL", "UNCERTAIN"), proving=(5, 10, 0))
    add(tmp_path, "first", 0, folder)
    now = RunFolder(run="second", verdicts=("UNCERTAIN", "UNCERTAIN", "UNCERTAIN"), proving=(3, 1, 0))
    found = find_changes(read_run(add(tmp_path, "second", 1, now)))
    assert found is not None
    assert found.sentences[1:3] == (
        "1 cluster became UNCERTAIN, REAL before: cluster\u00a0c1 (earlier cluster\u00a0c1).",
        "1 cluster became UNCERTAIN, REAL before, within what other halves or settings would show: "
        "cluster\u00a0c0 (earlier cluster\u00a0c0).",
    )


@pytest.mark.parametrize(("showing", "told"), [((2, 1), False), ((4, 0), True), ((0, 4), True), ((3, 2), False)])
def test_real_and_hidden_are_told_apart_by_how_many_settings_show_a_cluster(
    showing: tuple[int, int], told: bool
) -> None:
    first, second = (
        Facts(0, 50, 50, "", verdict, "", 10, 10, settings=4, showing=count)
        for verdict, count in zip(
            ("REAL", "HIDDEN") if showing[0] > showing[1] else ("HIDDEN", "REAL"), showing, strict=True
        )
    )
    assert ClusterChange("kept", first, (), second, 1.0).flipped_beyond_chance == told


def test_a_report_made_again_is_the_same_and_later_runs_have_no_say(tmp_path: Path) -> None:
    add(tmp_path, "first", 0)
    second = add(tmp_path, "second", 1, RunFolder(run="second", verdicts=("REAL", "REAL", "HIDDEN")))
    before = build_report(second).read_bytes()
    add(tmp_path, "third", 2)
    assert build_report(second).read_bytes() == before
    assert b"Since the run before of this name, first" in before


def test_the_same_again_says_that_nothing_changed(tmp_path: Path) -> None:
    add(tmp_path, "first", 0)
    found = find_changes(read_run(add(tmp_path, "second", 1)))
    assert found is not None
    assert found.sentences[0].startswith("Nothing changed")


SOLID = RunFolder(run="solid", solid=[name for name in PARAMETERS if name != PCA])
"""Every picture has three dimensions, so no cluster is sought: its tables have none."""


def add_solid(store: Path, name: str, day: int) -> Path:
    folder = add(store, name, day, SOLID)
    without_clusters(folder)
    os.utime(folder / "manifest.json", (NOON + 86_400 * day, NOON + 86_400 * day))
    return folder


def test_a_run_of_three_dimensions_only_has_neither_lost_nor_gained_a_cluster(tmp_path: Path) -> None:
    add(tmp_path, "flat", 0, RunFolder(run="flat", verdicts=("REAL", "REAL", "REAL")))
    solid = add_solid(tmp_path, "solid", 1)
    again = add_solid(tmp_path, "solid again", 2)
    flat = add(tmp_path, "flat again", 3, RunFolder(run="flat again", verdicts=("REAL", "REAL", "REAL")))
    told = [find_changes(read_run(folder)) for folder in (solid, again, flat)]
    assert [one and one.previous for one in told] == ["flat", "solid", "solid again"]
    because = "sought none, as all of its pictures have three dimensions;"
    assert [one and one.sentences[0] for one in told] == [
        f"Clusters are not compared: this run {because} the earlier one has 3.",
        "Nothing changed: the same scores. Neither run sought clusters: all pictures have three dimensions.",
        f"Clusters are not compared: the earlier run {because} this one has 3.",
    ]
    every = " ".join(sentence for one in told if one for sentence in one.sentences)
    assert not any(word in every for word in ("vanished", "appeared", "found again", "has no clusters"))
    before, after = read_run(solid), read_run(flat)
    assert find_night_changes(compare_runs(before, after), {}, {0: 1, 1: 2, 2: 3}) == []
    assert find_night_changes(compare_runs(after, before), {0: 1, 1: 2, 2: 3}, {}) == []
    assert "Clusters are not compared" in render_comparison(compare_runs(before, after))


def test_runs_that_cannot_be_compared_are_passed_over(tmp_path: Path) -> None:
    first, second = add(tmp_path, "first", 0), add(tmp_path, "second", 1)
    (first / "scores.parquet").write_bytes(b"")
    assert find_changes(read_run(second)) is None
    other = add(tmp_path, "third", 2, RunFolder(run="third", ids=[f"other {row}" for row in range(120)]))
    assert find_changes(read_run(other)) is None


def test_a_hostile_run_before_is_text_also_for_a_shell(tmp_path: Path) -> None:
    payload = PAYLOADS[0].replace("/", "∕")
    for day, name in enumerate((f"; rm -rf ~ {payload}", "second")):
        folder = hostile_folder(PAYLOADS[0]).write(tmp_path / "runs" / name)
        os.utime(folder / "manifest.json", (NOON + day, NOON + day))
    run = read_run(tmp_path / "runs" / "second")
    summary = summarise(run)
    assert summary.changes is not None
    assert summary.changes.command == f"steadymap compare '; rm -rf ~ {payload}' second"
    page = render_page(run, summary)
    assert payload not in page
    assert Parsed(page).text.count(payload) == 3  # in the line that opens, in the heading below it, in the command


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (("REAL", 10, 4), ("UNCERTAIN", 10, 3), False),  # one half more or less
        (("REAL", 10, 10), ("UNCERTAIN", 10, 1), True),
        (("UNCERTAIN", 6, 1), ("REAL", 6, 2), False),
        (("UNCERTAIN", 10, 0), ("REAL", 10, 9), True),
        (("REAL", 10, 9), ("HIDDEN", 10, 9), True),  # another question: how many settings show it
        (("REAL", 0, 0), ("UNCERTAIN", 0, 0), True),  # an earlier run does not say how many halves
        (("REAL", 10, 9), ("REAL", 10, 2), False),
    ],
)
def test_a_flip_that_other_halves_would_have_shown_is_none(
    before: tuple[str, int, int], now: tuple[str, int, int], told: bool
) -> None:
    first, second = (Facts(0, 50, 50, "", verdict, "", halves, proving) for verdict, halves, proving in (before, now))
    assert ClusterChange("kept", first, (), second, 1.0).flipped_beyond_chance == told
