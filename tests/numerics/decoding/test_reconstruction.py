"""How rows are rebuilt, which clusters worse than the rest, and whether a decoded mean comes back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from steadymap.tasks.numerics.decoding.reconstruction import (
    LANDING_LEVEL,
    Moments,
    cluster_error,
    landing,
    moments,
    row_errors,
)


def test_errors_are_mean_squares() -> None:
    d, x = np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 4.0], [0.0, 3.0]])
    np.testing.assert_allclose(row_errors(d, x), [2.5, 4.5])


@pytest.mark.parametrize(
    ("spoil", "another"),
    [
        (lambda x: x, False),
        (lambda x: 0.8 * x + 0.05, False),
        (lambda x: x / 16, True),
        (lambda x: 255 * x, True),
        (lambda x: np.log((x + 0.01) / (1.01 - x)), True),
    ],
)
def test_another_scale_is_seen_whatever_it_is(spoil: object, another: bool) -> None:
    generator = np.random.default_rng(0)
    x = generator.random((200, 30))
    d = spoil(x) + 0.05 * spoil(x).std() * generator.standard_normal(x.shape)  # type: ignore[operator]
    assert moments(d, x).another_scale is another


def test_a_decoder_that_gives_nothing_useful_is_not_called_another_scale() -> None:
    generator = np.random.default_rng(0)
    assert not moments(generator.random((200, 30)), generator.random((200, 30))).another_scale
    assert not moments(np.zeros((20, 3)), np.zeros((20, 3))).another_scale


def test_sums_over_parts_are_sums_over_all() -> None:
    generator = np.random.default_rng(0)
    d, x = generator.random((2, 50, 4))
    parts = moments(d[:20], x[:20]) + moments(d[20:], x[20:])
    np.testing.assert_allclose(parts.sums, moments(d, x).sums)
    assert Moments(0, 0, 0, 0, 0, 0) + parts == parts
    whole = np.corrcoef(d.ravel(), x.ravel())[0, 1] ** 2
    assert parts.explained_at_best == pytest.approx(whole)
    assert parts.explained == pytest.approx(1 - np.sum((d - x) ** 2) / np.sum((x - x.mean()) ** 2))


def test_a_cluster_is_compared_with_all_other_rows() -> None:
    generator = np.random.default_rng(0)
    errors = generator.gamma(2, 1, 500)
    own = np.arange(500) < 100
    errors[own] += 1
    found = cluster_error(errors, own)
    a, b = errors[own], errors[~own]
    spread = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    assert found.p == pytest.approx(norm.sf((a.mean() - b.mean()) / spread))
    assert (found.mean, found.rest) == (pytest.approx(a.mean()), pytest.approx(b.mean()))
    assert found.ratio == pytest.approx(a.mean() / b.mean())


def test_worse_clusters_are_seldom_named_by_chance() -> None:
    generator = np.random.default_rng(0)
    own = np.arange(300) < 60
    p = [cluster_error(generator.gamma(2, 1, 300), own).p for _ in range(2000)]
    assert 0.03 < np.mean(np.array(p) <= 0.05) < 0.08


@pytest.mark.parametrize("count", [0, 1])
def test_where_there_is_nothing_to_compare_with_nothing_is_said(count: int) -> None:
    own = np.arange(20) >= count
    assert cluster_error(np.linspace(1, 2, 20), own).p == 1.0


def test_a_place_that_comes_back_has_landed_where_it_was() -> None:
    rows = np.random.default_rng(0).standard_normal((400, 4)).astype(np.float32)
    rows[200:, 0] += 20
    clusters = np.repeat([0, 1], 200)
    of_rows = np.random.default_rng(1).random(400)
    start = rows[:200].mean(axis=0).astype(np.float64)
    near = landing(start, start + np.array([0.5, 0, 0, 0]), of_rows, rows, clusters)
    assert near.cluster == 0
    assert near.p == pytest.approx((1 + np.sum(of_rows >= near.distance)) / 401)
    assert not near.off_manifold(0)
    over = landing(start, start + np.array([20, 0, 0, 0]), of_rows, rows, clusters)
    assert over.cluster == 1
    assert over.off_manifold(0)
    far = landing(start, start + np.array([3, 0, 0, 0]), of_rows, rows, clusters)
    assert far.cluster == 0
    assert far.p <= LANDING_LEVEL
    assert far.off_manifold(0)
