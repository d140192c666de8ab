"""Where two clusters come closest, and the rows around that place.

If two clusters run into each other anywhere, they do at the easiest bridge; if there is a valley there, they are
separated everywhere. The rows around are sought along the graph, not straight: on a curved sheet a straight
neighbourhood jumps to the next turn and shows a valley between two turns of one sheet.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numba import njit

from steadymap.tasks.numerics.arrays import Float64, Int64
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph


@dataclass(frozen=True, order=True)
class Bridge:
    """The edge of the graph with the least mutual-reachability distance between two clusters.

    Attributes
    ----------
    reachability, length
        Mutual-reachability and Euclidean distance; many edges share the first, so the second decides, then the rows.
    start, end
        The row in the cluster with the smaller label, and that in the other.
    """

    reachability: float
    length: float
    start: int
    end: int

    def reversed(self) -> Bridge:
        """Return the same bridge walked the other way."""
        return Bridge(self.reachability, self.length, self.end, self.start)


def find_bridges(graph: LatentGraph, labels: Int64) -> dict[tuple[int, int], Bridge]:
    """Find the easiest bridge between every two labels that touch in the graph, by (smaller label, larger label).

    Rows with a negative label are on no side.
    """
    ends = np.column_stack([graph.first, graph.second])
    sides = labels[ends]
    crossing = np.flatnonzero((sides[:, 0] != sides[:, 1]) & (sides.min(axis=1) >= 0))
    swapped = sides[crossing, 0] > sides[crossing, 1]
    ends, sides = ends[crossing], np.sort(sides[crossing], axis=1)
    ends[swapped] = ends[swapped, ::-1]
    reachability, length = graph.reachability[crossing], graph.length[crossing]
    order = np.lexsort((ends[:, 1], ends[:, 0], length, reachability, sides[:, 1], sides[:, 0]))
    new = np.r_[True, np.any(np.diff(sides[order], axis=0) != 0, axis=1)] if len(order) else order
    return {
        (int(sides[at, 0]), int(sides[at, 1])): Bridge(
            float(reachability[at]), float(length[at]), int(ends[at, 0]), int(ends[at, 1])
        )
        for at in order[new]
    }


def nearest_along_graph(graph: LatentGraph, labels: Int64, centre: int, count: int) -> Int64:
    """Return up to ``count`` rows with the centre's label, nearest along edges that stay in that label, ascending.

    Dijkstra's walk, ended as soon as it has them. Fewer rows come back where no more can be reached.
    """
    return _walk(graph.adjacency, labels, centre, count, np.inf)[0]


def reach_along_graph(graph: LatentGraph, labels: Int64, centre: int, count: int) -> float:
    """Return how far along the graph the last of ``nearest_along_graph`` lies."""
    return _walk(graph.adjacency, labels, centre, count, np.inf)[1]


def within_reach(graph: LatentGraph, labels: Int64, centre: int, reach: float, most: int) -> Int64:
    """Return the rows with the centre's label that are no farther than ``reach``, the nearest ``most``; ascending."""
    return _walk(graph.adjacency, labels, centre, most, reach)[0]


@njit(cache=True)
def _walk(
    adjacency: tuple[Int64, Int64, Float64], labels: Int64, centre: int, count: int, reach: float
) -> tuple[Int64, float]:
    starts, neighbours, lengths = adjacency
    reached = np.zeros(len(labels), np.bool_)
    found = 0
    farthest = 0.0
    waiting = [(0.0, centre)]
    while len(waiting) > 0 and found < count:
        distance, row = heapq.heappop(waiting)
        if distance > reach:
            break
        if reached[row]:
            continue
        reached[row] = True
        found += 1
        farthest = distance
        for at in range(starts[row], starts[row + 1]):
            other = neighbours[at]
            if not reached[other] and labels[other] == labels[centre]:
                heapq.heappush(waiting, (distance + lengths[at], other))
    return np.flatnonzero(reached), farthest
