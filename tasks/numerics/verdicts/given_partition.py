"""The valley test for clusters that somebody names: which are separated from every neighbour, and which run into which.

No tree: every pair of neighbours is tested. A cluster is separated only if every one of its tests rejects, so the
largest p-value needs no correction within the cluster (intersection-union); Holm's procedure corrects over clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadymap.holm import holm
from steadymap.tasks.numerics.arrays import Int64
from steadymap.tasks.numerics.valleys.bridges import find_bridges
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph, fragments, latent_graph
from steadymap.tasks.numerics.valleys.merge_tree import FEWEST_DISCOVERY_ROWS
from steadymap.tasks.numerics.valleys.sample_splitting import SampleSplit
from steadymap.tasks.numerics.valleys.valley import Valley, find_valley


@dataclass(frozen=True)
class Pair:
    """Two neighbouring clusters and the ground between them."""

    first: int
    second: int
    valley: Valley


@dataclass(frozen=True)
class GivenTest:
    """The tests of given clusters.

    Attributes
    ----------
    p_values
        Of cluster 0 to c − 1: the largest over its neighbours, before Holm; 1 where it has none or has no rows.
    adjusted
        The same after Holm; separated at level α where ≤ α.
    pairs
        Neighbours, by (first, second).
    """

    p_values: tuple[float, ...]
    adjusted: tuple[float, ...]
    pairs: tuple[Pair, ...]

    def runs_into(self, cluster: int, alpha: float = 0.05) -> tuple[int, ...]:
        """Return the neighbours from which no valley is shown to separate a cluster."""
        near = [pair for pair in self.pairs if cluster in (pair.first, pair.second) and pair.valley.p > alpha]
        return tuple(pair.second if pair.first == cluster else pair.first for pair in near)


def run_partition_test(halves: SampleSplit, labels: Int64, *, graph: LatentGraph | None = None) -> GivenTest:
    """Test every given cluster against every neighbour.

    Neighbours are clusters that touch in the graph of the discovery half. Connected parts of a cluster with fewer than
    20 rows (strays inside another cluster) make no bridge, unless it has no larger part.

    Parameters
    ----------
    halves
        From ``split_sample``.
    labels
        Cluster of every discovery row as given, 0 to c − 1; every row has one (give rows without a label to the nearest
        cluster first). Shape (n₁,).
    graph
        Of ``halves.discovery``, if it is at hand.
    """
    graph = latent_graph(halves.discovery) if graph is None else graph
    own = labels[halves.kept]
    bridges = find_bridges(graph, without_strays(graph, own))
    pairs = []
    for (first, second), bridge in sorted(bridges.items()):
        sides = np.where(own == first, 0, np.where(own == second, 1, -1))
        pairs.append(Pair(first, second, find_valley(halves, graph, sides, bridge)))
    p_values = tuple(
        max((pair.valley.p for pair in pairs if cluster in (pair.first, pair.second)), default=1.0)
        for cluster in range(int(labels.max()) + 1)
    )
    return GivenTest(p_values, holm(p_values), tuple(pairs))


def without_strays(graph: LatentGraph, labels: Int64) -> Int64:
    """Return the labels with −1 in small parts of clusters that have a large one."""
    part = fragments(graph, labels)
    size = np.bincount(part)[part]
    largest = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    np.maximum.at(largest, labels, size)
    stray = (size < FEWEST_DISCOVERY_ROWS) & (largest[labels] >= FEWEST_DISCOVERY_ROWS)
    return np.where(stray, -1, labels)
