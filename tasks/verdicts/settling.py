"""When verdicts have settled, so that no further seed is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from steadymap.tasks.store.findings import Clusters

SAME_CLUSTERS = 0.95
"""Adjusted Rand index from which two sets of clusters count as the same, as for two seeds of a steady setting."""


@dataclass(frozen=True)
class Snapshot:
    """Clusters and verdicts as they stand after a round: the cluster of every row, and the verdict of every cluster."""

    clusters: list[int]
    verdicts: dict[int, str]


def read_snapshot(found: Clusters) -> Snapshot:
    """Read what a look at the clusters has found."""
    table = found.table("clusters").select(["cluster", "verdict"]).to_pylist()
    of_rows = found.membership().column("cluster")
    return Snapshot(
        pc.fill_null(of_rows, -1).to_pylist(),
        {row["cluster"]: row["verdict"] for row in table},
    )


def is_same(before: Snapshot, after: Snapshot) -> bool:
    """Say whether two looks agree: in the clusters, and in the verdict of every row's cluster."""
    from sklearn.metrics import adjusted_rand_score

    if sorted(before.verdicts.values()) != sorted(after.verdicts.values()):
        return False
    if adjusted_rand_score(before.clusters, after.clusters) < SAME_CLUSTERS:
        return False
    verdicts = [
        (before.verdicts.get(a), after.verdicts.get(b)) for a, b in zip(before.clusters, after.clusters, strict=True)
    ]
    agree = sum(one == other for one, other in verdicts)
    return agree >= SAME_CLUSTERS * len(verdicts)


class StoppingRule:
    """Follows clusters and verdicts from seed to seed."""

    def __init__(self, rounds: int | None) -> None:
        self._wanted = rounds
        self._same = 0
        self._last: Snapshot | None = None
        self.settled_after: str | None = None

    def note(self, name: str, now: Snapshot) -> None:
        """Note what a seed has shown; from ``rounds`` seeds without a change on, they have settled."""
        self._same = self._same + 1 if self._last is not None and is_same(self._last, now) else 0
        self._last = now
        if self._wanted is not None and self._same >= self._wanted:
            self.settled_after = name
