"""Mean relative rank errors: how far neighbours move in rank, near ones weighing most."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.scores.ranks import RankedBlock


def mrre_false(block: RankedBlock, k: int) -> Float64:
    """Return each anchor's MRRE of the picture's neighbours, shape (anchors,); the mean is in [0, 1], higher is better.

    1 − (1/(n H_k)) Σᵢ Σ_{j ∈ V_k(i)} |ρᵢⱼ − rᵢⱼ| / rᵢⱼ, H_k = Σ_{i=1..k} |n − 2i + 1| / i.

    Source: Lee & Verleysen 2007, doi:10.1007/978-0-387-39351-3. References differ in H_k (n − 2i, or n − 2i + 1 as
    here and in ZADU), by less than 2k/n.
    """
    return 1 - _relative_error(
        block.latent_ranks_of_picture[:, :k], block.picture_ranks_of_picture[:, :k], worst_sum(block.rows, k)
    )


def mrre_missing(block: RankedBlock, k: int) -> Float64:
    """Return each anchor's MRRE of the latent space's neighbours, shape (anchors,): the two spaces exchanged.

    1 − (1/(n H_k)) Σᵢ Σ_{j ∈ N_k(i)} |ρᵢⱼ − rᵢⱼ| / ρᵢⱼ.
    """
    return 1 - _relative_error(
        block.picture_ranks_of_latent[:, :k], block.latent_ranks_of_latent[:, :k], worst_sum(block.rows, k)
    )


def worst_sum(rows: int, k: int) -> float:
    """Return H_k, the sum of relative errors when every neighbour stands at the other end."""
    ranks = np.arange(1, k + 1)
    return float(np.sum(np.abs(rows - 2 * ranks + 1) / ranks))


def _relative_error(elsewhere: Float64, here: Float64, worst: float) -> Float64:
    return np.asarray(np.sum(np.abs(elsewhere - here) / here, axis=1) / worst)
