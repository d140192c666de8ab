"""What the held-out test is made of, by hand and against libraries: graph, bridges, axes, jitter, halves, tree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import adjusted_rand_score

from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.randomness import row_uniforms
from steadymap.tasks.numerics.valleys.bridges import Bridge, find_bridges, nearest_along_graph, reach_along_graph
from steadymap.tasks.numerics.valleys.component_links import shortest_links
from steadymap.tasks.numerics.valleys.curved_axis import curved_axis
from steadymap.tasks.numerics.valleys.discriminant_axis import discriminant_axis, shrunk_covariance
from steadymap.tasks.numerics.valleys.jitter import jitter_columns, resolutions, untie
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph, fragments, latent_graph
from steadymap.tasks.numerics.valleys.merge_tree import bridge_patch, even_patch, merge_tree
from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
from steadymap.tasks.numerics.valleys.valley import view_evenly
from tests.numerics.halves import drawn, line


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


def test_a_patch_reaches_equally_far_on_both_sides() -> None:
    # Fifty rows a tenth apart, then five a whole one apart.
    length = np.array([0.1] * 49 + [1.0] * 5)
    graph = LatentGraph(np.arange(54), np.arange(1, 55), length, length, 55)
    labels = np.repeat([0, 1], [50, 5])
    bridge = Bridge(1.0, 1.0, 49, 50)
    assert [len(side) for side in bridge_patch(graph, labels, bridge, 2)] == [2, 2]
    assert (reach_along_graph(graph, labels, 49, 2), reach_along_graph(graph, labels, 50, 2)) == (0.1, 1.0)
    # As far as two of the sparse rows: 10 or 11 of the dense ones, as rounding has it.
    dense, sparse = even_patch(graph, labels, bridge, 2)
    assert (len(dense) in (10, 11), dense[-1], sparse.tolist()) == (True, 49, [50, 51])
    dense, sparse = even_patch(graph, labels, bridge, 2, farther=False)
    assert (dense.tolist(), sparse.tolist()) == ([48, 49], [50])
    # No more than twelve times as many: where all of them are at one place, 24 of the 50.
    at_once = replace(graph, length=np.r_[np.zeros(49), length[49:]])
    assert [len(side) for side in even_patch(at_once, labels, bridge, 2)] == [24, 2]


def test_where_the_ground_is_bent_an_even_patch_reaches_no_farther_than_the_denser_side() -> None:
    # Along a circle, 400 rows on its first 40 degrees, 100 on the next 150.
    generator = np.random.default_rng(0)
    angle = np.radians(np.r_[np.sort(generator.uniform(0, 40, 800)), np.sort(generator.uniform(40, 190, 200))])
    points = np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    keys = row_keys(points)
    halves = split_sample(points[::2], points[1::2], keys[::2], keys[1::2])
    graph, sides = latent_graph(halves.discovery), np.repeat([0, 1], [400, 100])
    bridge = find_bridges(graph, sides)[0, 1]
    dense, sparse = even_patch(graph, sides, bridge, 100)
    assert (len(dense), len(sparse)) == (400, 100)
    look = view_evenly(halves, graph, sides, bridge, 100)
    assert look.straight
    assert (len(look.patch[0]), len(look.patch[1]) < 10) == (100, True)


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
