"""Which clusters are published: what most pictures agree on, and what the test found although they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.numerics.arrays import Int64
from tasks.numerics.consensus import largest_first
from tasks.numerics.split_consensus import MATCH


def publish(consensus: Int64, agreed: Int64, separated: Sequence[int], stable: Sequence[int], smallest: int) -> Int64:
    """Return the published cluster of every row, largest first, shape (n,).

    A separated cluster to which no consensus cluster corresponds (Jaccard below .5) is published as it is: pictures
    hide it in a larger one, or cut it into pieces that do not last. Pieces of which one lasts are published instead:
    people see them, and want to know. All other rows keep their consensus cluster; what is left of one and smaller
    than ``smallest`` goes where most of it went.

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
    for cluster in separated:
        rows = agreed == cluster
        shared = np.bincount(consensus[rows], minlength=len(sizes))
        best = np.max(shared / (rows.sum() + sizes - shared))
        pieces = np.flatnonzero(shared > sizes / 2)
        if best < MATCH and not set(pieces.tolist()) & set(stable):
            published[rows] = fresh
            fresh += 1
    for name in range(int(consensus.max()) + 1):
        left = (consensus == name) & (published == name)
        if 0 < left.sum() < smallest and np.any((consensus == name) & ~left):
            published[left] = np.bincount(published[(consensus == name) & ~left]).argmax()
    return largest_first(published)
