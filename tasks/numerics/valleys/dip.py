"""The dip of a sample: how far its distribution is from the nearest unimodal one, and how often that far by chance.

The p-value is that of a uniform sample, the least favourable unimodal distribution in the limit: for all others the dip
is smaller, so that p is conservative. It says nothing about the number of modes beyond "more than one".
"""

from __future__ import annotations

import numpy as np
from numba import njit

from steadymap.tasks.numerics.arrays import AnyFloat, Booleans, Float64, Int64
from steadymap.tasks.numerics.valleys.dip_quantiles import QUANTILES, SIZES, TAIL

FEWEST = 4
"""Of fewer values any arrangement is as unimodal as can be."""

DECADES_AWAY = TAIL.index(0.001)
FEWEST_BEYOND = 12
"""Values from which the tail is carried on: the dip of fewer has few possible values, and no slope to go by."""

LEAST_P = 1e-8
"""Smaller p-values are told as this one."""


def dip(values: AnyFloat) -> float:
    """Return Hartigan's dip, min over unimodal F of sup |F̂ − F|, of values in any order, shape (n,).

    The distribution function is approached by its greatest convex minorant left of a modal interval and its least
    concave majorant right of it; the interval shrinks until the two are no further apart than F̂ already is from them.

    Returns
    -------
    In [1/(2n), 1/4]; 1/(2n) for evenly spaced values, and by definition where all are equal. Unchanged by shift,
    scale and reflection.

    Raises
    ------
    ValueError
        There is no value, or one is not finite.

    Source: Hartigan & Hartigan 1985, doi:10.1214/aos/1176346577.
    """
    if len(values) == 0 or not np.all(np.isfinite(values)):
        raise ValueError(f"the dip of {len(values)} values; there must be one at least, and all finite")
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    if len(distinct) == 1:
        return 0.5 / len(values)
    # Unit range: differences of huge or tiny values must not overflow or vanish.
    upto = np.cumsum(counts)
    return float(_dip_in_rows((distinct - distinct[0]) / (distinct[-1] - distinct[0]), upto - counts, upto)) / (
        2 * len(values)
    )


def dip_p_value(observed: float, size: int) -> float:
    """Return the share of uniform samples of that size with a dip at least as large, in [1e-8, 1].

    √n · dip is interpolated between the simulated sizes linearly in 1/√n, its tail linearly in log p. Below 4 values
    p is 1. Beyond the last simulated size its quantiles serve: √n · dip has a limit (n ≥ 20,000 is within 1 % of it).
    Beyond the last quantile log p falls as it did on the way there from .001: the tail falls ever faster, so that this
    is too large rather than too small.

    Source: the table of Maechler's R package diptest, in kind; the numbers are our own (``benchmarks.dip_table``).
    """
    if size < FEWEST:
        return 1.0
    scale = 1 / np.sqrt(np.array(SIZES, dtype=np.float64))
    quantiles = np.array(QUANTILES)
    at = 1 / np.sqrt(size)
    row = np.array([np.interp(at, scale[::-1], column[::-1]) for column in quantiles.T])
    reached, beyond = float(np.sqrt(size) * observed), row[-1]
    if size >= FEWEST_BEYOND and reached > beyond:
        fall = np.log(TAIL[DECADES_AWAY] / TAIL[-1]) / (beyond - row[DECADES_AWAY])
        return float(max(LEAST_P, TAIL[-1] * np.exp(-fall * (reached - beyond))))
    # From the large end, so that of equal quantiles the largest share counts: the least dip of few values has p = 1.
    return float(np.exp(np.interp(-np.sqrt(size) * observed, -row[::-1], np.log(TAIL)[::-1])))


@njit(cache=True)
def _dip_in_rows(x: Float64, below: Int64, upto: Int64) -> float:
    """Return 2n · dip of distinct sorted values with the number of rows below and up to each."""
    low, high = 0, len(x) - 1
    minorant, majorant = np.empty(len(x)), np.empty(len(x))
    touch_minorant, touch_majorant = np.empty(len(x), np.bool_), np.empty(len(x), np.bool_)
    farthest = 1.0
    while True:
        _hull(x, below, (low, high), 1, (minorant, touch_minorant))
        _hull(x, upto, (low, high), -1, (majorant, touch_majorant))
        # The gap is concave, so it is widest at a corner; between parallel hulls rounding must not choose another.
        widest = low
        for at in range(low + 1, high + 1):
            corner = touch_minorant[at] or touch_majorant[at]
            if corner and majorant[at] - minorant[at] > majorant[widest] - minorant[widest]:
                widest = at
        if majorant[widest] - minorant[widest] <= farthest:
            return farthest
        left, right = widest, widest
        while not touch_minorant[left]:
            left -= 1
        while not touch_majorant[right]:
            right += 1
        for at in range(low, left):
            farthest = max(farthest, upto[at] - minorant[at])
        for at in range(right + 1, high + 1):
            farthest = max(farthest, majorant[at] - below[at])
        if left == low and right == high:
            return farthest
        low, high = left, right


@njit(cache=True)
def _hull(x: Float64, y: Int64, span: tuple[int, int], sign: int, into: tuple[Float64, Booleans]) -> None:
    """Write the convex minorant (sign 1) or concave majorant (−1) of the points low to high, and where it touches."""
    (low, high), (height, touches) = span, into
    corners = np.empty(high - low + 1, np.int64)
    count = 0
    for at in range(low, high + 1):
        touches[at] = False
        while count > 1:
            a, b = corners[count - 2], corners[count - 1]
            if sign * ((y[b] - y[a]) * (x[at] - x[a]) - (y[at] - y[a]) * (x[b] - x[a])) < 0:
                break
            count -= 1
        corners[count] = at
        count += 1
    for corner in range(count):
        touches[corners[corner]] = True
        height[corners[corner]] = y[corners[corner]]
    for corner in range(count - 1):
        a, b = corners[corner], corners[corner + 1]
        for at in range(a + 1, b):
            height[at] = y[a] + (y[b] - y[a]) * ((x[at] - x[a]) / (x[b] - x[a]))
