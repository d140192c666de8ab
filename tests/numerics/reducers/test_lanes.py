"""Pictures drawn side by side: bytes that depend on nobody beside, forces against their definitions, quality."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numba
import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.metrics import silhouette_score

from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.fuzzy_graph import fuzzy_graph
from steadymap.tasks.numerics.geometry.initialisation import principal_components
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.geometry.spectral_base import spectral_base
from steadymap.tasks.numerics.geometry.umap_curve import curve_parameters
from steadymap.tasks.numerics.reducers import lane_vectors, tsne, tsne_lanes, umap_lanes
from steadymap.tasks.numerics.reducers.exact_repulsion import exact_repulsion
from steadymap.tasks.numerics.reducers.interface import Material, Settings
from steadymap.tasks.numerics.reducers.potential_grid import ONE_GRID_UP_TO, grid_repulsion
from steadymap.tasks.numerics.scores.loss.cross_entropy import cross_entropy
from steadymap.tasks.numerics.scores.loss.kl_divergence import kl_divergence
from steadymap.tasks.numerics.scores.ranks import rank_blocks
from steadymap.tasks.numerics.scores.trustworthiness import trustworthiness

Draw = Callable[[Sequence[Settings]], list[NDArray[np.float64]]]


def umap_settings(seed: int, min_dist: float = 0.1, dimension: int = 2, init: str = "spectral") -> Settings:
    return Settings("sgd", "euclidean", dimension, seed, {"min_dist": min_dist, "init": init})


def tsne_settings(
    seed: int, *, method: str = "grid", dimension: int = 2, init: str = "pca", exaggeration: float = 1.0
) -> Settings:
    parameters = {"perplexity": 15.0, "exaggeration": exaggeration, "learning_rate": "auto", "init": init}
    return Settings(method, "euclidean", dimension, seed, parameters)


@cache
def digits(rows: int, dimension: int = 2) -> Material:
    working = load_digits().data[:rows].astype(np.float32)
    neighbours = nearest_neighbours(working, 46)
    graph = fuzzy_graph(neighbours, 15)
    return Material(working, joint_probabilities(neighbours, 15), graph, spectral_base(graph, working, dimension))


@cache
def started_from_components(rows: int) -> Material:
    material = digits(rows)
    return Material(material.working, material.affinities, base=principal_components(material.working))


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_umap_picture_does_not_depend_on_who_is_beside_it(dimension: int) -> None:
    material = digits(300, dimension)

    def draw(settings: Sequence[Settings]) -> list[NDArray[np.float64]]:
        return umap_lanes.reduce_lanes(material, settings)

    own = umap_settings(1, 0.1, dimension)
    alone = draw([own])[0]
    # A seed more, a min_dist more, another place, and the wider vectors: all the same bytes.
    assert np.array_equal(draw([umap_settings(0, 0.1, dimension), own])[1], alone)
    assert np.array_equal(draw([umap_settings(1, 0.5, dimension), umap_settings(7, 0.0, dimension), own])[2], alone)
    many = [umap_settings(seed, 0.1 * (seed % 3), dimension) for seed in range(2, 8)]
    assert np.array_equal(draw([*many, own])[6], alone)
    assert alone.shape == (300, dimension)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("method", ["exact", "grid"])
def test_a_tsne_picture_does_not_depend_on_who_is_beside_it(
    monkeypatch: pytest.MonkeyPatch, method: str, dimension: int
) -> None:
    # Few steps: a lane that saw another one would differ from the first on.
    monkeypatch.setattr(tsne_lanes, "EARLY_ITERATIONS", 40)
    monkeypatch.setattr(tsne_lanes, "ITERATIONS", 10)
    material = started_from_components(150)

    def one(seed: int, exaggeration: float = 1.0) -> Settings:
        return tsne_settings(seed, method=method, dimension=dimension, exaggeration=exaggeration)

    own = one(1)
    alone = tsne_lanes.reduce_lanes(material, [own])[0]
    assert np.array_equal(tsne_lanes.reduce_lanes(material, [one(0), own])[1], alone)
    beside = [one(seed, 1.0 + seed % 2) for seed in (5, 0, 2, 3, 4)]
    assert np.array_equal(tsne_lanes.reduce_lanes(material, [*beside, own])[5], alone)
    assert alone.shape == (150, dimension)


def test_lanes_round_as_numbers_alone_do() -> None:
    @numba.njit(error_model="numpy")
    def along(first, second, result):  # type: ignore[no-untyped-def]
        one, other = lane_vectors.load(first, 0, 8), lane_vectors.load(second, 0, 8)
        product = lane_vectors.add(lane_vectors.multiply(one, other), one)
        lane_vectors.store(result, 0, lane_vectors.divide(lane_vectors.subtract(product, other), one))

    generator = np.random.default_rng(0)
    first, second = generator.standard_normal((2, 8)).astype(np.float32)
    result = np.empty(8, np.float32)
    along(first, second, result)
    # NumPy rounds after every operation; a fused multiply-add would not.
    assert np.array_equal(result, (first * second + first - second) / first)


def import_umap_learn(name: str) -> Any:
    """Import what imports umap-learn, which warns about what it does without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@pytest.mark.parametrize("n_neighbors", [2, 5, 15])
