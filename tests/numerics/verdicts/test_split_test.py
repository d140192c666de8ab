"""The held-out test of one split: what it finds and does not, and what must not matter.

Three tests are negative controls: the same path with one step made simpler has to call noise real.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score

from steadymap.holm import holm
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
from steadymap.tasks.numerics.verdicts.split_test import run_split_test
from tests.numerics.halves import discovery_rows, drawn, halves_of, k_means, split


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


@pytest.mark.parametrize(("dimensions", "seed"), [(2, 0), (2, 2), (8, 2), (8, 4)])
def test_a_step_of_the_density_is_no_valley_however_many_rows_there_are(
    monkeypatch: pytest.MonkeyPatch, dimensions: int, seed: int
) -> None:
    halves, candidates, _ = split("step", rows=8000, dimensions=dimensions, seed=seed)
    assert run_split_test(halves, candidates).clusters.max() == 0
    # The negative control: as many rows on either side reach less far where they are dense, and dig a valley.
    monkeypatch.setattr("steadymap.tasks.numerics.valleys.valley.EVEN_REACH", 1.0)
    assert run_split_test(halves, candidates).clusters.max() > 0


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


def test_control_an_in_sample_dip_calls_a_gaussian_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = {"held out": 0, "in sample": 0, "dip alone": 0}
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
        with monkeypatch.context() as patched:  # no look at a patch of even reach, which is harder to fool
            patched.setattr("steadymap.tasks.numerics.valleys.valley.EVEN_REACH", 1.0)
            rejected["dip alone"] += run_split_test(peeking, candidates).clusters.max() > 0
    assert rejected["held out"] == 0
    assert rejected["dip alone"] >= 3
    assert rejected["in sample"] >= 2


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
