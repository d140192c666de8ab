"""One pass over anchor rows that serves every rank score of every picture.

For each anchor the distances to all rows are sorted once in the latent space and once in each picture. Nothing
of size n × n is ever held: memory is about 20 MB a thread. Tied distances share their mid-rank, so
equal rows cannot make a score depend on their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy.spatial.distance import cdist

from tasks.numerics.arrays import AnyFloat, Float64, Int64

EXACT_UP_TO = 5_000
"""Up to this many rows every row is an anchor."""

ANCHORS = 2_000
"""Above it, so many rows are: the standard error of a score is then about .001."""

BLOCK_CELLS = 500_000
"""Distances held at a time in one space: 4 MB, which stays in cache while it is sorted (4,000,000 took 1.2 to 1.5
times the CPU at 1,797 and 10,000 rows)."""


@dataclass(frozen=True)
class RankedBlock:
    """What the rank scores need to know about a block of anchors and one picture.

    Attributes
    ----------
    latent_nearest, picture_nearest
        The k_max nearest rows in each space; shape (anchors, k_max).
    latent_ranks_of_picture
        ρ: rank in the latent space of each of ``picture_nearest``; 1 is the nearest, ties share mid-ranks.
    picture_ranks_of_latent
        r: rank in the picture of each of ``latent_nearest``.
    rows
        Rows of the data.
    """

    latent_nearest: Int64
    picture_nearest: Int64
    latent_ranks_of_picture: Float64
    picture_ranks_of_latent: Float64
    rows: int


def rank_blocks(
    working: AnyFloat,
    pictures: Sequence[AnyFloat],
    anchors: Int64,
    k_max: int,
    *,
    threads: int = 1,
) -> Iterator[list[RankedBlock]]:
    """Yield, block by block of anchors, the ranks of every picture.

    Parameters
    ----------
    working
        Preprocessed vectors; euclidean distances in it order neighbours. Shape (n, d).
    pictures
        Coordinates, each of shape (n, 2 or 3).
    anchors
        Rows to look from, shape (m,).
    k_max
        Largest neighbourhood, below n.
    """
    rows = len(working)
    latent = np.asarray(working, dtype=np.float64)
    drawn = [np.asarray(picture, dtype=np.float64) for picture in pictures]
    step = max(1, BLOCK_CELLS // rows)
    with Parallel(n_jobs=threads, backend="threading") as parallel:
        for at in range(0, len(anchors), step):
            block = anchors[at : at + step]
            latent_space = _Space(latent, block, k_max)
            yield list(parallel(delayed(_rank)(latent_space, picture, block, k_max) for picture in drawn))


def _rank(latent: _Space, picture: Float64, block: Int64, k_max: int) -> RankedBlock:
    drawn = _Space(picture, block, k_max)
    return RankedBlock(
        latent_nearest=latent.nearest,
        picture_nearest=drawn.nearest,
        latent_ranks_of_picture=latent.ranks(drawn.nearest),
        picture_ranks_of_latent=drawn.ranks(latent.nearest),
        rows=len(picture),
    )


class _Space:
    """Squared distances from a block of anchors to all rows, sorted."""

    def __init__(self, points: Float64, block: Int64, k_max: int) -> None:
        self.squared = cdist(points[block], points, "sqeuclidean")
        # The row itself is nobody's neighbour: it sorts in front of everything, even of equal rows.
        self.squared[np.arange(len(block)), block] = -1
        self.ascending = np.sort(self.squared, axis=1)
        self.nearest = self._nearest(k_max)

    def _nearest(self, k_max: int) -> Int64:
        """Order by (distance, row); argpartition alone would break ties at the border arbitrarily."""
        kept = min(k_max + 1, self.squared.shape[1])
        found = np.argpartition(self.squared, kept - 1, axis=1)[:, :kept]
        found.sort(axis=1)
        order = np.argsort(np.take_along_axis(self.squared, found, axis=1), axis=1, kind="stable")
        nearest = np.take_along_axis(found, order, axis=1)
        if kept < self.squared.shape[1]:
            tied = np.flatnonzero(self.ascending[:, kept - 1] == self.ascending[:, kept])
            for row in tied:
                nearest[row] = np.argsort(self.squared[row], kind="stable")[:kept]
        return nearest[:, 1:]

    def ranks(self, rows: Int64) -> Float64:
        """Return the mid-ranks of some rows around their anchors, shape (anchors, k)."""
        wanted = np.take_along_axis(self.squared, rows, axis=1)
        ranks = np.empty(wanted.shape)
        for anchor, ascending in enumerate(self.ascending):
            below = np.searchsorted(ascending, wanted[anchor], side="left")
            upto = np.searchsorted(ascending, wanted[anchor], side="right")
            # The anchor itself stands at position 0, so ``below`` counts it and rank 1 is the nearest other row.
            ranks[anchor] = (below + upto - 1) / 2
        return ranks
