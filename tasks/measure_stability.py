"""Step: compare the pictures with one another, between seeds and between configurations, and every row with itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.numerics.jackknife import jackknife_over_runs
from tasks.plan_sweep import Cell, Plan
from tasks.progress import announce_done, announce_total
from tasks.store import read_table, write_table
from tasks.workers import default_count

CAUSES = ("seeds", "configurations")
SCORES = ("ari", "ami", "element_centric", "neighbour_jaccard", "procrustes")


@dataclass(frozen=True)
class Drawn:
    """A cell with its picture, islands (noise −1, and filled) and neighbours in memory."""

    cell: Cell
    picture: np.ndarray
    islands: np.ndarray
    filled: np.ndarray
    neighbours: np.ndarray

    @property
    def configuration(self) -> str:
        """Name of its configuration."""
        return self.cell.configuration.name


@dataclass(frozen=True)
class Stability:
    """Where this step leaves what it finds: files in a folder of the store, since no array goes through Prefect."""

    folder: Path

    def pairs(self) -> pa.Table:
        """Read the table of pairs."""
        return read_table(self.folder / "pairs.parquet", schemas.PAIRS)

    def stability(self) -> pa.Table:
        """Read the table of configurations."""
        return read_table(self.folder / "stability.parquet", schemas.STABILITY)

    def instability(self) -> pa.Table:
        """Read how unsteady every row is, by cause, in [0, 1], rows in canonical order; null without any pair."""
        return read_table(self.folder / "instability.parquet", schemas.INSTABILITY)


@task(name="measure stability", task_run_name="stability of {plan.run}", cache_policy=NO_CACHE)
def measure_stability(plan: Plan, drawn: list[Cell]) -> Stability:
    """Compare every pair of seeds of a configuration, and every pair of configurations seed by seed."""
    threads = plan.config.workers.count or default_count()
    loaded = Parallel(n_jobs=threads, backend="threading")(delayed(_load)(cell, plan) for cell in drawn)
    compared = _pairs_to_compare(loaded)
    announce_total("stability", len(compared))
    results = Parallel(n_jobs=threads, backend="threading", return_as="generator")(
        delayed(_compare)(between, first, second) for between, first, second in compared
    )
    rows: list[dict[str, object]] = []
    totals = _Totals(plan.rows)
    for pair in results:
        rows.extend(pair.rows)
        totals.add(pair)
        announce_done("stability")
    found = Stability(plan.store.stability(plan.run))
    write_table(pa.Table.from_pylist(rows, schema=schemas.PAIRS), found.folder / "pairs.parquet")
    write_table(_summarise(rows, drawn), found.folder / "stability.parquet")
    write_table(totals.instability(), found.folder / "instability.parquet")
    return found


def _load(cell: Cell, plan: Plan) -> Drawn:
    from tasks.numerics.neighbour_overlap import compared_neighbours, picture_neighbours

    table = read_table(plan.store.cell(cell.identity), schemas.CELL)
    names = ("x", "y", "z")[: cell.configuration.dimension]
    picture = np.column_stack([table.column(name).to_numpy() for name in names])
    return Drawn(
        cell,
        picture,
        table.column("island").to_numpy(),
        table.column("island_filled").to_numpy(),
        picture_neighbours(picture, compared_neighbours(len(picture))).astype(np.int32),
    )


def _pairs_to_compare(drawn: Iterable[Drawn]) -> list[tuple[str, Drawn, Drawn]]:
    """Pair seeds within configurations; between configurations, the same seed (or one that has none)."""
    pairs = []
    for first, second in itertools.combinations(drawn, 2):
        if first.configuration == second.configuration:
            pairs.append(("seeds", first, second))
        elif first.cell.seed == second.cell.seed or None in (first.cell.seed, second.cell.seed):
            pairs.append(("configurations", first, second))
    return pairs


@dataclass(frozen=True)
class _Compared:
    """What one pair says: a row per score, and of every data row how alike its island and its neighbours are."""

    between: str
    reference: bool
    rows: list[dict[str, object]]
    islands: np.ndarray
    neighbours: np.ndarray


def _compare(between: str, first: Drawn, second: Drawn) -> _Compared:
    from tasks.numerics.agreement import island_agreement
    from tasks.numerics.element_centric import element_centric_similarity
    from tasks.numerics.neighbour_overlap import neighbour_jaccard
    from tasks.numerics.procrustes import disparity

    agreement = island_agreement(first.islands, second.islands)
    islands = element_centric_similarity(first.filled, second.filled)
    neighbours = neighbour_jaccard(first.neighbours, second.neighbours)
    values = {
        "ari": (agreement.ari, agreement.shared),
        "ami": (agreement.ami, agreement.shared),
        "element_centric": (float(islands.mean()), 1.0),
        "neighbour_jaccard": (float(neighbours.mean()), 1.0),
        "procrustes": (disparity(first.picture, second.picture), 1.0),
    }
    rows: list[dict[str, object]] = [
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
    linear = not (first.cell.configuration.seeded and second.cell.configuration.seeded)
    return _Compared(between, linear, rows, islands.astype(np.float32), neighbours.astype(np.float32))


class _Totals:
    """Sums over pairs, a number per row and cause; the linear reference, which agrees with nobody, is left out."""

    def __init__(self, rows: int) -> None:
        self._sums = {name: np.zeros(rows) for name in schemas.INSTABILITY.names}
        self._pairs = dict.fromkeys(schemas.INSTABILITY.names, 0)

    def add(self, found: _Compared) -> None:
        if found.reference:
            return
        for kind, values in (("island", found.islands), ("neighbour", found.neighbours)):
            name = f"{kind}_instability_{found.between}"
            self._sums[name] += values
            self._pairs[name] += 1

    def instability(self) -> pa.Table:
        columns = {
            name: np.clip(1 - total / self._pairs[name], 0, 1).astype(np.float32)
            if self._pairs[name]
            else pa.nulls(len(total), pa.float32())
            for name, total in self._sums.items()
        }
        return pa.table(columns, schema=schemas.INSTABILITY)


def _summarise(rows: list[dict[str, object]], drawn: list[Cell]) -> pa.Table:
    summaries = []
    reducers = {cell.configuration.name: cell.configuration.reducer for cell in drawn}
    for configuration, between, score in itertools.product(reducers, CAUSES, SCORES):
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
