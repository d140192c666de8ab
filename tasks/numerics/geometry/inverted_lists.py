"""Approximate nearest neighbours of many rows: only the cells nearest to a row are searched for it.

Exact search asks every row of every other: 100,000 rows take a minute, a million two hours. Here rows are divided into
cells by k-means, and those of the cells nearest to a row are measured. How many cells that takes is found out: until
of the true neighbours of some rows nearly all are found.

Source: Jégou, Douze & Schmid 2011, doi:10.1109/TPAMI.2010.57 (inverted file); searched by faiss.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from steadymap.tasks.numerics.arrays import Float32, Int64

EXACT_UP_TO = 100_000
"""Up to so many different rows every row is asked."""

CELLS_A_ROOT = 4
"""Cells for every square root of the rows: a search of p of them measures about p √n / 4 rows."""

ROWS_A_CELL = 64
"""Rows by which the middle of a cell is placed."""

FIRST_PROBES = 32
"""Cells that are searched for a row at first; half as many again while that misses too much."""

LEAST_RECALL = 0.99
"""Share of the true neighbours of the looked-at rows that have to be found."""

LOOKED_AT = 500
"""Rows whose neighbours are searched exactly, too, to know the share that is found."""

NEIGHBOURS_LOOKED_AT = 100
"""Neighbours of each of them; how many are asked for changes nothing, so that fewer are the first of more."""

FEWEST_ROWS = 500
"""With fewer rows in its cells, a row is left to an exact search."""


class InvertedLists:
    """An index over rows.

    Attributes
    ----------
    recall
        Share of the 100 true neighbours of the looked-at rows that it finds.
    """

    def __init__(self, points: Float32, candidates: int, threads: int = 1) -> None:
        """Divide the rows, shape (n, d), and choose how many cells are searched for ``candidates`` of a row."""
        import faiss

        faiss.omp_set_num_threads(threads)
        rows, dimensions = points.shape
        self._candidates = candidates
        middles = faiss.IndexFlatL2(dimensions)
        self._index = faiss.IndexIVFFlat(middles, dimensions, min(rows, int(CELLS_A_ROOT * rows**0.5)))
        self._index.cp.max_points_per_centroid = ROWS_A_CELL
        self._index.cp.min_points_per_centroid = 1
        self._index.train(points)  # by a seed of its own, the same every time
        self._index.add(points)
        self._index.nprobe = FIRST_PROBES
        lists: Any = self._index.invlists
        self._sizes = np.array([lists.list_size(cell) for cell in range(self._index.nlist)])
        self.recall = self._raise_recall(points)

    def _raise_recall(self, points: Float32) -> float:
        """Search more cells until nearly all true neighbours of some rows are found, and return the share."""
        import faiss

        looked_at = points[:: max(1, len(points) // LOOKED_AT)]
        count = min(NEIGHBOURS_LOOKED_AT, len(points))
        _, true = faiss.knn(looked_at, points, count)
        while True:
            _, found = self._index.search(looked_at, count)
            shares = [len(np.intersect1d(*both)) / count for both in zip(found, true, strict=True)]
            if np.mean(shares) >= LEAST_RECALL or self._index.nprobe >= self._index.nlist:
                return float(np.mean(shares))
            self._index.nprobe += max(1, self._index.nprobe // 2)

    def kneighbors(self, queries: Float32, return_distance: bool = False) -> Int64:
        """Return candidates for some rows, as scikit-learn's search does; −1 for rows whose cells have too few."""
        import faiss

        assert not return_distance
        faiss.omp_set_num_threads(1)  # of this thread: blocks of rows are searched side by side
        found: Int64 = self._index.search(queries, self._candidates)[1]
        cells: Int64 = self._index.quantizer.search(queries, self._index.nprobe)[1]
        found[self._sizes[cells].sum(axis=1) < FEWEST_ROWS] = -1
        return found
