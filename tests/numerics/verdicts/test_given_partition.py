"""Clusters that are given."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.verdicts.given_partition import run_partition_test
from tests.numerics.halves import split


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
