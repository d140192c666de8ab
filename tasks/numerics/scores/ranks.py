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
from numba import njit
from scipy.spatial.distance import cdist

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int32, Int64
from steadymap.tasks.numerics.scores.radix import Words, sort_words

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

    ``places`` has for every other row its place in that order, 0 the nearest; shape (b, n), what stands at the anchor
    means nothing.
    """

    rows: Int32
    ranks: Float64
    places: Int32


def _sort_around(latent: Float64, block: Int64) -> _Around:
    squared = cdist(latent[block], latent, "sqeuclidean")
    return _Around(*_order(squared.view(np.uint64), block))


def _rank(around: _Around, picture: Float64, block: Int64, k_max: int) -> RankedBlock:
    squared = cdist(picture[block], picture, "sqeuclidean")
    half = len(picture) // 2
    nearest, worse, (places_of_latent, ranks_of_latent), (places_of_picture, ranks_of_picture) = _compare(
        squared.view(np.uint64), block, around.places, k_max
    )
    return RankedBlock(
        anchors=block,
        picture_nearest=nearest[:, :k_max].astype(np.int64),
        latent_ranks_of_picture=np.take_along_axis(around.ranks, places_of_picture, axis=1),
        picture_ranks_of_picture=ranks_of_picture,
        picture_ranks_of_latent=ranks_of_latent,
        latent_ranks_of_latent=around.ranks[:, :k_max],
        places_of_picture=places_of_picture,
        places_of_latent=places_of_latent,
        worse_rank=worse,
        squared=squared,
        distances_of_latent=_distances(squared, around.rows, half),
        distances_of_picture=_distances(squared, nearest, half),
        rows=len(picture),
    )


@njit(cache=True, nogil=True)
def _place_bits(rows: int) -> int:
    """Return how many of the last bits of a distance the number of its row takes.

    So one sort of whole numbers orders by (distance, row). Distances that differ by less than 2⁻³⁵ (of up to 131,072
    rows; 2⁻³² of a million) are tied: no more than rounding.
    """
    bits = 0
    while (rows - 1) >> bits:
        bits += 1
    return bits


@njit(cache=True, nogil=True)
def _sort_others(squared: Words, anchor: int, words: Words, spare: Words) -> Words:
    """Return a line's distances in ascending order, the row of each in its last bits, without the anchor's own."""
    bits = _place_bits(len(squared))
    low = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    at = 0
    for row in range(len(squared)):
        if row != anchor:
            words[at] = (squared[row] & ~low) | np.uint64(row)
            at += 1
    return sort_words(words, spare, bits)


@njit(cache=True, nogil=True)
def _mid_rank(ordered: Words, place: int, bits: int) -> float:
    """Return the rank from 1 of what stands at a place; equal values share the mean of theirs."""
    value = ordered[place] >> np.uint64(bits)
    first, last = place, place
    # Of many equal values half are passed over at a time.
    step = 1
    while step:
        if first >= step and ordered[first - step] >> np.uint64(bits) == value:
            first -= step
            step *= 2
        else:
            step //= 2
    step = 1
    while step:
        if last + step < len(ordered) and ordered[last + step] >> np.uint64(bits) == value:
            last += step
            step *= 2
        else:
            step //= 2
    return 1 + (first + last) / 2


@njit(cache=True, nogil=True)
def _order(squared: Words, anchors: Int64) -> tuple[Int32, Float64, Int32]:
    """Return the rows around each anchor in order, the mid-rank of every place, and the place of every row."""
    lines, rows = squared.shape
    in_order = np.empty((lines, rows - 1), dtype=np.int32)
    ranks = np.empty((lines, rows - 1))
    places = np.zeros((lines, rows), dtype=np.int32)
    words, spare = np.empty(rows - 1, dtype=np.uint64), np.empty(rows - 1, dtype=np.uint64)
    bits = _place_bits(rows)
    low = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    for line in range(lines):
        ordered = _sort_others(squared[line], anchors[line], words, spare)
        for place in range(rows - 1):
            row = np.int64(ordered[place] & low)
            in_order[line, place] = row
            places[line, row] = place
            ranks[line, place] = _mid_rank(ordered, place, bits)
    return in_order, ranks, places


@njit(cache=True, nogil=True)
def _compare(
    squared: Words, anchors: Int64, latent: Int32, k_max: int
) -> tuple[Int32, Int32, tuple[Int64, Float64], tuple[Int64, Float64]]:
    """Put the order around each anchor in a picture beside that in the latent space.

    Returned are the ⌊n/2⌋ or k_max nearest rows of the picture, the worse rank of every row, and place and mid-rank
    of the k_max nearest: of the latent space's in the picture, and of the picture's (the place in the latent space).
    """
    lines, rows = squared.shape
    kept = max(rows // 2, k_max)
    nearest = np.empty((lines, kept), dtype=np.int32)
    worse = np.empty((lines, rows - 1), dtype=np.int32)
    places_of_latent, ranks_of_latent = np.empty((lines, k_max), dtype=np.int64), np.empty((lines, k_max))
    places_of_picture, ranks_of_picture = np.empty((lines, k_max), dtype=np.int64), np.empty((lines, k_max))
    words, spare = np.empty(rows - 1, dtype=np.uint64), np.empty(rows - 1, dtype=np.uint64)
    bits = _place_bits(rows)
    low = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    for line in range(lines):
        ordered = _sort_others(squared[line], anchors[line], words, spare)
        for place in range(rows - 1):
            there = latent[line, np.int64(ordered[place] & low)]
            worse[line, place] = max(np.int32(place), there) + 1
            if there < k_max:
                places_of_latent[line, there] = place
        for place in range(kept):
            nearest[line, place] = np.int32(ordered[place] & low)
        for place in range(k_max):
            places_of_picture[line, place] = latent[line, nearest[line, place]]
            ranks_of_picture[line, place] = _mid_rank(ordered, place, bits)
            ranks_of_latent[line, place] = _mid_rank(ordered, places_of_latent[line, place], bits)
    return nearest, worse, (places_of_latent, ranks_of_latent), (places_of_picture, ranks_of_picture)


@njit(cache=True, nogil=True)
def _distances(squared: Float64, rows: Int32, count: int) -> Float64:
    """Return the distances to the first rows of every line."""
    found = np.empty((len(rows), count))
    for line in range(len(rows)):
        for at in range(count):
            found[line, at] = np.sqrt(squared[line, rows[line, at]])
    return found
