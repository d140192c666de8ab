"""A sum over almost all pairs of a picture's rows, from a sample of rows, with its standard error.

The losses of t-SNE and UMAP have a term that pushes every pair apart. What the few pairs add that a graph joins, near
ones mostly, is best summed exactly: they hold much of the variance. The rest is estimated here; nothing of size n × n
is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.spatial.distance import cdist

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64

CELLS_AT_A_TIME = 500_000
"""Distances held at a time, or those of one row: 4 MB for them and for each of the few arrays made of them."""

Term = Callable[[Float64], Float64]
"""What a pair adds, as an elementwise function of its squared distance."""


@dataclass(frozen=True)
class Loss:
    """A loss, or a part of one, and its standard error over the draw of rows: 0 where the sample is every row."""

    value: float
    stderr: float


def sum_over_unjoined(term: Term, picture: AnyFloat, graph: scipy.sparse.csr_matrix, sample: Int64) -> Loss:
    """Estimate Σ term(dᵢⱼ²) over the ordered pairs i ≠ j that a graph does not join.

    n/m Σ_{i ∈ sample} tᵢ, tᵢ the sum over the j that are not joined to i; unbiased where the sample is drawn evenly.
    The standard error is n s/√m √(1 − m/n), s the spread of the tᵢ.

    Parameters
    ----------
    picture
        Coordinates, shape (n, p).
    graph
        Its stored entries are the joined pairs, explicit zeros included and none on the diagonal; shape (n, n).
    sample
        Rows to look from, at least 2 and none twice, shape (m,).

    Raises
    ------
    ValueError
        The sample has fewer than 2 rows.
    """
    rows, looked_from = len(picture), len(sample)
    if looked_from < 2:
        raise ValueError(f"a sample of {looked_from} rows has no standard error; draw at least 2")
    sums = _sums_over_others(term, np.asarray(picture, dtype=np.float64), sample)
    joined = graph[sample]
    near = term(squared_lengths(joined, picture, sample))
    sums -= np.bincount(np.repeat(np.arange(looked_from), np.diff(joined.indptr)), near, looked_from)
    unseen = 1 - looked_from / rows
    stderr = rows * float(sums.std(ddof=1)) * np.sqrt(unseen / looked_from)
    return Loss(rows * float(sums.mean()), float(stderr))


def squared_lengths(graph: scipy.sparse.csr_matrix, picture: AnyFloat, rows: Int64) -> Float64:
    """Return the squared distances of the pairs that a graph stores, in its order, shape (nnz,).

    Line l of the graph belongs to row ``rows[l]`` of the picture.
    """
    drawn = np.asarray(picture, dtype=np.float64)
    starts = np.repeat(rows, np.diff(graph.indptr))
    squared = np.empty(graph.nnz)
    for at in range(0, graph.nnz, CELLS_AT_A_TIME):
        part = slice(at, at + CELLS_AT_A_TIME)
        apart = drawn[starts[part]] - drawn[graph.indices[part]]
        squared[part] = np.einsum("ij,ij->i", apart, apart)
    return squared


def _sums_over_others(term: Term, picture: Float64, sample: Int64) -> Float64:
    sums = np.empty(len(sample))
    step = max(1, CELLS_AT_A_TIME // len(picture))
    for at in range(0, len(sample), step):
        block = sample[at : at + step]
        terms = term(cdist(picture[block], picture, "sqeuclidean"))
        terms[np.arange(len(block)), block] = 0
        sums[at : at + step] = terms.sum(axis=1)
    return sums
