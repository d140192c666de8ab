"""Projections round a row alike wherever it stands, and so does everything that equal or reordered rows go through."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.geometry.initialisation import principal_components
from steadymap.tasks.numerics.geometry.preprocess import preprocess
from steadymap.tasks.numerics.geometry.projection import positions_on, project
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.reducers import random_projection
from steadymap.tasks.numerics.reducers.interface import Material, Settings
from steadymap.tasks.numerics.valleys.sample_splitting import split_sample

ROWS = 301
"""No multiple of the rows that any kernel takes at a time."""


def drawn(dimensions: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(dimensions).standard_normal((ROWS, dimensions)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axes", [1, 2, 50])
@pytest.mark.parametrize("dimensions", [1, 3, 50, 700])
def test_a_row_is_rounded_alike_wherever_it_stands(dimensions: int, axes: int, dtype: type) -> None:
    points = drawn(dimensions, dtype)
    onto = np.random.default_rng(1).standard_normal((axes, dimensions))
    whole = project(points, onto)
    np.testing.assert_allclose(whole, points.astype(np.float64) @ onto.T, rtol=1e-9, atol=1e-11)
    generator = np.random.default_rng(2)
    for size in (1, 2, 7, 64, ROWS):
        some = generator.permutation(ROWS)[:size]
        np.testing.assert_array_equal(project(points[some], onto), whole[some])
        np.testing.assert_array_equal(project(np.asfortranarray(points[some]), onto), whole[some])
    np.testing.assert_array_equal(positions_on(points, onto[0]), project(points, onto[:1])[:, 0])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_equal_rows_stay_equal_through_principal_components(metric: str) -> None:
    points = drawn(60)
    points[151:] = points[:150]
    reduced = preprocess(points, scale="none", pca=20, metric=metric)
    np.testing.assert_array_equal(reduced[151:], reduced[:150])


@pytest.mark.parametrize("dimensions", [60, 400])
def test_equal_rows_start_a_layout_from_the_same_place(dimensions: int) -> None:
    points = drawn(dimensions)
    points[151:] = points[:150]
    base = principal_components(points)
    np.testing.assert_array_equal(base[151:], base[:150])


def test_equal_rows_share_a_place_in_a_random_projection() -> None:
    points = drawn(60)
    points[151:] = points[:150]
    picture = random_projection.reduce(Material(points), Settings("sgd", "euclidean", 2, 3, {}))
    np.testing.assert_array_equal(picture[151:], picture[:150])


def test_the_order_of_held_out_rows_changes_no_bit_of_their_components() -> None:
    points = drawn(80)
    keys = row_keys(points)
    order = np.random.default_rng(3).permutation(np.arange(150, ROWS))
    base = split_sample(points[:150], points[150:], keys[:150], keys[150:])
    moved = split_sample(points[:150], points[order], keys[:150], keys[order])
    assert base.held_out.shape == (151, 50)
    np.testing.assert_array_equal(moved.held_out, base.held_out[order - 150])
    np.testing.assert_array_equal(moved.nearest, base.nearest[order - 150])
