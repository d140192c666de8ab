"""UMAP's fuzzy graph and its spectral base, once per n_neighbors for all min_dist and seeds."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from umap.spectral import spectral_layout
from umap.umap_ import fuzzy_simplicial_set

from steadymap.tasks.numerics.arrays import Float32
from steadymap.tasks.numerics.geometry.neighbours import Neighbours


def default_epochs(rows: int) -> int:
    """Return umap-learn's number of epochs: 500 up to 10,000 rows, 200 above."""
    return 500 if rows <= 10_000 else 200


def fuzzy_graph(neighbours: Neighbours, n_neighbors: int) -> scipy.sparse.csr_matrix:
    """Return the fuzzy union of the neighbourhoods, symmetric, float32, shape (n, n) sparse.

    umap-learn counts the row itself as its first neighbour, so n_neighbors − 1 others are used.
    """
    nearest = neighbours.first(n_neighbors - 1)
    rows = len(nearest.indices)
    itself = np.arange(rows, dtype=np.int32)[:, None]
    graph, _, _ = fuzzy_simplicial_set(
        np.empty((rows, 1), dtype=np.float32),  # only its length is looked at, since the neighbours are given
        n_neighbors,
        random_state=None,
        metric="euclidean",
        knn_indices=np.hstack([itself, nearest.indices]),
        knn_dists=np.hstack([np.zeros((rows, 1), np.float32), nearest.distances]),
    )
    graph = scipy.sparse.csr_matrix(graph)
    graph.sort_indices()
    return graph


def spectral_base(graph: scipy.sparse.csr_matrix, working: Float32, dimension: int) -> Float32:
    """Return the graph Laplacian's layout that UMAP starts from, shape (n, dimension).

    The edges that are too weak to be drawn in any epoch are left out first, as umap-learn does.
    """
    strong = scipy.sparse.coo_matrix(graph, copy=True)
    strong.data[strong.data < strong.data.max() / default_epochs(len(working))] = 0
    strong.eliminate_zeros()
    base = spectral_layout(working, strong, dimension, np.random.RandomState(0))
    return np.asarray(base, dtype=np.float32)
