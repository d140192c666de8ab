"""One pass over anchor rows that serves every rank score of every picture.

Around each anchor the rows are sorted once in the latent space. Their distances in a picture, laid out in that order
and sorted again, give one permutation per anchor and picture: at picture rank r it holds the latent rank ρ. Every rank
score is a mean over anchors of a function of it. Nothing of size n × n is ever held: memory is about 40 MB a thread.

Tied distances share their mid-rank, and who of them is among the k nearest is decided by row; rows stand in canonical
order (by content), so equal rows cannot make a score depend on the order of a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy.spatial.distance import cdist

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int32, Int64

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
    anchors
        The rows looked from; shape (b,).
    picture_nearest
        The k_max nearest rows in the picture; shape (b, k_max).
    latent_ranks_of_picture
        ρ: rank in the latent space of each of ``picture_nearest``; 1 is the nearest, ties share mid-ranks.
    picture_ranks_of_picture
        r of the same rows: 1 to k_max but for ties.
    picture_ranks_of_latent
        r: rank in the picture of each of the k_max nearest rows in the latent space.
    latent_ranks_of_latent
        ρ of the same rows: 1 to k_max but for ties.
    places_of_picture
        Place of the same rows in the latent space, 0 the nearest: ρ − 1, but with ties decided.
    places_of_latent
        Place in the picture of the k_max nearest rows in the latent space, likewise.
    worse_rank
        max(ρ, r) of every other row, ties decided, in no particular order: whole numbers, so that exactly K rows are
        among the K nearest; shape (b, n − 1).
    squared
        Squared distances in the picture to every row, itself included (0); shape (b, n).
    distances_of_latent
        Distances in the picture to the ⌊n/2⌋ nearest rows in the latent space, in latent order; shape (b, ⌊n/2⌋).
    distances_of_picture
        Distances in the picture to the ⌊n/2⌋ nearest rows in the picture, ascending; shape (b, ⌊n/2⌋).
    rows
        Rows of the data.
    """

    anchors: Int64
    picture_nearest: Int64
    latent_ranks_of_picture: Float64
    picture_ranks_of_picture: Float64
    picture_ranks_of_latent: Float64
    latent_ranks_of_latent: Float64
    places_of_picture: Int64
    places_of_latent: Int64
    worse_rank: Int32
    squared: Float64
    distances_of_latent: Float64
    distances_of_picture: Float64
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
    latent = np.asarray(working, dtype=np.float64)
    drawn = [np.asarray(picture, dtype=np.float64) for picture in pictures]
    step = max(1, BLOCK_CELLS // len(latent))
    with Parallel(n_jobs=threads, backend="threading") as parallel:
        for at in range(0, len(anchors), step):
            block = anchors[at : at + step]
            around = _sort_around(latent, block)
            yield list(parallel(delayed(_rank)(around, picture, block, k_max) for picture in drawn))


@dataclass(frozen=True)
class _Around:
    """The other rows of each anchor, nearest first in the latent space, and their mid-ranks; shape (b, n − 1).

    ``places`` has for every row, the anchor included, its place in that order; shape (b, n).
    """

    rows: Int64
    ranks: Float64
    places: Int32


def _sort_around(latent: Float64, block: Int64) -> _Around:
    rows, ascending = _sorted(cdist(latent[block], latent, "sqeuclidean"), block)
    places = np.zeros((len(block), len(latent)), dtype=np.int32)
    np.put_along_axis(places, rows, np.arange(rows.shape[1], dtype=np.int32)[None, :], axis=1)
    return _Around(rows, _mid_ranks(ascending), places)


def _rank(around: _Around, picture: Float64, block: Int64, k_max: int) -> RankedBlock:
    squared = cdist(picture[block], picture, "sqeuclidean")
    rows, ascending = _sorted(squared, block)
    place = np.take_along_axis(around.places, rows, axis=1)
    half = len(picture) // 2
    drawn_ranks = _mid_ranks(ascending)
    # Where the k_max nearest of the latent space stand in the picture: every row of the mask has k_max true entries.
    anchor, at = np.nonzero(place < k_max)
    picture_ranks_of_latent = np.empty((len(block), k_max))
    picture_ranks_of_latent[anchor, place[anchor, at]] = drawn_ranks[anchor, at]
    places_of_latent = np.empty((len(block), k_max), dtype=np.int64)
    places_of_latent[anchor, place[anchor, at]] = at
    nearest = place[:, :k_max].astype(np.int64)
    return RankedBlock(
        anchors=block,
        picture_nearest=rows[:, :k_max],
        latent_ranks_of_picture=np.take_along_axis(around.ranks, nearest, axis=1),
        picture_ranks_of_picture=drawn_ranks[:, :k_max],
        picture_ranks_of_latent=picture_ranks_of_latent,
        latent_ranks_of_latent=around.ranks[:, :k_max],
        places_of_picture=nearest,
        places_of_latent=places_of_latent,
        worse_rank=np.maximum(place, np.arange(place.shape[1], dtype=np.int32)) + 1,
        squared=squared,
        # Roots are new arrays of half the length: no view keeps the full ones alive.
        distances_of_latent=np.sqrt(np.take_along_axis(squared, around.rows[:, :half], axis=1)),
        distances_of_picture=np.sqrt(ascending[:, :half]),
        rows=len(picture),
    )


def _sorted(squared: Float64, block: Int64) -> tuple[Int64, Float64]:
    """Sort the other rows of every anchor by (squared distance, row); returns rows and distances, shape (b, n − 1).

    A row takes the place of the last bits of its distance, so that one sort of whole numbers orders both. Distances
    that differ by less than 2⁻³⁵ (of up to 131,072 rows; 2⁻³² of a million) are tied: no more than rounding.
    """
    count = squared.shape[1]
    low = np.uint64((1 << (count - 1).bit_length()) - 1)
    keys = squared.view(np.uint64) & ~low
    keys |= np.arange(count, dtype=np.uint64)
    keys[np.arange(len(block)), block] = 0  # the row itself stands in front of everything, even of equal rows
    keys.sort(axis=1)
    others = keys[:, 1:]
    return (others & low).astype(np.int64), (others & ~low).view(np.float64)


def _mid_ranks(ascending: Float64) -> Float64:
    """Rank sorted lines from 1; equal values share the mean of their ranks."""
    ranks = np.broadcast_to(np.arange(1.0, ascending.shape[1] + 1), ascending.shape)
    tied = np.flatnonzero(np.any(ascending[:, 1:] == ascending[:, :-1], axis=1))
    if not len(tied):
        return ranks
    ranks = ranks.copy()
    for line in tied:
        values = ascending[line]
        below = np.searchsorted(values, values, side="left")
        ranks[line] = (below + np.searchsorted(values, values, side="right") + 1) / 2
    return ranks
