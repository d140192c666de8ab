"""The neighbour graph of the discovery half, joined into one piece, with the density around every row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from steadymap.tasks.numerics.arrays import Float32, Float64, Int64
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.valleys.component_links import shortest_links

NEIGHBOURS = 10


@dataclass(frozen=True)
class LatentGraph:
    """Undirected edges between rows, each once with ``first < second``.

    Attributes
    ----------
    first, second
        Rows at the ends of every edge, shape (e,).
    length
        Euclidean distance, shape (e,).
    reachability
        Mutual-reachability distance max(cᵢ, cⱼ, dᵢⱼ) with the core distance cᵢ, that to the kth neighbour; shape (e,).
    rows
        Number of rows n.
    """

    first: Int64
    second: Int64
    length: Float64
    reachability: Float64
    rows: int

    @cached_property
    def adjacency(self) -> tuple[Int64, Int64, Float64]:
        """Compressed rows: starts, shape (n + 1,), and the neighbours and lengths of all, shape (2 e,)."""
        matrix = _symmetric(self.first, self.second, self.length, self.rows)
        return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float64)


def latent_graph(points: Float32, k: int = NEIGHBOURS) -> LatentGraph:
    """Join every row with its k nearest ones, and separate components by the shortest links that make them one.

    Parameters
    ----------
    points
        Distinct rows in canonical order, shape (n, p), n ≥ 2.
    k
        Neighbours per row, at most n − 1 are taken.
    """
    rows = len(points)
    neighbours = nearest_neighbours(points, min(k, rows - 1))
    core = neighbours.distances[:, -1].astype(np.float64)
    ends = np.column_stack([np.repeat(np.arange(rows), neighbours.indices.shape[1]), neighbours.indices.ravel()])
    ends = np.unique(np.sort(ends, axis=1), axis=0)
    _, component = connected_components(_symmetric(ends[:, 0], ends[:, 1], np.ones(len(ends)), rows))
    ends = np.concatenate([ends, shortest_links(points, component)]).astype(np.int64)
    length = np.linalg.norm(points[ends[:, 0]].astype(np.float64) - points[ends[:, 1]], axis=1)
    reachability = np.maximum(length, np.maximum(core[ends[:, 0]], core[ends[:, 1]]))
    return LatentGraph(ends[:, 0], ends[:, 1], length, reachability, rows)


def fragments(graph: LatentGraph, labels: Int64) -> Int64:
    """Divide every label into its connected parts, numbered by their first row; shape (n,)."""
    same = labels[graph.first] == labels[graph.second]
    inside = _symmetric(graph.first[same], graph.second[same], graph.length[same], graph.rows)
    _, part = connected_components(inside, directed=False)
    _, first, inverse = np.unique(part, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse])


def _symmetric(first: Int64, second: Int64, weight: Float64, rows: int) -> scipy.sparse.csr_matrix:
    both = (np.concatenate([weight, weight]), (np.concatenate([first, second]), np.concatenate([second, first])))
    return scipy.sparse.csr_matrix(both, shape=(rows, rows))
