"""Random triplets: whether the nearer of two other rows is the nearer one in the picture, too."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Booleans, Float64, Int64
from steadymap.tasks.numerics.randomness import stream

PAIRS_PER_ROW = 5
MOST_ROWS = 20_000
"""Rows looked from: 100,000 triplets give a standard error of about .002."""


def draw_triplets(anchors: Int64, rows: int) -> Int64:
    """Draw 5 pairs of other rows for every anchor, all three of a triplet different; shape (anchors, 5, 2).

    The draw belongs to the number of rows and the places of the anchors in canonical order.
    """
    generator = stream("triplets", rows)
    shape = (len(anchors), PAIRS_PER_ROW)
    # Steps from the anchor, modulo rows: never 0, and never twice the same.
    first = generator.integers(1, rows, shape)
    second = generator.integers(1, rows - 1, shape)
    second += second >= first
    return np.asarray((anchors[:, None, None] + np.stack([first, second], axis=2)) % rows)


def nearer_first(points: AnyFloat, anchors: Int64, triplets: Int64) -> Booleans:
    """Say of every triplet whether the first of the pair is the nearer one; shape (anchors, 5)."""
    nearer = np.empty(triplets.shape[:2], dtype=np.bool_)
    step = max(1, 4_000_000 // (points.shape[1] * 2 * PAIRS_PER_ROW))
    for at in range(0, len(anchors), step):
        here = points[anchors[at : at + step]].astype(np.float64)[:, None, None, :]
        squared = np.sum((points[triplets[at : at + step]] - here) ** 2, axis=3)
        nearer[at : at + step] = squared[:, :, 0] < squared[:, :, 1]
    return nearer


def triplet_accuracy(latent: Booleans, picture: Booleans) -> Float64:
    """Return each anchor's share of triplets with the same answer in both spaces, in [0, 1]; .5 is chance.

    Source: Wang et al. 2021 (PaCMAP), jmlr.org/papers/v22/20-1061.html; Huang et al. 2022,
    doi:10.1038/s42003-022-03628-x. Unlike the reference the draw is seeded and no row is compared with itself.
    """
    return np.asarray(np.mean(latent == picture, axis=1))
