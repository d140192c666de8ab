"""How deep the ground sinks between two sides: the density at the bottom against that at the peak of either side.

Where bottom and peaks lie is decided on discovery rows, how dense it is there on held-out rows: the least and the
greatest of noisy densities would show a valley in the evenest ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from typing import Any

import numpy as np

from steadymap.tasks.numerics.arrays import Booleans, Float64, Int64

STEPS = 256
TAILS = (2, 98)
"""Percentiles between which bottom and peaks are sought."""

FEWEST_ROWS_AT_A_PEAK = 3.0
"""With fewer held-out rows within reach of a peak chosen on others, that peak was chance."""

NEXT_TO_NOTHING = 1e-12
"""Least density, in rows, so that empty ground has a logarithm."""

TWO_SIDED = 1.96
"""Standard errors on either side of a 95 % interval."""

ONE_SIDED = 1.645
"""Standard errors below an estimate that are exceeded with 95 % certainty."""


@dataclass(frozen=True)
class Depth:
    """Depth of the ground between two sides; 1 no valley (or the bottom is above the peak), 0 empty ground.

    Attributes
    ----------
    logs
        Logarithm of density at the bottom / density at the peak of the first and of the second side.
    stderrs
        Their standard errors.
    lower
        The side with the lower peak: 0 or 1.
    """

    logs: tuple[float, float]
    stderrs: tuple[float, float]
    lower: int

    @property
    def value(self) -> float:
        """Density at the bottom / density at the lower peak, at most 1."""
        return min(1.0, exp(self.logs[self.lower]))

    @property
    def p(self) -> float:
        """Chance of a bottom that is as far below the lower peak, in standard errors, where there is no valley."""
        return 0.5 * erfc(-self.logs[self.lower] / max(self.stderrs[self.lower], NEXT_TO_NOTHING) / sqrt(2))


def read_depth(told: dict[str, Any]) -> Depth:
    """Return a depth as it was before it was written as JSON, which knows no tuples."""
    return Depth(tuple(told["logs"]), tuple(told["stderrs"]), told["lower"])


@dataclass(frozen=True)
class Interval:
    """A ratio of densities, capped at 1, with its 95 % interval, and what it is at least with 95 % certainty."""

    value: float
    low: float
    high: float
    floor: float


def valley_depth(discovered: Float64, second: Booleans, held_out: Float64) -> Depth | None:
    """Measure the valley on an axis.

    The density is a Gaussian kernel estimate with Silverman's bandwidth, from the spread within the two sides (that of
    all values together would fill the valley). The bottom is the clearest valley of it, wherever it lies, and the peaks
    are the highest places on either side; where it only rises and falls, the middle between the medians of the sides is
    taken for the bottom and the medians for the peaks. Smoothing makes valleys look shallower, never deeper.

    Parameters
    ----------
    discovered
        Positions of discovery rows on the axis, shape (a,).
    second
        True for those on the second side; both sides have two rows at least. Shape (a,).
    held_out
        Positions of held-out rows, shape (b,).

    Returns
    -------
    None where there is no room between the sides, or no held-out rows at a peak.
    """
    # Sums depend on the order of what is added up, in the last digits; the depth must not depend on that of the rows.
    sides = [np.sort(discovered[~second]), np.sort(discovered[second])]
    flipped = float(np.median(sides[0])) > float(np.median(sides[1]))
    width = kernel_width(sides)
    found = _places(sides[1] if flipped else sides[0], sides[0] if flipped else sides[1], width)
    if found is None:
        return None
    bottom, peaks, lower = found
    kernels = np.exp(-0.5 * ((np.array([bottom, *peaks])[:, None] - np.sort(held_out)) / width) ** 2)
    mass = kernels.sum(axis=1)
    if mass[1:].min() < FEWEST_ROWS_AT_A_PEAK:
        return None
    (first, first_error), (last, last_error) = (_log_ratio(kernels, mass, peak) for peak in (1, 2))
    if flipped:
        return Depth((last, first), (last_error, first_error), 1 - lower)
    return Depth((first, last), (first_error, last_error), lower)


def pool_depths(pairs: Sequence[Sequence[Depth]]) -> tuple[Interval, Interval]:
    """Return the depth against the peak of the first side, and against the lower peak, over repeated splits.

    Parameters
    ----------
    pairs
        The depths that the two halves of every split have shown of each other, one or two each; at least one split.
        Held-out rows of the two are different ones, so their errors are independent.
    """
    lower = int(sum(depth.lower for pair in pairs for depth in pair) * 2 > sum(len(pair) for pair in pairs))
    return _pool(pairs, 0), _pool(pairs, lower)


def _pool(pairs: Sequence[Sequence[Depth]], side: int) -> Interval:
    """Average logarithms over splits.

    The variance of the mean of S equally correlated estimates of variance σ² is σ² − (1 − 1/S) s², with the variance s²
    between them; it cannot be less than that of independent ones.
    """
    means = [float(np.mean([depth.logs[side] for depth in pair])) for pair in pairs]
    variances = [sum(depth.stderrs[side] ** 2 for depth in pair) / len(pair) ** 2 for pair in pairs]
    count, single = len(pairs), float(np.mean(variances))
    between = float(np.var(means, ddof=1)) if count > 1 else 0.0
    error = sqrt(max(single - (1 - 1 / count) * between, single / count))
    middle = float(np.mean(means))
    return Interval(*(min(1.0, exp(middle + at * error)) for at in (0, -TWO_SIDED, TWO_SIDED, -ONE_SIDED)))


def kernel_width(sides: list[Float64]) -> float:
    """Return 0.9 · min(sd, IQR / 1.349) · n^(−1/5) of the residuals from the two means, n the smaller side's rows."""
    residuals = np.concatenate([side - side.mean() for side in sides])
    spread = float(np.subtract(*np.percentile(residuals, [75, 25]))) / 1.349
    deviation = float(residuals.std())
    return float(0.9 * (min(spread, deviation) or deviation) * min(len(side) for side in sides) ** -0.2)