def test_the_fuzzy_graph_is_umap_learns(n_neighbors: int) -> None:
    generator = np.random.default_rng(0)
    vectors = np.concatenate([generator.standard_normal((300, 4)), np.zeros((4, 4)), np.ones((30, 4))])
    neighbours = nearest_neighbours(vectors.astype(np.float32), 20)
    nearest = neighbours.first(n_neighbors - 1)
    itself = np.arange(len(vectors))[:, None]
    theirs, _, _ = import_umap_learn("umap.umap_").fuzzy_simplicial_set(
        vectors,
        n_neighbors,
        None,
        "euclidean",
        knn_indices=np.hstack([itself, nearest.indices]),
        knn_dists=np.hstack([np.zeros((len(vectors), 1), np.float32), nearest.distances]),
    )
    assert np.abs(fuzzy_graph(neighbours, n_neighbors).toarray() - theirs.toarray()).max() < 1e-4


def test_the_spectral_base_is_the_laplacians_eigenvectors() -> None:
    for rows in (300, 1797):  # with and without iteration
        material = digits(rows)
        graph = material.fuzzy_graph
        assert graph is not None and material.base is not None
        strong = np.where(graph.toarray() < graph.max() / 500, 0, graph.toarray())
        degrees = np.sqrt(strong.sum(axis=0))
        similarity = strong / np.outer(degrees, degrees)
        for vector in material.base.T.astype(np.float64):
            value = vector @ similarity @ vector / (vector @ vector)
            assert value > 0.9
            assert np.linalg.norm(similarity @ vector - value * vector) < 1e-3
            assert abs(vector @ degrees) < 1e-2 * np.linalg.norm(degrees)


@pytest.mark.parametrize("blobs", [2, 7])
def test_the_base_of_a_graph_in_pieces_keeps_them_apart(blobs: int) -> None:
    generator = np.random.default_rng(0)
    vectors = np.concatenate([generator.standard_normal((40, 3)) + 100 * at**2 for at in range(blobs)]).astype(
        np.float32
    )
    base = spectral_base(fuzzy_graph(nearest_neighbours(vectors, 10), 10), vectors, 2)
    piece = np.repeat(np.arange(blobs), 40)
    assert np.isfinite(base).all()
    assert silhouette_score(base, piece) > 0.4


