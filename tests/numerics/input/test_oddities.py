"""Fill values, far rows and equal rows are found; heavy tails, codes of 0 and 1 and what a ReLU leaves are none."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.input.oddities import find_far_rows, find_oddities

ROWS = 400
VECTORS = np.random.default_rng(4).normal(size=(ROWS, 5)).astype(np.float32)


def test_a_fill_value_in_many_rows_is_no_far_row_and_is_found_by_its_column() -> None:
    filled = VECTORS.copy()
    filled[::10, 3] = -999
    found = find_oddities(filled)
    assert len(found.far) == 0  # a tenth of the rows are no strays
    assert found.sentinels == ((3, -999.0),)
    assert find_oddities(filled * np.float32(1e-3)).sentinels == ((3, pytest.approx(-0.999)),)


def test_one_row_is_far_and_nothing_is_repeated() -> None:
    spoiled = VECTORS.copy()
    spoiled[17] = 9999
    found = find_oddities(spoiled)
    assert found.far.tolist() == [17]
    assert found.sentinels == ()
    assert find_far_rows(spoiled)[0].tolist() == [17]


@pytest.mark.parametrize(
    "harmless",
    [
        VECTORS,
        np.maximum(VECTORS, 0),
        (VECTORS > 1).astype(np.float32),
        np.random.default_rng(5).standard_t(2, size=(ROWS, 5)).astype(np.float32),
        np.round(np.random.default_rng(6).exponential(3, size=(ROWS, 5))).astype(np.float32),
        VECTORS + 30 * (np.arange(ROWS)[:, None] % 2).astype(np.float32),
    ],
    ids=["Gaussian", "ReLU", "codes", "heavy tails", "counts", "two clusters"],
)
def test_what_is_no_fill_value(harmless: np.ndarray) -> None:
    assert find_oddities(harmless).sentinels == ()
