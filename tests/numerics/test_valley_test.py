"""The held-out valley test: its parts by hand and against libraries, what it finds and does not, what must not matter.

Three tests are negative controls: the same path with one step made simpler has to call noise real.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import adjusted_rand_score

from steadymap.tasks.numerics.geometry.resampling import find_units
from steadymap.tasks.numerics.geometry.resampling import halves as complementary_halves
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.numerics.randomness import row_uniforms
from steadymap.tasks.numerics.selftest.synthetic import generate
from steadymap.tasks.numerics.valleys.bridges import find_bridges, nearest_along_graph
from steadymap.tasks.numerics.valleys.component_links import shortest_links
from steadymap.tasks.numerics.valleys.curved_axis import curved_axis
from steadymap.tasks.numerics.valleys.discriminant_axis import discriminant_axis, shrunk_covariance
from steadymap.tasks.numerics.valleys.jitter import jitter_columns, resolutions, untie
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph, fragments, latent_graph
from steadymap.tasks.numerics.valleys.merge_tree import merge_tree
from steadymap.tasks.numerics.valleys.sample_splitting import SampleSplit, split_sample
from steadymap.tasks.numerics.valleys.valley import Valley
from steadymap.tasks.numerics.verdicts.combine_splits import (
    SplitOutcome,
    agreed_clusters,
    cluster_evidence,
    combine_p_values,
)
from steadymap.tasks.numerics.verdicts.given_partition import holm, run_partition_test
from steadymap.tasks.numerics.verdicts.split_test import Node, SplitTest, run_split_test


def drawn(family: str, rows: int = 2000, dimensions: int = 32, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return vectors in canonical order, their keys, the truth and the groups (zeros if there are none)."""
    data = generate(family, rows, dimensions, seed)
    keys = row_keys(data.vectors)
    order = canonical_order(data.vectors, keys)
    groups = np.zeros(rows, dtype=int) if data.groups is None else data.groups
    return data.vectors[order], keys[order], data.truth[order], groups[order]