def by_definition(picture: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    differences = picture[:, None, :] - picture[None, :, :]
    weights = 1 / (1 + np.sum(differences**2, axis=2))
    np.fill_diagonal(weights, 0)
    return np.einsum("ij,ijd->id", weights**2, differences), float(weights.sum())


def relative_error(found: NDArray[np.float32], expected: NDArray[np.float64]) -> float:
    return float(np.sqrt(((found - expected) ** 2).sum() / (expected**2).sum()))


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("extent", [0.01, 1.0, 20.0])
def test_the_repulsion_of_all_pairs_is_its_definition(extent: float, dimension: int) -> None:
    picture = (extent * np.random.default_rng(0).standard_normal((400, dimension))).astype(np.float32)
    force = np.empty_like(picture)
    total = exact_repulsion(picture, force)
    expected, z = by_definition(picture.astype(np.float64))
    assert relative_error(force, expected) < 1e-5
    assert total == pytest.approx(z, rel=1e-5)


# Bounds are about 1.5 times what was measured: cubic splines at these spacings, few rows in a wide picture.
@pytest.mark.parametrize(("spacing", "bound"), [(0.35, 0.05), (0.5, 0.18)])
@pytest.mark.parametrize("extent", [0.01, 2.0, 25.0])
def test_the_repulsion_from_the_grid_is_near_its_definition(extent: float, spacing: float, bound: float) -> None:
    picture = (extent * np.random.default_rng(0).standard_normal((1500, 2))).astype(np.float32)
    force = np.empty_like(picture)
    total = grid_repulsion(picture, spacing, force)
    expected, z = by_definition(picture.astype(np.float64))
    assert relative_error(force, expected) < bound
    assert total == pytest.approx(z, rel=2e-3)


def test_two_grids_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = (12 * np.random.default_rng(0).standard_normal((1500, 2))).astype(np.float32)
    assert float(np.ptp(picture, axis=0).max()) / 0.35 > ONE_GRID_UP_TO
    both, one = np.empty_like(picture), np.empty_like(picture)
    total = grid_repulsion(picture, 0.35, both)
    monkeypatch.setattr("steadymap.tasks.numerics.reducers.potential_grid.ONE_GRID_UP_TO", 10_000)
    assert grid_repulsion(picture, 0.35, one) == pytest.approx(total, rel=1e-4)
    assert relative_error(both, one.astype(np.float64)) < 0.01


def test_the_grid_serves_three_dimensions() -> None:
    picture = (5 * np.random.default_rng(0).standard_normal((1200, 3))).astype(np.float32)
    force = np.empty_like(picture)
    total = grid_repulsion(picture, 0.5, force)
    expected, z = by_definition(picture.astype(np.float64))
    assert relative_error(force, expected) < 0.04
    assert total == pytest.approx(z, rel=2e-3)


def test_attraction_is_its_definition() -> None:
    joint = started_from_components(150).affinities
    assert joint is not None
    generator = np.random.default_rng(0)
    for dimension in (2, 3):
        pictures = generator.standard_normal((150, dimension, 4)).astype(np.float32)
        force = np.empty_like(pictures)
        attract = tsne_lanes.attraction_kernel(4, dimension)
        weights = joint.data.astype(np.float32)
        attract(pictures.reshape(-1), joint.indptr, joint.indices, weights, force.reshape(-1))
        differences = pictures[:, None].astype(np.float64) - pictures[None]
        pull = joint.toarray()[:, :, None] / (1 + np.sum(differences**2, axis=2))
        expected = np.einsum("ijs,ijds->ids", pull, differences)
        assert np.abs(force - expected).max() < 1e-5 * np.abs(expected).max()


def test_umaps_factors_are_the_slope_of_its_loss() -> None:
    # Attraction is −d log q / d(squared distance) and repulsion −d log(1 − q), times two, for q = 1/(1 + a d^2b).
    a, b = curve_parameters(0.1)
    squared, step = np.geomspace(0.05, 50, 40), 1e-6

    def q(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + a * values**b)

    attraction, repulsion = umap_lanes.factors(squared, 0.1)
    slope = (np.log(q(squared + step)) - np.log(q(squared - step))) / (2 * step)
    assert np.allclose(attraction, 2 * slope, rtol=1e-5)
    slope = (np.log(1 - q(squared + step)) - np.log(1 - q(squared - step))) / (2 * step)
    # umap-learn adds .001 to the squared distance.
    assert np.allclose(repulsion * (0.001 + squared) / squared, 2 * slope, rtol=1e-5)


def test_tables_are_within_their_step_of_the_factors() -> None:
    tables = umap_lanes._tables([0.1, 0.5])
    generator = np.random.default_rng(0)
    squared = np.exp(generator.uniform(np.log(2.0**-12), np.log(2.0**12), 5000)).astype(np.float32)
    places = (squared.view(np.uint32) >> umap_lanes.SHIFT).astype(np.int64) - umap_lanes.FIRST
    for at, min_dist in enumerate((0.1, 0.5)):
        for table, exact in zip(tables, umap_lanes.factors(squared.astype(np.float64), min_dist), strict=True):
            assert np.allclose(table[places + at * umap_lanes.ENTRIES], exact, rtol=0.009)


def trust(working: NDArray[np.float32], picture: NDArray[np.float64]) -> float:
    blocks = rank_blocks(working, [picture], np.arange(len(working)), 15)
    return float(np.concatenate([trustworthiness(block, 15) for (block,) in blocks]).mean())


def test_umap_is_as_good_as_umap_learns() -> None:
    material = digits(1797)
    assert material.fuzzy_graph is not None
    ours = umap_lanes.reduce_lanes(material, [umap_settings(seed) for seed in range(4)])
    umap_learn = import_umap_learn("steadymap.tasks.numerics.reducers.umap")
    theirs = [umap_learn.reduce(material, umap_settings(seed)) for seed in range(2)]
    rows = np.arange(1797)
    for picture in ours:
        # Over 20 seeds umap-learn's trustworthiness spreads by .0008 here, its cross-entropy by 1 %.
        assert trust(material.working, picture) > np.mean([trust(material.working, one) for one in theirs]) - 0.004
        losses = [
            cross_entropy(material.fuzzy_graph, one, *curve_parameters(0.1), rows).value for one in (picture, *theirs)
        ]
        assert losses[0] < 1.04 * np.mean(losses[1:])


# The grid is made for more rows than these: its error falls as a picture fills.
@pytest.mark.parametrize(("method", "margin"), [("exact", 0.02), ("grid", 0.05)])
def test_tsne_is_as_good_as_opentsnes(method: str, margin: float) -> None:
    material = started_from_components(1797)
    assert material.affinities is not None
    ours = tsne_lanes.reduce_lanes(material, [tsne_settings(seed, method=method) for seed in range(2)])
    theirs = tsne.reduce(material, tsne_settings(0, method="barnes-hut"))
    rows = np.arange(1797)
    reference = kl_divergence(material.affinities, theirs, rows).value
    for picture in ours:
        assert kl_divergence(material.affinities, picture, rows).value < reference + margin
        assert trust(material.working, picture) > trust(material.working, theirs) - 0.003


def test_seeds_exaggeration_and_min_dist_show() -> None:
    flat = digits(300)
    first, second, loose = umap_lanes.reduce_lanes(flat, [umap_settings(0), umap_settings(1), umap_settings(0, 0.9)])
    assert not np.array_equal(first, second)
    assert np.ptp(loose, axis=0).mean() > np.ptp(first, axis=0).mean()
    started = started_from_components(300)
    plain, tight = tsne_lanes.reduce_lanes(
        started, [tsne_settings(0, method="exact"), tsne_settings(0, method="exact", exaggeration=4.0)]
    )
    assert np.ptp(tight, axis=0).mean() < 0.7 * np.ptp(plain, axis=0).mean()


def test_random_starts_are_drawn() -> None:
    material = digits(300)
    first, second = umap_lanes.reduce_lanes(material, [umap_settings(seed, init="random") for seed in (0, 1)])
    assert np.isfinite(first).all() and not np.array_equal(first, second)
    start = Material(material.working, fuzzy_graph=scipy.sparse.csr_matrix(material.fuzzy_graph))
    assert np.array_equal(umap_lanes.reduce(start, umap_settings(0, init="random")), first)
