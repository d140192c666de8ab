"""Agreement of two latent spaces: values by hand, references, limits, and what leaves it as it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes

from steadymap.tasks.numerics.stability.latent_agreement import (
    Scatter,
    chance_cka,
    cka,
    compare_latents,
    kept_shares,
    nearest,
    procrustes,
)


def scatter(first: np.ndarray, second: np.ndarray) -> Scatter:
    a, b = first - first.mean(axis=0), second - second.mean(axis=0)
    return Scatter(a.T @ a, b.T @ b, a.T @ b)


def draw(seed: int, rows: int = 300, width: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(4, width))
    drawn: np.ndarray = centres[rng.integers(4, size=rows)] + rng.normal(size=(rows, width))
    return drawn


def turned(vectors: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(vectors.shape[1], vectors.shape[1])))[0]
    return (rng.uniform(0.1, 10) * vectors @ turn + rng.normal(size=vectors.shape[1])).astype(np.float32)


def test_cka_by_hand() -> None:
    # Aᵀ = (1, −1, 0), Bᵀ = (1, 0, −1): AᵀB = 1, AᵀA = BᵀB = 2, so 1 / (2 · 2).
    assert cka(scatter(np.array([[1.0], [-1.0], [0.0]]), np.array([[1.0], [0.0], [-1.0]]))) == pytest.approx(0.25)


def test_cka_is_that_of_the_kernels() -> None:
    first, second = draw(0, rows=50), draw(1, rows=50, width=3)
    centre = np.eye(50) - 1 / 50
    of_first, of_second = (centre @ space @ space.T @ centre for space in (first, second))
    scale = np.linalg.norm(of_first) * np.linalg.norm(of_second)
    expected = np.sum(of_first * of_second) / scale
    assert cka(scatter(first, second)) == pytest.approx(expected)


def test_chance_is_the_mean_over_shuffled_rows() -> None:
    first, second = draw(0, rows=60), draw(1, rows=60)
    rng = np.random.default_rng(2)
    shuffled = [cka(scatter(first, second[rng.permutation(60)])) for _ in range(2000)]
    stderr = np.std(shuffled) / np.sqrt(2000)
    assert chance_cka(scatter(first, second), 60) == pytest.approx(np.mean(shuffled), abs=4 * stderr)


def test_disparity_is_scipys() -> None:
    first, second = draw(0), draw(1)
    assert procrustes(scatter(first, second)) == pytest.approx(scipy_procrustes(first, second)[2])


def test_neighbours_by_hand() -> None:
    line = np.array([[0.0], [1.0], [3.0], [7.0]])
    np.testing.assert_array_equal(nearest(line, np.arange(4), 2), [[1, 2], [0, 2], [0, 1], [1, 2]])
    np.testing.assert_allclose(kept_shares(np.array([[1, 2], [0, 3]]), np.array([[2, 3], [0, 3]])), [0.5, 1])


@pytest.mark.parametrize("seed", range(30))
def test_a_turned_moved_and_scaled_copy_is_the_same_space(seed: int) -> None:
    vectors = draw(seed)
    found = compare_latents(vectors.astype(np.float32), turned(vectors, seed + 100))
    assert found.cka.value == pytest.approx(1, abs=1e-6)
    assert found.disparity.value == pytest.approx(0, abs=1e-6)
    assert found.kept.value > 0.999


def test_unrelated_spaces_agree_as_chance_does() -> None:
    rng = np.random.default_rng(0)
    found = compare_latents(rng.normal(size=(600, 5)), rng.normal(size=(600, 8)))
    for one in (found.cka, found.kept):
        assert one.chance is not None
        assert one.stderr is not None
        assert one.value == pytest.approx(one.chance, abs=5 * one.stderr)
    assert found.disparity.value > 0.9


def test_rows_that_moved_are_found() -> None:
    vectors = draw(3)
    other = turned(vectors, 4).astype(np.float64)
    moved = np.random.default_rng(5).permutation(300)[:6]
    other[moved] += 40 * np.random.default_rng(6).normal(size=(6, 6))
    found = compare_latents(vectors, other)
    assert set(found.rows[found.most_moved(6)]) == set(moved)


def test_many_rows_are_compared_by_some_of_them_among_all() -> None:
    vectors = np.random.default_rng(7).normal(size=(2500, 3))
    found = compare_latents(vectors, vectors)
    assert (len(found.shares), found.kept.value) == (2000, 1)
    assert found.rows[[0, -1]].tolist() == [0, 2499]


@pytest.mark.draws
def test_standard_errors_are_what_other_draws_do() -> None:
    def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        shared = rng.normal(size=(300, 4)) * [3, 2, 1, 1]
        return shared + 0.5 * rng.normal(size=(300, 4)), shared + 0.5 * rng.normal(size=(300, 4))

    found = [compare_latents(*drawn(seed)) for seed in range(100)]
    for name in ("cka", "disparity"):
        told = np.mean([getattr(one, name).stderr for one in found])
        assert told == pytest.approx(np.std([getattr(one, name).value for one in found]), rel=0.3)
