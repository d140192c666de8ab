"""Whether a cluster is found again in a picture, and if not, what the picture did with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from steadymap.tasks.numerics.arrays import Booleans, Float64, Int32, Int64

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
class Found:
    """What one picture does with every cluster.

    Attributes
    ----------
    jaccard
        Similarity to its most similar island, in [0, 1]; NaN where the picture has none of its rows. Shape (clusters,).
    shares
        Share of a cluster's rows in each island, shape (clusters, islands).
    fates
        ``kept``, ``split``, ``merged`` or ``lost``, by cluster; None where the picture has none of its rows.
    pieces
        Islands that hold a split cluster, else 1; shape (clusters,).
    partners
        The clusters that share the island of a merged one, by cluster.
    """

    jaccard: Float64
    shares: Float64
    fates: tuple[Fate | None, ...]
    pieces: Int64
    partners: tuple[tuple[int, ...], ...]

    def apart(self) -> Float64:
        """Return for every pair of clusters the share of pairs of rows in different islands, shape (K, K).

        On the diagonal: of pairs within a cluster, each row with itself included.
        """
        return np.asarray(1 - self.shares @ self.shares.T)


def find_clusters(clusters: Int64, islands: Int32, count: int) -> Found:
    """Look for clusters in a picture.

    A cluster is kept where an island is similar to it (Jaccard above .75). It is split where the islands that are
    mostly its own are, taken together; merged where one island holds most of it, and it lost to others there; else
    lost.

    Parameters
    ----------
    clusters
        Cluster of every row that the picture shows, from 0; shape (m,).
    islands
        Filled island of the same rows, from 0; shape (m,).
    count
        Clusters in all.

    Source: Hennig 2007, doi:10.1016/j.csda.2006.11.025, clusterwise Jaccard similarity on the rows present.
    """
    table = np.zeros((count, int(islands.max()) + 1))
    np.add.at(table, (clusters, islands), 1)
    rows, sizes = table.sum(axis=1), table.sum(axis=0)
    present = rows > 0
    union = rows[:, None] + sizes[None, :] - table
    similarity = np.divide(table, union, out=np.zeros_like(table), where=union > 0)
    shares = table / np.where(present, rows, 1)[:, None]
    purity = table / np.where(sizes > 0, sizes, 1)[None, :]
    fates: list[Fate | None] = []
    pieces = np.ones(count, dtype=np.int64)
    partners: list[tuple[int, ...]] = []
    for cluster in range(count):
        own = purity[cluster] > 0.5
        home = int(shares[cluster].argmax())
        fate: Fate | None = None
        others: tuple[int, ...] = ()
        if present[cluster]:
            fate = _fate(similarity[cluster].max(), _union_similarity(table, rows, sizes, cluster, own), own.sum())
            if fate is None:
                housemates = np.flatnonzero(shares[:, home] > 0.5)
                others = tuple(int(other) for other in housemates if other != cluster)
                fate = "merged" if shares[cluster, home] > 0.5 and others else "lost"
            if fate == "split":
                pieces[cluster] = int(own.sum())
        fates.append(fate)
        partners.append(others if fate == "merged" else ())
    jaccard = np.where(present, similarity.max(axis=1), np.nan)
    return Found(jaccard, shares, tuple(fates), pieces, tuple(partners))


def _fate(similarity: float, together: float, own: int) -> Fate | None:
    if similarity > RECOVERED:
        return "kept"
    return "split" if own > 1 and together > RECOVERED else None


def _union_similarity(table: Float64, rows: Float64, sizes: Float64, cluster: int, own: Booleans) -> float:
    """Return the Jaccard similarity of a cluster and the union of some islands."""
    shared, held = float(table[cluster, own].sum()), float(sizes[own].sum())
    return shared / (float(rows[cluster]) + held - shared)
