"""Whether two pictures give a row the same neighbours: Jaccard overlap of the k nearest, beyond chance."""

from __future__ import annotations

import functools

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import hypergeom

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64

NEIGHBOURS = 15
"""Neighbours compared; fewer where the data has fewer other rows."""


def compared_neighbours(rows: int) -> int:
    """Return how many neighbours to compare: 15, but at most a third of the other rows, so that chance stays low."""
    return max(1, min(NEIGHBOURS, (rows - 1) // 3))


def picture_neighbours(picture: AnyFloat, k: int) -> Int64:
    """Return the k nearest other rows in a picture, in ascending order of rows, shape (n, k)."""
    rows = len(picture)
    found = cKDTree(picture).query(picture, k=min(k + 1, rows))[1]
    others = found != np.arange(rows)[:, None]
    # On a spot that more than k rows share, a row may be missing from its own list; then the last one goes.
    others[np.all(others, axis=1), -1] = False
    return np.sort(found[others].reshape(rows, -1), axis=1)


def neighbour_jaccard(first: Int64, second: Int64) -> Float64:
    """Return |A ∩ B| / |A ∪ B| of each row's neighbours in two pictures, adjusted for chance; shape (n,), at most 1.

    (J − E[J]) / (1 − E[J]): 1 is the same neighbours, 0 is chance. ``first`` and ``second`` have shape (n, k), every
    line in ascending order.

    Source: Sun et al. 2023 (DynamicViz), doi:10.1038/s43588-022-00380-4.
    """
    rows, k = first.shape
    merged = np.sort(np.hstack([first, second]), axis=1)
    both = np.sum(merged[:, 1:] == merged[:, :-1], axis=1)
    chance = chance_jaccard(k, rows)
    return np.asarray((both / (2 * k - both) - chance) / (1 - chance))


@functools.cache
def chance_jaccard(k: int, rows: int) -> float:
    """Return the expected Jaccard index of two random sets of k of the n − 1 other rows.

    The overlap is hypergeometric; k/(n − 1), often given, is the expected share of kept neighbours, about twice this.
    """
    overlap = np.arange(k + 1)
    return float(np.sum(hypergeom(rows - 1, k, k).pmf(overlap) * overlap / (2 * k - overlap)))
