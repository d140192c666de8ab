"""Sets of generated data with known truth, and what a selftest keeps of each."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from steadymap.configs.errors import InputError
from steadymap.configs.selftest import SelftestConfig, SelftestPart, SelftestSweep
from steadymap.configs.sweep import DataSource, SweepConfig
from steadymap.tasks.numerics.selftest.known_truth import compare_with_truth
from steadymap.tasks.numerics.selftest.spoiled import Spoiled, spoil
from steadymap.tasks.numerics.selftest.synthetic import FAMILIES, generate
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import write_text
from steadymap.tasks.store.findings import Clusters, Splits
from steadymap.tasks.store.identity import digest, run_versions

PATH = (
    "steadymap.tasks.selftest.known_sets:sweep_of",
    "steadymap.tasks.selftest.known_sets:outcome_of",
    "steadymap.tasks.cells.compute_cells:compute_cells",
    "steadymap.tasks.steps.run_split_tests:run_split_tests",
    "steadymap.tasks.steps.find_clusters:find_clusters",
    "steadymap.tasks.steps.judge_clusters:judge_clusters",
)
"""What is behind an outcome, with all that it rests on."""


@dataclass(frozen=True)
class KnownSet:
    """One set: family, size, seed, what is done to its rows; ``real`` says whether anything in it is a cluster."""

    family: str
    rows: int
    dimensions: int
    seed: int
    spoiled: Spoiled | None = None

    @property
    def real(self) -> bool:
        """Whether the family has clusters."""
        return FAMILIES[self.family].real

    def identity(self, sweep: SelftestSweep) -> str:
        """Return what the outcome depends on: the set, its sweep, the code and the versions."""
        code = code_digest(*PATH)
        return digest(
            {**asdict(self), "sweep": sweep.model_dump(mode="json"), "code": code, "versions": run_versions()}
        )


def known_sets(config: SelftestConfig, part: SelftestPart) -> list[KnownSet]:
    """Lay out the sets of a part, a round over all its families at a time, so that few of them say something of all.

    Raises
    ------
    InputError
        A family is not known.
    """
    for family in part.families or ():
        if family not in FAMILIES:
            raise InputError(f"families: {family!r}", rule=f"one of {', '.join(FAMILIES)}", remedy="name one of them")
    families = [name for name in part.families or FAMILIES if part.real in (None, FAMILIES[name].real)]
    return [
        KnownSet(family, part.rows, dimensions, config.first_seed + number, part.spoiled)
        for number, dimensions, family in itertools.product(range(part.sets), part.dimensions, families)
        if dimensions >= FAMILIES[family].fewest_dimensions
    ]


def sweep_of(known: KnownSet, sweep: SelftestSweep, folder: Path) -> SweepConfig:
    """Write the vectors of a set into a folder and return the sweep over them."""
    drawn = generate(known.family, known.rows, known.dimensions, known.seed)
    drawn = drawn if known.spoiled is None else spoil(drawn, known.spoiled, known.seed)
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"latents": drawn.vectors, "y": drawn.truth}
    if drawn.groups is not None:
        arrays["group"] = drawn.groups.astype(str)
    np.savez(folder / "set.npz", **arrays)
    data = DataSource(
        path=str(folder / "set.npz"), latents=("latents",), labels=("y",), group="group" if "group" in arrays else None
    )
    asked = {name: value for name, value in sweep if value is not None}
    return SweepConfig(name=f"{known.family} {known.seed}", data=data, **asked)


def outcome_of(known: KnownSet, plan: Plan, clusters: Clusters, splits: Splits, seconds: float) -> dict[str, Any]:
    """Compare the verdicts of a set with its truth; ``seconds`` are those on the clock."""
    table = clusters.table("clusters").to_pylist()
    labels = pc.fill_null(clusters.membership().column("cluster"), 0).to_numpy()
    truth = np.array([int(str(label)) for label in plan.dataset.classes()])
    verdicts = [row["verdict"] for row in table]
    # Where there is no cluster, nothing is claimed of the rows as a whole.
    worth = compare_with_truth(labels, verdicts or ["none"], truth if known.real else None)
    recurring = [row for row in table if row["recovered"] >= row["configurations"] / 2]
    return {
        **asdict(known),
        **asdict(worth),
        "real": known.real,
        "verdicts": dict(Counter(verdicts)),
        "recurring": len(recurring),
        "recurring_artefacts": sum(row["verdict"] == "ARTEFACT" for row in recurring),
        "splits": len(splits.folders),
        "seconds": round(seconds, 2),
    }


def read_outcome(path: Path) -> dict[str, Any] | None:
    """Read what was kept of a set; None where it is not there or damaged, and is drawn again."""
    try:
        outcome: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return outcome


def write_outcome(outcome: dict[str, Any], path: Path) -> None:
    """Commit what is kept of a set."""
    write_text(json.dumps(outcome, sort_keys=True), path)
