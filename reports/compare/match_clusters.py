"""Which cluster of one partition is which of another: over the rows that both have, by counting them.

Two clusters with a Jaccard index above one half share more than half of the rows of either, so no cluster has two such
partners and no solver is needed. What has no partner is split, merged, reshaped, or gone; every rule asks for more than
half of something, so that no answer depends on an order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NO_CLUSTER = -1
"""A row that is in no cluster."""

HALF = 0.5

Partition = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Matching:
    """What became of every cluster, by its number before or after.

    Attributes
    ----------
    before, after
        Rows of every cluster, among those that both partitions have.
    shared
        Rows of every pair of clusters that have any in common.
    kept
        Cluster after for each cluster before that is found again: Jaccard index above one half.
    split
        Clusters after, two or more, that lie mostly in the cluster before and hold more than half of it.
    reshaped
        Cluster after that holds most of the cluster before and lies mostly in it, though neither is the other.
    merged
        Cluster after that holds most of the cluster before and much more.
    vanished
        Clusters before whose rows are scattered.
    split_off
        Cluster before in which a new cluster after mostly lies.
    appeared
        Clusters after whose rows come from many.
    """

    before: dict[int, int]
    after: dict[int, int]
    shared: dict[tuple[int, int], int]
    kept: dict[int, int]
    split: dict[int, tuple[int, ...]]
    reshaped: dict[int, int]
    merged: dict[int, int]
    vanished: tuple[int, ...]
    split_off: dict[int, int]
    appeared: tuple[int, ...]

    def jaccard(self, a: int, b: int) -> float:
        """Return the shared rows of two clusters over the rows of either."""
        both = self.shared.get((a, b), 0)
        return both / (self.before[a] + self.after[b] - both)

    def share(self, a: int, b: int) -> float:
        """Return the share of a cluster before that a cluster after holds."""
        return self.shared.get((a, b), 0) / self.before[a]

    def share_of_after(self, a: int, b: int) -> float:
        """Return the share of a cluster after that comes from a cluster before."""
        return self.shared.get((a, b), 0) / self.after[b]


def match_clusters(before: Partition, after: Partition) -> Matching:
    """Say what became of every cluster.

    Parameters
    ----------
    before, after
        Cluster of every shared row, (rows,); −1 is none.
    """
    sizes_before, sizes_after = _sizes(before), _sizes(after)
    both = (before != NO_CLUSTER) & (after != NO_CLUSTER)
    pairs, counts = np.unique(np.stack([before[both], after[both]]), axis=1, return_counts=True)
    shared = {(int(a), int(b)): int(rows) for (a, b), rows in zip(pairs.T, counts, strict=True)}
    heir = {a: b for (a, b), rows in shared.items() if rows > HALF * sizes_before[a]}
    parent = {b: a for (a, b), rows in shared.items() if rows > HALF * sizes_after[b]}
    kept = {
        a: b
        for a, b in heir.items()
        if parent.get(b) == a and shared[a, b] > HALF * (sizes_before[a] + sizes_after[b] - shared[a, b])
    }
    split = _split(sizes_before, shared, kept, parent)
    moved = {a: b for a, b in heir.items() if a not in kept and a not in split}
    heirs = list(moved.values())
    reshaped = {a: b for a, b in moved.items() if parent.get(b) == a and heirs.count(b) == 1}
    merged = {a: b for a, b in moved.items() if a not in reshaped}
    told_before = {*kept, *split, *moved}
    told_after = {*kept.values(), *(b for parts in split.values() for b in parts), *moved.values()}
    new = [b for b in sizes_after if b not in told_after]
    return Matching(
        before=sizes_before,
        after=sizes_after,
        shared=shared,
        kept=kept,
        split=split,
        reshaped=reshaped,
        merged=merged,
        vanished=tuple(a for a in sizes_before if a not in told_before),
        split_off={b: parent[b] for b in new if b in parent},
        appeared=tuple(b for b in new if b not in parent),
    )


def _sizes(partition: Partition) -> dict[int, int]:
    numbers, counts = np.unique(partition[partition != NO_CLUSTER], return_counts=True)
    return {int(number): int(rows) for number, rows in zip(numbers, counts, strict=True)}


def _split(
    sizes: dict[int, int], shared: dict[tuple[int, int], int], kept: dict[int, int], parent: dict[int, int]
) -> dict[int, tuple[int, ...]]:
    found = {}
    for a, rows in sizes.items():
        parts = tuple(sorted(b for b, origin in parent.items() if origin == a))
        if a not in kept and len(parts) > 1 and sum(shared[a, b] for b in parts) > HALF * rows:
            found[a] = parts
    return found
