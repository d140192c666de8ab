"""One answer from several splits: what the clusters are, and their p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from steadymap.tasks.numerics.arrays import Booleans, Float64, Int64
from steadymap.tasks.numerics.verdicts.hierarchical_testing import SplitTest

MATCH = 0.5
"""Jaccard index from which a cluster of a split is taken for a published one; above it there can be only one."""


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
    """Return min(1, 2 · median), valid however the p-values depend on each other; a single one as it is.

    Of an even number the larger middle one counts, so that more than half are as small.

    Source: Meinshausen, Meier & Bühlmann 2009, doi:10.1198/jasa.2009.tm08647 (γ = ½).
    """
    if len(p_values) == 1:
        return float(p_values[0])
    return min(1.0, 2 * sorted(p_values)[len(p_values) // 2])


def cluster_evidence(published: Int64, splits: Sequence[SplitOutcome]) -> tuple[ClusterEvidence, ...]:
    """Match every published cluster to the clusters of every split and combine the p-values.

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


def agreed_clusters(pieces: Int64, splits: Sequence[SplitOutcome]) -> Int64:
    """Merge the candidate pieces of the full data wherever most splits keep them together.

    A piece is in the cluster in which most of its rows are (the first of equal ones); pieces that share a cluster in
    at least half of the splits in which both have rows are merged. This chooses what is published; the p-values of
    ``cluster_evidence`` hold for any choice.

    Parameters
    ----------
    pieces
        Piece of every row of the full data, 0 to q − 1, shape (n,).

    Returns
    -------
    Cluster of every row, numbered by first row, shape (n,).
    """
    count = int(pieces.max()) + 1
    together, seen = np.zeros((2, count, count))
    for split in splits:
        shared = _contingency(pieces[split.discovery], split.test.clusters, count)
        present, home = shared.sum(axis=1) > 0, shared.argmax(axis=1)
        both = present[:, None] & present[None, :]
        seen += both
        together += both & (home[:, None] == home[None, :])
    joined = scipy.sparse.csr_matrix((seen > 0) & (together >= seen / 2))
    _, group = connected_components(joined, directed=False)
    _, first, inverse = np.unique(group[pieces], return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse])


def _match(published: Int64, count: int, test: SplitTest) -> tuple[Float64, Float64]:
    """Return the Jaccard index of every published cluster with its best match, and the p-value it gets."""
    shared = _contingency(published, test.clusters, count)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared
    jaccard = shared / np.maximum(union, 1)
    best = jaccard.argmax(axis=1)
    index = jaccard[np.arange(count), best]
    return index, np.where(index >= MATCH, np.array(test.p_values)[best], 1.0)


def _contingency(rows: Int64, columns: Int64, count: int) -> Float64:
    shared = np.zeros((count, int(columns.max()) + 1))
    np.add.at(shared, (rows, columns), 1)
    return shared
