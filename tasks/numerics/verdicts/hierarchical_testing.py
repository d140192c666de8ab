"""All tests of one split: down the tree of candidate pieces, below rejected nodes only, with the familywise error kept.

A node with n_node of the n discovery rows is rejected at level α (n_node − 1)/(n − 1) if its parent is. The true
non-valleys that are reached first lie in disjoint nodes, so their levels add up to α at most: the chance that any
cluster is falsely separated is ≤ α (Meinshausen 2008, doi:10.1093/biomet/asn007; Kimes et al. 2017,
doi:10.1111/biom.12647). Written as p · (n − 1)/(n_node − 1), the same rule needs no α: the p-value of a cluster is the
largest along its path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Int64
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph, latent_graph
from steadymap.tasks.numerics.valleys.merge_tree import FEWEST_DISCOVERY_ROWS, Merge, MergeTree, merge_tree
from steadymap.tasks.numerics.valleys.sample_splitting import Halves
from steadymap.tasks.numerics.valleys.valley import Valley, find_valley, too_small


@dataclass(frozen=True)
class Node:
    """One split of the tree.

    Attributes
    ----------
    left, right
        The two sides: fragments are 0 to f − 1, then nodes in the order of ``SplitTest.nodes``.
    rows
        Discovery rows below it.
    valley
        Its own test.
    adjusted_p
        min(1, p · (n − 1)/(n_node − 1)).
    path_p
        The largest adjusted p from the root to this node.
    rejected
        path_p ≤ α: the two sides are separated.
    """

    left: int
    right: int
    rows: int
    valley: Valley
    adjusted_p: float
    path_p: float
    rejected: bool


@dataclass(frozen=True)
class SplitTest:
    """Clusters of one split and their p-values.

    Attributes
    ----------
    clusters
        Cluster of every discovery row as given (copies included), numbered by first row; shape (n₁,).
    p_values
        Of every cluster: the largest adjusted p along its path. A single cluster has the root's (1 without a root):
        nothing is separated from it.
    fragments
        Fragment of every discovery row as given; shape (n₁,).
    nodes
        From the first merge to the root.
    """

    clusters: Int64
    p_values: tuple[float, ...]
    fragments: Int64
    nodes: tuple[Node, ...]


def run_split(halves: Halves, pieces: Int64, *, alpha: float = 0.05, graph: LatentGraph | None = None) -> SplitTest:
    """Build the tree on the discovery half, test it on the held-out half, and return what is separated.

    Parameters
    ----------
    halves
        From ``prepare_halves``.
    pieces
        Candidate piece of every discovery row as given; every row is in one (sparse rows left out would leave valleys
        behind), names do not matter, too many pieces do not hurt. Shape (n₁,).
    alpha
        Chance that anything is falsely separated.
    graph
        Of ``halves.discovery``, if it is at hand.

    Raises
    ------
    ValueError
        A row is in no piece (negative), or there is not one piece per row.
    """
    if len(pieces) != len(halves.copies) or pieces.min(initial=0) < 0:
        raise ValueError(f"{len(pieces)} pieces (smallest {pieces.min(initial=0)}) for {len(halves.copies)} rows")
    graph = latent_graph(halves.discovery) if graph is None else graph
    tree = merge_tree(halves.discovery, graph, pieces[halves.kept], halves.held_out_counts)
    nodes = _test_nodes(halves, graph, tree, alpha)
    clusters, p_values = _clusters(tree, nodes)
    return SplitTest(clusters[halves.copies], p_values, tree.fragments[halves.copies], nodes)


def _test_nodes(halves: Halves, graph: LatentGraph, tree: MergeTree, alpha: float) -> tuple[Node, ...]:
    """Test every merge; those below a node that stands cannot be rejected, but their depth is of interest."""
    leaves = len(tree.merges) + 1
    above = np.zeros(2 * leaves - 1)
    nodes: list[Node] = []
    for at in reversed(range(len(tree.merges))):
        merge = tree.merges[at]
        valley = _valley(halves, graph, tree, merge)
        adjusted = min(1.0, valley.p * (len(tree.fragments) - 1) / (sum(valley.rows) - 1))
        path = max(adjusted, float(above[leaves + at]))
        above[[merge.left, merge.right]] = path
        nodes.append(Node(merge.left, merge.right, sum(valley.rows), valley, adjusted, path, path <= alpha))
    return tuple(reversed(nodes))


def _valley(halves: Halves, graph: LatentGraph, tree: MergeTree, merge: Merge) -> Valley:
    """Test one merge; in high dimensions thousands are of single rows, and those are not worth a look."""
    if min(merge.rows) < FEWEST_DISCOVERY_ROWS:
        return too_small(halves.given, merge.rows, merge.held_out)
    return find_valley(halves, graph, tree.sides(merge), merge.bridge)


def _clusters(tree: MergeTree, nodes: tuple[Node, ...]) -> tuple[Int64, tuple[float, ...]]:
    """Cut the tree below its rejected nodes."""
    leaves = len(nodes) + 1
    root = 2 * leaves - 2
    paths = {root: nodes[-1].path_p if nodes else 1.0}
    for at in reversed(range(len(nodes))):
        if nodes[at].rejected:
            del paths[leaves + at]
            paths |= {nodes[at].left: nodes[at].path_p, nodes[at].right: nodes[at].path_p}
    cluster_of = np.empty(leaves, dtype=np.int64)
    for node in paths:
        cluster_of[tree.fragments_below(node)] = node
    names, first, clusters = np.unique(cluster_of[tree.fragments], return_index=True, return_inverse=True)
    order = np.argsort(first)
    return np.argsort(order)[clusters], tuple(paths[int(names[at])] for at in order)
