"""Sorting by counting: distances are numbers of 64 bits whose order is that of the bits, eleven looked at a time.

Three to four times as fast as comparing at ten thousand rows, and the order of equal values is that of their places.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from steadymap.tasks.numerics.arrays import Float64, Int64

DIGIT = 11
BUCKETS = 1 << DIGIT
DIGITS = 6
"""Of eleven bits each: all 63 of a number that is not negative."""

Words = np.ndarray[tuple[Any, ...], np.dtype[np.uint64]]


@njit(cache=True, nogil=True)
def sort_words(words: Words, spare: Words, lowest: int) -> Words:
    """Sort whole numbers below 2⁶³ by their bits from ``lowest`` on, equal ones staying in order; 1-d.

    ``spare`` is as long; what is returned is one of the two, and the other holds anything.
    """
    count = len(words)
    counts = np.zeros((DIGITS, BUCKETS), dtype=np.int64)
    digits = (63 - lowest + DIGIT - 1) // DIGIT
    mask = np.uint64(BUCKETS - 1)
    for word in words:
        rest = word >> np.uint64(lowest)
        for digit in range(digits):
            counts[digit, np.int64(rest & mask)] += 1
            rest >>= np.uint64(DIGIT)
    here, there = words, spare
    for digit in range(digits):
        shift = np.uint64(lowest + digit * DIGIT)
        if count and counts[digit, np.int64((here[0] >> shift) & mask)] == count:
            continue  # alike in these bits
        _begin_buckets(counts[digit])
        for word in here:
            bucket = np.int64((word >> shift) & mask)
            there[counts[digit, bucket]] = word
            counts[digit, bucket] += 1
        here, there = there, here
    return here


@njit(cache=True, nogil=True)
def _begin_buckets(counts: Int64) -> None:
    """Turn how many words each bucket holds into where it begins."""
    begin = np.int64(0)
    for bucket in range(BUCKETS):
        held = counts[bucket]
        counts[bucket] = begin
        begin += held


@njit(cache=True, nogil=True)
def _sort_with_places(words: Words) -> tuple[Words, Int64]:
    """Sort words and say where each came from."""
    count = len(words)
    counts = np.zeros((DIGITS, BUCKETS), dtype=np.int64)
    mask = np.uint64(BUCKETS - 1)
    for word in words:
        for digit in range(DIGITS):
            counts[digit, np.int64((word >> np.uint64(digit * DIGIT)) & mask)] += 1
    here, places = words.copy(), np.arange(count)
    there, places_there = np.empty_like(here), np.empty_like(places)
    for digit in range(DIGITS):
        shift = np.uint64(digit * DIGIT)
        if count and counts[digit, np.int64((here[0] >> shift) & mask)] == count:
            continue
        _begin_buckets(counts[digit])
        for one in range(count):
            bucket = np.int64((here[one] >> shift) & mask)
            to = counts[digit, bucket]
            there[to], places_there[to] = here[one], places[one]
            counts[digit, bucket] += 1
        here, there = there, here
        places, places_there = places_there, places
    return here, places


@njit(cache=True, nogil=True)
def _share_ranks(ascending: Words, places: Int64) -> Float64:
    """Give every place its rank from 1; equal values share the mean of theirs."""
    count = len(ascending)
    ranks = np.empty(count)
    start = 0
    while start < count:
        end = start + 1
        while end < count and ascending[end] == ascending[start]:
            end += 1
        for one in range(start, end):
            ranks[places[one]] = (start + 1 + end) / 2
        start = end
    return ranks


def rank_distances(values: Float64) -> Float64:
    """Rank numbers that are not negative from 1, equal ones by the mean of their ranks; shape (m,).

    What ``scipy.stats.rankdata`` returns.
    """
    # −0 is 0, though its bits are not.
    words, places = _sort_with_places((np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.uint64))
    return np.asarray(_share_ranks(words, places))
