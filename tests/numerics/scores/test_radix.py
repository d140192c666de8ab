"""Sorting by counting: as NumPy and SciPy sort, whatever the numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import rankdata

from steadymap.tasks.numerics.scores.radix import rank_distances, sort_words

GENERATOR = np.random.default_rng(0)

NUMBERS: dict[str, npt.NDArray[np.float64]] = {
    "none": np.empty(0),
    "one": np.array([3.5]),
    "all alike": np.full(50, 2.0),
    "zeros and minus zeros": np.array([0.0, -0.0, 1.0, -0.0, 0.0]),
    "many ties": GENERATOR.integers(0, 5, 3_000).astype(float),
    "every size": 10.0 ** GENERATOR.uniform(-320, 308, 3_000),
    "the largest": np.array([np.finfo(float).max, 1.0, np.inf, np.finfo(float).tiny, 5e-324, 0.0]),
    "neighbouring numbers": np.nextafter(1.0, 2.0) * (1 + np.arange(100)[::-1] * np.finfo(float).eps),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_ranks_are_those_of_scipy(name: str) -> None:
    np.testing.assert_array_equal(rank_distances(NUMBERS[name]), rankdata(NUMBERS[name]))


@pytest.mark.parametrize("lowest", [0, 1, 11, 14, 40, 62])
@pytest.mark.parametrize("count", [0, 1, 2, 2_000])
def test_words_are_sorted_by_their_upper_bits_and_equal_ones_stay_in_order(lowest: int, count: int) -> None:
    # Few different values above, so that there are ties, and low bits that say where each came from.
    upper = GENERATOR.integers(0, min(300, 1 << (63 - lowest)), count, dtype=np.uint64) << np.uint64(lowest)
    mark = GENERATOR.integers(0, 1 << lowest, count, dtype=np.uint64)
    words = upper | mark
    expected = words[np.argsort(upper, kind="stable")]
    found = sort_words(words.copy(), np.empty_like(words), lowest)
    np.testing.assert_array_equal(found, expected)
