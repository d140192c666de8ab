"""Lay one picture over another: the best move, turn, mirroring and scale, and what disparity is left."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float64


def disparity(first: AnyFloat, second: AnyFloat) -> float:
    """Return the Procrustes disparity of two pictures (n, p), in [0, 1]; 0 means the same shape.

    1 − (Σ singular values of AᵀB)², A and B centred and scaled to unit Frobenius norm.
    Source: Gower 1975, doi:10.1007/BF02291478; equals ``scipy.spatial.procrustes``.
    """
    width = max(first.shape[1], second.shape[1])
    a, b = _standard(first, width), _standard(second, width)
    overlap = float(np.linalg.svd(a.T @ b, compute_uv=False).sum())
    return float(np.clip(1 - overlap**2, 0, 1))


def align(picture: AnyFloat, reference: AnyFloat) -> Float64:
    """Move, turn, mirror and scale a picture onto the reference, which is scaled to unit RMS radius.

    Parameters
    ----------
    picture, reference
        Shape (n, p), the same rows.

    Returns
    -------
    Shape (n, p). Every picture keeps an RMS radius of 1, whatever its overlap with the reference, so that
    unrelated pictures are not shrunk to a dot.
    """
    a, b = _standard(picture, picture.shape[1]), _standard(reference, reference.shape[1])
    left, _, right = np.linalg.svd(a.T @ b)
    aligned: Float64 = (a @ left @ right) * np.sqrt(len(a))
    return aligned


def _standard(picture: AnyFloat, width: int) -> Float64:
    """Centre, scale to unit Frobenius norm, and pad with zeros to ``width`` columns."""
    centred = picture.astype(np.float64) - picture.mean(axis=0, dtype=np.float64)
    norm = np.linalg.norm(centred)
    padded = np.zeros((len(picture), width))
    padded[:, : picture.shape[1]] = centred / norm if norm > 0 else centred
    return padded
