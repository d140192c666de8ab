"""Trustworthiness and continuity: neighbours that a picture invents, and neighbours that it loses."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64, Int64
from steadymap.tasks.numerics.scores.ranks import RankedBlock


def trustworthiness(block: RankedBlock, k: int) -> Float64:
    r"""Return each anchor's trustworthiness, shape (anchors,); its mean is T(k), in [0, 1], higher is better.

    T(k) = 1 − 2/(n k (2n − 3k − 1)) Σᵢ Σ_{j ∈ V_k(i) \ N_k(i)} (ρᵢⱼ − k), for k < n/2.

    Source: Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68; equals ``sklearn.manifold.trustworthiness`` on
    data without tied distances.
    """
    return 1 - _penalty(block.latent_ranks_of_picture[:, :k], block.places_of_picture[:, :k], k, block.rows)


def continuity(block: RankedBlock, k: int) -> Float64:
    r"""Return each anchor's continuity, shape (anchors,): trustworthiness with the two spaces exchanged.

    C(k) = 1 − 2/(n k (2n − 3k − 1)) Σᵢ Σ_{j ∈ N_k(i) \ V_k(i)} (rᵢⱼ − k), for k < n/2.
    """
    return 1 - _penalty(block.picture_ranks_of_latent[:, :k], block.places_of_latent[:, :k], k, block.rows)


def _penalty(ranks: Float64, places: Int64, k: int, rows: int) -> Float64:
    """Sum how far beyond k the other space ranks a neighbour, scaled so that the worst case is 1.

    Only rows that are not among the k nearest there count; of tied rows some are, and their shared rank may be above k.
    """
    beyond = np.where(places >= k, np.maximum(ranks - k, 0), 0).sum(axis=1)
    return np.asarray(2 / (k * (2 * rows - 3 * k - 1)) * beyond)
