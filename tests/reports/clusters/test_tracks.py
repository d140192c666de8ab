"""Clusters through the settings: every fate in its place, recurrence by cause, and where two clusters meet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steadymap.reports.clusters.tracks import Tracks, follow_clusters
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import spell_configuration
from tests.reports.run_folder_fixture import T5, T30, U5A, U5B, U15A, U15B

T5_TOLD = "t-SNE, perplexity\u00a05"


@pytest.fixture(scope="module")
def tracks(run: Run) -> Tracks:
    found = follow_clusters(run)
    assert found is not None
    return found


def test_settings_are_grouped_by_reducer_in_the_order_of_the_grid(tracks: Tracks) -> None:
    assert tracks.clusters == (0, 1, 2)
    assert [(group.reducer, [name for name, _ in group.rows]) for group in tracks.groups] == [
        ("t-SNE", [spell_configuration(name) for name in (T5, T30)]),
        ("UMAP", [spell_configuration(name) for name in (U5A, U5B, U15A, U15B)]),
    ]


def test_a_place_tells_the_fate_in_short_and_in_words(tracks: Tracks) -> None:
    (_, at_five), (_, at_thirty) = tracks.groups[0].rows
    assert [(one.fate, one.short) for one in at_five if one] == [("kept", ""), ("split", "2"), ("merged", "c1")]
    assert [one.words for one in at_five if one] == [
        "kept in 2 of 2 pictures, recurrence 0.96",
        "split in 2 in 2 of 2 pictures, recurrence 0.80",
        "merged with cluster c1 in 2 of 2 pictures, recurrence 0.40",
    ]
    assert [one.fate for one in at_thirty if one] == ["kept", "kept", "merged"]


def test_many_partners_are_counted(run: Run) -> None:
    merged = run.tracks.assign(fate="merged", partners=[[1, 2, 3, 4]] * len(run.tracks))
    found = follow_clusters(replace(run, tracks=merged))
    assert found is not None
    assert {one.short for _, row in found.groups[0].rows for one in row if one} == {"4 others"}


def test_recurrence_is_told_by_cause_and_resamples_share_a_row(tracks: Tracks) -> None:
    assert [(cause.cause, [title for title, _ in cause.rows]) for cause in tracks.causes] == [
        ("perplexity", ["perplexity 5", "perplexity 30"]),
        ("resample", ["parts of the rows"]),
    ]
    ((_, levels),) = tracks.causes[1].rows
    # 0.96 - 0.2 and 0.96; 0.8 - 0.2 and 0.8; 0.4 - 0.2 and 0.4.
    assert [(one.recurrence, one.low, one.high) for one in levels if one] == [
        pytest.approx(told) for told in ((0.86, 0.76, 0.96), (0.7, 0.6, 0.8), (0.3, 0.2, 0.4))
    ]


def test_boundaries_are_means_over_settings_with_the_one_that_merges_most(tracks: Tracks) -> None:
    rows = dict(tracks.boundaries)
    # 0.3 once and 0.9 five times: 4.8 / 6 = 0.8.
    boundary = rows[1][2]
    assert boundary is not None
    assert (boundary.apart, boundary.least, boundary.merged_by) == (pytest.approx(0.8), 0.3, T5_TOLD)
    assert rows[2][1] == boundary
    assert rows[0][2] is None
    assert [rows[one][one] for one in (0, 1, 2)] == [None] * 3
    assert tracks.closest[0] == (
        f"Cluster c1 and c2: 80\u00a0% apart, 30\u00a0% with {T5_TOLD}; 5.0\u00a0% of their nearest neighbours lie in "
        "the other."
    )
    assert len(tracks.closest) == 2


def test_without_clusters_there_is_nothing_to_follow(run: Run) -> None:
    assert follow_clusters(replace(run, clusters=run.clusters.iloc[:0])) is None
