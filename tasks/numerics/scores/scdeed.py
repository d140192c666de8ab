"""Does a row's surroundings look in the picture as they are in the latent space? scDEED's reliability score."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64, Int8
from steadymap.tasks.numerics.scores.ranks import RankedBlock

DUBIOUS_BELOW, TRUSTWORTHY_ABOVE = 0.05, 0.95


def reliability(block: RankedBlock) -> Float64:
    """Return each anchor's reliability, shape (anchors,), in [−1, 1], higher is better.

    Pearson correlation over the h = ⌊n/2⌋ nearest of two lists of distances in the picture: to the nearest rows in
    the latent space, nearest first, and to the nearest rows in the picture, nearest first. 1 where both spaces order
    the nearer half alike; 0 where the distances of a list are all the same (NA in the reference).

    Source: Xia, Lee & Li 2024, doi:10.1038/s41467-024-45891-y. It looks from every row and holds n × n distances.
    """
    latent, picture = block.distances_of_latent, block.distances_of_picture
    # Asked before centring, which leaves rounding errors of equal distances that would correlate with anything.
    vary = (np.ptp(latent, axis=1) > 0) & (picture[:, -1] > picture[:, 0])
    a = latent - latent.mean(axis=1, keepdims=True)
    b = picture - picture.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b))
    correlation = np.divide(np.einsum("ij,ij->i", a, b), spread, out=np.zeros(len(a)), where=vary & (spread > 0))
    return np.asarray(np.clip(correlation, -1, 1))


def classify(values: Float64, null_values: Float64) -> Int8:
    """Call rows dubious (−1), trustworthy (+1) or neither (0) by their reliability, shape (n,).

    Dubious is below the 5 % quantile of the reliabilities in a picture of structureless data, drawn with the same
    settings; trustworthy is above the 95 % quantile (the reference says so at the quantile, too). Where the null has
    no correlation between its columns, almost every row of real data is trustworthy.

    Source: Xia, Lee & Li 2024, doi:10.1038/s41467-024-45891-y.
    """
    low, high = np.quantile(null_values, (DUBIOUS_BELOW, TRUSTWORTHY_ABOVE))
    return np.asarray(np.where(values < low, -1, np.where(values > high, 1, 0)), dtype=np.int8)
