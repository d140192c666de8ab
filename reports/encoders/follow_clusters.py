"""Follow clusters through several encoders of the same inputs, by the rows that they share.

Two clusters of two encoders are one if their Jaccard index is above one half. Pairs are joined from the best downwards
and never so that one encoder would be in a group twice; what an encoder then lacks is told by where the rows are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from steadymap.reports.compare.match_clusters import HALF, NO_CLUSTER, Partition, match_clusters

Fate = Literal["found", "merged", "split", "missing"]

Place = tuple[int, int]
"""An encoder and the number of a cluster there."""


@dataclass(frozen=True)
class Followed:
    """A cluster in one encoder.

    Attributes
    ----------
    fate
        ``found``: there is one of nearly the same rows; ``merged``: most of its rows lie in one that holds much more;
        ``split``: two or more that lie mostly in it hold more than half of it; ``missing``: its rows are scattered.
    clusters
        Their numbers in that encoder: one where it was found or merged, several where it was split, else none.
    share
        Of its rows that these hold.
    jaccard
        With the one that was found, else None.
    """

    fate: Fate
    clusters: tuple[int, ...]
    share: float
    jaccard: float | None = None


@dataclass(frozen=True)
class Line:
    """A cluster followed through all encoders.

    Attributes
    ----------
    rows
        Whether a shared row is in it, in more than half of the encoders that have it, shape (n,).
    through
        What it is in every encoder, in their order.
    """

    rows: npt.NDArray[np.bool_]
    through: tuple[Followed, ...]


def follow_clusters(partitions: Sequence[Partition]) -> tuple[Line, ...]:
    """Return every cluster that any encoder has, followed through all; those of most encoders first, then the largest.

    Parameters
    ----------
    partitions
        Cluster of every shared row in each encoder, (n,) each; −1 is none.
    """
    groups = _join(partitions)
    lines = [_line(members, partitions) for members in groups]
    founders = [min(members) for members in groups]
    order = sorted(
        range(len(lines)),
        key=lambda at: (-len(groups[at]), -int(lines[at].rows.sum()), founders[at]),
    )
    return tuple(lines[at] for at in order)


def _join(partitions: Sequence[Partition]) -> list[dict[int, int]]:
    """Group clusters of different encoders that are one; each group names a cluster of every encoder that has it."""
    members: dict[Place, dict[int, int]] = {
        (encoder, int(cluster)): {encoder: int(cluster)}
        for encoder, own in enumerate(partitions)
        for cluster in np.unique(own[own != NO_CLUSTER])
    }
    for _, one, other in sorted(_pairs(partitions)):
        first, second = members[one], members[other]
        if first is second or first.keys() & second.keys():
            continue
        first.update(second)
        for encoder, cluster in second.items():
            members[encoder, cluster] = first
    return list({id(group): group for group in members.values()}.values())


def _pairs(partitions: Sequence[Partition]) -> list[tuple[float, Place, Place]]:
    """List clusters of two encoders that are found again in each other, the best first when sorted."""
    found = []
    for a, before in enumerate(partitions):
        for b in range(a + 1, len(partitions)):
            matching = match_clusters(before, partitions[b])
            found += [(-matching.jaccard(one, other), (a, one), (b, other)) for one, other in matching.kept.items()]
    return found


def _line(members: dict[int, int], partitions: Sequence[Partition]) -> Line:
    votes = sum((partitions[encoder] == cluster).astype(int) for encoder, cluster in members.items())
    rows = np.asarray(votes) * 2 > len(members)
    through = tuple(_followed(rows, own, members.get(encoder)) for encoder, own in enumerate(partitions))
    return Line(rows, through)


def _followed(rows: npt.NDArray[np.bool_], own: Partition, member: int | None) -> Followed:
    total = max(int(rows.sum()), 1)
    if member is not None:
        both = int(np.sum(rows & (own == member)))
        return Followed("found", (member,), both / total, both / int(np.sum(rows | (own == member))))
    numbers, counts = np.unique(own[rows & (own != NO_CLUSTER)], return_counts=True)
    held = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    holder = next((cluster for cluster, count in held.items() if count > HALF * total), None)
    parts = [cluster for cluster, count in held.items() if count > HALF * int(np.sum(own == cluster))]
    inside = sum(held[cluster] for cluster in parts)
    if len(parts) > 1 and inside > HALF * total:
        return Followed("split", tuple(sorted(parts)), inside / total)
    if holder is not None:
        return Followed("merged", (holder,), held[holder] / total)
    return Followed("missing", (), 0.0)