def _places(left: Float64, right: Float64, width: float) -> tuple[float, tuple[float, float], int] | None:
    """Return bottom, left and right peak, at least a bandwidth apart, and which peak is the lower."""
    first, last = float(np.median(left)), float(np.median(right))
    if width == 0 or last - first <= 2 * width:
        return None
    values = np.concatenate([left, right])
    # Even steps find an empty valley, percentiles the peaks of data with long tails.
    low, high = (float(at) for at in np.percentile(values, TAILS))
    steps = np.linspace(low, high, STEPS)
    grid = np.union1d(steps, np.percentile(values, np.linspace(*TAILS, STEPS // 2)))
    grid = np.union1d(grid, [first, last])
    density = np.exp(-0.5 * ((grid[:, None] - np.sort(values)) / width) ** 2).sum(axis=1)
    bottom, peaks = _clearest_valley(grid, density, width)
    if bottom < 0:
        return (first + last) / 2, (first, last), int(density[grid == last][0] < density[grid == first][0])
    return (
        float(grid[bottom]),
        (float(grid[peaks[0]]), float(grid[peaks[1]])),
        int(density[peaks[1]] < density[peaks[0]]),
    )


def _clearest_valley(grid: Float64, density: Float64, width: float) -> tuple[int, tuple[int, int]]:
    """Return the bottom that lies most standard errors below the lower of the peaks beside it; −1 where none does."""
    before = np.searchsorted(grid, grid - width, side="right") - 1
    after = np.searchsorted(grid, grid + width, side="left")
    inside = np.flatnonzero((before >= 0) & (after < len(grid)))
    ascending = _highest_so_far(density)
    descending = len(grid) - 1 - _highest_so_far(density[::-1])[::-1]
    left, right = ascending[before[inside]], descending[after[inside]]
    lower = np.minimum(density[left], density[right])
    # A kernel sum of mass m has the variance m/√2 where the density is even.
    fall = (lower - density[inside]) / np.sqrt((lower + density[inside]) / np.sqrt(2))
    if len(inside) == 0 or fall.max() <= 0:
        return -1, (0, 0)
    at = int(fall.argmax())
    return int(inside[at]), (int(left[at]), int(right[at]))


def _highest_so_far(values: Float64) -> Int64:
    """Return for every place where the highest value up to there is."""
    new = np.r_[True, values[1:] > np.maximum.accumulate(values)[:-1]]
    return np.maximum.accumulate(np.where(new, np.arange(len(values)), 0))


def _log_ratio(kernels: Float64, mass: Float64, peak: int) -> tuple[float, float]:
    """Return log(density at the bottom / density at a peak), both of the same rows, and its standard error."""
    bottom = max(float(mass[0]), NEXT_TO_NOTHING)
    own = [1.0 if mass[0] < NEXT_TO_NOTHING else float((kernels[0] ** 2).sum()) / bottom**2]
    own.append(float((kernels[peak] ** 2).sum()) / float(mass[peak]) ** 2)
    shared = 2 * float((kernels[0] * kernels[peak]).sum()) / (bottom * float(mass[peak]))
    return log(bottom / float(mass[peak])), sqrt(max(0.0, sum(own) - shared))
