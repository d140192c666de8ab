"""Jitter for tied values: a lattice of integers has a gap beside every value, which a test of modes takes for valleys.

The noise fills the gap between neighbouring values and no more, and it is drawn from the keys of the rows.
"""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Booleans, Float32, Float64, UInt64
from steadymap.tasks.numerics.randomness import row_uniforms

TIED_SHARE = 0.5
"""A column is a lattice where at least so many rows share their value with another row."""


def resolutions(vectors: Float32) -> Float64:
    """Return the smallest gap between different values of every lattice column, 0 for the others, shape (d,)."""
    return np.array([_smallest_gap(column) if _tied(column).mean() >= TIED_SHARE else 0 for column in vectors.T])


def jitter_columns(vectors: Float32, gaps: Float64, keys: UInt64) -> Float32:
    """Add uniform noise of ± half a gap to every column that has one.

    Parameters
    ----------
    vectors
        Shape (n, d).
    gaps
        From ``resolutions``, of these or of other rows; shape (d,).
    keys
        One 64-bit hash per row.
    """
    jittered = vectors.copy()
    for column in np.flatnonzero(gaps):
        noise = row_uniforms(keys, f"jitter of column {column}") - 0.5
        jittered[:, column] += (gaps[column] * noise).astype(np.float32)
    return jittered


def untie(values: Float64, keys: UInt64) -> Float64:
    """Move only the tied ones of values on an axis, by up to half of the smallest gap, shape (n,)."""
    tied = _tied(values)
    if not tied.any():
        return values
    noise = row_uniforms(keys, "jitter of tied values") - 0.5
    return np.where(tied, values + _smallest_gap(values) * noise, values)


def _tied(values: AnyFloat) -> Booleans:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1)


def _smallest_gap(values: AnyFloat) -> float:
    """Return the smallest difference between different values; 0 where all are equal."""
    return float(np.diff(np.unique(values)).min(initial=np.inf)) if np.ptp(values) > 0 else 0.0
