"""Whether a cluster is found again in a picture, and if not, what the picture did with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from steadymap.tasks.numerics.arrays import Booleans, Float64, Int32, Int64
from steadymap.tasks.numerics.clusters.density_tree import Branches

Fate = Literal["kept", "split", "merged", "lost"]

RECOVERED, DISSOLVED = 0.75, 0.5
"""Above the first a cluster counts as found again, at or below the second as dissolved (Hennig 2007)."""

HIGHLY_STABLE, VALID, PATTERN = 0.85, 0.75, 0.6
"""Bands of a mean Jaccard similarity, by the manual of the R package fpc."""

Band = Literal["highly stable", "stable", "a pattern", "not to be trusted"]


def band_of(recurrence: float) -> Band:
    """Name the band of a mean Jaccard similarity: .85, .75 and .6 are the bounds."""
    if recurrence >= HIGHLY_STABLE:
        return "highly stable"
    if recurrence >= VALID:
        return "stable"
    return "a pattern" if recurrence >= PATTERN else "not to be trusted"


@dataclass(frozen=True)
class Recovery:
    """What one picture does with every cluster.

    Attributes
    ----------
    jaccard
        Similarity to the most similar set of rows that the picture sets apart (an island or a branch of its density
        tree), in [0, 1]; NaN where the picture has none of its rows. Shape (clusters,).
    by_cut
        The same with islands alone: what one flat cut of the tree would have said. Shape (clusters,).
    shares
        Share of a cluster's rows in each island, shape (clusters, islands).
    fates
        ``kept``, ``split``, ``merged`` or ``lost``, by cluster; None where the picture has none of its rows.
    pieces
        Sets that hold a split cluster, else 1; shape (clusters,).
    partners
        The clusters that a merged one cannot be told from, by cluster.
    """

    jaccard: Float64
    by_cut: Float64
    shares: Float64
    fates: tuple[Fate | None, ...]
    pieces: Int64
    partners: tuple[tuple[int, ...], ...]

    def apart(self) -> Float64:
        """Return for every pair of clusters the share of pairs of rows in different islands, shape (K, K).

        On the diagonal: of pairs within a cluster, each row with itself included.
        """
        return np.asarray(1 - self.shares @ self.shares.T)


def recover_clusters(clusters: Int64, islands: Int32, count: int, branches: Branches | None = None) -> Recovery:
    """Look for clusters in a picture.

    A cluster is kept where an island or a branch is similar to it (Jaccard above .75). It is split where the largest
    ones that are mostly its own are, taken together; merged where the smallest one that holds most of it holds most of
    others, too; else lost.

    Parameters
    ----------
    clusters
        Cluster of every row that the picture shows, from 0; shape (m,).
    islands
        Filled island of the same rows, from 0; shape (m,).
    count
        Clusters in all.
    branches
        Of the picture's density tree, on the same rows; without them islands are all that it shows.

    Source: Hennig 2007, doi:10.1016/j.csda.2006.11.025, clusterwise Jaccard similarity on the rows present.
    """
    table = np.zeros((count, int(islands.max()) + 1))
    np.add.at(table, (clusters, islands), 1)
    rows = table.sum(axis=1)
    present = rows > 0
    by_cut = np.where(present, _similarities(table, rows).max(axis=1), np.nan)
    shares = table / np.where(present, rows, 1)[:, None]
    if branches is None:
        shown = _Shown(table, rows, np.full(table.shape[1], -1))
        return Recovery(by_cut, by_cut, shares, *shown.fates(by_cut))
    shown = _Shown(branches.members(clusters, count).T, rows, branches.parent)
    jaccard = np.fmax(by_cut, np.where(present, _similarities(shown.table, rows).max(axis=1), np.nan))
    return Recovery(jaccard, by_cut, shares, *shown.fates(jaccard))


def _similarities(table: Float64, rows: Float64) -> Float64:
    """Return the Jaccard similarity of every cluster to every set, from the rows that they share."""
    union = rows[:, None] + table.sum(axis=0)[None, :] - table
    return np.asarray(np.divide(table, union, out=np.zeros_like(table), where=union > 0))


@dataclass(frozen=True)
class _Shown:
    """The sets that a picture shows: rows of each cluster in each of them, rows of each cluster, and which holds which.

    ``parent`` is the set in which each lies, −1 for none.
    """

    table: Float64
    rows: Float64
    parent: Int64

    def fates(self, jaccard: Float64) -> tuple[tuple[Fate | None, ...], Int64, tuple[tuple[int, ...], ...]]:
        """Return fates, pieces and partners of all clusters."""
        told = [self._fate(cluster, float(jaccard[cluster])) for cluster in range(len(self.rows))]
        return (
            tuple(fate for fate, _, _ in told),
            np.array([n for _, n, _ in told]),
            tuple(with_ for _, _, with_ in told),
        )

    def _fate(self, cluster: int, jaccard: float) -> tuple[Fate | None, int, tuple[int, ...]]:
        if self.rows[cluster] == 0:
            return None, 1, ()
        if jaccard > RECOVERED:
            return "kept", 1, ()
        own = self._own(cluster)
        if own.sum() > 1 and self._together(cluster, own) > RECOVERED:
            return "split", int(own.sum()), ()
        others = self._housemates(cluster)
        return ("merged", 1, others) if others else ("lost", 1, ())

    def _own(self, cluster: int) -> Booleans:
        """Return which sets are mostly of a cluster, without those inside of others that are."""
        mostly = self.table[cluster] > self.table.sum(axis=0) / 2
        inside = (self.parent >= 0) & mostly[self.parent]
        return np.asarray(mostly & ~inside)

    def _together(self, cluster: int, own: Booleans) -> float:
        """Return the Jaccard similarity of a cluster and the union of some sets."""
        shared, held = float(self.table[cluster, own].sum()), float(self.table[:, own].sum())
        return shared / (float(self.rows[cluster]) + held - shared)

    def _housemates(self, cluster: int) -> tuple[int, ...]:
        """Return the other clusters of which most is in the smallest set that holds most of one.

        The root of a tree that parts holds everything, and says of no two clusters that they are together.
        """
        whole = (self.parent < 0) & np.isin(np.arange(len(self.parent)), self.parent)
        holding = np.flatnonzero((self.table[cluster] > self.rows[cluster] / 2) & ~whole)
        if len(holding) == 0:
            return ()
        home = holding[self.table[:, holding].sum(axis=0).argmin()]
        mates = np.flatnonzero(self.table[:, home] > self.rows / 2)
        return tuple(int(other) for other in mates if other != cluster)
