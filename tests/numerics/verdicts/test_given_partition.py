"""Clusters that are given, and Holm's procedure."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.verdicts.given_partition import holm, run_partition_test
from tests.numerics.halves import split


def test_holm_by_hand() -> None:
    assert holm((0.01, 0.04, 0.03)) == pytest.approx((0.03, 0.06, 0.06))
    assert holm((0.9, 0.6)) == (1.0, 1.0)
    # Weights 3 and 1: the second test has a quarter of the level, and all of it once the first is rejected.
    assert holm((0.01, 0.03), (3, 1)) == pytest.approx((0.01 * 4 / 3, 0.03))
    assert holm((0.5, 0.01), (3, 1)) == pytest.approx((0.5, 0.04))


def test_given_clusters_say_which_run_into_which() -> None:
    halves, _, truth = split("uneven")
    halved = np.where((truth == 0) & (halves.discovery[halves.copies] @ np.ones(32) > 0), 3, truth)
    found = run_partition_test(halves, halved)
    separated = [p <= 0.05 for p in found.adjusted]
    assert separated == [False, True, True, False]  # cluster 0 was cut in two
    assert found.runs_into(0) == (3,)
    assert found.runs_into(1) == ()
    assert max(found.p_values[1:3]) <= 0.05
    alone = run_partition_test(halves, np.zeros_like(truth))
    assert (alone.p_values, alone.pairs) == ((1.0,), ())
