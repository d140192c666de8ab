"""The shortest links between the components of a graph of points, as few as make it one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import minimum_spanning_tree
from threadpoolctl import threadpool_limits

from steadymap.tasks.numerics.arrays import Float32, Float64, Int64

BLOCK_CELLS = 4_000_000
"""Distances held at a time: 32 MB."""


def shortest_links(points: Float32, component: Int64) -> Int64:
    """Return the pairs of rows that join all components at the least total length.

    Every pair is the closest one between its two components; the components that are joined are those of a minimum
    spanning tree. Costs n²/2 distances, and memory for c² of them.

    Parameters
    ----------
    points
        Distinct rows, shape (n, p).
    component
        Component of every row, 0 to c − 1.

    Returns
    -------
    Shape (c − 1, 2), the smaller row first.
    """
    if component.max() == 0:
        return np.empty((0, 2), dtype=np.int64)
    closest = _closest_pairs(points, component)
    # Distances of 0 would read as no link; distinct rows have none.
    tree = minimum_spanning_tree(scipy.sparse.csr_matrix(np.triu(closest.squared, 1))).tocoo()
    return np.sort(np.column_stack([closest.start[tree.row, tree.col], closest.end[tree.row, tree.col]]), axis=1)


@dataclass
class _Closest:
    """The closest pair between every two components, above the diagonal: squared distance and both rows."""

    squared: Float64
    start: Int64
    end: Int64

    def update(self, own: int, other: Int64, squared: Float64, start: Int64, end: Int64) -> None:
        better = squared < self.squared[own, other]
        at = (own, other[better])
        self.squared[at], self.start[at], self.end[at] = squared[better], start[better], end[better]


def _closest_pairs(points: Float32, component: Int64) -> _Closest:
    count = int(component.max()) + 1
    order = np.argsort(component, kind="stable")
    bounds = np.searchsorted(component[order], np.arange(count + 1))
    # Rounding grows with the distance from the origin, so the origin goes to the middle.
    ordered = points[order].astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    closest = _Closest(np.full((count, count), np.inf), *np.zeros((2, count, count), dtype=np.int64))
    for own in range(count - 1):
        after = int(bounds[own + 1])
        step = max(1, BLOCK_CELLS // (len(points) - after))
        for at in range(int(bounds[own]), after, step):
            squared, nearest = _nearest_of_block(ordered[at : min(at + step, after)], ordered[after:])
            best = _least_by_component(squared, bounds[own + 1 :] - after)
            rows = order[nearest[best] + at], order[best + after]
            closest.update(own, np.arange(own + 1, count), squared[best], *rows)
    return closest


def _nearest_of_block(block: Float64, others: Float64) -> tuple[Float64, Int64]:
    """Return for every other row the squared distance to the nearest row of the block, and which that is."""
    with threadpool_limits(1):
        apart = block @ others.T
    apart *= -2
    apart += np.einsum("ij,ij->i", block, block)[:, None]
    nearest = apart.argmin(axis=0)
    squared = apart[nearest, np.arange(len(others))] + np.einsum("ij,ij->i", others, others)
    return np.maximum(squared, np.finfo(np.float64).tiny), nearest


def _least_by_component(values: Float64, bounds: Int64) -> Int64:
    """Return where the least value of every stretch between bounds stands, the first of equal ones."""
    least = np.minimum.reduceat(values, bounds[:-1])
    stretch = np.repeat(np.arange(len(least)), np.diff(bounds))
    holders = np.flatnonzero(values == least[stretch])
    return np.asarray(holders[np.unique(stretch[holders], return_index=True)[1]])
