"""Islands: the clusters of one picture, by HDBSCAN, and the nearest island of every noise point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Float32, Int32, Int64, Integers
from steadymap.tasks.numerics.clusters.density_tree import Branches, condense
from steadymap.tasks.numerics.clusters.largest_first import largest_first
from steadymap.tasks.numerics.clusters.linkage import link
from steadymap.tasks.numerics.geometry.neighbours import SPARE_CANDIDATES, squared_distances

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
    branches
        The density tree that the islands are one cut of.
    """

    labels: Int32
    filled: Int32
    branches: Branches


def find_islands(
    coordinates: Float32, working: Float32, min_cluster_size: int, neighbours: Integers | None = None
) -> Islands:
    """Cluster a picture.

    Parameters
    ----------
    coordinates
        The picture, shape (n, 2 or 3), finite.
    working
        Preprocessed vectors, in which noise finds its island; shape (n, d).
    min_cluster_size
        Smallest island, in rows; HDBSCAN smooths densities over as many neighbours, at most 100.
    neighbours
        Nearest rows in the latent space, nearest first, as many as are known, shape (n, k): they spare a search and
        change nothing.

    Source: see ``link``.
    """
    linked = link(coordinates, min_cluster_size)
    labels = largest_first(linked.labels)
    filled = fill_noise(labels, working, neighbours)
    branches = condense(linked.merges, linked.heights, min_cluster_size)
    return Islands(labels.astype(np.int32), filled.astype(np.int32), branches)


def fill_noise(labels: Int64, working: Float32, neighbours: Integers | None = None) -> Int64:
    """Give every row without a label (−1) that of most of its 15 nearest labelled rows; all 0 where there is none."""
    noise = np.flatnonzero(labels == NOISE)
    if len(noise) == len(labels):
        return np.zeros_like(labels)
    if len(noise) == 0:
        return labels
    members = np.flatnonzero(labels != NOISE)
    voters = min(VOTERS, len(members))
    votes = np.full((len(noise), voters), NOISE)
    if neighbours is not None:
        votes = _first_labelled(labels[neighbours[noise]], voters)
    unknown = np.flatnonzero(votes[:, -1] == NOISE)
    if len(unknown):
        votes[unknown] = labels[_nearest_members(working, noise[unknown], members, voters)]
    filled = labels.copy()
    filled[noise] = [_majority(row) for row in votes]
    return filled


def _first_labelled(labels: Int64, voters: int) -> Int64:
    """Return the first labels of every line that are no noise; noise at the end of a line that has too few."""
    order = np.argsort(labels == NOISE, axis=1, kind="stable")[:, :voters]
    first = np.take_along_axis(labels, order, axis=1)
    missing = voters - first.shape[1]
    return np.pad(first, ((0, 0), (0, missing)), constant_values=NOISE) if missing > 0 else first


def _nearest_members(working: Float32, rows: Int64, members: Int64, voters: int) -> Int64:
    """Search the nearest rows that are in an island, in the order in which shared neighbours have them."""
    from sklearn.neighbors import NearestNeighbors

    count = min(len(members), voters + SPARE_CANDIDATES)
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(working[members])
    candidates = members[search.kneighbors(working[rows], return_distance=False)]
    squared = squared_distances(working[rows], working, candidates)
    order = np.lexsort((candidates, squared))[:, :voters]
    return np.take_along_axis(candidates, order, axis=1)


def _majority(votes: Int64) -> int:
    """Return the most frequent label; of equally frequent ones the one that comes first (the nearest)."""
    names, first, counts = np.unique(votes, return_index=True, return_counts=True)
    return int(names[np.lexsort((first, -counts))[0]])
