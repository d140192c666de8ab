"""Clusters as data: cards, verdicts, the headline, and sentences worked out by hand from the fixture's numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from steadymap.reports.clusters.cluster_cards import headline, spell_fates
from steadymap.reports.run.cluster_names import ClusterName
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.markdown import to_markdown
from steadymap.reports.summary.summary import FAST, LIMIT, LIMIT_OF_THE_TEST, Summary, summarise
from steadymap.reports.summary.terminal import to_lines, to_short_lines
from steadymap.reports.wording import Estimate, spell_numbers, spell_p, spell_share
from tests.reports.run_folder_fixture import ROWS, T5, T30, U15B, RunFolder, cell_id

T5_TOLD = "t-SNE, perplexity\u00a05"
U15B_TOLD = "UMAP, n_neighbors\u00a015, min_dist\u00a00.5"


def summary_of(tmp_path: Path, folder: RunFolder) -> Summary:
    return summarise(read_run(folder.write(tmp_path / "run")))


@pytest.fixture
def tested(tmp_path: Path) -> Summary:
    """Summarise a run whose clusters have verdicts."""
    return summary_of(tmp_path, RunFolder(verdicts=("REAL", "ARTEFACT", "REAL")))


# --- cards --------------------------------------------------------------------------------------------------------


def test_a_card_has_the_numbers_of_its_cluster(summary: Summary) -> None:
    first, second, third = summary.clusters
    assert (first.number, first.slot, first.size, first.share) == (0, 0, 40, pytest.approx(1 / 3))
    assert (first.rows, first.label) == ("40 rows, 33\u00a0%", "cluster c0: 98\u00a0%")
    assert (first.recurrence, first.band) == (Estimate(0.96, 0.02), "highly stable")
    assert first.resamples == pytest.approx(0.86)
    assert first.found_again == "found again in 6 of 6 settings"
    assert second.found_again == "found again in 5 of 6 settings (in 4 by their drawn islands alone)"
    assert third.found_again == "found again in 0 of 6 settings, dissolved in 6"
    assert first.panel is not None
    assert first.panel.cell == cell_id(T30, 0)
    assert first.verdict is None


def test_without_labels_a_card_has_none(tmp_path: Path) -> None:
    assert {card.label for card in summary_of(tmp_path, RunFolder(labels={})).clusters} == {""}


def test_a_cluster_that_no_drawn_row_has_takes_no_colour(run: Run) -> None:
    gone = run.points.assign(cluster=run.points["cluster"].where(run.points["cluster"] != 1))
    assert [card.slot for card in summarise(replace(run, points=gone)).clusters] == [0, None, 1]


# --- headline and limit -------------------------------------------------------------------------------------------


def test_without_verdicts_the_headline_counts_what_comes_back(summary: Summary) -> None:
    # 6 and 5 of 6 settings are most, 0 are not.
    told = "2 of 3 clusters come back in most settings: 1 highly stable, 1 stable, 1 not to be trusted."
    assert summary.findings[0] == told
    assert headline(summary.clusters[:1]) == "1 of 1 cluster comes back in most settings: 1 highly stable."
    assert headline(()) == ""
    assert summary.limit == LIMIT


def test_with_verdicts_the_headline_counts_them(tested: Summary) -> None:
    assert tested.findings[0] == "2 clusters are REAL, 1 ARTEFACT."
    assert headline(tested.clusters[:1]) == "1 cluster is REAL."
    assert tested.limit == LIMIT_OF_THE_TEST
    for blind in ("shallow valley", "batches", "splits by group", "more than one", "α\u00a0=\u00a05\u00a0%"):
        assert blind in LIMIT_OF_THE_TEST.replace("holds more than one", "more than one")


def test_the_reason_of_a_verdict_has_names_for_numbers(tmp_path: Path) -> None:
    folder = RunFolder(
        verdicts=("UNCERTAIN",) * 3,
        verdict_reason="no valley towards cluster 1; of cluster 17 nothing is known, 12 more rows would settle it",
        labels={"digit": [f"{row % 3 + 7}" for row in range(ROWS)]},
    )
    verdict = summarise(read_run(folder.write(tmp_path / "run"))).clusters[0].verdict
    assert verdict is not None
    assert verdict.reason.replace("\u00a0", " ") == (
        "no valley towards digit 8; of cluster 17 nothing is known, 12 more rows would settle it"
    )


def test_a_verdict_has_a_shape_a_reason_and_its_numbers(tested: Summary) -> None:
    shapes = [card.verdict.shape for card in tested.clusters if card.verdict]
    assert shapes == ["●", "○", "●"]
    verdict = tested.clusters[0].verdict
    assert verdict is not None
    assert (verdict.word, verdict.reason, verdict.p) == ("REAL", "a valley on every path", "p = .003")
    assert verdict.depth == "0.42 (95 % interval 0.30 to 0.55)"
    assert tested.clusters[0].line.startswith(
        "● REAL: cluster\u00a0c0, number 0: 40 rows, 33\u00a0%; cluster c0: 98\u00a0%; recurrence 0.96"
    )
    assert tested.clusters[0].line.endswith("; a valley on every path")


@pytest.mark.parametrize(
    ("labels", "lead"),
    [
        ({"digit": [f"{row % 3 + 7}" for row in range(ROWS)]}, ("digit 7, number 0: ", "digit 8, number 1: ")),
        ({"digit": ["7"] * ROWS}, ("digit 7 #0: ", "digit 7 #1: ")),  # the number is in the name already
        ({}, ("cluster 0: ", "cluster 1: ")),
    ],
)
def test_the_line_of_a_card_begins_with_the_name_and_the_number_comes_second(
    tmp_path: Path, labels: dict[str, list[str | None]], lead: tuple[str, str]
) -> None:
    cards = summarise(read_run(RunFolder(labels=labels).write(tmp_path / "run"))).clusters
    for card, begins in zip(cards, lead, strict=False):
        assert card.line.replace("\u00a0", " ").startswith(begins + "40 rows")


# --- what settings do to a cluster --------------------------------------------------------------------------------


def track(
    name: str, fate: str, recurrence: float, pieces: int = 1, partners: tuple[int, ...] = ()
) -> dict[str, object]:
    return {"configuration": name, "fate": fate, "recurrence": recurrence, "pieces": pieces, "partners": list(partners)}


def test_the_worst_setting_of_each_fate_is_named_and_the_others_counted() -> None:
    tracks = pd.DataFrame(
        [
            track(T30, "kept", 0.9),
            track(U15B, "merged", 0.2, partners=(3, 1)),
            track(T5, "merged", 0.3, partners=(4,)),
            track(T5, "split", 0.5, pieces=2),
            track(U15B, "lost", 0.1),
        ]
    )
    names = {1: ClusterName(1, "digit", "8", 0.59), 3: ClusterName(3)}
    assert spell_fates(tracks, names) == (
        f"{U15B_TOLD} merges it with digit 8 (59\u00a0%) and cluster 3 (1 more setting merges it, too); "
        f"{T5_TOLD} splits it in 2; {U15B_TOLD} loses it."
    )


def test_many_partners_are_counted_and_one_is_no_plural() -> None:
    many = pd.DataFrame([track(T5, "merged", 0.1, partners=(1, 2, 3, 4))])
    assert spell_fates(many, {}) == f"{T5_TOLD} merges it with 4 other clusters."
    assert spell_fates(many.assign(partners=[[7]]), {}) == f"{T5_TOLD} merges it with cluster 7."


def test_a_cluster_that_all_keep_is_told_so(summary: Summary) -> None:
    assert [card.fates for card in summary.clusters] == [
        "Most pictures of every setting keep it.",
        f"{T5_TOLD} splits it in 2.",
        f"{T5_TOLD} merges it with cluster c1 (5 more settings merge it, too).",
    ]


# --- the fewest pictures ------------------------------------------------------------------------------------------


def test_the_smallest_set_names_its_pictures_and_what_none_shows(summary: Summary) -> None:
    assert summary.smallest is not None
    assert summary.smallest.sentence == (
        "One picture shows every cluster that any picture shows, 2 of 3: t-SNE, perplexity\u00a030, seed 0. "
        "No picture shows cluster c2."
    )
    ((panel, told),) = summary.smallest.pictures
    assert (panel.cell, told) == (cell_id(T30, 0), "cluster c0 and c1")


def test_two_pictures_together_show_all(run: Run) -> None:
    chosen = [{"cell": cell_id(T30, 0), "clusters": [0, 1]}, {"cell": cell_id(T5, 1), "clusters": [2]}]
    found = summarise(replace(run, manifest={**run.manifest, "smallest_set": chosen})).smallest
    assert found is not None
    assert found.sentence.startswith("2 pictures together show every cluster that any picture shows, 3 of 3: ")
    assert "No picture" not in found.sentence
    assert summarise(replace(run, manifest={**run.manifest, "smallest_set": []})).smallest is None


# --- text ---------------------------------------------------------------------------------------------------------


def test_a_fast_run_says_so_first(tmp_path: Path, summary: Summary) -> None:
    fast = summary_of(tmp_path, RunFolder(fast=True))
    assert (fast.notice, summary.notice) == (FAST, "")
    assert to_lines(fast)[0] == FAST
    assert to_markdown(fast).splitlines()[0] == FAST
    assert to_markdown(summary).startswith("# ")


def test_markdown_and_terminal_list_every_cluster_verdict_first(tested: Summary) -> None:
    assert sum(line.startswith("● REAL: cluster ") and " rows, " in line for line in to_lines(tested)) == 2
    assert sum(line.startswith("* ○ ARTEFACT: cluster ") for line in to_markdown(tested).splitlines()) == 1


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (0.0, "p < .001"),
        (0.00099, "p < .001"),
        (0.003, "p = .003"),
        (0.0449, "p = .045"),
        (0.27, "p = .27"),
        (1.0, "p = 1"),
    ],
)
def test_p_values_are_written_short(p: float, told: str) -> None:
    assert spell_p(p) == told


def test_numbers_and_shares_read_as_prose() -> None:
    assert [spell_numbers(n) for n in ([4], [3, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 4])] == [
        *("4", "1 and 3", "0, 1 and 2", "0 to 3", "0, 1, 2 and 4"),
    ]
    assert [spell_share(share) for share in (0, 0.004, 0.0985, 0.0996, 0.5, 1)] == [
        *("0\u00a0%", "0.4\u00a0%", "9.8\u00a0%", "10\u00a0%", "50\u00a0%", "100\u00a0%"),
    ]


def test_a_terminal_gets_the_answer_in_few_lines_of_80_columns(tmp_path: Path, summary: Summary) -> None:
    long = RunFolder(
        verdicts=("REAL", "ARTEFACT", "UNCERTAIN"), labels={"kind": [f"{'long ' * 30}{row % 3}" for row in range(120)]}
    )
    lines = to_short_lines(summary_of(tmp_path, long))
    assert [line[:13] for line in lines[:3]] == ["● REAL 1: kin", "○ ARTEFACT 1:", "◇ UNCERTAIN 1"]
    assert lines[3].startswith("use t-SNE, perplexity 30: it keeps")
    assert len(lines) <= 6
    assert max(len(line) for line in lines) <= 80
    assert to_short_lines(summary)[0].startswith("2 of 3 clusters come back in most settings")
