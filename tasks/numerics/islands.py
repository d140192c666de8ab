"""Islands: the clusters of one picture, by HDBSCAN, and the nearest island of every noise point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.numerics.arrays import Float32, Int32, Int64

NOISE = -1
VOTERS = 15
"""Labelled neighbours in the latent space that decide where a noise point belongs."""


@dataclass(frozen=True)
class Islands:
    """The islands of a picture.

    Attributes
    ----------
    labels
        Island of every row, noise −1, largest island 0; shape (n,).
    filled
        The same with every noise row given to the nearest island in the latent space; all 0 where there is no
        island at all. Shape (n,).
    """

    labels: Int32
    filled: Int32


def find_islands(coordinates: Float32, working: Float32, min_cluster_size: int) -> Islands:
    """Cluster a picture.

    Parameters
    ----------
    coordinates
        The picture, shape (n, 2 or 3), finite.
    working
        Preprocessed vectors, in which noise finds its island; shape (n, d).
    min_cluster_size
        Smallest island, in rows; HDBSCAN smooths densities over as many neighbours.

    Source: Campello, Moulavi & Sander 2013, doi:10.1007/978-3-642-37456-2_14; scikit-learn's HDBSCAN.
    """
    from sklearn.cluster import HDBSCAN

    smoothing = min(min_cluster_size, len(coordinates))
    labels = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=smoothing, copy=True).fit_predict(
        coordinates.astype(np.float64)
    )
    labels = _largest_first(np.asarray(labels, dtype=np.int64))
    return Islands(labels.astype(np.int32), _fill(labels, working).astype(np.int32))


def _largest_first(labels: Int64) -> Int64:
    """Rename islands by size, ties by their first row, so that a name does not depend on HDBSCAN's order."""
    found, first, counts = np.unique(labels, return_index=True, return_counts=True)
    islands = found != NOISE
    order = np.lexsort((first[islands], -counts[islands]))
    renamed = np.full(len(labels), NOISE)
    for name, island in enumerate(found[islands][order]):
        renamed[labels == island] = name
    return renamed


def _fill(labels: Int64, working: Float32) -> Int64:
    from sklearn.neighbors import NearestNeighbors

    noise = np.flatnonzero(labels == NOISE)
    if len(noise) == len(labels):
        return np.zeros_like(labels)
    if len(noise) == 0:
        return labels
    members = np.flatnonzero(labels != NOISE)
    search = NearestNeighbors(n_neighbors=min(VOTERS, len(members)), algorithm="brute")
    search.fit(working[members])
    votes = labels[members[search.kneighbors(working[noise], return_distance=False)]]
    filled = labels.copy()
    filled[noise] = [_majority(row) for row in votes]
    return filled


def _majority(votes: Int64) -> int:
    """Return the most frequent label; of equally frequent ones the one that comes first (the nearest)."""
    names, first, counts = np.unique(votes, return_index=True, return_counts=True)
    return int(names[np.lexsort((first, -counts))[0]])
