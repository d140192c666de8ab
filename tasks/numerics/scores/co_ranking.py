"""Quality at every scale: Q_NX and R_NX over all neighbourhood sizes, from a histogram of ranks.

A row is among the K nearest in both spaces exactly if its worse rank, max(ρ, r), is at most K. So the whole curve is
the cumulative histogram of worse ranks: no co-ranking matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit

from steadymap.tasks.numerics.arrays import Float64, Int32, Int64
from steadymap.tasks.numerics.randomness import stream
from steadymap.tasks.numerics.scores.ranks import RankedBlock

GROUPS = 20
"""Anchors are counted in so many groups, so that a bootstrap over groups gives standard errors."""

DRAWS = 60


def q_nx(histogram: Int64, anchors: int) -> Float64:
    """Return Q_NX(K) = #{(i, j): ρᵢⱼ ≤ K and rᵢⱼ ≤ K} / (K anchors) for K = 1 … n − 1, in [0, 1].

    ``histogram`` counts the worse ranks 0 … n − 1. Source: Lee & Verleysen 2009, doi:10.1016/j.neucom.2008.12.017.
    """
    sizes = np.arange(1, len(histogram))
    return np.asarray(np.cumsum(histogram[1:]) / (sizes * anchors))


def r_nx(quality: Float64) -> Float64:
    """Return R_NX(K) = ((n − 1) Q_NX(K) − K) / (n − 1 − K) for K = 1 … n − 2.

    A random picture has 0, a perfect one 1. Source: Lee et al. 2015, doi:10.1016/j.neucom.2014.12.095.
    """
    last = len(quality)  # n − 1
    sizes = np.arange(1, last)
    return np.asarray((last * quality[:-1] - sizes) / (last - sizes))


def auc_ln_k(block: RankedBlock) -> Float64:
    """Return each anchor's AUC_lnK = Σ_K R_NX(K)/K / Σ_K 1/K, K = 1 … n − 2, shape (anchors,); at most 1.

    Higher is better, 0 is chance. R_NX is linear in the counts, so a row of worse rank M adds the weights of all K ≥ M.
    Source: Lee et al. 2015, doi:10.1016/j.neucom.2014.12.095.
    """
    last = block.rows - 1
    sizes = np.arange(1.0, last)
    total = np.sum(1 / sizes)
    weight = last / (sizes**2 * (last - sizes)) / total
    from_here_on = np.zeros(last + 1)
    from_here_on[1:last] = np.cumsum(weight[::-1])[::-1]
    chance = np.sum(1 / (last - sizes)) / total
    return np.asarray(_sum_at(from_here_on, block.worse_rank) - chance)


@njit(cache=True, nogil=True)
def _sum_at(values: Float64, places: Int32) -> Float64:
    """Sum the values that stand at the places of every line."""
    sums = np.zeros(len(places))
    for line in range(len(places)):
        for place in places[line]:
            sums[line] += values[place]
    return sums


@dataclass(frozen=True)
class LocalGlobal:
    """The scale up to which the picture is most faithful, and its mean quality below and above.

    Attributes
    ----------
    k_max
        K at which LCMC(K) = Q_NX(K) − K/(n − 1) is largest.
    q_local, q_global
        Mean of Q_NX (not of LCMC) over K ≤ k_max and over K > k_max, in [0, 1].
    """

    k_max: int
    q_local: float
    q_global: float


def local_global(quality: Float64) -> LocalGlobal:
    """Split Q_NX at the scale where it exceeds chance most.

    Source: Lee & Verleysen 2010, doi:10.1016/j.patrec.2010.04.013; Chen & Buja 2009 for LCMC. Where no K lies above
    k_max, q_global is the last value.
    """
    split = int(np.argmax(lcmc(quality))) + 1
    above = quality[split:] if split < len(quality) else quality[-1:]
    return LocalGlobal(split, float(quality[:split].mean()), float(above.mean()))


def lcmc(quality: Float64) -> Float64:
    """Return LCMC(K) = Q_NX(K) − K/(n − 1) for K = 1 … n − 1: quality beyond chance. Source: Chen & Buja 2009."""
    return np.asarray(quality - np.arange(1, len(quality) + 1) / len(quality))


class WorseRanks:
    """Counts of worse ranks, in groups of anchors, filled block by block."""

    def __init__(self, rows: int) -> None:
        self.counts = np.zeros((GROUPS, rows), dtype=np.int32)
        self.anchors = np.zeros(GROUPS, dtype=np.int64)

    def add(self, block: RankedBlock) -> None:
        """Count a block; anchor after anchor goes to group after group."""
        group = (self.anchors.sum() + np.arange(len(block.anchors))) % GROUPS
        _count(self.counts, group, block.worse_rank)
        self.anchors += np.bincount(group, minlength=GROUPS)

    def quality(self) -> Float64:
        """Return Q_NX over all anchors."""
        return q_nx(self.counts.sum(axis=0, dtype=np.int64), int(self.anchors.sum()))

    def redrawn_qualities(self) -> Iterator[Float64]:
        """Yield Q_NX over groups of anchors drawn with replacement, so that the spread is a standard error.

        A bootstrap rather than a jackknife, since the split into local and global is an argmax, which hardly moves
        when one group is left out.
        """
        filled = self.anchors > 0
        groups = int(filled.sum())
        generator = stream("anchor groups", groups)
        for _ in range(DRAWS):
            weights = np.bincount(generator.integers(0, groups, groups), minlength=groups)
            histogram = weights @ self.counts[filled]
            yield q_nx(histogram, int(weights @ self.anchors[filled]))


@njit(cache=True, nogil=True)
def _count(counts: Int32, group: Int64, worse: Int32) -> None:
    """Add every line's worse ranks to the counts of its group."""
    for line in range(len(worse)):
        for rank in worse[line]:
            counts[group[line], rank] += 1
