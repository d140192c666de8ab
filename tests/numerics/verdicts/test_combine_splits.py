"""What several splits say together: p-values, matches, and which candidates are one cluster."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.valleys.valley import Valley
from steadymap.tasks.numerics.verdicts.combine_splits import (
    SplitOutcome,
    agreed_clusters,
    cluster_evidence,
    combine_p_values,
)
from steadymap.tasks.numerics.verdicts.split_test import Node, SplitTest, run_split_test
from tests.numerics.halves import discovery_rows, drawn, halves_of, k_means


def outcome(discovery: list[int], clusters: list[int], p_values: tuple[float, ...]) -> SplitOutcome:
    labels = np.array(clusters)
    return SplitOutcome(np.array(discovery, dtype=bool), SplitTest(labels, p_values, labels, ()))


def test_splits_are_combined_by_a_third_of_them() -> None:
    assert combine_p_values([0.01, 0.5, 0.02, 1.0, 0.001]) == pytest.approx(5 / 2 * 0.01)
    assert combine_p_values([0.01, 0.04, 0.02, 1.0]) == pytest.approx(4 / 2 * 0.02)
    assert combine_p_values([1.0, 1.0, 0.002, 1.0, 0.004, 1.0]) == pytest.approx(3 * 0.004)
    assert combine_p_values([0.7, 0.9, 0.8]) == 1
    assert combine_p_values([0.03]) == 0.03


def test_published_clusters_are_matched_by_jaccard() -> None:
    published = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    same = outcome([1, 1, 1, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1], (0.01, 0.02))
    merged = outcome([1] * 8, [0] * 8, (0.6,))  # Jaccard ½ with either: matched, with a p-value above α
    split_up = outcome([1] * 8, [0, 1, 2, 3, 4, 4, 4, 5], (0.001,) * 6)
    found = cluster_evidence(published, [same, merged, split_up])
    assert found[0].split_p == (0.01, 0.6, 1.0)
    assert found[0].jaccard == (1.0, 0.5, 0.25)
    assert found[0].unmatched == 1
    assert found[1].split_p == (0.02, 0.6, 0.001)
    assert found[1].p == pytest.approx(3 * 0.001)
    absent = cluster_evidence(published, [outcome([1, 1, 1, 1, 0, 0, 0, 0], [0] * 4, (0.01,))])
    assert absent[1].split_p == (1.0,)


def test_a_node_that_the_cut_passes_over_is_a_claim_as_well_and_so_is_what_it_leaves() -> None:
    ground = Valley((4, 4), (4, 4), (4, 4), 0.1, None, 0.2, None, None)
    labels = np.arange(8)
    nodes = (Node((0, 1, 2, 3), 4, ground, 1, 0.2), Node((0, 1, 2, 3, 4, 5), 6, ground, 1, 0.07))
    split = SplitOutcome(np.ones(8, dtype=bool), SplitTest(np.zeros(8, dtype=int), (1.0,), labels, nodes))
    found = cluster_evidence(np.repeat([0, 1], 4), [split])
    assert [one.split_p for one in found] == [(0.2,), (0.2,)]
    assert cluster_evidence(np.repeat([0, 1], [6, 2]), [split])[1].split_p == (0.07,)
    # Of two sets that are as good as the cluster, the better proof counts: 4 and 5 of its rows in one more or less.
    near = (Node((0, 1, 2, 3), 4, ground, 1, 0.2), Node((0, 1, 2, 3, 4), 5, ground, 1, 0.01))
    both = SplitOutcome(np.ones(8, dtype=bool), SplitTest(np.zeros(8, dtype=int), (1.0,), labels, near))
    assert cluster_evidence(np.repeat([0, 1], 4), [both])[0].split_p == (0.01,)


def test_pieces_are_merged_where_two_thirds_of_the_splits_keep_them_together() -> None:
    pieces = np.array([0, 0, 1, 1, 2, 2])
    apart = outcome([1] * 6, [0, 0, 1, 1, 2, 2], (0.01,) * 3)
    joined = outcome([1] * 6, [0, 0, 0, 0, 1, 1], (0.01,) * 2)
    np.testing.assert_array_equal(agreed_clusters(pieces, [apart, joined, joined, joined]), [0, 0, 0, 0, 1, 1])
    # A third of the splits is enough for a proof, unless it proves nothing.
    np.testing.assert_array_equal(agreed_clusters(pieces, [apart, joined, joined]), [0, 0, 1, 1, 2, 2])
    weak = outcome([1] * 6, [0, 0, 1, 1, 2, 2], (0.9, 0.9, 0.01))
    unclear = outcome([1] * 6, [0, 0, 0, 0, 1, 1], (0.9, 0.01))
    np.testing.assert_array_equal(agreed_clusters(pieces, [weak, unclear, unclear]), [0, 0, 0, 0, 1, 1])


def test_a_piece_across_a_border_does_not_chain_both_sides_together() -> None:
    pieces = np.repeat([0, 1, 2], [8, 2, 8])
    left = outcome([1] * 18, [0] * 10 + [1] * 8, (0.01,) * 2)
    right = outcome([1] * 18, [0] * 8 + [1] * 10, (0.01,) * 2)
    agreed = agreed_clusters(pieces, [left, right])
    assert len(np.unique(agreed)) == 2
    assert agreed[0] != agreed[-1]


def test_five_splits_agree_on_blobs_and_call_nothing_real_in_noise() -> None:
    for family, clusters in (("blobs5_6", 5), ("gauss_iso", 1)):
        vectors, keys, _, _ = drawn(family, 1500, 8)
        outcomes = []
        for number in range(5):
            discovery = discovery_rows(keys, number)
            pieces = k_means(vectors[discovery], 8)
            outcomes.append(SplitOutcome(discovery, run_split_test(halves_of(vectors, keys, discovery), pieces)))
        published = agreed_clusters(k_means(vectors, 8), outcomes)
        evidence = cluster_evidence(published, outcomes)
        assert len(evidence) == clusters
        assert sum(cluster.p <= 0.05 for cluster in evidence) == (clusters if clusters > 1 else 0)
