"""One answer from several splits: what the clusters are, and their p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from steadymap.tasks.numerics.arrays import Booleans, Float64, Int64
from steadymap.tasks.numerics.clusters.recurrence import RECOVERED
from steadymap.tasks.numerics.verdicts.split_test import SplitTest

MATCH = 0.5
"""Jaccard index from which a set of a split is taken for a published cluster."""

ASKED_SHARE = 1 / 3
"""Share of the halves that have to separate a cluster."""

KEPT_TOGETHER = 0.5
"""Share of the splits that keeps what is not shown with what it is most often with."""

ROUNDING = 1e-9


@dataclass(frozen=True)
class SplitOutcome:
    """A split: which rows were in its discovery half (True, shape (n,)) and what came out."""

    discovery: Booleans
    test: SplitTest


@dataclass(frozen=True)
class ClusterEvidence:
    """The evidence for one published cluster.

    Attributes
    ----------
    p
        Combined p-value, see ``combine_p_values``.
    split_p
        p-value in every split; 1 where unmatched.
    jaccard
        Jaccard index with its best match in every split, on the rows of the discovery half.
    """

    p: float
    split_p: tuple[float, ...]
    jaccard: tuple[float, ...]

    @property
    def unmatched(self) -> int:
        """Number of splits in which nothing corresponds to the cluster."""
        return sum(index < MATCH for index in self.jaccard)


def combine_p_values(p_values: Sequence[float]) -> float:
    """Return min(1, K/k · p₍ₖ₎) with k = ⌈K/3⌉, valid however the K p-values depend on each other; one as it is.

    A cluster that is there has tiny p-values in the halves that propose it and 1 in the others, so that it pays to ask
    for a third of the halves and not for half of them.

    Source: Rüger 1978, Metrika 25, 171–178; Meinshausen, Meier & Bühlmann 2009, doi:10.1198/jasa.2009.tm08647.
    """
    rank = ceil(len(p_values) * ASKED_SHARE)
    return min(1.0, len(p_values) / rank * sorted(p_values)[rank - 1])


def cluster_evidence(published: Int64, splits: Sequence[SplitOutcome]) -> tuple[ClusterEvidence, ...]:
    """Match every published cluster to the claims of every split and combine the p-values.

    Parameters
    ----------
    published
        Cluster of every row of the full data, 0 to c − 1, shape (n,).
    splits
        At least one.

    Returns
    -------
    One entry per published cluster.
    """
    count = int(published.max()) + 1
    matched = [_match(published[split.discovery], count, split.test) for split in splits]
    return tuple(
        ClusterEvidence(
            combine_p_values([p[cluster] for _, p in matched]),
            tuple(float(p[cluster]) for _, p in matched),
            tuple(float(jaccard[cluster]) for jaccard, _ in matched),
        )
        for cluster in range(count)
    )


def agreed_clusters(candidates: Int64, splits: Sequence[SplitOutcome], alpha: float = 0.05) -> Int64:
    """Merge the candidates of the full data where the splits keep them together.

    Two candidates are together in a split as often as two of their rows, one of each, share a cluster; the two groups
    that are together most often are merged first (average linkage: a candidate across a border does not chain what lies
    on either side of it). Groups that more than two thirds of the splits keep together are one. So are those that
    half of them do, unless both are shown to be separated. This chooses what is published; the p-values of
    ``cluster_evidence`` hold for any choice.

    Parameters
    ----------
    candidates
        Piece of every row of the full data, 0 to q − 1, shape (n,).
    alpha
        From which p-value on a group counts as not shown.

    Returns
    -------
    Cluster of every row, numbered by first row, shape (n,).
    """
    together = _together(candidates, splits)
    apart = np.zeros(len(together), dtype=np.bool_)
    fine = _average_linkage(together, np.bincount(candidates), 1 - ASKED_SHARE + ROUNDING, apart)
    groups = _by_first_row(fine[candidates])
    shown = np.array([one.p <= alpha for one in cluster_evidence(groups, splits)])
    coarse = _average_linkage(_together(groups, splits), np.bincount(groups), KEPT_TOGETHER, shown)
    return _by_first_row(coarse[groups])


def _by_first_row(labels: Int64) -> Int64:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse])


def _together(candidates: Int64, splits: Sequence[SplitOutcome]) -> Float64:
    """Return how often rows of two candidates share a cluster, over the splits that have rows of both; shape (q, q)."""
    count = int(candidates.max()) + 1
    together, seen = np.zeros((2, count, count))
    for split in splits:
        shared = _contingency(candidates[split.discovery], split.test.clusters, count)
        rows = shared.sum(axis=1, keepdims=True)
        share = shared / np.maximum(rows, 1)
        seen += (rows > 0) & (rows.T > 0)
        together += share @ share.T
    return np.asarray(together / np.maximum(seen, 1))


def _average_linkage(together: Float64, sizes: Int64, least: float, apart: Booleans) -> Int64:
    """Return the group of every piece; of equal pairs the first is merged first, and none of two that are apart."""
    waiting, weight, kept = together.copy(), sizes.astype(np.float64), apart.copy()
    np.fill_diagonal(waiting, -1)
    group = np.arange(len(sizes))
    while True:
        allowed = np.where(kept[:, None] & kept[None, :], -1, waiting)
        a, b = np.unravel_index(int(allowed.argmax()), allowed.shape)
        if allowed[a, b] < least:
            return group
        waiting[a] = (weight[a] * waiting[a] + weight[b] * waiting[b]) / (weight[a] + weight[b])
        waiting[:, a] = waiting[a]
        waiting[a, a] = -1
        waiting[b] = waiting[:, b] = -1
        weight[a] += weight[b]
        kept[a] |= kept[b]
        group[group == b] = a


def _match(published: Int64, count: int, test: SplitTest) -> tuple[Float64, Float64]:
    """Return the Jaccard index of every published cluster with its best match, and the p-value it gets.

    Of the sets that are as good as the cluster itself the least p-value counts; Holm's procedure has paid for all.
    """
    sets, p_values = test.claims()
    shared_fragments = _contingency(published, test.fragments, count)
    shared = shared_fragments @ sets.T.astype(np.float64)
    rows = shared_fragments.sum(axis=1, keepdims=True)
    sizes = sets.astype(np.float64) @ shared_fragments.sum(axis=0)
    jaccard = shared / np.maximum(rows + sizes - shared, 1)
    best = jaccard.argmax(axis=1)
    index = jaccard[np.arange(count), best]
    p = np.where(index >= MATCH, p_values[best], 1.0)
    alike = np.where(jaccard > RECOVERED, p_values, 1.0).min(axis=1)
    return index, np.where(index > RECOVERED, alike, p)


def _contingency(rows: Int64, columns: Int64, count: int) -> Float64:
    shared = np.zeros((count, int(columns.max()) + 1))
    np.add.at(shared, (rows, columns), 1)
    return shared
