"""Rows far from everything are named, and heavy tails are not."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.geometry.odd_rows import far_rows
from steadymap.tasks.numerics.selftest.spoiled import spoil
from steadymap.tasks.numerics.selftest.synthetic import FAMILIES, generate


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_family_has_rows_that_are_far_and_spoiled_ones_have_three(family: str) -> None:
    drawn = generate(family, 1000, 16, 5)
    assert len(far_rows(drawn.vectors)) == 0
    spoiled = spoil(drawn, "outliers", 5)
    moved = np.flatnonzero(np.any(spoiled.vectors != drawn.vectors, axis=1))
    assert sorted(far_rows(spoiled.vectors)) == moved.tolist()


def test_the_farthest_comes_first_and_scale_and_shift_do_not_matter() -> None:
    vectors = np.random.default_rng(0).standard_normal((600, 4)).astype(np.float32)
    vectors[7], vectors[11] = 999, 9999
    assert far_rows(vectors).tolist() == [11, 7]
    assert far_rows(vectors * np.float32(1e-3) + np.float32(5)).tolist() == [11, 7]
    assert far_rows(np.zeros((5, 2), np.float32)).tolist() == []
