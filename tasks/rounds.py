"""The order in which a sweep under a budget draws: what says most about the clusters first.

The first seed of every setting shows which clusters there are, and the halves of the rows test them; further seeds,
other parts of the rows, reference data and controls make that firmer. Verdicts may settle after any seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from tasks.find_clusters import Clusters
from tasks.plan import Cell, Plan

SAME_CLUSTERS = 0.95
"""Adjusted Rand index from which two sets of clusters count as the same, as for two seeds of a steady setting."""


@dataclass(frozen=True)
class Round:
    """Cells that are drawn together.

    Attributes
    ----------
    name
        Such as ``seed 2`` or ``halves``.
    cells
        All of them, those that the store has included.
    further_seed
        Whether it is a seed beyond the first one, which settled verdicts make needless.
    """

    name: str
    cells: tuple[Cell, ...]
    further_seed: bool = False


def rounds_of(plan: Plan) -> list[Round]:
    """Return the rounds of a plan, in order; together they are its usable cells."""
    of_data = [cell for cell in plan.usable if cell.kind == "data" and not cell.configuration.control]
    halves = [cell for cell in plan.usable if cell.derived is not None and cell.derived.recipe.kind == "half"]
    first, *further = plan.seeds
    rounds = [
        Round(f"seed {first}", tuple(cell for cell in of_data if cell.seed in (first, None))),
        Round("halves", tuple(halves)),
        *(Round(f"seed {seed}", tuple(cell for cell in of_data if cell.seed == seed), True) for seed in further),
    ]
    placed = {cell.identity for one in rounds for cell in one.cells}
    rest = [cell for cell in plan.usable if cell.identity not in placed]
    rounds.append(Round("other parts of the rows", tuple(cell for cell in rest if cell.kind == "resample")))
    rounds.append(Round("reference data and controls", tuple(cell for cell in rest if cell.kind != "resample")))
    return [one for one in rounds if one.cells]


@dataclass(frozen=True)
class Seen:
    """Clusters and verdicts as they stand after a round: the cluster of every row, and the verdict of every cluster."""

    clusters: list[int]
    verdicts: dict[int, str]


def read_seen(found: Clusters) -> Seen:
    """Read what a look at the clusters has found."""
    table = found.table("clusters").select(["cluster", "verdict"]).to_pylist()
    of_rows = found.membership().column("cluster")
    return Seen(
        pc.fill_null(of_rows, -1).to_pylist(),
        {row["cluster"]: row["verdict"] for row in table},
    )


def is_same(before: Seen, after: Seen) -> bool:
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


class Settling:
    """Follows clusters and verdicts from seed to seed."""

    def __init__(self, rounds: int | None) -> None:
        self._wanted = rounds
        self._same = 0
        self._last: Seen | None = None
        self.settled_after: str | None = None

    def note(self, name: str, now: Seen) -> None:
        """Note what a seed has shown; from ``rounds`` seeds without a change on, they have settled."""
        self._same = self._same + 1 if self._last is not None and is_same(self._last, now) else 0
        self._last = now
        if self._wanted is not None and self._same >= self._wanted:
            self.settled_after = name
