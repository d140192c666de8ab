"""Neighbours against brute force: exact, in order, whatever the block size, duplicates included."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from steadymap.tasks.numerics.geometry import inverted_lists, neighbours
from steadymap.tasks.numerics.geometry.inverted_lists import LEAST_RECALL
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.input.row_order import canonical_order, content_digest, count_duplicates, row_keys


def brute_force(points: np.ndarray, k: int) -> np.ndarray:
    distances = cdist(points.astype(float), points.astype(float))
    np.fill_diagonal(distances, -1)
    return np.argsort(distances, axis=1, kind="stable")[:, 1 : k + 1]


@pytest.mark.parametrize("dimensions", [2, 17, 64])
@pytest.mark.parametrize("k", [1, 10, 90, 299])
def test_equals_brute_force(dimensions: int, k: int) -> None:
    points = np.random.default_rng(dimensions).standard_normal((300, dimensions)).astype(np.float32)
    found = nearest_neighbours(points, k, threads=2)
    np.testing.assert_array_equal(found.indices, brute_force(points, k))
    exact = np.sort(cdist(points.astype(float), points.astype(float)), axis=1)[:, 1 : k + 1]
    np.testing.assert_allclose(found.distances, exact, rtol=1e-6)


def test_block_size_and_threads_change_no_byte() -> None:
    points = np.random.default_rng(0).standard_normal((500, 9)).astype(np.float32)
    base = nearest_neighbours(points, 20)
    for block_rows, threads in ((7, 1), (64, 2), (500, 1)):
        other = nearest_neighbours(points, 20, block_rows=block_rows, threads=threads)
        assert other.indices.tobytes() == base.indices.tobytes()
        assert other.distances.tobytes() == base.distances.tobytes()


def test_fewer_neighbours_are_a_prefix_of_more() -> None:
    points = np.random.default_rng(1).standard_normal((200, 5)).astype(np.float32)
    many, few = nearest_neighbours(points, 60), nearest_neighbours(points, 12)
    np.testing.assert_array_equal(many.first(12).indices, few.indices)
    np.testing.assert_array_equal(many.first(12).distances, few.distances)


def test_duplicates_are_neighbours_and_no_row_is_its_own() -> None:
    generator = np.random.default_rng(2)
    # 84 % duplicates, as in some real data; canonical order puts equal rows side by side.
    points = generator.standard_normal((60, 4)).astype(np.float32)[generator.integers(0, 60, 375)]
    points = points[canonical_order(points, row_keys(points))]
    found = nearest_neighbours(points, 30)
    np.testing.assert_array_equal(found.indices, brute_force(points, 30))
    assert not np.any(found.indices == np.arange(len(points))[:, None])


def test_one_row_repeated_nearly_everywhere() -> None:
    points = np.zeros((100, 3), dtype=np.float32)
    points[90:] = np.arange(30).reshape(10, 3) + 1
    found = nearest_neighbours(points, 20)
    np.testing.assert_array_equal(found.indices, brute_force(points, 20))


def test_a_lattice_with_many_ties_is_ordered_by_row() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(6)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)
    found = nearest_neighbours(grid, 10)
    np.testing.assert_array_equal(found.indices, brute_force(grid, 10))


def test_cosine_distance_is_one_minus_the_cosine() -> None:
    points = np.random.default_rng(3).standard_normal((80, 5))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    found = nearest_neighbours(points, 7, metric="cosine")
    expected = 1 - np.einsum("id,ikd->ik", points, points[found.indices])
    np.testing.assert_allclose(found.distances, expected, atol=1e-6)


@pytest.mark.parametrize("k", [0, 50])
def test_refuses_more_neighbours_than_there_are(k: int) -> None:
    with pytest.raises(ValueError, match="k must be 1 to 49"):
        nearest_neighbours(np.eye(50, dtype=np.float32), k)


def test_canonical_order_belongs_to_the_content() -> None:
    points = np.random.default_rng(4).standard_normal((100, 3)).astype(np.float32)
    points[7] = points[50]
    shuffled = points[np.random.default_rng(5).permutation(100)]
    ordered = [rows[canonical_order(rows, row_keys(rows))] for rows in (points, shuffled)]
    np.testing.assert_array_equal(*ordered)
    assert content_digest(ordered[0]) == content_digest(ordered[1])
    assert count_duplicates(ordered[0]) == 1
    shuffled[0, 0] += 1
    changed = shuffled[canonical_order(shuffled, row_keys(shuffled))]
    assert content_digest(changed) != content_digest(ordered[0])


def test_negative_zero_is_zero() -> None:
    zero = np.zeros((1, 2), dtype=np.float32)
    assert row_keys(zero)[0] == row_keys(-zero)[0]
    assert content_digest(zero) == content_digest(-zero)


# --- more rows than are searched exactly --------------------------------------------------------------------------


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Return rows in twelve clusters and three far away from all, more than are searched exactly."""
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 1000)
    monkeypatch.setattr(inverted_lists, "FIRST_PROBES", 1)  # so that it takes more to find enough
    generator = np.random.default_rng(3)
    points = generator.standard_normal((4000, 8)) + 4 * generator.standard_normal((12, 8))[np.arange(4000) % 12]
    points[:3] += 100 * np.eye(8)[:3]
    return points.astype(np.float32)


