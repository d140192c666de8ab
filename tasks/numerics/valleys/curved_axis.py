"""An axis across a bridge that follows the ground: positions along the curve on which the rows lie.

Seen from a straight axis, a bent sheet is crowded where it runs away from the axis: half of a circle piles up at both
ends, and the middle looks like a valley (measured: 72 % false rejections on a Swiss roll). So positions on the
discriminant axis are turned into lengths along the quadratic curve z ↦ E[x | z], all fitted to discovery rows. A
quadratic curve is steepest at its ends or evenly steep, so that stretching by it thins the ends and digs no valley.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float32, Float64
from steadymap.tasks.numerics.geometry.projection import positions_on
from steadymap.tasks.numerics.valleys.discriminant_axis import discriminant_axis

STEPS = 1000


@dataclass(frozen=True)
class CurvedAxis:
    """A discriminant axis with the curve over it, x = a + slope · t + bend · t², t = (w·x − middle)/unit.

    Attributes
    ----------
    axis
        Unit vector w, shape (p,); all zeros where the sides do not differ.
    middle, unit
        Mean and standard deviation of the positions w·x it was fitted to.
    slope, bend
        Coefficients of the curve, shape (p,).
    low, high
        The range of t it was fitted to; the curve goes on straight beyond.
    """

    axis: Float64
    middle: float
    unit: float
    slope: Float64
    bend: Float64
    low: float
    high: float

    @property
    def turning(self) -> float:
        """Angle between the curve's directions at its ends, in degrees: 0 straight, 180 back again."""
        first, last = (self.slope + 2 * at * self.bend for at in (self.low, self.high))
        lengths = float(np.linalg.norm(first) * np.linalg.norm(last))
        return float(np.degrees(np.arccos(np.clip(first @ last / lengths, -1, 1)))) if lengths > 0 else 0.0

    def positions(self, points: Float32) -> Float64:
        """Return the lengths along the curve at which points project, from ``low`` on; shape (n, p) to (n,)."""
        t = (positions_on(points, self.axis) - self.middle) / self.unit
        grid = np.linspace(self.low, self.high, STEPS)
        steepness = np.linalg.norm(self.slope + 2 * grid[:, None] * self.bend, axis=1)
        lengths = np.r_[0, np.cumsum((steepness[1:] + steepness[:-1]) / 2 * np.diff(grid))]
        before, after = np.minimum(t - self.low, 0) * steepness[0], np.maximum(t - self.high, 0) * steepness[-1]
        return np.asarray(np.interp(t, grid, lengths) + before + after)


def curved_axis(first: AnyFloat, second: AnyFloat) -> CurvedAxis:
    """Fit the axis between two sets of points, shapes (a, p) and (b, p), and the curve of all of them over it."""
    axis = discriminant_axis(first, second)
    points = np.concatenate([first, second]).astype(np.float64)
    positions = positions_on(points, axis)
    middle, unit = float(positions.mean()), float(positions.std()) or 1.0
    t = (positions - middle) / unit
    _, slope, bend = np.linalg.lstsq(np.column_stack([np.ones_like(t), t, t**2]), points, rcond=None)[0]
    return CurvedAxis(axis, middle, unit, slope, bend, float(t.min()), float(t.max()))
