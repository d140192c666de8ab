"""The dip: by hand, against values of another program, at its limits, invariances; its p-value by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.valleys.dip import FEWEST_BEYOND, LEAST_P, dip, dip_p_value
from steadymap.tasks.numerics.valleys.dip_quantiles import QUANTILES, SIZES, TAIL


def sample(kind: str, size: int) -> np.ndarray:
    generator = np.random.default_rng(size)
    match kind:
        case "uniform":
            return generator.uniform(size=size)
        case "normal":
            return generator.standard_normal(size)
        case "exponential":
            return generator.exponential(size=size)
        case "two":
            return generator.standard_normal(size) + 5 * (np.arange(size) % 2)
        case _:
            return generator.integers(0, 12, size).astype(float)


RECORDED = [
    ("uniform", 5, 0.115705529160939),
    ("uniform", 63, 0.0439609427376049),
    ("uniform", 1000, 0.00933181234343155),
    ("normal", 5, 0.1),
    ("normal", 63, 0.0341146573104776),
    ("normal", 1000, 0.00852239654835493),
    ("exponential", 5, 0.1),
    ("exponential", 63, 0.0333396714996117),
    ("exponential", 1000, 0.00717364429458497),
    ("two", 5, 0.118550800072696),
    ("two", 63, 0.104650306608188),
    ("two", 1000, 0.0816891463322937),
    ("integers", 5, 0.1),
    ("integers", 63, 0.0793650793650794),
    ("integers", 1000, 0.0471666666666667),
]
"""``diptest.dipstat(sample(kind, size), allow_zero=False)`` of the Python package diptest 0.12.0, to 15 digits."""


@pytest.mark.parametrize(("kind", "size", "recorded"), RECORDED)
def test_equals_recorded_values_of_diptest(kind: str, size: int, recorded: float) -> None:
    assert dip(sample(kind, size)) == pytest.approx(recorded, rel=1e-12)


def test_equals_diptest_where_that_is_installed() -> None:
    diptest = pytest.importorskip("diptest", reason="GPL, so it is no dependency; pip install diptest to compare")
    generator = np.random.default_rng(1)
    for _ in range(500):
        size = int(generator.integers(3, 300))
        for values in (generator.standard_normal(size), generator.integers(0, 20, size).astype(float)):
            assert dip(values) == pytest.approx(diptest.dipstat(values, allow_zero=False), rel=1e-12)


def test_by_hand() -> None:
    # Evenly spaced: the line through the middles of the steps is nowhere further away than half a step.
    assert dip(np.arange(10.0)) == pytest.approx(1 / 20)
    # Two atoms: any unimodal function misses one of the steps of ½ by half of it.
    assert dip(np.repeat([0.0, 1.0], 7)) == pytest.approx(1 / 4)
    # An atom between two single rows is a mode like any other.
    assert dip(np.array([1.0, 2, 2, 2, 3])) == pytest.approx(1 / 10)
    assert dip(np.full(8, 3.5)) == pytest.approx(1 / 16)
    assert dip(np.array([2.0])) == 0.5


def test_limits() -> None:
    generator = np.random.default_rng(0)
    for size in (2, 10, 200):
        values = generator.standard_normal(size)
        assert 1 / (2 * size) <= dip(values) <= 1 / 4
        assert dip(np.concatenate([values, values + 1e6])) == pytest.approx(1 / 4, abs=1e-5)
    with pytest.raises(ValueError, match="all finite"):
        dip(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="of 0 values"):
        dip(np.array([]))


@pytest.mark.parametrize("kind", ["uniform", "two", "integers"])
def test_shift_scale_reflection_and_order_change_nothing(kind: str) -> None:
    values = sample(kind, 200)
    base = dip(values)
    for moved in (values + 100, 1e-6 * values, 1e200 * values, -values, np.random.default_rng(1).permutation(values)):
        assert dip(moved) == pytest.approx(base, rel=1e-8)
    assert dip(np.exp(values)) != pytest.approx(base, rel=1e-3)  # a bend does


@pytest.mark.parametrize("size", [13, 170])
def test_p_values_are_the_shares_of_uniform_samples(size: int) -> None:
    generator = np.random.default_rng(size)
    dips = np.array([dip(generator.uniform(size=size)) for _ in range(10_000)])
    for share in (0.01, 0.05, 0.1, 0.5):
        # Three standard errors of a share of 10,000: 30 % of .01, 13 % of .05, 9 % of .1.
        error = 3 * np.sqrt((1 - share) / (share * 10_000))
        assert dip_p_value(float(np.quantile(dips, 1 - share)), size) == pytest.approx(share, rel=error)


def test_p_falls_with_the_dip_and_is_never_0() -> None:
    for size in (4, 10, 137, 5000, 10**6):
        p = [dip_p_value(observed, size) for observed in np.linspace(0, 0.25, 200)]
        assert p[0] == 1
        assert np.all(np.diff(p) <= 0)
        assert min(p) >= LEAST_P * 0.999
    assert dip_p_value(0.25, 3) == 1
    assert dip_p_value(0.125, 4) == 1


def test_the_table_is_complete_and_in_order() -> None:
    table = np.array(QUANTILES)
    assert table.shape == (len(SIZES), len(TAIL))
    assert np.all(np.diff(table, axis=1) >= 0)
    assert np.all(np.diff(SIZES) > 0)


def test_beyond_the_table_p_is_too_large_rather_than_too_small() -> None:
    """Carried on from an inner part of the table in the same way, the tail lies above what was simulated there."""
    inner, outer = TAIL.index(0.02), TAIL.index(0.001)
    for size, quantiles in zip(SIZES, QUANTILES, strict=True):
        if size < FEWEST_BEYOND:
            continue
        fall = np.log(TAIL[inner] / TAIL[outer]) / (quantiles[outer] - quantiles[inner])
        carried = TAIL[outer] * np.exp(-fall * (quantiles[-1] - quantiles[outer]))
        assert carried >= 0.9 * TAIL[-1], size
        at = np.linspace(quantiles[-1], 1.3 * quantiles[-1], 20) / np.sqrt(size)
        beyond = [dip_p_value(float(value), size) for value in at]
        assert beyond[0] == pytest.approx(TAIL[-1], rel=1e-6)
        assert np.all(np.diff(beyond) <= 0)
        assert beyond[-1] < TAIL[-1]
