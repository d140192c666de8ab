"""Which clusters are published: what most pictures agree on, and what the test found although they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadymap.tasks.numerics.arrays import Int64
from steadymap.tasks.numerics.clusters.largest_first import largest_first
from steadymap.tasks.numerics.verdicts.combine_splits import MATCH


def publish(consensus: Int64, agreed: Int64, separated: Sequence[int], stable: Sequence[int], smallest: int) -> Int64:
    """Return the published cluster of every row, largest first, shape (n,).

    Separated clusters that share a consensus cluster are published, since pictures hide them in it; so is one to which
    no consensus cluster corresponds (Jaccard below .5), unless pieces of it last: people see those, and want to know.
    All other rows keep their consensus cluster; what is left of one and smaller than ``smallest`` goes where most of
    it went.

    Parameters
    ----------
    consensus
        Cluster on which most pictures agree, from 0; shape (n,).
    agreed
        Cluster on which most splits of the test agree, from 0; shape (n,).
    separated
        The agreed clusters that the test separates.
    stable
        The consensus clusters that are found again in most settings.
    """
    published, sizes = consensus.copy(), np.bincount(consensus)
    fresh = int(consensus.max()) + 1
    shared = {cluster: np.bincount(consensus[agreed == cluster], minlength=len(sizes)) for cluster in separated}
    homes = [int(rows.argmax()) for rows in shared.values() if rows.max() > rows.sum() / 2]
    for cluster, rows in shared.items():
        crowded = rows.max() > rows.sum() / 2 and homes.count(int(rows.argmax())) > 1
        unmatched = np.max(rows / (rows.sum() + sizes - rows)) < MATCH
        lasting = set(np.flatnonzero(rows > sizes / 2).tolist()) & set(stable)
        if crowded or (unmatched and not lasting):
            published[agreed == cluster] = fresh
            fresh += 1
    for name in range(int(consensus.max()) + 1):
        left = (consensus == name) & (published == name)
        if 0 < left.sum() < smallest and np.any((consensus == name) & ~left):
            published[left] = np.bincount(published[(consensus == name) & ~left]).argmax()
    return largest_first(published)
