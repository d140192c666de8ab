"""What in a matrix of latent vectors would mislead a sweep.

Rows far from all others, one column that outweighs the rest, columns that never change, many equal rows. Nothing here
decides anything; the findings are told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float32, Int64

FAR = 6.0
"""Times the distance from the middle that 95 % of the rows keep; a Gaussian in 2 or more dimensions reaches 2."""

MOST_FAR = 0.01
"""Share of the rows that can be strays; more are a cluster."""

OUTWEIGHS = 0.95
"""Share of the variance in one column."""

BEYOND = 10.0
"""Times the range of a column's other values: a fill value such as -999, no tail of a distribution."""

FEWEST_EQUAL, SHARE_EQUAL = 10, 0.05
"""Equal rows that are worth a word."""


@dataclass(frozen=True)
class Oddities:
    """What was found.

    Attributes
    ----------
    far
        Rows far from all others, the farthest first.
    farthest
        How far, in units of what 95 % of the rows keep from the middle.
    heavy
        The column with nearly all of the variance, or None.
    share
        Its share, 0 to 1.
    constant
        Columns that never change.
    sentinels
        Columns in which several rows share a value far beyond all others, with that value.
    equal
        Rows of the largest set of equal rows, where it is large.
    distinct
        How many different rows there are.
    """

    far: Int64
    farthest: float
    heavy: int | None
    share: float
    constant: Int64
    sentinels: tuple[tuple[int, float], ...]
    equal: Int64
    distinct: int


def find_oddities(matrix: Float32) -> Oddities:
    """Look a matrix of shape (n, d) over."""
    far, farthest = find_far_rows(matrix)
    kept = np.delete(matrix, far, axis=0) if len(far) else matrix
    variance = np.var(kept, axis=0, dtype=np.float64)
    total = float(variance.sum())
    heavy = int(np.argmax(variance))
    share = float(variance[heavy]) / total if total > 0 else 0.0
    outweighs = matrix.shape[1] > 2 and share > OUTWEIGHS
    constant = np.flatnonzero(matrix.min(axis=0) == matrix.max(axis=0))
    equal, distinct = _find_equal(matrix)
    return Oddities(
        far, farthest, heavy if outweighs else None, share, constant, _find_sentinels(matrix), equal, distinct
    )


def find_far_rows(matrix: AnyFloat) -> tuple[Int64, float]:
    """Return the few rows of shape (n, d) that are far from all others, the farthest first, and how far that one is.

    Far is more than 6 times the distance from the coordinatewise median that 95 % of the rows keep; more than 1 % of
    the rows are no strays, and none is returned then.
    """
    distance = np.linalg.norm(matrix - np.median(matrix, axis=0), axis=1)
    usual = float(np.quantile(distance, 0.95))
    if usual == 0:
        return np.array([], dtype=np.int64), 0.0
    far = np.flatnonzero(distance > FAR * usual)
    far = far[np.argsort(-distance[far], kind="stable")]
    few = len(far) <= max(2, MOST_FAR * len(matrix))
    return (far, float(distance.max()) / usual) if few else (far[:0], 0.0)


def _find_sentinels(matrix: Float32) -> tuple[tuple[int, float], ...]:
    """Return columns with an extreme value that several rows share, 10 times the range of all others away from them."""
    found = []
    for number, column in enumerate(matrix.T):
        for extreme in (column.min(), column.max()):
            rest = column[column != extreme]
            if not 2 <= len(column) - len(rest) <= len(rest) or np.all(rest == rest[0]):
                continue
            spread, gap = float(np.ptp(rest)), float(np.min(np.abs(rest - extreme)))
            if gap > BEYOND * spread and len(np.unique(rest)) >= FEWEST_EQUAL:
                found.append((number, float(extreme)))
    return tuple(found)


def _find_equal(matrix: Float32) -> tuple[Int64, int]:
    """Return the largest set of equal rows where it is large, and the number of different rows."""
    whole = np.ascontiguousarray(matrix + np.float32(0))
    rows = whole.view(np.dtype((np.void, whole.itemsize * whole.shape[1]))).ravel()
    _, belongs, counts = np.unique(rows, return_inverse=True, return_counts=True)
    largest = int(np.argmax(counts))
    if counts[largest] < max(FEWEST_EQUAL, SHARE_EQUAL * len(matrix)):
        return np.array([], dtype=np.int64), len(counts)
    return np.flatnonzero(belongs == largest), len(counts)
