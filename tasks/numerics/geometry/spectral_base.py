"""The graph Laplacian's layout that UMAP starts from, once per graph.

Eigenvectors that a solver has not quite converged to are a start as good as any: UMAP moves every row anyway. So there
is no falling back to noise, which umap-learn does with a warning where two eigenvalues are near one another.
"""

from __future__ import annotations

import warnings

import numpy as np
import scipy.linalg
import scipy.sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh, lobpcg
from scipy.spatial.distance import cdist

from steadymap.tasks.numerics.arrays import Float32, Float64, Int64
from steadymap.tasks.numerics.geometry.fuzzy_graph import default_epochs
from steadymap.tasks.numerics.randomness import stream

DENSE_UP_TO = 400
"""Rows of a component whose eigenvectors are computed without iteration."""

TOLERANCE = 1e-4
MOST_RESTARTS = 300
SWEEPS = 100


def spectral_base(graph: scipy.sparse.csr_matrix, working: Float32, dimension: int) -> Float32:
    """Return eigenvectors of the graph's normalised Laplacian, those of the least eigenvalues but 0; (n, dimension).

    Edges too weak to be drawn in any epoch are left out first, as umap-learn does. Of a graph in several components
    each has a layout of its own, placed by the components' centroids, with half the distance to the nearest for radius.
    """
    strong = scipy.sparse.csr_matrix(graph, copy=True)
    strong.data[strong.data < strong.data.max() / default_epochs(len(working))] = 0
    strong.eliminate_zeros()
    count, component = connected_components(strong, directed=False)
    if count == 1:
        return _layout(strong, dimension).astype(np.float32)
    centres = _centres(working, component.astype(np.int64), count, dimension)
    base = np.empty((len(working), dimension))
    for one in range(count):
        rows = np.flatnonzero(component == one)
        own = _layout(strong[rows][:, rows], dimension)
        others = np.delete(cdist(centres[one : one + 1], centres)[0], one)
        base[rows] = centres[one] + own * (others.min() / 2 / max(np.abs(own).max(), np.finfo(np.float64).tiny))
    return base.astype(np.float32)


def _layout(graph: scipy.sparse.csr_matrix, dimension: int) -> Float64:
    """Lay one component out, shape (rows, dimension)."""
    rows = graph.shape[0]
    if rows <= dimension + 1:
        return stream("small component", rows).uniform(-1, 1, (rows, dimension))
    degrees = np.asarray(graph.sum(axis=0), dtype=np.float64).ravel()
    scale = scipy.sparse.diags(1 / np.sqrt(degrees))
    similarity = scipy.sparse.csr_matrix(scale @ graph.astype(np.float64) @ scale)
    if rows <= DENSE_UP_TO:
        _, vectors = scipy.linalg.eigh(similarity.toarray(), subset_by_index=(rows - dimension - 1, rows - 1))
    else:
        vectors = _largest(similarity, dimension + 1, np.sqrt(degrees))
    return np.asarray(_signed(vectors[:, ::-1][:, 1 : dimension + 1]))


def _largest(similarity: scipy.sparse.csr_matrix, count: int, first: Float64) -> Float64:
    """Return the eigenvectors with the largest eigenvalues, ascending, shape (rows, count)."""
    rows = similarity.shape[0]
    width = max(2 * count + 1, min(60, int(np.sqrt(rows))))
    try:
        _, vectors = eigsh(
            similarity, count, which="LA", ncv=width, tol=TOLERANCE, v0=np.ones(rows), maxiter=MOST_RESTARTS
        )
    except ArpackNoConvergence:
        start = stream("spectral base", rows).standard_normal((rows, count))
        start[:, 0] = first
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged is good enough, see above
            values, vectors = lobpcg(similarity, start, largest=True, tol=TOLERANCE, maxiter=SWEEPS)
        vectors = vectors[:, np.argsort(values)]
    return np.asarray(vectors)


def _signed(vectors: Float64) -> Float64:
    """Turn every vector so that its largest entry is positive: a solver may give either."""
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    return np.asarray(vectors * np.where(largest < 0, -1.0, 1.0))


def _centres(working: Float32, component: Int64, count: int, dimension: int) -> Float64:
    """Place the components: by the classical scaling of their centroids, the farthest 1 from the origin."""
    sizes = np.bincount(component, minlength=count)
    centroids = np.stack(
        [np.bincount(component, working[:, axis], count) / sizes for axis in range(working.shape[1])], 1
    )
    centred = centroids - centroids.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    placed = np.zeros((count, dimension))
    found = min(dimension, len(singular))
    placed[:, :found] = left[:, :found] * singular[:found]
    # Components whose centroids coincide are moved apart, or there would be no radius for their layouts.
    placed += 0.01 * np.abs(placed).max() * stream("component centres", count).standard_normal(placed.shape)
    farthest = np.abs(placed).max()
    return placed / farthest if farthest > 0 else stream("component centres", count).standard_normal(placed.shape)
