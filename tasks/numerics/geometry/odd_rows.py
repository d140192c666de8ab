"""Rows that are odd among the others: what a person would want to hear of before looking at a picture."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float32, Int64

FAR = 30.0
"""Times the median distance from the middle: the heavy tails of t with 5 degrees of freedom stay below, a broken
row, or one that was filled with 9999, does not."""

BLOCK_ROWS = 100_000


def far_rows(vectors: Float32) -> Int64:
    """Return the rows that are far from everything else, the farthest first.

    Far is more than 30 times the median distance from the coordinatewise median: neither is moved by a few rows.

    Parameters
    ----------
    vectors
        Shape (n, d), finite.
    """
    middle = np.median(vectors[:BLOCK_ROWS], axis=0)
    apart = np.concatenate(
        [
            np.linalg.norm(vectors[at : at + BLOCK_ROWS].astype(np.float64) - middle, axis=1)
            for at in range(0, len(vectors), BLOCK_ROWS)
        ]
    )
    typical = float(np.median(apart))
    far = np.flatnonzero(apart > FAR * typical) if typical > 0 else np.empty(0, dtype=np.int64)
    return np.asarray(far[np.argsort(-apart[far], kind="stable")])
