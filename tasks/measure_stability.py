"""Step: compare the pictures between seeds, between configurations and between resamples, and every row with itself."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.numerics.jackknife import jackknife_over_runs
from tasks.plan import Cell, Plan
from tasks.progress import announce_done, announce_total
from tasks.read_cell import coordinates_of, read_cell
from tasks.store import read_table, write_table
from tasks.workers import default_count

CAUSES = ("seeds", "configurations", "resamples")
SCORES = ("ari", "ami", "element_centric", "neighbour_jaccard", "procrustes")


MOST_PAIRS = 50
"""Pairs compared between the seeds, and between the resamples, of a configuration; of more, a seeded choice."""


@dataclass(frozen=True)
class Drawn:
    """A cell with its picture, islands (noise −1, and filled) and neighbours in memory.

    ``positions`` are the rows of the dataset that it draws, ascending; None where it draws all.
    """

    cell: Cell
    positions: np.ndarray | None
    picture: np.ndarray
    islands: np.ndarray
    filled: np.ndarray
    neighbours: np.ndarray

    @property
    def configuration(self) -> str:
        """Name of its configuration."""
        return self.cell.configuration.name

    def restricted_to(self, rows: np.ndarray) -> Drawn:
        """Return the same picture of some of its rows only, by their places in it."""
        from tasks.numerics.neighbour_overlap import compared_neighbours, picture_neighbours

        picture = self.picture[rows]
        near = picture_neighbours(picture, compared_neighbours(len(rows))).astype(np.int32)
        positions = None if self.positions is None else self.positions[rows]
        return Drawn(self.cell, positions, picture, self.islands[rows], self.filled[rows], near)


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
    """Compare pairs: seeds of a configuration, configurations seed by seed, resamples on the rows they share."""
    threads = plan.config.workers.count or default_count()
    compared = [cell for cell in drawn if cell.kind != "null"]
    loaded = Parallel(n_jobs=threads, backend="threading")(delayed(_load)(cell, plan) for cell in compared)
    pairs = _pairs_to_compare(loaded)
    announce_total("stability", len(pairs))
    results = Parallel(n_jobs=threads, backend="threading", return_as="generator")(
        delayed(_compare)(between, first, second) for between, first, second in pairs
    )
    rows: list[dict[str, object]] = []
    totals = _Totals(plan.rows)
    for pair in results:
        rows.extend(pair.rows)
        totals.add(pair)
        announce_done("stability")
    found = Stability(plan.store.findings(plan.run))
    write_table(pa.Table.from_pylist(rows, schema=schemas.PAIRS), found.folder / "pairs.parquet")
    stability = pa.concat_tables([_summarise(rows, compared), _neighbour_stability(loaded, plan.rows)])
    write_table(stability, found.folder / "stability.parquet")
    write_table(totals.instability(), found.folder / "instability.parquet")
    return found


def _load(cell: Cell, plan: Plan) -> Drawn:
    from tasks.numerics.neighbour_overlap import compared_neighbours, picture_neighbours

    table = read_cell(cell, plan.store)
    picture = coordinates_of(table, cell)
    return Drawn(
        cell,
        None if cell.derived is None else np.array(cell.derived.positions()),
        picture,
        table.column("island").to_numpy(),
        table.column("island_filled").to_numpy(),
        picture_neighbours(picture, compared_neighbours(len(picture))).astype(np.int32),
    )


def _pairs_to_compare(drawn: list[Drawn]) -> list[tuple[str, Drawn, Drawn]]:
    """Pair seeds within a configuration, resamples within a configuration and seed, and configurations seed by seed."""
    seeds: dict[str, list[tuple[Drawn, Drawn]]] = {}
    resamples: dict[str, list[tuple[Drawn, Drawn]]] = {}
    configurations = []
    for first, second in itertools.combinations(drawn, 2):
        one_seed = first.cell.seed == second.cell.seed or None in (first.cell.seed, second.cell.seed)
        if first.configuration == second.configuration and first.cell.kind == second.cell.kind == "data":
            seeds.setdefault(first.configuration, []).append((first, second))
        elif first.configuration == second.configuration and first.cell.kind == second.cell.kind and one_seed:
            resamples.setdefault(first.configuration, []).append((first, second))
        elif first.configuration != second.configuration and first.cell.kind == second.cell.kind == "data" and one_seed:
            configurations.append(("configurations", first, second))
    chosen = [("seeds", *pair) for name, pairs in seeds.items() for pair in _choose(pairs, "seeds", name)]
    chosen += configurations
    chosen += [("resamples", *pair) for name, pairs in resamples.items() for pair in _choose(pairs, "resamples", name)]
    return chosen


def _choose(pairs: list[tuple[Drawn, Drawn]], between: str, configuration: str) -> list[tuple[Drawn, Drawn]]:
    """Choose 50 pairs that have rows in common; complementary halves have none."""
    from tasks.numerics.randomness import stream

    comparable = [pair for pair in pairs if len(_shared_rows(*pair)[0]) >= FEWEST_SHARED]
    if len(comparable) <= MOST_PAIRS:
        return comparable
    chosen = stream("pairs", between, configuration).choice(len(comparable), MOST_PAIRS, replace=False)
    return [comparable[at] for at in sorted(chosen.tolist())]


FEWEST_SHARED = 20
"""Two parts of the rows with fewer rows in common are not compared."""


def _shared_rows(first: Drawn, second: Drawn) -> tuple[np.ndarray, np.ndarray]:
    """Return where the rows that both draw stand in each."""
    if first.positions is None or second.positions is None:
        every = np.arange(len(first.picture))
        return every, every
    _, in_first, in_second = np.intersect1d(first.positions, second.positions, assume_unique=True, return_indices=True)
    return in_first, in_second


@dataclass(frozen=True)
class _Compared:
    """What one pair says: a row per score, and of every data row how alike its island and its neighbours are."""

    between: str
    control: bool
    rows: list[dict[str, object]]
    positions: np.ndarray | None
    islands: np.ndarray
    neighbours: np.ndarray


def _compare(between: str, first: Drawn, second: Drawn) -> _Compared:
    from tasks.numerics.agreement import island_agreement
    from tasks.numerics.element_centric import element_centric_similarity
    from tasks.numerics.neighbour_overlap import neighbour_jaccard
    from tasks.numerics.procrustes import disparity

    share = 1.0
    if first.positions is not None:
        in_first, in_second = _shared_rows(first, second)
        share = len(in_first) / min(len(first.picture), len(second.picture))
        first, second = first.restricted_to(in_first), second.restricted_to(in_second)
    agreement = island_agreement(first.islands, second.islands)
    islands = element_centric_similarity(first.filled, second.filled)
    neighbours = neighbour_jaccard(first.neighbours, second.neighbours)
    values = {
        "ari": (agreement.ari, agreement.shared * share),
        "ami": (agreement.ami, agreement.shared * share),
        "element_centric": (float(islands.mean()), share),
        "neighbour_jaccard": (float(neighbours.mean()), share),
        "procrustes": (disparity(first.picture, second.picture), share),
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
    control = first.cell.configuration.control or second.cell.configuration.control
    return _Compared(between, control, rows, first.positions, islands.astype(np.float32), neighbours.astype(np.float32))


class _Totals:
    """Sums over pairs, a number per row and cause; controls, which agree with nobody, are left out."""

    def __init__(self, rows: int) -> None:
        self._sums = {name: np.zeros(rows) for name in schemas.INSTABILITY.names}
        self._pairs = {name: np.zeros(rows, dtype=np.int64) for name in schemas.INSTABILITY.names}

    def add(self, found: _Compared) -> None:
        if found.control:
            return
        rows = slice(None) if found.positions is None else found.positions
        for kind, values in (("island", found.islands), ("neighbour", found.neighbours)):
            name = f"{kind}_instability_{found.between}"
            self._sums[name][rows] += values
            self._pairs[name][rows] += 1

    def instability(self) -> pa.Table:
        columns = {name: _mean_change(total, self._pairs[name]) for name, total in self._sums.items()}
        return pa.table(columns, schema=schemas.INSTABILITY)


def _mean_change(total: np.ndarray, pairs: np.ndarray) -> pa.Array:
    """Return 1 minus the mean over pairs, null for a row that no pair has compared."""
    values = np.clip(1 - total / np.maximum(pairs, 1), 0, 1).astype(np.float32)
    return pa.array(values, mask=pairs == 0)


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


# --- neighbours over all pictures of a configuration ------------------------------------------------------------


def _neighbour_stability(loaded: list[Drawn], rows: int) -> pa.Table:
    """Return NESS of every configuration: over its seeds, over the other configurations, over its resamples."""
    data = [one for one in loaded if one.cell.kind == "data" and not one.cell.configuration.control]
    parts = [one for one in loaded if one.cell.kind == "resample"]
    found = []
    for configuration in dict.fromkeys(one.configuration for one in data):
        own = [one for one in data if one.configuration == configuration]
        resampled = [one for one in parts if one.configuration == configuration]
        for between, runs in (("seeds", own), ("resamples", resampled)):
            if len(runs) > 1:
                value, stderr = _jackknifed(runs, rows)
                found.append(_ness_row(own[0].cell, between, value, stderr, len(runs)))
        others = [one for one in data if one.configuration != configuration]
        if others:
            found.append(_ness_row(own[0].cell, "configurations", _kept_by_others(own, others), None, len(others)))
    return pa.Table.from_pylist(found, schema=schemas.STABILITY)


def _jackknifed(runs: list[Drawn], rows: int) -> tuple[float, float | None]:
    """Return the mean over rows, and its standard error over runs; None below 3 runs and above 20."""
    value = _mean_neighbour_stability(runs, rows)
    if not 3 <= len(runs) <= MOST_LEFT_OUT:
        return value, None
    without = [_mean_neighbour_stability([*runs[:at], *runs[at + 1 :]], rows) for at in range(len(runs))]
    return value, float(np.sqrt((len(runs) - 1) * np.var(without)))


MOST_LEFT_OUT = 20
"""Runs up to which each is left out once for a standard error; with more the error is small and the work is not."""


def _mean_neighbour_stability(runs: list[Drawn], rows: int) -> float:
    from tasks.numerics.neighbour_stability import NeighbourCounts

    counts = NeighbourCounts(rows)
    for run in runs:
        counts.add(run.neighbours, run.positions)
    return float(np.nanmean(counts.stability()))


def _kept_by_others(own: list[Drawn], others: list[Drawn]) -> float:
    """Return how often the neighbours that a configuration draws are neighbours in the others' pictures."""
    from tasks.numerics.neighbour_stability import kept_share

    kept = [
        kept_share(one.neighbours, [other.neighbours for other in others if other.cell.seed == one.cell.seed])
        for one in own
    ]
    return float(np.mean(kept))


def _ness_row(cell: Cell, between: str, value: float, stderr: float | None, runs: int) -> dict[str, object]:
    return {
        "configuration": cell.configuration.name,
        "reducer": cell.configuration.reducer,
        "between": between,
        "score": "ness",
        "value": value,
        "stderr": stderr,
        "runs": runs,
        "pairs": runs * (runs - 1) // 2,
    }
