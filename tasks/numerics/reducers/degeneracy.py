"""Name a picture that collapsed or overflowed, so that it never gets a score."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat

FEWEST_DISTINCT = 0.1
"""A picture that puts ten or more different rows on one spot, on average, shows nothing."""

SMALLEST_EXTENT = 1e-12


def describe_degeneracy(coordinates: AnyFloat, distinct_rows: int) -> str | None:
    """Say why a picture, shape (n, dimension), is degenerate, or return None.

    Parameters
    ----------
    distinct_rows
        How many different rows the data has; equal rows may share a spot.
    """
    broken = int(np.sum(~np.isfinite(coordinates).all(axis=1)))
    if broken:
        return f"{broken} of {len(coordinates)} points are not finite"
    if np.abs(coordinates).max() > np.finfo(np.float32).max:
        return "coordinates are too large for float32"
    extent = float(np.ptp(coordinates, axis=0).max())
    if extent < SMALLEST_EXTENT:
        return f"all points fall together (extent {extent:.3g})"
    spots = len(np.unique(coordinates.astype(np.float32), axis=0))
    if spots < FEWEST_DISTINCT * distinct_rows:
        return f"{distinct_rows} different rows fall on {spots} spots"
    return None
