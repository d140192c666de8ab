"""Where clusters are decoded: medoids, the way across the valley and the density on it, the dimensions between."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from steadymap.tasks.numerics.decoding.places import (
    density_along,
    medoid,
    moved_along,
    path_between,
    separating_dimensions,
)


def cloud(rows: int, dimensions: int, at: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return a Gaussian cloud around a place on the first axis, float32."""
    points = np.random.default_rng(seed).standard_normal((rows, dimensions))
    points[:, 0] += at
    return points.astype(np.float32)


@pytest.mark.parametrize("rows", [1, 2, 7, 400])
def test_the_medoid_has_the_least_mean_distance(rows: int) -> None:
    points = cloud(rows, 5)
    assert medoid(points) == int(cdist(points, points).mean(axis=1).argmin())


def test_of_many_members_the_medoid_is_nearly_the_true_one() -> None:
    points = cloud(5000, 3)
    mean = cdist(points, points).mean(axis=1)
    assert mean[medoid(points)] < np.sort(mean)[25]


def test_a_path_is_straight_and_even() -> None:
    path = path_between(np.array([0.0, 4.0]), np.array([6.0, 1.0]), 4)
    np.testing.assert_allclose(path, [[0, 4], [2, 3], [4, 2], [6, 1]])


@pytest.mark.parametrize("dimensions", [2, 16])
@pytest.mark.parametrize("apart", [4.0, 6.0])
def test_the_density_between_two_clouds_is_that_of_their_formula(dimensions: int, apart: float) -> None:
    """Two normal clouds of equal size, d apart: the middle over the peak is 2 φ(d/2) / (φ(0) + φ(d))."""
    a, b = cloud(4000, dimensions), cloud(4000, dimensions, apart, seed=1)
    path = path_between(a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64), 7)
    density, lowest = density_along(path, a, b)
    expected = 2 * norm.pdf(apart / 2) / (norm.pdf(0) + norm.pdf(apart))
    # Smoothing lifts the bottom a little, and lowers the peaks.
    assert expected * 0.8 < density[3] < expected * 1.5 + 0.02
    assert lowest <= density[3] + 1e-12
    np.testing.assert_allclose(density[[0, -1]], 1, atol=0.1)


def test_two_halves_of_one_cloud_show_no_valley_even_in_many_dimensions() -> None:
    """Rows that had chosen their own axis would: 40 rows in 60 dimensions can be told apart by some direction."""
    lowest = []
    for seed in range(10):
        a, b = cloud(20, 60, seed=seed), cloud(20, 60, seed=100 + seed)
        path = path_between(a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64), 7)
        lowest.append(density_along(path, a, b)[1])
    assert np.median(lowest) > 0.5


def test_clouds_without_spread_have_no_valley_and_no_warning() -> None:
    a, b = np.zeros((5, 3), np.float32), np.ones((5, 3), np.float32)
    density, lowest = density_along(path_between(a[0].astype(float), b[0].astype(float), 5), a, b)
    assert density.tolist() == [1.0] * 5
    assert lowest == 1.0
    single, _ = density_along(path_between(a[0].astype(float), b[0].astype(float), 5), a[:1], b[:1])
    assert np.isfinite(single).all()


def test_dimensions_are_ranked_by_their_area_under_the_curve() -> None:
    a, b = cloud(300, 6), cloud(200, 6, seed=1)
    b[:, 4] -= 3
    b[:, 2] += 1
    found = separating_dimensions(a, b, 2)
    assert [one.dimension for one in found] == [4, 2]
    truth = np.r_[np.zeros(300), np.ones(200)]
    both = np.concatenate([a, b])
    assert found[0].auc == pytest.approx(1 - roc_auc_score(truth, both[:, 4]))
    assert found[1].auc == pytest.approx(roc_auc_score(truth, both[:, 2]))
    assert (found[0].first, found[0].second) == (np.median(a[:, 4]), pytest.approx(np.median(b[:, 4])))


def test_dimensions_that_say_nothing_are_left_out() -> None:
    same = np.tile(np.float32([1, 2]), (10, 1))
    assert separating_dimensions(same, same, 3) == ()


def test_moving_changes_one_dimension_only() -> None:
    a, b = cloud(50, 4), cloud(50, 4, seed=1)
    b[:, 3] += 5
    (best,) = separating_dimensions(a, b, 1)
    moved = moved_along(a[0].astype(np.float64), best, 5)
    np.testing.assert_array_equal(moved[:, :3], np.repeat(a[:1, :3].astype(np.float64), 5, axis=0))
    np.testing.assert_allclose(moved[[0, -1], 3], [best.first, best.second])


def test_the_lower_of_the_two_peaks_is_the_measure() -> None:
    """A cluster of a tenth of the rows is as much of a peak: the density is 1 at either end of the path."""
    a, b = cloud(3000, 4), cloud(300, 4, 8.0, seed=1)
    path = path_between(a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64), 7)
    for density, _ in (density_along(path, a, b), density_along(path[::-1], b, a)):
        np.testing.assert_allclose(density[[0, -1]], 1, atol=0.1)
        assert density[3] < 0.1
