"""Candidate clusters: everything that a picture or the latent space itself sets apart.

Too many candidates do not hurt, since what no valley separates is merged again; what is never proposed is never found.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import floor

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from steadymap.tasks.numerics.arrays import Float32, Int32, Int64, Integers
from steadymap.tasks.numerics.clusters.consensus import consensus_clusters
from steadymap.tasks.numerics.clusters.density_tree import graph_branches, leaves_of
from steadymap.tasks.numerics.clusters.islands import fill_noise
from steadymap.tasks.numerics.geometry.neighbours import squared_distances

LATENT_CANDIDATES = 12
"""Pieces of the latent space itself, for clusters that every picture hides."""

FEWEST_ROWS_A_CANDIDATE = 50

FEWEST_ROWS, MOST_CANDIDATES = 10, 300
"""Fewest rows of a candidate, and how many of equal size there can be: smaller clusters than the islands of pictures
are proposed, and many rows make no tree of thousands of leaves."""

TOGETHER = 0.85
"""Rows stay in one piece while so many of the votes say so: one picture of six alone parts nothing, two do."""


def propose(islands: Sequence[Int32], neighbours: Integers, working: Float32) -> Int64:
    """Return the candidate of every row, shape (n,).

    The latent space is cut twice: into candidates of similar spread, which find clusters that overlap, and into the
    leaves of its density tree, which find small ones. Each parts on its own what every picture keeps together.

    Parameters
    ----------
    islands
        Filled islands of every picture of these rows, each of shape (n,).
    neighbours
        Nearest rows in the latent space, nearest first, shape (n, k).
    working
        Preprocessed vectors, shape (n, d).
    """
    smallest = smallest_piece(len(working))
    # v of P + 2 v votes are more than the share that may disagree.
    votes = floor(len(islands) * (1 - TOGETHER) / (2 * TOGETHER - 1)) + 1
    own = [latent_candidates(working), latent_leaves(neighbours, working, smallest)] * votes
    return consensus_clusters([*islands, *own], neighbours, smallest, together=TOGETHER)


def smallest_piece(rows: int) -> int:
    """Return the fewest rows of a piece."""
    return max(FEWEST_ROWS, rows // MOST_CANDIDATES)


def latent_candidates(working: Float32) -> Int32:
    """Cut the latent space into 12 candidates of similar spread (k-means), fewer of few rows; shape (n,)."""
    count = max(1, min(LATENT_CANDIDATES, len(working) // FEWEST_ROWS_A_CANDIDATE))
    with threadpool_limits(1), warnings.catch_warnings():  # more threads add up in another order
        # Of rows with fewer different values than pieces some pieces stay empty, which is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        cut = KMeans(count, n_init=1, random_state=0).fit_predict(working.astype(np.float64))
    return np.asarray(cut, dtype=np.int32)


def latent_leaves(neighbours: Integers, working: Float32, smallest: int) -> Int32:
    """Return the leaf of the latent space's density tree that every row is in or nearest to, shape (n,)."""
    lengths = np.sqrt(squared_distances(working, working, neighbours.astype(np.int64)))
    leaves = leaves_of(graph_branches(neighbours, lengths, smallest))
    return fill_noise(leaves, working, neighbours).astype(np.int32)
