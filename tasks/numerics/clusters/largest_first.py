"""Names of groups that depend on no order of work: 0 is the largest."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Int64


def largest_first(labels: Int64) -> Int64:
    """Rename groups by size, ties by their first row; what has a negative label is in no group and keeps it.

    Parameters
    ----------
    labels
        Group of every row, shape (n,).
    """
    found, first, of_row, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    names = found.copy()
    groups = np.flatnonzero(found >= 0)
    names[groups[np.lexsort((first[groups], -counts[groups]))]] = np.arange(len(groups))
    return names[of_row]
