"""From the vectors as given to the vectors that neighbours are sought in."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from steadymap.tasks.numerics.arrays import Float32, Float64
from steadymap.tasks.numerics.geometry.projection import project


class UnusableVectorsError(ValueError):
    """The preprocessed vectors have no distances that mean anything."""


SMALLEST_SPREAD, LARGEST_SPREAD = 1e-15, 1e15
"""Beyond these, squared distances leave float32: everything collapses to 0 or overflows."""


def preprocess(matrix: Float32, *, scale: str, pca: int | None, metric: str) -> Float32:
    """Scale, reduce and centre (euclidean) or normalise to unit length (cosine).

    Parameters
    ----------
    matrix
        Vectors in canonical order, shape (n, d).
    scale
        ``none`` or ``standard`` (constant columns become 0).
    pca
        Principal components to keep, at most min(n, d), or None.
    metric
        ``euclidean`` or ``cosine``.

    Returns
    -------
    Shape (n, d or pca). Euclidean distances in it order neighbours as the metric does.

    Raises
    ------
    UnusableVectorsError
        All rows are equal, or a row has length 0 under ``cosine``, or the spread is outside of 1e-15 to 1e15.
    """
    working = matrix.astype(np.float64)
    working -= working.mean(axis=0) if metric == "euclidean" or scale == "standard" else 0
    if scale == "standard":
        deviation = working.std(axis=0)
        working /= np.where(deviation > 0, deviation, 1)
    if pca is not None:
        if metric == "cosine":
            # PCA would centre, which turns angles; the uncentred axes keep them.
            _, axes = np.linalg.eigh(working.T @ working)
            working = project(working, _largest_positive(axes[:, ::-1][:, :pca]).T)
        else:
            fitted = PCA(pca, svd_solver="full").fit(working)
            working = project(working - fitted.mean_, fitted.components_)
    if metric == "cosine":
        lengths = np.linalg.norm(working, axis=1, keepdims=True)
        if not np.all(lengths > 0):
            raise UnusableVectorsError(f"row of length 0 (canonical position {int(np.argmin(lengths))}) has no angle")
        working /= lengths
    spread = float(np.abs(working - working[0]).max(initial=0))
    if not SMALLEST_SPREAD <= spread <= LARGEST_SPREAD:
        raise UnusableVectorsError("all rows are equal" if spread == 0 else f"the values spread over {spread:.3g}")
    return working.astype(np.float32)


def _largest_positive(axes: Float64) -> Float64:
    """Fix the sign of every axis: its largest entry is positive."""
    signed: Float64 = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return signed
