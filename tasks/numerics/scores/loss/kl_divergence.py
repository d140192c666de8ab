"""The loss that t-SNE minimises, on the affinities that it was given."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from scipy.special import xlogy

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64
from steadymap.tasks.numerics.scores.loss.sampled_sum import Loss, squared_lengths, sum_over_unjoined


def kl_divergence(joint: scipy.sparse.csr_matrix, picture: AnyFloat, sample: Int64) -> Loss:
    """Return KL(P ‖ Q) of t-SNE in nats, at least 0 but for sampling, lower is better.

    Σ_{i ≠ j} pᵢⱼ log(pᵢⱼ / qᵢⱼ) over ordered pairs, qᵢⱼ = (1 + dᵢⱼ²)⁻¹ / Z, Z the sum over all of them. P is sparse, so
    that everything but the far pairs' part of Z is exact; the standard error is that of log Z, by the delta method.
    Exaggeration does not enter: it is a way to the picture, not part of the loss.

    Parameters
    ----------
    joint
        P, symmetric, summing to 1, float64, nothing stored on its diagonal; shape (n, n).
    picture
        Coordinates, shape (n, p).
    sample
        Rows to look from, at least 2 and none twice, shape (m,).

    Source: van der Maaten & Hinton 2008, jmlr.org/papers/v9/vandermaaten08a.html.
    """
    squared = squared_lengths(joint, picture, np.arange(len(picture)))
    far = sum_over_unjoined(_similarity, picture, joint, sample)
    z = float(_similarity(squared).sum()) + far.value
    attraction = float(np.sum(xlogy(joint.data, joint.data) + joint.data * np.log1p(squared)))
    return Loss(attraction + float(joint.data.sum()) * float(np.log(z)), far.stderr / z)


def _similarity(squared: Float64) -> Float64:
    return np.asarray(1 / (1 + squared))
