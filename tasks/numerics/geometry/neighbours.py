"""Nearest neighbours of every row, once for a whole sweep: exact up to 100,000 rows.

Blocks of rows are searched with scikit-learn's brute force (BLAS); the candidates are then measured
again in float64, coordinate by coordinate, and ordered by (distance, row). The result therefore does not
depend on block size, threads or BLAS, and the first k neighbours are the same whatever k was asked for.
Of more rows the candidates come from the cells around each, and the share of neighbours that are found is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from steadymap.tasks.numerics.arrays import Float32, Float64, Int32, Int64
from steadymap.tasks.numerics.geometry.inverted_lists import EXACT_UP_TO, InvertedLists

BLOCK_ROWS = 512
"""Rows searched at a time: 512 × 70,000 distances in float64 are 290 MB in the worst case."""

SPARE_CANDIDATES = 8
"""Candidates beyond k, so that rounding in the fast search cannot push a true neighbour out unseen."""

RELATIVE_ERROR = 1e-10
"""Bound on the fast search's error in a squared distance, relative to the largest squared length; it adds up
float64 products, whose error is about dimensions × 1e-16."""


@dataclass(frozen=True)
class Neighbours:
    """The k nearest other rows of every row.

    Attributes
    ----------
    indices
        Rows, nearest first, ties by row; shape (n, k).
    distances
        Distances in the metric of the search; shape (n, k).
    recall
        Share of the true neighbours that were found, measured for some rows; None where the search was exact.
    """

    indices: Int32
    distances: Float32
    recall: float | None = None

    def first(self, k: int) -> Neighbours:
        """Return the first k of the stored neighbours."""
        return Neighbours(np.array(self.indices[:, :k]), np.array(self.distances[:, :k]), self.recall)


def nearest_neighbours(
    working: Float32,
    k: int,
    *,
    metric: str = "euclidean",
    threads: int = 1,
    block_rows: int = BLOCK_ROWS,
    on_rows: Callable[[int], None] | None = None,
) -> Neighbours:
    """Find the k nearest other rows of every row of the preprocessed vectors.

    Parameters
    ----------
    working
        Preprocessed vectors in canonical order (equal rows side by side), shape (n, d).
    k
        Neighbours per row, 1 to n − 1.
    metric
        ``euclidean``, or ``cosine`` for rows of unit length: distance is then 1 − cosine.
    threads
        Blocks searched at the same time.
    on_rows
        Called with the number of rows finished since the last call.

    Raises
    ------
    ValueError
        k is not in 1 to n − 1.
    """
    rows = len(working)
    if not 1 <= k <= rows - 1:
        raise ValueError(f"k = {k} neighbours of {rows} rows; k must be 1 to {rows - 1}")
    starts = np.flatnonzero(np.r_[True, np.any(working[1:] != working[:-1], axis=1)])
    search = _Search(working[starts], starts, np.diff(np.r_[starts, rows]), k, threads)
    blocks = [slice(at, at + block_rows) for at in range(0, len(starts), block_rows)]
    parts: list[tuple[Int64, Float64]] = []
    with threadpool_limits(1):
        found = Parallel(n_jobs=threads, backend="threading", return_as="generator")(
            delayed(search.block)(block) for block in blocks
        )
        for indices, squared in found:
            parts.append((indices, squared))
            if on_rows is not None:
                on_rows(len(indices))
    indices = np.concatenate([part[0] for part in parts])
    squared = np.concatenate([part[1] for part in parts])
    group = np.repeat(np.arange(len(starts)), search.counts)
    return replace(_without_self(indices[group], squared[group], k, metric), recall=search.recall)


class _Search:
    """Distinct rows, where each stands, and how often; finds k + 1 rows (itself included) for a block."""

    def __init__(self, distinct: Float32, starts: Int64, counts: Int64, k: int, threads: int) -> None:
        self.distinct = distinct
        self.starts = starts
        self.counts = counts
        self.k = k
        self.candidates = min(len(distinct), k + 1 + max(SPARE_CANDIDATES, k // 8))
        self.index: NearestNeighbors | InvertedLists
        self.recall: float | None = None
        if len(distinct) <= EXACT_UP_TO:
            self.index = NearestNeighbors(n_neighbors=self.candidates, algorithm="brute").fit(distinct)
        else:
            self.index = InvertedLists(distinct, self.candidates, threads)
            self.recall = self.index.recall
        self.longest = float(np.einsum("ij,ij->i", distinct, distinct, dtype=np.float64).max())

    def block(self, block: slice) -> tuple[Int64, Float64]:
        """Return rows and squared distances of the k + 1 nearest rows, shape (rows of the block, k + 1)."""
        queries = self.distinct[block]
        candidates = self.index.kneighbors(queries, return_distance=False)
        short = np.flatnonzero(candidates.min(axis=1) < 0)
        squared = squared_distances(queries, self.distinct, candidates)
        order = np.lexsort((candidates, squared))
        candidates = np.take_along_axis(candidates, order, axis=1)
        squared = np.take_along_axis(squared, order, axis=1)
        for row in short:  # the cells around it have too few rows
            candidates[row], squared[row] = self._scan(queries[row])
        if self.recall is None and self.candidates < len(self.distinct):
            doubtful = squared[:, -1] <= squared[:, self.k] + RELATIVE_ERROR * self.longest
            for row in np.flatnonzero(doubtful):
                candidates[row], squared[row] = self._scan(queries[row])
        return self._expand(candidates, squared)

    def _scan(self, query: Float32) -> tuple[Int64, Float64]:
        """Measure one row against all others: for rows with so many ties that the candidates may miss some."""
        difference = self.distinct.astype(np.float64) - query
        squared = np.einsum("ij,ij->i", difference, difference)
        order = np.argsort(squared, kind="stable")[: self.candidates]
        return order, squared[order]

    def _expand(self, candidates: Int64, squared: Float64) -> tuple[Int64, Float64]:
        """Replace every distinct row by its copies, and keep the first k + 1."""
        wanted = min(self.k + 1, int(self.counts.sum()))
        copies = np.minimum(self.counts[candidates], wanted)
        if np.all(copies == 1):
            return self.starts[candidates[:, :wanted]], squared[:, :wanted]
        flat = copies.ravel()
        ends = np.cumsum(flat)
        copy = np.arange(ends[-1]) - np.repeat(ends - flat, flat)
        rows = np.repeat(self.starts[candidates].ravel(), flat) + copy
        distances = np.repeat(squared.ravel(), flat)
        per_query = copies.sum(axis=1)
        position = np.arange(ends[-1]) - np.repeat(np.cumsum(per_query) - per_query, per_query)
        kept = position < wanted
        return rows[kept].reshape(-1, wanted), distances[kept].reshape(-1, wanted)


def squared_distances(queries: Float32, points: Float32, candidates: Int64) -> Float64:
    """Measure each query against its candidates in float64, shape (q, d), (n, d), (q, m) to (q, m)."""
    squared = np.empty(candidates.shape)
    # A slice of queries at a time, so that the gathered coordinates stay within about 64 MB.
    step = max(1, 8_000_000 // max(1, candidates.shape[1] * points.shape[1]))
    for at in range(0, len(queries), step):
        chosen = points[candidates[at : at + step]].astype(np.float64)
        chosen -= queries[at : at + step, None, :]
        squared[at : at + step] = np.einsum("qmd,qmd->qm", chosen, chosen)
    return squared


def _without_self(indices: Int64, squared: Float64, k: int, metric: str) -> Neighbours:
    keep = indices != np.arange(len(indices))[:, None]
    # A row with more than k copies may not be among its own first k + 1; then the last one goes.
    keep[np.all(keep, axis=1), -1] = False
    indices = indices[keep].reshape(-1, k)
    squared = squared[keep].reshape(-1, k)
    distances = squared / 2 if metric == "cosine" else np.sqrt(squared)
    return Neighbours(indices.astype(np.int32), distances.astype(np.float32))
