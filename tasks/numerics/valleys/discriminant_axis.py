"""The direction in which two sets of points differ most, measured against their spread."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float64


def discriminant_axis(first: AnyFloat, second: AnyFloat) -> Float64:
    """Return Fisher's axis w ∝ S⁻¹ (m₂ − m₁) of unit length, shape (p,).

    S is the pooled covariance within the sets, shrunk towards a multiple of the identity by Ledoit and Wolf's optimal
    weight, so that it can be inverted with fewer points than dimensions. All zeros where the means are equal or neither
    set spreads.

    Parameters
    ----------
    first, second
        Points, shapes (a, p) and (b, p).

    Source: Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4.
    """
    sets = [points.astype(np.float64) for points in (first, second)]
    means = [points.mean(axis=0) for points in sets]
    residuals = np.concatenate([points - mean for points, mean in zip(sets, means, strict=True)])
    scale = float(np.sqrt(np.mean(residuals**2)))
    difference = (means[1] - means[0]) / (scale or 1.0)
    if scale == 0 or not difference.any():
        return np.zeros(first.shape[1])
    axis: Float64 = np.linalg.solve(shrunk_covariance(residuals / scale), difference)
    return axis / np.linalg.norm(axis)


def shrunk_covariance(residuals: Float64) -> Float64:
    """Return (1 − λ) S + λ μ I of centred points, shape (n, p) to (p, p): S = XᵀX/n, μ = tr S / p.

    λ = min(β, δ)/δ with δ = ‖S − μ I‖² and β = (Σᵢ ‖xᵢ‖⁴ / n − ‖S‖²)/n, Ledoit and Wolf's estimate of the best weight.
    """
    rows, dimensions = residuals.shape
    covariance = residuals.T @ residuals / rows
    mean = np.trace(covariance) / dimensions
    target = mean * np.eye(dimensions)
    distance = np.sum((covariance - target) ** 2)
    fourth = np.mean(np.einsum("ij,ij->i", residuals, residuals) ** 2)
    error = (fourth - np.sum(covariance**2)) / rows
    weight = min(1.0, error / distance) if distance > 0 else 1.0
    return np.asarray((1 - weight) * covariance + weight * target)
