"""How deep the valley between two clusters is: the density at its bottom against the lower of the two peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.numerics.arrays import Booleans, Float64

GRID = 256
DRAWS = 200
MARGIN = 3.0
"""Bandwidths of empty axis on either side."""


@dataclass(frozen=True)
class Depth:
    """Depth of a valley: 1 no valley, 0 empty ground between the clusters.

    Attributes
    ----------
    value
        Density at the valley / density at the lower peak.
    low, high
        95 % interval (percentiles of a bootstrap over rows).
    """

    value: float
    low: float
    high: float


def valley_depth(values: Float64, second: Booleans, generator: np.random.Generator) -> Depth:
    """Measure the valley on an axis.

    The density is a Gaussian kernel estimate of all values with Silverman's bandwidth, from the spread within the two
    sides (that of all values together would fill the valley). The valley is its least value between the modes of the
    two sides; the peaks are its largest values on either side of that. Smoothing makes valleys look shallower, never
    deeper; sampling noise does the opposite.

    Parameters
    ----------
    values
        Positions on the axis, shape (n,).
    second
        True for rows on the second side; both sides have two rows at least.
    generator
        For the bootstrap; the draws are those of row counts on a grid of 256 places.
    """
    # Sums depend on the order of what is added up, in the last digits; the depth must not depend on that of the rows.
    order = np.lexsort((second, values))
    values, second = values[order], second[order]
    width = _bandwidth(values, second)
    if width == 0:
        return Depth(1.0, 1.0, 1.0) if np.ptp(values) == 0 else Depth(0.0, 0.0, 0.0)
    edges = np.linspace(values.min() - MARGIN * width, values.max() + MARGIN * width, GRID + 1)
    counts = np.stack([np.histogram(values[second == side], edges)[0] for side in (False, True)])
    smooth = _smoother((edges[1] - edges[0]) / width)
    drawn = generator.multinomial(len(values), counts.ravel() / len(values), DRAWS).reshape(DRAWS, 2, GRID)
    depths = [_depth(sides @ smooth) for sides in drawn]
    low, high = np.percentile(depths, [2.5, 97.5])
    return Depth(_depth(counts @ smooth), float(low), float(high))


def _bandwidth(values: Float64, second: Booleans) -> float:
    """Return 0.9 · min(sd, IQR / 1.349) · n^(−1/5) of the residuals from the two means, n the smaller side's rows."""
    sides = [values[~second], values[second]]
    residuals = np.concatenate([side - side.mean() for side in sides])
    spread = float(np.subtract(*np.percentile(residuals, [75, 25]))) / 1.349
    deviation = float(residuals.std())
    return float(0.9 * (min(spread, deviation) or deviation) * min(len(side) for side in sides) ** -0.2)


def _smoother(step: float) -> Float64:
    """Return the matrix that turns counts on the grid into densities; ``step`` is the grid's in bandwidths."""
    place = np.arange(GRID) * step
    return np.asarray(np.exp(-0.5 * (place[:, None] - place[None, :]) ** 2))


def _depth(sides: Float64) -> float:
    """Return the depth from the densities of the two sides on the grid, shape (2, grid)."""
    density = sides.sum(axis=0)
    first, second = np.sort(sides.argmax(axis=1))
    bottom = first + int(density[first : second + 1].argmin())
    lower_peak = min(density[: bottom + 1].max(), density[bottom:].max())
    return float(density[bottom] / lower_peak)
