"""The valley that sets a cluster apart from its nearest relative in the tree of a split, shown or not."""

from __future__ import annotations

import numpy as np

from tasks.numerics.arrays import Int64
from tasks.numerics.split_consensus import MATCH, SplitOutcome
from tasks.numerics.valley import Valley


def separating_valleys(clusters: Int64, split: SplitOutcome) -> tuple[Valley | None, ...]:
    """Return the test at the parent of the node that a cluster corresponds to, for every cluster.

    None where no node corresponds to it (Jaccard below .5 on the rows of the discovery half), or it is the root.

    Parameters
    ----------
    clusters
        Cluster of every row of the full data, from 0; shape (n,).
    """
    nodes = split.test.nodes
    own = clusters[split.discovery]
    leaves = len(nodes) + 1
    table = np.zeros((int(clusters.max()) + 1, 2 * leaves - 1))
    np.add.at(table, (own, split.test.fragments), 1)
    parent = np.full(2 * leaves - 1, -1)
    for at, node in enumerate(nodes):
        table[:, leaves + at] = table[:, node.left] + table[:, node.right]
        parent[[node.left, node.right]] = at
    rows = np.bincount(own, minlength=len(table))
    union = rows[:, None] + table.sum(axis=0) - table
    jaccard = table / np.maximum(union, 1)
    found: list[Valley | None] = []
    for similarity in jaccard:
        best = int(similarity.argmax())
        above = int(parent[best])
        found.append(nodes[above].valley if similarity[best] >= MATCH and above >= 0 else None)
    return tuple(found)
