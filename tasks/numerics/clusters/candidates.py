"""Candidate clusters: everything that a picture or the latent space itself sets apart.

Too many pieces do not hurt, since what no valley separates is merged again; what is never proposed is never found.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from steadymap.tasks.numerics.arrays import Float32, Int32, Int64, Integers
from steadymap.tasks.numerics.clusters.consensus import consensus_clusters

LATENT_PIECES = 12
"""Pieces of the latent space itself, for clusters that every picture hides."""

FEWEST_ROWS_A_PIECE = 50

TOGETHER = 0.8
"""Rows stay in one piece while four of five votes say so: one picture of six alone parts nothing, two do."""


def propose(islands: Sequence[Int32], neighbours: Integers, working: Float32, smallest: int) -> Int64:
    """Return the candidate piece of every row, shape (n,).

    Parameters
    ----------
    islands
        Filled islands of every picture of these rows, each of shape (n,).
    neighbours
        Nearest rows in the latent space, shape (n, k).
    working
        Preprocessed vectors, shape (n, d).
    smallest
        Smallest piece, in rows.
    """
    # As many votes for the latent space as it takes to part on its own what every picture keeps together.
    votes = floor(len(islands) * (1 - TOGETHER) / TOGETHER) + 1
    return consensus_clusters([*islands, *[latent_pieces(working)] * votes], neighbours, smallest, together=TOGETHER)


def latent_pieces(working: Float32) -> Int32:
    """Cut the latent space into 12 pieces of similar spread (k-means), fewer where there are few rows; shape (n,)."""
    count = max(1, min(LATENT_PIECES, len(working) // FEWEST_ROWS_A_PIECE))
    with threadpool_limits(1):  # more threads add up in another order
        cut = KMeans(count, n_init=1, random_state=0).fit_predict(working.astype(np.float64))
    return np.asarray(cut, dtype=np.int32)
