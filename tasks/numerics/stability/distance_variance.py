"""How much the distances around a row vary from run to run, from DynamicViz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64, Integers

CELLS_AT_A_TIME = 2_000_000
"""Distances of pairs in runs held at a time: 16 MB each for them and for the few arrays made of them."""

LEAST_RUNS = 2
"""A single distance says nothing about variance; the reference counts it as none."""


def distance_variance(pictures: Sequence[tuple[AnyFloat, Int64 | None]], neighbours: Integers) -> Float64:
    """Return the variance score of every row, shape (n,), at least 0, lower is better.

    VSᵢ = mean over j ∈ Nᵢ of Var_b(dᵇᵢⱼ / d̄), d̄ the mean over all pairs (i, j ∈ Nᵢ) of the mean over runs of dᵇᵢⱼ. Only
    runs that drew both rows count, and pairs that fewer than 2 runs drew are left out of both means; NaN where none
    is left. The variance is that of the runs at hand (divided by their number, as in the reference). 0 where every
    distance is 0. 1 / (1 + VS) is the reference's stability score.

    Every picture is first centred and scaled to unit RMS radius. The reference does not scale, so that there a
    picture drawn twice as large counts as unstable; the size of a t-SNE picture depends on rows and perplexity.

    Parameters
    ----------
    pictures
        Of every run the coordinates, shape (m, p), and the rows drawn, ascending, shape (m,), None for all n.
    neighbours
        The rows Nᵢ that each row is compared with, such as its k nearest in the latent space; shape (n, k).

    Source: Sun et al. 2023, doi:10.1038/s43588-022-00380-4.
    """
    rows, k = neighbours.shape
    drawn = [_spread(picture, present, rows) for picture, present in pictures]
    step = max(1, CELLS_AT_A_TIME // max(1, k * len(drawn)))
    variances = np.full(rows, np.nan)
    total, pairs = 0.0, 0
    for at in range(0, rows, step):
        mean, variance = _moments(drawn, at, neighbours[at : at + step])
        kept = ~np.isnan(variance)
        total, pairs = total + float(mean[kept].sum()), pairs + int(kept.sum())
        some = kept.any(axis=1)
        variances[at : at + step][some] = np.nanmean(variance[some], axis=1)
    scale = total / pairs if pairs else 0.0
    # With all distances 0 there is nothing to scale, and no variance either.
    return variances / scale**2 if scale > 0 else variances


def _spread(picture: AnyFloat, present: Int64 | None, rows: int) -> Float64:
    """Standardise a picture and give every row of the data its place, NaN where the run did not draw it."""
    centred: Float64 = picture.astype(np.float64) - picture.mean(axis=0, dtype=np.float64)
    radius = np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    if radius > 0:
        centred /= radius
    if present is None:
        return centred
    spread = np.full((rows, picture.shape[1]), np.nan)
    spread[present] = centred
    return spread


def _moments(drawn: Sequence[Float64], at: int, neighbours: Integers) -> tuple[Float64, Float64]:
    """Return mean and variance over runs of the distances of a block of rows, NaN below 2 runs; shape (b, k)."""
    distances = np.empty((len(drawn), *neighbours.shape))
    for run, picture in enumerate(drawn):
        apart = picture[neighbours] - picture[at : at + len(neighbours), None]
        distances[run] = np.sqrt(np.einsum("bkp,bkp->bk", apart, apart))
    seen = ~np.isnan(distances)
    runs = seen.sum(axis=0)
    runs = np.where(runs >= LEAST_RUNS, runs, np.nan)
    mean = np.where(seen, distances, 0).sum(axis=0) / runs
    variance = np.where(seen, (distances - mean) ** 2, 0).sum(axis=0) / runs
    return mean, variance
