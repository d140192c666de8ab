"""A part of the rows that every machine and every night chooses alike, with what is rare among them kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Int64, UInt64
from steadymap.tasks.numerics.randomness import mix, salted

KEPT_ROWS = 100
"""Rows of every stratum that are kept, or all it has: either half then has 50, of which a test needs 8."""


@dataclass(frozen=True)
class Sample:
    """The rows that were chosen.

    Attributes
    ----------
    rows
        Ascending, shape (count,).
    kept
        How many rows of every stratum are there at least, if it has them; 0 where there are too many strata.
    """

    rows: Int64
    kept: int


def stratified_sample(keys: UInt64, strata: Sequence[Int64], count: int) -> Sample:
    """Choose rows by their hashes, so that rows that come or go change little, and no rare stratum is lost.

    The first ``KEPT_ROWS`` of every stratum, by hash, are in the sample, as many fewer as make them fit; the rest are
    the next ones by hash, whatever they belong to. So a stratum that has its share anyway is drawn evenly, and only
    rare ones are more frequent than in the data.

    Parameters
    ----------
    keys
        A hash per row, shape (n,); equal ones are taken in the order of the rows.
    strata
        What rows belong to, each of shape (n,), numbered from 0, negative where to nothing: a label, a group.
    count
        Rows to choose, at least 1; all where there are no more.
    """
    if count >= len(keys):
        return Sample(np.arange(len(keys)), KEPT_ROWS)
    order = np.argsort(mix(salted(keys, "sample")), kind="stable")
    # Place of every row among those of its stratum, by hash, in the stratum in which it comes first.
    place = np.full(len(keys), len(keys))
    for of_row in strata:
        place[order] = np.minimum(place[order], _places(of_row[order]))
    kept = KEPT_ROWS
    while kept and np.sum(place < kept) > count:
        kept -= 1
    chosen = order[place[order] < kept]
    rest = order[place[order] >= kept]
    return Sample(np.sort(np.concatenate([chosen, rest[: count - len(chosen)]])), kept)


def _places(strata: Int64) -> Int64:
    """Return how many rows of the same stratum come before each; more than there are rows where there is none."""
    by_stratum = np.argsort(strata, kind="stable")
    sorted_strata = strata[by_stratum]
    starts = np.flatnonzero(np.r_[True, sorted_strata[1:] != sorted_strata[:-1]])
    lengths = np.diff(np.r_[starts, len(strata)])
    places = np.empty(len(strata), dtype=np.int64)
    places[by_stratum] = np.arange(len(strata)) - np.repeat(starts, lengths)
    places[strata < 0] = len(strata)
    return places
