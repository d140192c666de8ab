"""How well a picture keeps each row's neighbourhood, and whether better than one of structureless data (EMBEDR)."""

from __future__ import annotations

import numpy as np
from openTSNE.affinity import joint_probabilities_nn
from scipy.special import rel_entr

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Integers
from steadymap.tasks.numerics.geometry.affinities import neighbours_for
from steadymap.tasks.numerics.geometry.neighbours import Neighbours

ROWS_AT_A_TIME = 20_000
"""At perplexity 30 and in two dimensions a block holds 29 MB of coordinates."""


def conditional_affinities(neighbours: Neighbours, perplexity: float) -> Float64:
    """Return p_{j|i} of t-SNE over each row's 3 × perplexity nearest, every line summing to 1, shape (n, k).

    k = min(n − 1, 3 perplexity); the columns are those of ``neighbours.first(k)``. With k ≤ perplexity no bandwidth
    has the perplexity asked for, and the affinities are all but uniform.

    Raises
    ------
    ValueError
        Fewer than k neighbours are given.

    Source: van der Maaten & Hinton 2008; entropies by openTSNE, before it makes them symmetric.
    """
    rows = len(neighbours.indices)
    k = neighbours_for(perplexity, rows)
    if neighbours.indices.shape[1] < k:
        raise ValueError(
            f"{neighbours.indices.shape[1]} neighbours are too few for perplexity {perplexity:g}: give {k}"
        )
    nearest = neighbours.first(k)
    joint = joint_probabilities_nn(
        nearest.indices.astype(np.int64),
        nearest.distances.astype(np.float64),
        [perplexity],
        symmetrize=False,
        n_jobs=1,
    )
    # Asked for by place, since openTSNE returns them sorted by row, not by distance.
    affinities = joint[np.arange(rows)[:, None], nearest.indices].toarray()
    return np.asarray(affinities / affinities.sum(axis=1, keepdims=True))


def embedding_errors(indices: Integers, affinities: Float64, picture: AnyFloat) -> Float64:
    """Return the empirical embedding statistic EES of every row, shape (n,), at least 0, lower is better.

    EESᵢ = KL(Pᵢ ‖ Qᵢ) in nats, qⱼ|ᵢ = (1 + dᵢⱼ²)⁻¹ normalised over the same neighbours. Blind to motion, but not to
    scale: like the loss of t-SNE it knows how large a picture is.

    Parameters
    ----------
    indices
        Neighbours of every row in the latent space, shape (n, k).
    affinities
        p_{j|i} of the same neighbours, shape (n, k); see ``conditional_affinities``.
    picture
        Coordinates, shape (n, p).

    Source: Johnson et al. 2022, doi:10.1016/j.patter.2022.100443.
    """
    drawn = picture.astype(np.float64)
    errors = np.empty(len(indices))
    for at in range(0, len(indices), ROWS_AT_A_TIME):
        part = slice(at, at + ROWS_AT_A_TIME)
        apart = drawn[indices[part]] - drawn[part, None]
        similarity = 1 / (1 + np.einsum("bkp,bkp->bk", apart, apart))
        similarity /= similarity.sum(axis=1, keepdims=True)
        errors[part] = rel_entr(affinities[part], similarity).sum(axis=1)
    return np.maximum(errors, 0)  # rounding can leave −1e-16 where P and Q are the same


def empirical_p(errors: Float64, null_errors: Float64) -> Float64:
    """Return p of every row against m errors of structureless data, shape (n,), in [1/(m + 1), 1].

    (1 + #{null ≤ error}) / (m + 1): small where the row is drawn better than structureless data is. The reference
    has no + 1, so that its p can be 0.
    """
    at_most = np.searchsorted(np.sort(null_errors), errors, side="right")
    return np.asarray((1 + at_most) / (len(null_errors) + 1))


def combine_p(ps: Float64) -> Float64:
    """Combine the p of R runs, shape (R, n), into one that is valid however the runs depend; shape (n,), in [0, 1].

    min(1, 2 × median over runs). The mean, which the reference takes by default, is not a p-value: twice it is.

    Source: Rüger's rule, in Vovk & Wang 2020, doi:10.1093/biomet/asaa027.
    """
    return np.asarray(np.minimum(1, 2 * np.median(ps, axis=0)))