def discovery_rows(keys: np.ndarray, number: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Return True for the rows of the first half of a pair, groups kept whole."""
    units = find_units(keys, None if groups is None else [str(group) for group in groups])
    return np.isin(np.arange(len(keys)), complementary_halves(units, number)[0])


def halves_of(vectors: np.ndarray, keys: np.ndarray, discovery: np.ndarray) -> SampleSplit:
    return split_sample(vectors[discovery], vectors[~discovery], keys[discovery], keys[~discovery])


def k_means(points: np.ndarray, count: int) -> np.ndarray:
    return KMeans(count, n_init=1, random_state=0).fit_predict(points).astype(np.int64)


def split(family: str, pieces: int = 12, **shape: int) -> tuple[SampleSplit, np.ndarray, np.ndarray]:
    """Return halves, candidates and the truth of the discovery rows."""
    vectors, keys, truth, _ = drawn(family, **shape)
    discovery = discovery_rows(keys, 0)
    return halves_of(vectors, keys, discovery), k_means(vectors[discovery], pieces), truth[discovery]


def line(count: int, step: float = 1.0) -> LatentGraph:
    """Return a chain of rows; all reachabilities differ."""
    first = np.arange(count - 1)
    return LatentGraph(first, first + 1, np.full(count - 1, step), step + first / 100, count)


# Parts


def test_the_graph_is_that_of_the_neighbours_and_in_one_piece() -> None:
    generator = np.random.default_rng(0)
    points = (generator.standard_normal((90, 3)) + 40 * (np.arange(90) % 3)[:, None]).astype(np.float32)
    graph = latent_graph(points, 5)
    distances = cdist(points, points)
    core = np.sort(distances, axis=1)[:, 5]
    nearest = np.argsort(distances, axis=1)[:, 1:6]
    expected = {tuple(sorted((row, int(other)))) for row in range(90) for other in nearest[row]}
    edges = set(zip(graph.first.tolist(), graph.second.tolist(), strict=True))
    assert expected <= edges
    assert len(edges - expected) == 2  # three components, two links
    np.testing.assert_allclose(graph.length, distances[graph.first, graph.second], rtol=1e-5)
    mutual = np.maximum(graph.length, np.maximum(core[graph.first], core[graph.second]))
    np.testing.assert_allclose(graph.reachability, mutual, rtol=1e-5)
    assert fragments(graph, np.zeros(90, dtype=int)).max() == 0


def test_links_are_the_closest_pairs_of_a_spanning_tree() -> None:
    points = np.random.default_rng(1).standard_normal((60, 2)).astype(np.float32)
    component = np.arange(60) % 4
    links = shortest_links(points, component)
    distances = cdist(points, points)
    closest = np.array([[distances[component == a][:, component == b].min() for b in range(4)] for a in range(4)])
    sides = component[links]
    np.testing.assert_allclose(distances[tuple(links.T)], closest[tuple(sides.T)], rtol=1e-6)
    joined = np.zeros((4, 4))
    joined[tuple(sides.T)] = 1
    assert connected_components(joined, directed=False)[0] == 1
    assert shortest_links(points, np.zeros(60, dtype=int)).shape == (0, 2)


def test_fragments_bridges_and_walks_by_hand() -> None:
    graph = line(8)
    labels = np.array([7, 7, 2, 2, 2, 7, 7, 7])
    np.testing.assert_array_equal(fragments(graph, labels), [0, 0, 1, 1, 1, 2, 2, 2])
    bridges = find_bridges(graph, labels)
    # Edges 1–2 and 4–5 cross; the first has the smaller reachability, and label 2 comes before 7.
    assert list(bridges) == [(2, 7)]
    assert (bridges[2, 7].start, bridges[2, 7].end) == (2, 1)
    np.testing.assert_array_equal(nearest_along_graph(graph, labels, 2, 2), [2, 3])
    np.testing.assert_array_equal(nearest_along_graph(graph, labels, 1, 9), [0, 1])  # the way to rows 5 to 7 is closed
    assert find_bridges(graph, np.where(labels == 2, -1, labels)) == {}


def test_shrunk_covariance_equals_scikit_learn() -> None:
    for rows, dimensions in ((40, 50), (400, 30), (25, 1)):
        points = np.random.default_rng(rows).standard_normal((rows, dimensions)) * np.arange(1, dimensions + 1)
        expected, _ = ledoit_wolf(points, assume_centered=True)
        np.testing.assert_allclose(shrunk_covariance(points), expected, rtol=1e-9, atol=1e-9)


def test_the_discriminant_axis_weighs_the_difference_by_the_spread() -> None:
    generator = np.random.default_rng(2)
    wide = generator.standard_normal((4000, 2)) * [10, 1]
    axis = discriminant_axis(wide, wide + np.ones(2))
    assert np.linalg.norm(axis) == pytest.approx(1)
    assert abs(axis[0]) < 0.02  # Fisher: (1/100, 1) but for the shrinkage; the plain difference would be (1, 1)
    np.testing.assert_array_equal(discriminant_axis(wide, wide), [0, 0])


def test_an_arc_is_unbent_and_a_blob_left_alone() -> None:
    angle = np.linspace(-0.7, 0.7, 400)
    arc = np.column_stack([2 * np.sin(angle), 2 * np.cos(angle)])
    axis = curved_axis(arc[:200], arc[200:])
    assert axis.turning == pytest.approx(np.degrees(1.4), rel=0.15)  # a parabola turns less than the circle it fits
    steps = np.diff(axis.positions(arc.astype(np.float32)))
    straight = np.diff(arc @ axis.axis)
    assert steps.std() / steps.mean() < 0.4 * straight.std() / straight.mean()  # the pile-up at both ends is gone
    blob = np.random.default_rng(3).standard_normal((4000, 5)).astype(np.float32)
    even = curved_axis(blob[blob[:, 0] < 0], blob[blob[:, 0] > 0])
    assert np.corrcoef(even.positions(blob), blob @ even.axis)[0, 1] > 0.999


def test_lattices_are_jittered_within_their_resolution_and_nothing_else_is() -> None:
    generator = np.random.default_rng(5)
    columns = [3 * generator.integers(0, 5, 400), generator.standard_normal(400), np.zeros(400)]
    vectors = np.column_stack(columns).astype(np.float32)
    keys = row_keys(generator.standard_normal((400, 1)).astype(np.float32))
    gaps = resolutions(vectors)
    np.testing.assert_array_equal(gaps, [3, 0, 0])
    jittered = jitter_columns(vectors, gaps, keys)
    np.testing.assert_array_equal(jittered[:, 1:], vectors[:, 1:])
    assert np.abs(jittered - vectors).max() <= 1.5
    assert len(np.unique(jittered[:, 0])) > 390
    order = generator.permutation(400)
    np.testing.assert_array_equal(jitter_columns(vectors[order], gaps, keys[order]), jittered[order])
    values = np.array([0.0, 1, 1, 3])
    moved = untie(values, keys[:4])
    assert moved[0] == 0
    assert moved[3] == 3
    assert 0 < abs(moved[1] - moved[2]) <= 1


def test_uniforms_belong_to_rows() -> None:
    keys = row_keys(np.random.default_rng(6).standard_normal((20_000, 2)).astype(np.float32))
    drawn_once = row_uniforms(keys, "a")
    assert drawn_once.min() >= 0
    assert drawn_once.max() < 1
    assert np.histogram(drawn_once, 10, (0, 1))[0] == pytest.approx(2000, abs=200)
    assert abs(np.corrcoef(drawn_once, row_uniforms(keys, "b"))[0, 1]) < 0.03


def test_copies_are_merged_within_and_across_halves() -> None:
    points = np.arange(12, dtype=np.float32).reshape(6, 2) ** 1.5
    keys = row_keys(points)
    discovery, held_out = np.array([0, 0, 1, 2, 1]), np.array([3, 2, 4, 4])
    halves = split_sample(points[discovery], points[held_out], keys[discovery], keys[held_out])
    np.testing.assert_array_equal(halves.discovery, points[:3])
    np.testing.assert_array_equal(halves.held_out, points[3:5])
    np.testing.assert_array_equal(halves.copies, [0, 0, 1, 2, 1])
    np.testing.assert_array_equal(halves.kept, [0, 2, 3])
    np.testing.assert_array_equal(halves.nearest, [2, 2])
    with pytest.raises(ValueError, match="0 held out"):
        split_sample(points, points[:2], keys, keys[:2])


def test_the_reduction_is_fitted_on_discovery_rows() -> None:
    vectors, keys, _, _ = drawn("gauss_aniso", 300, 80)
    halves = split_sample(vectors[:200], vectors[200:], keys[:200], keys[200:])
    other = split_sample(vectors[:200], vectors[250:], keys[:200], keys[250:])
    assert halves.discovery.shape == (200, 50)
    np.testing.assert_array_equal(halves.discovery, other.discovery)
    np.testing.assert_array_equal(halves.held_out[50:], other.held_out)


def test_the_tree_merges_a_cut_blob_before_two_blobs() -> None:
    vectors, _, truth, _ = drawn("two_5", 800, 6)
    graph = latent_graph(vectors)
    pieces = 2 * truth + (vectors @ np.ones(6) > np.median(vectors @ np.ones(6)))
    tree = merge_tree(vectors, graph, pieces, np.ones(800, dtype=np.int64))
    assert len(tree.merges) == tree.fragments.max()
    top = tree.sides(tree.merges[-1])
    assert adjusted_rand_score(top, truth) > 0.95
    assert min(top) == 0  # everything is below the root
    assert tree.fragments_below(2 * len(tree.merges)) == list(range(len(tree.merges) + 1))


# What it finds


@pytest.mark.parametrize(("family", "pieces"), [("gauss_iso", 5), ("gauss_elong", 12), ("arc", 8), ("swiss", 12)])
def test_nothing_is_separated_where_nothing_is_real(family: str, pieces: int) -> None:
    halves, candidates, _ = split(family, pieces)
    found = run_split_test(halves, candidates)
    assert len(found.nodes) >= pieces - 1
    assert found.clusters.max() == 0
    assert found.p_values[0] > 0.05


@pytest.mark.parametrize(("family", "clusters"), [("two_5", 2), ("blobs5_6", 5), ("moons", 2), ("rare", 2)])
def test_what_is_real_is_found(family: str, clusters: int) -> None:
    halves, candidates, truth = split(family)
    found = run_split_test(halves, candidates)
    assert found.clusters.max() + 1 == clusters
    assert adjusted_rand_score(truth, found.clusters) > 0.9
    assert max(found.p_values) <= 0.05
    depths = [node.valley.depth for node in found.nodes if node.p <= 0.05]
    assert all(depth is not None and depth.value < 0.7 for depth in depths)


def test_integers_are_no_clusters() -> None:
    vectors = np.round(1.2 * drawn("gauss_iso", 2000, 3)[0])
    keys = row_keys(drawn("gauss_iso", 2000, 3)[0])
    discovery = discovery_rows(keys, 0)
    halves = halves_of(vectors, keys, discovery)
    assert len(halves.discovery) < discovery.sum()
    assert run_split_test(halves, k_means(vectors[discovery], 6)).clusters.max() == 0


def test_p_values_follow_from_the_nodes() -> None:
    halves, candidates, _ = split("blobs5_5")
    found = run_split_test(halves, candidates)
    rows = len(halves.discovery)
    assert tuple(node.p for node in found.nodes) == holm(
        [node.valley.p for node in found.nodes], [node.weight for node in found.nodes]
    )
    for node in found.nodes:
        assert node.rows == np.isin(found.fragments[halves.kept], node.fragments).sum() == node.valley.rows[0]
        # Against everything else, or its sibling where that is less clear.
        assert sum(node.valley.rows) <= rows
    assert any(sum(node.valley.rows) == rows for node in found.nodes)
    assert run_split_test(halves, candidates, alpha=0).clusters.max() == 0
    assert set(found.p_values) <= {node.p for node in found.nodes}
    sets, p_values = found.claims()
    assert len(sets) == len(p_values) == len(found.p_values) + 2 * len(found.nodes)
    for cluster, p in enumerate(found.p_values):
        assert p <= 0.05
        assert np.array_equal(sets[cluster][found.fragments], found.clusters == cluster)


def test_what_a_boundary_that_stands_lies_above_is_found_all_the_same() -> None:
    """Two blobs that run into each other, and two that stand off: the first boundary hides neither of the others."""
    generator = np.random.default_rng(12)
    centres = np.array([[0, 0], [1.5, 0], [9, 0], [9, 12]])
    blob = np.repeat(np.arange(4), 250)
    vectors = (centres[blob] + generator.standard_normal((1000, 2))).astype(np.float32)
    keys = row_keys(vectors)
    order = canonical_order(vectors, keys)
    vectors, keys, blob = vectors[order], keys[order], blob[order]
    discovery = discovery_rows(keys, 0)
    found = run_split_test(halves_of(vectors, keys, discovery), blob[discovery])
    expected = np.maximum(blob[discovery], 1)
    assert adjusted_rand_score(expected, found.clusters) > 0.97
    assert found.clusters.max() + 1 == 3


def test_a_side_that_is_too_small_is_not_tested_and_hides_nothing() -> None:
    vectors, _, truth, _ = drawn("two_5")
    vectors[:12] += 60  # far away, and 6 rows a half
    keys = row_keys(vectors)
    order = canonical_order(vectors, keys)
    vectors, keys, truth = vectors[order], keys[order], truth[order]
    discovery = discovery_rows(keys, 0)
    halves = halves_of(vectors, keys, discovery)
    far = (vectors[discovery].mean(axis=1) > 30).astype(np.int64)
    found = run_split_test(halves, np.where(far, 2, truth[discovery]))
    assert found.clusters.max() == 1
    assert all(node.rows != far.sum() for node in found.nodes)
    assert min(node.rows for node in found.nodes) >= 10


def test_fifteen_rows_a_half_are_enough_where_they_are_far_off() -> None:
    vectors, _, truth, _ = drawn("two_5")
    vectors[:30] += 60
    keys = row_keys(vectors)
    order = canonical_order(vectors, keys)
    vectors, keys, truth = vectors[order], keys[order], truth[order]
    discovery = discovery_rows(keys, 0)
    far = (vectors[discovery].mean(axis=1) > 30).astype(np.int64)
    found = run_split_test(halves_of(vectors, keys, discovery), np.where(far, 2, truth[discovery]))
    assert found.clusters.max() == 2
    assert len(set(found.clusters[far > 0].tolist())) == 1


def test_one_piece_is_one_cluster_without_evidence_and_missing_rows_are_refused() -> None:
    halves, candidates, _ = split("gauss_iso", 2, rows=400, dimensions=4)
    alone = run_split_test(halves, np.zeros_like(candidates))
    assert (alone.p_values, alone.nodes) == ((1.0,), ())
    with pytest.raises(ValueError, match="smallest -1"):
        run_split_test(halves, candidates - 1)
    with pytest.raises(ValueError, match="3 candidates"):
        run_split_test(halves, candidates[:3])


# What must not matter


def test_names_of_pieces_order_of_held_out_rows_and_repetition_change_nothing() -> None:
    vectors, keys, _, _ = drawn("blobs5_6", 1200, 8)
    discovery = discovery_rows(keys, 0)
    pieces = k_means(vectors[discovery], 9)
    base = run_split_test(halves_of(vectors, keys, discovery), pieces)
    assert run_split_test(halves_of(vectors, keys, discovery), pieces) is not base
    renamed = run_split_test(halves_of(vectors, keys, discovery), 100 - 7 * pieces)
    assert renamed.nodes == base.nodes
    np.testing.assert_array_equal(renamed.clusters, base.clusters)
    order = np.random.default_rng(0).permutation(np.flatnonzero(~discovery))
    moved = split_sample(vectors[discovery], vectors[order], keys[discovery], keys[order])
    assert run_split_test(moved, pieces).nodes == base.nodes


def test_rotation_and_scale_change_no_decision() -> None:
    vectors, keys, _, _ = drawn("uneven", 1200, 8)
    discovery = discovery_rows(keys, 0)
    pieces = k_means(vectors[discovery], 8)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))[0]
    turned = (100 * vectors @ turn).astype(np.float32)
    base, other = (run_split_test(halves_of(points, keys, discovery), pieces) for points in (vectors, turned))
    np.testing.assert_array_equal(base.clusters, other.clusters)
    np.testing.assert_allclose(base.p_values, other.p_values, rtol=0.01)


# Several splits, given clusters


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


def test_holm_by_hand() -> None:
    assert holm((0.01, 0.04, 0.03)) == pytest.approx((0.03, 0.06, 0.06))
    assert holm((0.9, 0.6)) == (1.0, 1.0)
    # Weights 3 and 1: the second test has a quarter of the level, and all of it once the first is rejected.
    assert holm((0.01, 0.03), (3, 1)) == pytest.approx((0.01 * 4 / 3, 0.03))
    assert holm((0.5, 0.01), (3, 1)) == pytest.approx((0.5, 0.04))


def test_given_clusters_say_which_run_into_which() -> None:
    halves, _, truth = split("uneven")
    halved = np.where((truth == 0) & (halves.discovery[halves.copies] @ np.ones(32) > 0), 3, truth)
    found = run_partition_test(halves, halved)
    separated = [p <= 0.05 for p in found.adjusted]
    assert separated == [False, True, True, False]  # cluster 0 was cut in two
    assert found.runs_into(0) == (3,)
    assert found.runs_into(1) == ()
    assert max(found.p_values[1:3]) <= 0.05
    alone = run_partition_test(halves, np.zeros_like(truth))
    assert (alone.p_values, alone.pairs) == ((1.0,), ())


# Negative controls: made simpler, the test calls noise real


def test_control_an_in_sample_dip_calls_a_gaussian_clustered() -> None:
    rejected = {"held out": 0, "in sample": 0}
    for seed in range(6):
        halves, candidates, _ = split("gauss_iso", 2, seed=seed, rows=800, dimensions=64)
        peeking = replace(
            halves,
            held_out=halves.discovery,
            held_out_keys=halves.discovery_keys,
            nearest=np.arange(len(halves.discovery)),
        )
        rejected["held out"] += run_split_test(halves, candidates).clusters.max() > 0
        rejected["in sample"] += run_split_test(peeking, candidates).clusters.max() > 0
    assert rejected["held out"] == 0
    assert rejected["in sample"] >= 3


def test_control_dropped_noise_makes_clusters_of_a_sheet() -> None:
    rejected = {"kept": 0, "dropped": 0}
    for seed in range(3):
        vectors, keys, _, _ = drawn("unif_cube2", 4000, 4, seed)
        cores = HDBSCAN(min_cluster_size=60, min_samples=30, cluster_selection_method="leaf", copy=True).fit_predict(
            vectors
        )
        discovery = discovery_rows(keys, 0)
        filled = nearest_core(vectors, cores)
        rejected["kept"] += run_split_test(halves_of(vectors, keys, discovery), filled[discovery]).clusters.max() > 0
        dense = cores >= 0
        halves = halves_of(vectors[dense], keys[dense], discovery[dense])
        rejected["dropped"] += run_split_test(halves, filled[dense & discovery]).clusters.max() > 0
    assert rejected["kept"] == 0
    assert rejected["dropped"] >= 2


def nearest_core(vectors: np.ndarray, cores: np.ndarray) -> np.ndarray:
    members = np.flatnonzero(cores >= 0)
    return cores[members[cdist(vectors, vectors[members]).argmin(axis=1)]].astype(np.int64)


def test_control_a_random_split_of_sessions_calls_sessions_clusters() -> None:
    rejected = {"by session": 0, "at random": 0}
    for seed in range(2):
        vectors, keys, _, sessions = drawn("grouped", 2400, 32, seed)
        for name, groups in (("by session", sessions), ("at random", None)):
            discovery = discovery_rows(keys, 0, groups)
            pieces = k_means(vectors[discovery], 40)
            rejected[name] += run_split_test(halves_of(vectors, keys, discovery), pieces).clusters.max() > 0
    assert rejected["by session"] == 0
    assert rejected["at random"] == 2
