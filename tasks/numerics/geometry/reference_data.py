"""Data without clusters that looks like the data otherwise: what noise draws at the same settings.

Both clouds have one peak wherever the data's own columns have one. They are context for a picture, never a test of a
cluster: whatever is flat, curved or bounded differs from them without having a gap anywhere.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.covariance import ledoit_wolf

from steadymap.tasks.numerics.arrays import Float32, Float64
from steadymap.tasks.numerics.randomness import stream

BLOCK_ROWS = 20_000
"""Rows drawn at a time: 20,000 × 512 in float64 are 80 MB."""


def gaussian_cloud(matrix: Float32, number: int) -> Float32:
    """Draw a Gaussian with the mean and the shrunk covariance of the rows, shape (n, d) as ``matrix``.

    Source: Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4.
    """
    points = matrix.astype(np.float64)
    mean = points.mean(axis=0)
    root = _root(ledoit_wolf(points - mean, assume_centered=True)[0])
    drawn = np.empty_like(matrix)
    generator = stream("gaussian cloud", number, *matrix.shape)
    for block in _blocks(len(matrix)):
        noise = generator.standard_normal((block.stop - block.start, len(root)))
        drawn[block] = mean + noise @ root
    return drawn


def copula_cloud(matrix: Float32, number: int) -> Float32:
    """Draw a Gaussian copula: every column keeps its values, rows have the shrunk correlations of normal scores.

    Shape (n, d) as ``matrix``. Source: the null of ClusterDE (Song et al. 2023, doi:10.1101/2023.07.21.550107).
    """
    rows, columns = matrix.shape
    ascending = np.sort(matrix, axis=0)
    scores = np.empty((rows, columns))
    for column in range(columns):
        scores[:, column] = _normal_scores(matrix[:, column], ascending[:, column])
    covariance = ledoit_wolf(scores, assume_centered=True)[0]
    deviation = np.sqrt(np.diag(covariance))
    root = _root(covariance / np.outer(deviation, deviation)) if np.all(deviation > 0) else _root(covariance)
    drawn = np.empty_like(matrix)
    generator = stream("copula cloud", number, rows, columns)
    for block in _blocks(rows):
        uniform = ndtr(generator.standard_normal((block.stop - block.start, columns)) @ root)
        place = np.minimum((uniform * rows).astype(np.int64), rows - 1)
        drawn[block] = np.take_along_axis(ascending, place, axis=0)
    return drawn


def _normal_scores(values: Float32, ascending: Float32) -> Float64:
    """Return Φ⁻¹ of mid-ranks; a constant column gives 0."""
    below = np.searchsorted(ascending, values, side="left")
    upto = np.searchsorted(ascending, values, side="right")
    return np.asarray(ndtri((below + upto) / (2 * len(values))))


def _root(covariance: Float64) -> Float64:
    """Return R with RᵀR the covariance."""
    values, axes = np.linalg.eigh(covariance)
    return np.asarray(np.sqrt(np.clip(values, 0, None))[:, None] * axes.T)


def _blocks(rows: int) -> list[slice]:
    return [slice(at, min(rows, at + BLOCK_ROWS)) for at in range(0, rows, BLOCK_ROWS)]
