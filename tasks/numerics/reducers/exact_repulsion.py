"""The repulsion of t-SNE of all pairs: what the grid is measured against, and the faster one where rows are few."""

from __future__ import annotations

import numba
import numpy as np

from steadymap.tasks.numerics.arrays import Float32


def exact_repulsion(coordinates: Float32, force: Float32) -> float:
    """Fill Σⱼ wᵢⱼ² (yᵢ − yⱼ), wᵢⱼ = 1/(1 + |yᵢ − yⱼ|²), shape (n, 2 or 3), and return Z = Σ wᵢⱼ over pairs i ≠ j.

    In single precision, many pairs at a time, on a picture whose mean is near the origin.
    """
    axes = np.ascontiguousarray(coordinates.T)
    repel = _repel_flat if len(axes) == 2 else _repel_deep
    return float(repel(axes, force))


# Reordered sums are what lets many pairs be added at a time (10 times faster); the order is the same on every run of
# one machine, whatever else is drawn.
@numba.njit(fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy", cache=True)
def _repel_flat(axes: Float32, force: Float32) -> float:
    total = 0.0
    for i in range(axes.shape[1]):
        x, y = axes[0, i], axes[1, i]
        weight, by_x, by_y = np.float32(0), np.float32(0), np.float32(0)
        for j in range(axes.shape[1]):
            along_x, along_y = x - axes[0, j], y - axes[1, j]
            w = np.float32(1) / (np.float32(1) + along_x * along_x + along_y * along_y)
            weight += w
            w *= w
            by_x += w * along_x
            by_y += w * along_y
        total += float(weight) - 1.0  # without a row's own weight
        force[i, 0], force[i, 1] = by_x, by_y
    return total


@numba.njit(fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy", cache=True)
def _repel_deep(axes: Float32, force: Float32) -> float:
    total = 0.0
    for i in range(axes.shape[1]):
        x, y, z = axes[0, i], axes[1, i], axes[2, i]
        weight, by_x, by_y, by_z = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for j in range(axes.shape[1]):
            along_x, along_y, along_z = x - axes[0, j], y - axes[1, j], z - axes[2, j]
            w = np.float32(1) / (np.float32(1) + along_x * along_x + along_y * along_y + along_z * along_z)
            weight += w
            w *= w
            by_x += w * along_x
            by_y += w * along_y
            by_z += w * along_z
        total += float(weight) - 1.0
        force[i, 0], force[i, 1], force[i, 2] = by_x, by_y, by_z
    return total
