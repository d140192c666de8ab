"""Step: compare the pictures with one another, between seeds and between configurations."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.numerics.jackknife import jackknife_over_runs
from tasks.plan_sweep import Cell, Plan
from tasks.progress import announce_done, announce_total
from tasks.store import read_table
from tasks.workers import default_count


@dataclass(frozen=True)
class Drawn:
    """A cell with its picture and islands in memory."""

    cell: Cell
    picture: np.ndarray
    islands: np.ndarray

    @property
    def configuration(self) -> str:
        """Name of its configuration."""
        return self.cell.configuration.name


@dataclass(frozen=True)
class Stability:
    """The two tables of this step."""

    pairs: pa.Table
    stability: pa.Table


@task(name="measure stability", task_run_name="stability of {plan.run}", cache_policy=NO_CACHE)
def measure_stability(plan: Plan, drawn: list[Cell]) -> Stability:
    """Compare every pair of seeds of a configuration, and every pair of configurations seed by seed."""
    loaded = [_load(cell, plan) for cell in drawn]
    compared = _pairs_to_compare(loaded)
    announce_total("stability", len(compared))
    threads = plan.config.workers.count or default_count()
    results = Parallel(n_jobs=threads, backend="threading", return_as="generator")(
        delayed(_compare)(between, first, second) for between, first, second in compared
    )
    rows: list[dict[str, object]] = []
    for found in results:
        rows.extend(found)
        announce_done("stability")
    pairs = pa.Table.from_pylist(rows, schema=schemas.PAIRS)
    return Stability(pairs, _summarise(rows, drawn))


def _load(cell: Cell, plan: Plan) -> Drawn:
    table = read_table(plan.store.cell(cell.identity), schemas.CELL)
    names = ("x", "y", "z")[: cell.configuration.dimension]
    picture = np.column_stack([table.column(name).to_numpy() for name in names])
    return Drawn(cell, picture, table.column("island").to_numpy())


def _pairs_to_compare(drawn: list[Drawn]) -> list[tuple[str, Drawn, Drawn]]:
    """Pair seeds within configurations; between configurations, the same seed (or one that has none)."""
    pairs = []
    for first, second in itertools.combinations(drawn, 2):
        if first.configuration == second.configuration:
            pairs.append(("seeds", first, second))
        elif first.cell.seed == second.cell.seed or None in (first.cell.seed, second.cell.seed):
            pairs.append(("configurations", first, second))
    return pairs


def _compare(between: str, first: Drawn, second: Drawn) -> list[dict[str, object]]:
    from tasks.numerics.agreement import island_agreement
    from tasks.numerics.procrustes import disparity

    agreement = island_agreement(first.islands, second.islands)
    values = {
        "ari": (agreement.ari, agreement.shared),
        "ami": (agreement.ami, agreement.shared),
        "procrustes": (disparity(first.picture, second.picture), 1.0),
    }
    return [
        {
            "between": between,
            "configuration_a": first.configuration,
            "configuration_b": second.configuration,
            "cell_a": first.cell.identity,
            "cell_b": second.cell.identity,
            "score": score,
            "value": value,
            "shared": shared,
        }
        for score, (value, shared) in values.items()
    ]


def _summarise(rows: list[dict[str, object]], drawn: list[Cell]) -> pa.Table:
    summaries = []
    reducers = {cell.configuration.name: cell.configuration.reducer for cell in drawn}
    for configuration, between, score in itertools.product(
        reducers, ("seeds", "configurations"), ("ari", "ami", "procrustes")
    ):
        pairs = [
            (str(row["cell_a"]), str(row["cell_b"]), float(str(row["value"])))
            for row in rows
            if row["between"] == between
            and row["score"] == score
            and configuration in (row["configuration_a"], row["configuration_b"])
        ]
        if pairs:
            summaries.append(
                {
                    "configuration": configuration,
                    "reducer": reducers[configuration],
                    "between": between,
                    "score": score,
                    "value": float(np.mean([value for _, _, value in pairs])),
                    "stderr": jackknife_over_runs(pairs),
                    "runs": len({cell for pair in pairs for cell in pair[:2]}),
                    "pairs": len(pairs),
                }
            )
    return pa.Table.from_pylist(summaries, schema=schemas.STABILITY)