def test_nearly_all_neighbours_of_many_rows_are_found(many: np.ndarray) -> None:
    found, true = nearest_neighbours(many, 100, threads=2), brute_force(many, 100)
    shared = np.mean([len(np.intersect1d(*both)) / 100 for both in zip(found.indices, true, strict=True)])
    assert found.recall is not None
    assert found.recall >= LEAST_RECALL
    assert shared >= LEAST_RECALL - 0.005
    assert shared < 1  # so that what is measured is a share
    assert nearest_neighbours(many[:1000], 30).recall is None
    # What was found is measured and ordered as in an exact search.
    exact = np.linalg.norm(many[found.indices].astype(float) - many[:, None], axis=2)
    np.testing.assert_allclose(found.distances, exact, rtol=1e-6)
    assert np.all(np.diff(found.distances, axis=1) >= 0)
    assert not np.any(found.indices == np.arange(len(many))[:, None])


def test_rows_with_few_around_them_are_searched_exactly(many: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    found, true = nearest_neighbours(many, 100), brute_force(many, 100)
    assert not np.array_equal(found.indices, true)
    monkeypatch.setattr(inverted_lists, "FEWEST_ROWS", len(many) + 1)  # of every row the cells have too few
    np.testing.assert_array_equal(nearest_neighbours(many, 100).indices, true)


def test_neither_threads_nor_blocks_nor_k_change_an_approximate_search(many: np.ndarray) -> None:
    base = nearest_neighbours(many, 40)
    for block_rows, threads in ((100, 2), (4000, 1)):
        other = nearest_neighbours(many, 40, block_rows=block_rows, threads=threads)
        assert other.indices.tobytes() == base.indices.tobytes()
    few = nearest_neighbours(many, 12)
    np.testing.assert_array_equal(base.first(12).indices, few.indices)
    assert base.first(12).recall == few.recall


def test_ties_and_copies_are_no_trouble_to_an_approximate_search(many: np.ndarray) -> None:
    integers = np.round(many / 2)
    integers = integers[canonical_order(integers, row_keys(integers))]
    found = nearest_neighbours(integers, 30)
    assert len(np.unique(integers, axis=0)) > 1000
    nearest = np.sort(cdist(integers.astype(float), integers.astype(float)), axis=1)[:, 1]
    assert np.mean(np.isclose(found.distances[:, 0], nearest)) >= LEAST_RECALL
    assert not np.any(found.indices == np.arange(len(integers))[:, None])
