"""All tests of one split: every node of the tree of candidates against everything else, error over all kept.

A node is a set of rows, and its hypothesis is that no valley separates it from the rest: it is asked where it comes
closest to the rest (if there is a valley there, there is one all around). Which sets are asked, and how the level is
shared among them, is decided on discovery rows alone, so that Holm's procedure over all of them keeps the chance of any
false separation at α, however the tests depend on each other. No node waits for another one's rejection: a boundary
that cannot be shown hides nothing below or beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from steadymap.holm import holm
from steadymap.tasks.numerics.arrays import Booleans, Float64, Int64
from steadymap.tasks.numerics.valleys.bridges import Bridge, find_bridges
from steadymap.tasks.numerics.valleys.dip import dip_p_value
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph, latent_graph
from steadymap.tasks.numerics.valleys.merge_tree import (
    FEWEST_DISCOVERY_ROWS,
    MergeTree,
    bridge_patch,
    merge_tree,
    separation,
)
from steadymap.tasks.numerics.valleys.sample_splitting import SampleSplit
from steadymap.tasks.numerics.valleys.valley import FEWEST_HELD_OUT_ROWS, LARGEST_PATCH, Valley, find_valley
from steadymap.tasks.numerics.verdicts.given_partition import without_strays

SMALLEST_HINT = 0.02
"""Added to the p-value of the discovery rows before it is turned into a weight: it is a hint and no proof."""


@dataclass(frozen=True)
class Node:
    """One set of rows that was tested against all others.

    Attributes
    ----------
    fragments
        What it consists of.
    rows
        Its discovery rows.
    valley
        The ground between it and the rest, where it is easiest to cross.
    weight
        Its share of the level, over those of all nodes.
    p
        After Holm's correction over all nodes.
    """

    fragments: tuple[int, ...]
    rows: int
    valley: Valley
    weight: float
    p: float


@dataclass(frozen=True)
class SplitTest:
    """Clusters of one split and their p-values.

    Attributes
    ----------
    clusters
        What the separated nodes divide the discovery rows as given into (copies included), numbered by first row;
        shape (n₁,).
    p_values
        Of every cluster: the largest of the nodes that bound it, 1 for a single cluster.
    fragments
        Fragment of every discovery row as given; shape (n₁,).
    nodes
        All that were tested, from the leaves of the tree to its root.
    """

    clusters: Int64
    p_values: tuple[float, ...]
    fragments: Int64
    nodes: tuple[Node, ...]

    def claims(self) -> tuple[Booleans, Float64]:
        """Return every set of fragments that has a p-value, shape (m, f), and these, shape (m,).

        The clusters, the nodes, and what a node leaves over: between it and the rest there is one boundary, so they
        share its test.
        """
        count = int(self.fragments.max()) + 1
        cluster_of = np.zeros(count, dtype=np.int64)
        cluster_of[self.fragments] = self.clusters
        nodes = np.zeros((len(self.nodes), count), dtype=np.bool_)
        for at, node in enumerate(self.nodes):
            nodes[at, list(node.fragments)] = True
        sets = np.concatenate([cluster_of == np.arange(len(self.p_values))[:, None], nodes, ~nodes])
        own = [node.p for node in self.nodes]
        return sets, np.array([*self.p_values, *own, *own])


def run_split_test(
    halves: SampleSplit, candidates: Int64, *, alpha: float = 0.05, graph: LatentGraph | None = None
) -> SplitTest:
    """Build the tree on the discovery half, test its nodes on the held-out half, and return what is separated.

    Parameters
    ----------
    halves
        From ``split_sample``.
    candidates
        Candidate of every discovery row as given; every row is in one (sparse rows left out would leave valleys
        behind), names do not matter, too many candidates do not hurt. Shape (n₁,).
    alpha
        Chance that anything is falsely separated.
    graph
        Of ``halves.discovery``, if it is at hand.

    Raises
    ------
    ValueError
        A row is in no candidate (negative), or there is not one piece per row.
    """
    if len(candidates) != len(halves.copies) or candidates.min(initial=0) < 0:
        smallest = candidates.min(initial=0)
        raise ValueError(f"{len(candidates)} candidates (smallest {smallest}) for {len(halves.copies)} rows")
    graph = latent_graph(halves.discovery) if graph is None else graph
    tree = merge_tree(halves.discovery, graph, candidates[halves.kept], halves.held_out_counts)
    nodes = _test_nodes(halves, graph, tree, alpha)
    clusters, p_values = _clusters(tree, [node for node in nodes if node.p <= alpha])
    return SplitTest(clusters[halves.copies], p_values, tree.fragments[halves.copies], nodes)


def _test_nodes(halves: SampleSplit, graph: LatentGraph, tree: MergeTree, alpha: float) -> tuple[Node, ...]:
    """Test every node that has the rows, if its sibling has them; the level is shared by what discovery rows hint at.

    Not the root, and not the second of the two below it, which is what the first leaves over. A node beside a sibling
    that is too small to be told from it would claim of a few rows at its border that they are another cluster.
    """
    sides = [side for merge in tree.merges for side in ((merge.left, merge.right), (merge.right, merge.left))][:-1]
    found: list[tuple[tuple[int, ...], int, Valley, float]] = []
    for node, sibling in sorted(sides):
        own, beside = (np.isin(tree.fragments, tree.fragments_below(at)) for at in (node, sibling))
        if all(_has_rows(side, halves.held_out_counts) for side in (own, beside)):
            seen = _valley(halves, graph, own, beside, alpha)
            found += [] if seen is None else [(tuple(tree.fragments_below(node)), int(own.sum()), *seen)]
    corrected = holm([valley.p for _, _, valley, _ in found], [weight for *_, weight in found])
    return tuple(Node(*told, p) for told, p in zip(found, corrected, strict=True))


def _has_rows(side: Booleans, held_out: Int64) -> bool:
    """Return whether a side has the rows for a test; where held-out rows lie is not asked."""
    return bool(side.sum() >= FEWEST_DISCOVERY_ROWS and held_out[side].sum() >= FEWEST_HELD_OUT_ROWS)


def _valley(
    halves: SampleSplit, graph: LatentGraph, own: Booleans, beside: Booleans, alpha: float
) -> tuple[Valley, float] | None:
    """Test a set against the rest and against its sibling; the larger p counts. With the weight of the test.

    A patch of the rest may reach over the sibling, and the valley that it shows may be that beyond. None where only
    strays of either touch the other.
    """
    rest = np.where(own, 0, 1)
    bridge = find_bridges(graph, without_strays(graph, rest)).get((0, 1))
    if bridge is None:
        return None
    valley, weight = find_valley(halves, graph, rest, bridge), _weight(halves, graph, rest, bridge)
    if valley.p > alpha or np.all(own | beside):
        return valley, weight
    sides = np.where(own, 0, np.where(beside, 1, -1))
    between = find_bridges(graph, sides).get((0, 1))
    closer = valley if between is None else find_valley(halves, graph, sides, between)
    return (closer if closer.p > valley.p else valley), weight


def _weight(halves: SampleSplit, graph: LatentGraph, sides: Int64, bridge: Bridge) -> float:
    """Return the weight of a test: 1/(p + .02), p as the discovery rows show it on an axis from half of them.

    What even these do not show will not be proven, and an equal share of the level would be lost on it.
    """
    patch = bridge_patch(graph, sides, bridge, LARGEST_PATCH)
    seen = len(patch[0])  # of either side, half of the rows at a time
    return 1 / (SMALLEST_HINT + dip_p_value(separation(halves.discovery, patch) / sqrt(seen), seen))


def _clusters(tree: MergeTree, separated: list[Node]) -> tuple[Int64, tuple[float, ...]]:
    """Divide the fragments by the separated nodes, which lie inside or beside each other.

    What a node keeps when others inside of it are taken away is bounded by it and by these.
    """
    owner = np.zeros(len(tree.merges) + 1, dtype=np.int64)
    largest = {0: 0.0}
    for name, node in enumerate(sorted(separated, key=lambda one: (-one.rows, one.fragments)), start=1):
        around = int(owner[node.fragments[0]])
        largest[around] = max(largest[around], node.p)
        largest[name] = node.p
        owner[list(node.fragments)] = name
    names, first, clusters = np.unique(owner[tree.fragments], return_index=True, return_inverse=True)
    order = np.argsort(first)
    p_values = tuple(largest[int(names[at])] if len(names) > 1 else 1.0 for at in order)
    return np.argsort(order)[clusters], p_values
