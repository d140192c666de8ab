"""Consensus clusters, their recurrence in pictures, and the fewest pictures that show them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from steadymap.tasks.numerics.clusters.consensus import (
    ambiguous_pairs,
    co_assignment,
    consensus_clusters,
)
from steadymap.tasks.numerics.clusters.largest_first import largest_first
from steadymap.tasks.numerics.clusters.recurrence import band_of, recover_clusters
from steadymap.tasks.numerics.clusters.set_cover import smallest_set


def line_neighbours(rows: int, k: int = 4) -> np.ndarray:
    """Return neighbours of points on a line: rows touch the k nearest."""
    distance = np.abs(np.arange(rows)[:, None] - np.arange(rows)[None, :]).astype(float)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1, kind="stable")[:, :k]


def cut_at(rows: int, *places: int) -> np.ndarray:
    return np.searchsorted(np.array(places), np.arange(rows), side="right").astype(np.int32)


def test_the_majority_of_pictures_decides_by_hand() -> None:
    # Two of three pictures cut at 6; one cuts at 9, too.
    pictures = [cut_at(12, 6), cut_at(12, 6, 9), np.zeros(12, np.int32)]
    assert consensus_clusters(pictures, line_neighbours(12), 1).tolist() == [0] * 6 + [1] * 6
    # Asked for what at least three quarters keep together, the cut at 9 counts, too.
    assert consensus_clusters(pictures, line_neighbours(12), 1, together=0.75).tolist() == [0] * 6 + [1] * 3 + [2] * 3


def test_rows_that_change_sides_do_not_chain_two_clusters_together() -> None:
    """Ten rows between two clusters go left in half of the pictures and right in the other half."""
    pictures = [cut_at(50, 20), cut_at(50, 30)] * 5
    found = consensus_clusters(pictures, line_neighbours(50), 1)
    assert found[0] != found[-1]
    assert len(np.unique(found)) == 2


def test_average_linkage_agrees_with_scipy_where_everything_touches() -> None:
    generator = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 20)
    pictures = []
    for _ in range(15):
        noisy = truth.copy()
        moved = generator.random(60) < 0.1
        noisy[moved] = generator.integers(0, 3, moved.sum())
        pictures.append(noisy.astype(np.int32))
    everyone = np.array([[other for other in range(60) if other != row] for row in range(60)])
    together = np.mean([one[:, None] == one[None, :] for one in pictures], axis=0)
    tree = linkage(squareform(1 - together, checks=False), "average")
    expected = largest_first(fcluster(tree, 0.5, "distance").astype(np.int64))
    assert np.array_equal(consensus_clusters(pictures, everyone, 1), expected)


def test_a_group_that_grows_keeps_every_group_that_it_touched() -> None:
    """Three leaves touch a hub and not one another; each picture sets another leaf apart."""
    groups = np.repeat([0, 1, 2, 3], 3)
    next_in_group = np.array([1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11, 9])
    across = np.array([9, 1, 2, 10, 4, 5, 11, 7, 8, 0, 3, 6])  # a row of each leaf and one of the hub, which comes last
    near = np.column_stack([next_in_group, next_in_group[next_in_group], across])
    pictures = [np.where(groups == leaf, 1, 0).astype(np.int32) for leaf in (0, 1, 2)]
    assert consensus_clusters(pictures, near, 1, together=0.3).tolist() == [0] * 12
    # A leaf is with the hub in two of three pictures, with another leaf in one of three.
    assert len(np.unique(consensus_clusters(pictures, near, 1, together=0.9))) == 4


def test_names_of_islands_and_order_of_pictures_do_not_matter_but_islands_do() -> None:
    pictures = [cut_at(40, 10, 25), cut_at(40, 12, 25), cut_at(40, 25)]
    near = line_neighbours(40)
    found = consensus_clusters(pictures, near, 3)
    renamed = [(7 - one).astype(np.int32) for one in reversed(pictures)]
    assert np.array_equal(consensus_clusters(renamed, near, 3), found)
    assert not np.array_equal(consensus_clusters([cut_at(40, 20)] * 3, near, 3), found)


def test_small_groups_go_to_the_one_they_are_most_often_with() -> None:
    pictures = [cut_at(30, 14, 16), cut_at(30, 16), cut_at(30, 14, 16)]
    assert len(np.unique(consensus_clusters(pictures, line_neighbours(30), 1))) == 3
    found = consensus_clusters(pictures, line_neighbours(30), 5)
    assert found.tolist() == [0] * 16 + [1] * 14


def test_co_assignment_and_ambiguous_pairs_by_hand() -> None:
    pictures = [np.array([0, 0, 1, 1], np.int32), np.array([0, 0, 0, 1], np.int32)]
    assert co_assignment(pictures, np.array([0, 0, 2]), np.array([1, 2, 3])).tolist() == [1, 0.5, 0.5]
    # Of six pairs (01), (02), (03), (12), (13), (23): 1, .5, 0, .5, 0, .5.
    assert ambiguous_pairs(pictures).share == pytest.approx(3 / 6)
    assert ambiguous_pairs([pictures[0]] * 4).share == 0


def test_ambiguous_pairs_of_many_rows_are_within_their_error_of_all_pairs() -> None:
    pictures = [cut_at(3000, place) for place in (600, 1000, 1500)]
    exact = np.mean(
        [
            0.1 < shared < 0.9
            for a in range(0, 3000, 20)
            for shared in np.mean([one[a] == np.delete(one, a) for one in pictures], axis=0)
        ]
    )
    found = ambiguous_pairs(pictures)
    assert found.pairs == 1_000_000
    assert found.share == pytest.approx(exact, abs=0.01)
    assert 0 < found.stderr < 0.001


def test_a_cluster_is_kept_split_merged_or_lost() -> None:
    clusters = np.repeat([0, 1, 2, 3], 20)
    islands = np.concatenate(
        [
            np.repeat(0, 20),  # kept
            np.repeat([1, 2], 10),  # split
            np.repeat(3, 20),  # kept
            np.repeat([0, 1, 2, 3], 3),  # scattered over the islands of the others
            np.repeat(4, 8),
        ]
    ).astype(np.int32)
    found = recover_clusters(clusters, islands, 4)
    assert found.fates == ("kept", "split", "kept", "lost")
    assert found.pieces.tolist() == [1, 2, 1, 1]
    merged = recover_clusters(np.repeat([0, 1], 20), np.zeros(40, np.int32), 2)
    assert merged.fates == ("merged", "merged")
    assert merged.partners == ((1,), (0,))
    assert merged.jaccard.tolist() == [0.5, 0.5]


def test_jaccard_and_apart_against_their_definitions() -> None:
    generator = np.random.default_rng(1)
    clusters, islands = generator.integers(0, 4, 200), generator.integers(0, 5, 200).astype(np.int32)
    found = recover_clusters(clusters, islands, 4)
    for cluster in range(4):
        members = set(np.flatnonzero(clusters == cluster))
        sets = [set(np.flatnonzero(islands == island)) for island in range(5)]
        assert found.jaccard[cluster] == pytest.approx(max(len(members & s) / len(members | s) for s in sets))
        for other in range(4):
            pairs = islands[clusters == cluster][:, None] != islands[clusters == other][None, :]
            assert found.apart()[cluster, other] == pytest.approx(pairs.mean())


def test_a_cluster_without_rows_in_a_picture_is_no_evidence() -> None:
    found = recover_clusters(np.array([0, 0, 2]), np.array([0, 0, 1], np.int32), 3)
    assert np.isnan(found.jaccard[1])
    assert found.fates == ("kept", None, "kept")


def test_bands_are_those_of_the_manual() -> None:
    assert [band_of(value) for value in (0.85, 0.849, 0.75, 0.6, 0.599)] == [
        "highly stable",
        "stable",
        "stable",
        "a pattern",
        "not to be trusted",
    ]


def test_the_smallest_set_is_smaller_than_the_greedy_one() -> None:
    # Greedy takes the five first and needs three; two are enough.
    shown = [{1, 2, 3, 4, 5}, {1, 2, 6}, {1, 2, 3, 7}, {4, 5, 6}, {7, 1}]
    assert smallest_set([{0, 1, 2, 4}, {0, 1, 3}, {2, 4, 5}]) == (1, 2)
    chosen = smallest_set(shown)
    assert set().union(*(shown[one] for one in chosen)) == {1, 2, 3, 4, 5, 6, 7}
    assert len(chosen) == 2
    assert smallest_set([]) == ()


def test_many_pictures_are_covered_greedily() -> None:
    shown = [{one, (one + 1) % 60} for one in range(60)]
    chosen = smallest_set(shown)
    assert set().union(*(shown[one] for one in chosen)) == set(range(60))
    assert len(chosen) < 45
