"""How deep the ground sinks: known valleys, even ground, and what is seen around clusters."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest
from scipy.stats import norm

from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.selftest.synthetic import generate
from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
from steadymap.tasks.numerics.valleys.valley_depth import Depth, Interval, pool_depths, valley_depth
from steadymap.tasks.numerics.verdicts.border_depth import border_depths
from tests.numerics.halves import k_means


def halved(values: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return discovery values, their sides, and held-out values: every second one."""
    return values[::2], second[::2], values[1::2]


def test_depth_of_known_valleys() -> None:
    generator = np.random.default_rng(4)
    second = np.arange(20_000) % 4 > 1
    for sigmas in (3, 4, 5):
        depth = valley_depth(*halved(generator.standard_normal(20_000) + sigmas * second, second))
        assert depth is not None
        middle, peak = 2 * norm.pdf(sigmas / 2), norm.pdf(0) + norm.pdf(sigmas)
        assert depth.value == pytest.approx(middle / peak, abs=0.05)
    one = generator.standard_normal(8000)
    cut = valley_depth(*halved(one, one > 0))
    assert cut is not None
    assert cut.value == 1  # a cut through the peak: the bottom is above both sides
    moved, turned = valley_depth(*halved(7 * one - 3, one > 0)), valley_depth(*halved(-one, one > 0))
    assert moved is not None
    assert moved.logs == pytest.approx(cut.logs, abs=1e-6)
    assert turned is not None
    assert turned.logs == pytest.approx(cut.logs, abs=1e-6)
    swapped = valley_depth(*halved(one, one < 0))
    assert swapped is not None
    assert swapped.logs == pytest.approx(cut.logs[::-1])


def test_an_even_ground_has_no_valley_on_average_and_the_error_is_what_it_says() -> None:
    """The deepest place of a uniform sample is chance; held-out rows do not know of it."""
    found = []
    for seed in range(200):
        values = np.random.default_rng(seed).uniform(size=1600)
        depth = valley_depth(*halved(values, values > 0.5))
        assert depth is not None
        found.append((depth.logs[0], depth.stderrs[0]))
    logs, errors = np.array(found).T
    assert abs(logs.mean()) < 4 * logs.std() / np.sqrt(200)
    assert errors.mean() == pytest.approx(logs.std(), rel=0.2)
    assert np.mean(np.abs(logs) < 1.96 * errors) > 0.9


def test_depth_is_unknown_where_there_is_nothing_to_see() -> None:
    values = np.repeat([0.0, 1.0], 20)
    assert valley_depth(values, values > 0, values) is None  # no width
    mixed = np.random.default_rng(0).standard_normal(400)
    assert valley_depth(mixed[::2], np.arange(200) % 2 == 0, mixed[1::2]) is None  # sides side by side
    apart = mixed + 8 * (np.arange(400) > 199)
    assert valley_depth(apart[::2], np.arange(200) > 99, apart[1:200:2]) is None  # nobody held out on one side
    empty = valley_depth(*halved(apart, np.arange(400) > 199))
    assert empty is not None
    assert empty.value < 0.01


def test_a_bottom_two_errors_below_the_lower_peak_is_rare_on_even_ground() -> None:
    assert Depth((-0.2, -5.0), (0.1, 0.1), 0).p == pytest.approx(norm.cdf(-2))
    assert Depth((-5.0, 0.2), (0.1, 0.1), 1).p == pytest.approx(norm.cdf(2))  # above the peak: no hint of a valley


