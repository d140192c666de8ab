"""Holm's correction, by hand and by another road."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.holm import holm


def test_by_hand() -> None:
    # Sorted .01 .03 .04: 3 × .01, 2 × .03, 1 × .04 raised to the one before.
    assert holm((0.01, 0.04, 0.03)) == pytest.approx((0.03, 0.06, 0.06))
    assert holm((0.9, 0.6)) == (1.0, 1.0)
    assert holm(()) == ()


def test_weights_share_the_level() -> None:
    # Weights 3 and 1: the second test has a quarter of the level, and all of it once the first is rejected.
    assert holm((0.01, 0.03), (3, 1)) == pytest.approx((0.01 * 4 / 3, 0.03))
    assert holm((0.5, 0.01), (3, 1)) == pytest.approx((0.5, 0.04))


def test_is_bonferroni_over_what_is_left() -> None:
    ps = np.random.default_rng(0).uniform(size=40)
    largest = [max((ps >= p).sum() * p for p in ps[ps <= own]) for own in ps]
    assert holm(ps.tolist()) == pytest.approx(np.minimum(1, largest))


def test_a_false_one_is_as_rare_as_stated() -> None:
    generator = np.random.default_rng(1)
    weights = [4.0, 1.0, 1.0, 1.0, 0.5]
    wrong = sum(min(holm(row, weights)) <= 0.05 for row in generator.uniform(size=(4000, 5)).tolist())
    assert 0.035 <= wrong / 4000 <= 0.06
