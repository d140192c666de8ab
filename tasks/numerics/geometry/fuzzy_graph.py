"""UMAP's fuzzy graph, once per n_neighbors for all min_dist and seeds.

What ``umap.umap_.fuzzy_simplicial_set`` does, without the import of umap-learn, which takes seconds.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse

from steadymap.tasks.numerics.arrays import Float32, Float64
from steadymap.tasks.numerics.geometry.neighbours import Neighbours

STEPS = 64
TOLERANCE = 1e-5
SMALLEST_SCALE = 1e-3
"""umap-learn's own: halvings in search of a row's scale, how near its sum must come, and the least scale as a share of
the mean distance."""

BLOCK = 16_384
"""Rows at a time."""


def default_epochs(rows: int) -> int:
    """Return umap-learn's number of epochs: 500 up to 10,000 rows, 200 above."""
    return 500 if rows <= 10_000 else 200


def fuzzy_graph(neighbours: Neighbours, n_neighbors: int) -> scipy.sparse.csr_matrix:
    """Return the fuzzy union of the neighbourhoods, symmetric, float32, shape (n, n) sparse.

    Row i holds exp(−max(0, dᵢⱼ − ρᵢ)/σᵢ) for its neighbours, ρᵢ its least distance above 0, σᵢ such that a row sums
    to log₂ n_neighbors; the union is A + Aᵀ − A∘Aᵀ. umap-learn counts the row itself as its first neighbour, so
    n_neighbors − 1 others are used. Source: McInnes, Healy & Melville 2018, arXiv:1802.03426.
    """
    nearest = neighbours.first(n_neighbors - 1)
    rows, count = nearest.indices.shape
    distances = np.asarray(nearest.distances, dtype=np.float32)
    # The row itself, at distance 0, counts in umap-learn's means.
    mean = float(distances.mean(dtype=np.float64)) * count / (count + 1)
    strengths = np.empty((rows, count), dtype=np.float32)
    for at in range(0, rows, BLOCK):
        block = slice(at, at + BLOCK)
        strengths[block] = _memberships(distances[block].astype(np.float64), np.log2(n_neighbors), mean)
    starts = np.arange(0, rows * count + 1, count)
    directed = scipy.sparse.csr_matrix((strengths.ravel(), nearest.indices.ravel(), starts), shape=(rows, rows))
    transposed = directed.T.tocsr()
    union = scipy.sparse.csr_matrix(directed + transposed - directed.multiply(transposed))
    union.eliminate_zeros()
    union.sort_indices()
    return union


def _memberships(distances: Float64, target: float, mean: float) -> Float32:
    """Return how much each neighbour belongs to its row, shape (b, k), from ascending distances."""
    apart = distances > 0
    nearest = np.where(apart.any(axis=1), np.min(np.where(apart, distances, np.inf), axis=1), 0.0)
    beyond = np.maximum(0.0, distances - nearest[:, None])
    scale = _scales(beyond, target)
    own = distances.mean(axis=1) * distances.shape[1] / (distances.shape[1] + 1)
    scale = np.maximum(scale, SMALLEST_SCALE * np.where(nearest > 0, own, mean))
    return np.exp(-beyond / np.maximum(scale, np.finfo(np.float64).tiny)[:, None]).astype(np.float32)


def _scales(beyond: Float64, target: float) -> Float64:
    """Halve intervals until Σⱼ exp(−beyondᵢⱼ/σᵢ) is the target, all rows at once; shape (b,)."""
    low, high, scale = np.zeros(len(beyond)), np.full(len(beyond), np.inf), np.ones(len(beyond))
    open_rows = np.arange(len(beyond))
    for _ in range(STEPS):
        excess = np.exp(-beyond[open_rows] / scale[open_rows, None]).sum(axis=1) - target
        open_rows, excess = open_rows[np.abs(excess) >= TOLERANCE], excess[np.abs(excess) >= TOLERANCE]
        if not len(open_rows):
            break
        above, below = open_rows[excess > 0], open_rows[excess <= 0]
        high[above], low[below] = scale[above], scale[below]
        unbounded = np.isinf(high[open_rows])
        scale[open_rows] = np.where(
            unbounded, 2 * scale[open_rows], (low[open_rows] + np.where(unbounded, 0, high[open_rows])) / 2
        )
    return scale