def test_depths_are_pooled_over_halves_and_splits() -> None:
    deep = Depth((log(0.2), log(0.5)), (0.1, 0.2), 1)
    own, lower = pool_depths([[deep, deep]])
    assert (own.value, lower.value) == pytest.approx((0.2, 0.5))
    assert own.low == pytest.approx(0.2 * np.exp(-1.96 * 0.1 / np.sqrt(2)))
    # One half alone has its own error; more splits of the same rows add nothing if they agree.
    alone, _ = pool_depths([[deep]])
    assert alone.low == pytest.approx(0.2 * np.exp(-1.96 * 0.1))
    assert alone.floor == pytest.approx(0.2 * np.exp(-1.645 * 0.1))
    again, _ = pool_depths([[deep]] * 5)
    assert again.low == pytest.approx(alone.low)
    # What differs between splits is not shared, and averages out, down to independent errors.
    other = Depth((log(0.2) + 0.4, log(0.5)), (0.1, 0.2), 1)
    differing, _ = pool_depths([[deep], [other]])
    assert differing.low == pytest.approx(0.2 * np.exp(0.2 - 1.96 * 0.1 / np.sqrt(2)))
    above, _ = pool_depths([[Depth((0.3, 0.3), (0.01, 0.01), 0)]])
    assert (above.value, above.low, above.high, above.floor) == (1, 1, 1, 1)


def around(
    family: str, cut: Callable[[np.ndarray], np.ndarray] | None = None, rows: int = 2000
) -> list[tuple[Interval, Interval, float]]:
    """Return own depth, that against the lower peak, and p around every cluster, from two halves."""
    drawn = generate(family, rows, 8, 1)
    labels = drawn.truth if cut is None else cut(drawn.vectors)
    keys = row_keys(drawn.vectors)
    first = np.arange(rows) % 2 == 0
    seen = []
    for discovery in (first, ~first):
        halves = split_sample(drawn.vectors[discovery], drawn.vectors[~discovery], keys[discovery], keys[~discovery])
        seen.append(border_depths(halves, labels[discovery], int(labels.max()) + 1))
    return [
        (*pool_depths([[half.depth for half in pair]]), min(half.p for half in pair))
        for pair in zip(*seen, strict=True)
    ]


@pytest.mark.parametrize("family", ["two_4", "bridge"])
def test_real_clusters_have_peaks_and_valleys_of_the_known_depth(family: str) -> None:
    for own, lower, p in around(family):
        assert own.value == pytest.approx(0.27, abs=0.12)
        assert lower.value == pytest.approx(0.27, abs=0.12)
        assert p < 0.001


def test_many_neighbours_do_not_fill_a_valley() -> None:
    for own, lower, p in around("blobs5_6"):
        assert max(own.high, lower.high) < 0.4
        assert p < 0.001


@pytest.mark.parametrize("family", ["gauss_iso", "unif_cube2"])
def test_a_cut_through_an_even_cloud_is_no_peak(family: str) -> None:
    for own, _, p in around(family, lambda vectors: (vectors[:, 0] > np.median(vectors[:, 0])).astype(int)):
        assert own.value > 0.85
        assert p > 0.1


def test_a_step_of_the_density_is_no_valley_at_a_border_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def deepest() -> float:
        """Return how deep the deepest border of four pieces looks, against the lower peak."""
        return min(lower.value for _, lower, _ in around("step", lambda vectors: k_means(vectors, 4), rows=8000))

    assert deepest() > 0.85
    # The negative control: as many rows on either side reach less far where they are dense, and dig a valley.
    monkeypatch.setattr("steadymap.tasks.numerics.verdicts.border_depth.NO_HINT", 2.0)
    assert deepest() < 0.7


def test_the_gap_between_two_moons_is_seen_although_they_are_bent() -> None:
    for own, lower, p in around("moons"):
        assert max(own.high, lower.high) < 0.1
        assert p < 0.001


def test_one_cluster_and_missing_ones_have_no_surroundings() -> None:
    drawn = generate("gauss_iso", 400, 4, 1)
    keys = row_keys(drawn.vectors)
    halves = split_sample(drawn.vectors[:200], drawn.vectors[200:], keys[:200], keys[200:])
    assert border_depths(halves, np.zeros(200, dtype=int), 2) == (None, None)
    few = border_depths(halves, (np.arange(200) < 5).astype(int), 2)
    assert few[1] is not None
    assert few[1].depth is None
    assert (few[1].rows_needed or 0) > 400
