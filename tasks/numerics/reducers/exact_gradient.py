"""t-SNE's gradient without approximation: every pair repels.

A tree or a grid pays only once there are many rows. In single precision, many pairs at a time, all pairs are cheaper
than Barnes-Hut up to 10,000 rows and more, and what a picture shows is then no matter of approximation.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import scipy.sparse

from steadymap.tasks.numerics.arrays import Float32, Float64, Int32

SMALLEST = 1e-12


def exact_gradient(
    embedding: Float64, P: scipy.sparse.csr_matrix, dof: float = 1.0, *, should_eval_error: bool = False, **_: Any
) -> tuple[float, Float64]:
    """Return KL(P‖Q) (NaN unless asked for) and its gradient over 4, as openTSNE's optimiser asks for them.

    Σⱼ pᵢⱼ wᵢⱼ (yᵢ − yⱼ) − (1/Z) Σⱼ wᵢⱼ² (yᵢ − yⱼ), wᵢⱼ = 1/(1 + |yᵢ − yⱼ|²), Z = Σ wᵢⱼ over pairs i ≠ j.

    Parameters
    ----------
    embedding
        Coordinates, shape (n, 2).
    P
        Joint probabilities, exaggerated or not; shape (n, n).
    dof
        Degrees of freedom of the kernel; 1 only.

    Raises
    ------
    ValueError
        Another kernel, or a picture in other than 2 dimensions, is asked for.

    Source: van der Maaten & Hinton 2008.
    """
    if dof != 1 or embedding.shape[1] != 2:
        raise ValueError(
            f"the exact gradient has 2 dimensions and 1 degree of freedom, not {embedding.shape[1]}, {dof}"
        )
    points = np.ascontiguousarray(np.asarray(embedding, dtype=np.float64).T)
    # Differences are what counts; around the mean single precision keeps them.
    centred = (points - points.mean(axis=1, keepdims=True)).astype(np.float32)
    repulsion = np.empty((2, len(embedding)))
    total = _repel(centred[0], centred[1], repulsion)
    attraction = np.empty((2, len(embedding)))
    kl = _attract(points, (P.indptr, P.indices, P.data), attraction, should_eval_error)
    if should_eval_error:
        kl += float(P.data.sum()) * float(np.log(total))
    gradient = np.ascontiguousarray((attraction - repulsion / max(total, SMALLEST)).T)
    return (kl if should_eval_error else float("nan")), gradient


# Reordered sums, and no check for division by zero, are what lets many pairs be added at a time (10 times faster); the
# order is the same on every run of one machine.
@numba.njit(fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy", cache=False)
def _repel(x: Float32, y: Float32, repulsion: Float64) -> float:
    """Fill Σⱼ wᵢⱼ² (yᵢ − yⱼ), shape (2, n), and return Z."""
    total = 0.0
    for i in range(len(x)):
        xi, yi = x[i], y[i]
        weight, along_x, along_y = np.float32(0), np.float32(0), np.float32(0)
        for j in range(len(x)):
            dx, dy = xi - x[j], yi - y[j]
            w = np.float32(1) / (np.float32(1) + dx * dx + dy * dy)
            weight += w
            w *= w
            along_x += w * dx
            along_y += w * dy
        total += float(weight) - 1.0  # without a row's own weight
        repulsion[0, i] = along_x
        repulsion[1, i] = along_y
    return total


@numba.njit(error_model="numpy", cache=False)
def _attract(points: Float64, P: tuple[Int32, Int32, Float64], attraction: Float64, should_eval_error: bool) -> float:
    """Fill Σⱼ pᵢⱼ wᵢⱼ (yᵢ − yⱼ), shape (2, n), and return Σ pᵢⱼ (log pᵢⱼ − log wᵢⱼ), 0 unless asked for."""
    indptr, indices, data = P
    kl = 0.0
    for i in range(points.shape[1]):
        along_x, along_y = 0.0, 0.0
        for at in range(indptr[i], indptr[i + 1]):
            j = indices[at]
            dx, dy = points[0, i] - points[0, j], points[1, i] - points[1, j]
            apart = 1.0 + dx * dx + dy * dy
            pull = data[at] / apart
            along_x += pull * dx
            along_y += pull * dy
            if should_eval_error and data[at] > 0:
                kl += data[at] * np.log(data[at] * apart)
        attraction[0, i] = along_x
        attraction[1, i] = along_y
    return kl
