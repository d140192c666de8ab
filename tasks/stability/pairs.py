"""Pairs of pictures of the same rows that are compared, and what is averaged over them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.cells.cell_file import coordinates_of, read_cell
from steadymap.tasks.numerics.stability.jackknife import jackknife_over_runs
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.files import save_array
from steadymap.tasks.store.layout import Store

CAUSES = ("seeds", "configurations", "resamples")


SCORES = ("ari", "ami", "element_centric", "neighbour_jaccard", "procrustes")


MOST_PAIRS = 50
"""Pairs compared between the seeds, and between the resamples, of a configuration; of more, a seeded choice."""


@dataclass(frozen=True)
class Pair:
    """Two pictures that are compared, and what they differ in."""

    between: str
    first: Cell
    second: Cell


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
        from steadymap.tasks.numerics.stability.neighbour_overlap import compared_neighbours, picture_neighbours

        picture = self.picture[rows]
        near = picture_neighbours(picture, compared_neighbours(len(rows))).astype(np.int32)
        positions = None if self.positions is None else self.positions[rows]
        return Drawn(self.cell, positions, picture, self.islands[rows], self.filled[rows], near)


def picture_folder(run: Path) -> Path:
    """Return where the neighbours in every picture lie while pictures are compared."""
    return run / "neighbours"


def find_picture_neighbours(cells: Sequence[Cell], store: Store, folder: Path) -> None:
    """Find the neighbours of every row in pictures, for all comparisons; runs in a worker."""
    from steadymap.tasks.numerics.stability.neighbour_overlap import compared_neighbours, picture_neighbours

    for cell in cells:
        picture = coordinates_of(read_cell(cell, store), cell)
        near = picture_neighbours(picture, compared_neighbours(len(picture))).astype(np.int32)
        save_array(near, folder / f"{cell.identity}.npy")


def load_picture(cell: Cell, store: Store, folder: Path) -> Drawn:
    """Read a picture with its islands and its neighbours, which have been found before."""
    table = read_cell(cell, store)
    return Drawn(
        cell,
        None if cell.derived is None else np.array(cell.derived.positions()),
        coordinates_of(table, cell),
        table.column("island").to_numpy(),
        table.column("island_filled").to_numpy(),
        np.load(folder / f"{cell.identity}.npy", mmap_mode="r", allow_pickle=False),
    )


def choose_pairs(drawn: Sequence[Cell]) -> list[Pair]:
    """Pair seeds within a configuration, resamples within a configuration and seed, and configurations seed by seed."""
    seeds: dict[str, list[Pair]] = {}
    resamples: dict[str, list[Pair]] = {}
    configurations = []
    for first, second in itertools.combinations(drawn, 2):
        one_seed = first.seed == second.seed or None in (first.seed, second.seed)
        same = first.configuration.name == second.configuration.name
        if same and first.kind == second.kind == "data":
            seeds.setdefault(first.configuration.name, []).append(Pair("seeds", first, second))
        elif same and first.kind == second.kind and one_seed:
            resamples.setdefault(first.configuration.name, []).append(Pair("resamples", first, second))
        elif not same and first.kind == second.kind == "data" and one_seed:
            configurations.append(Pair("configurations", first, second))
    chosen = [pair for name, pairs in seeds.items() for pair in _choose(pairs, name)]
    chosen += configurations
    return chosen + [pair for name, pairs in resamples.items() for pair in _choose(pairs, name)]


def _choose(pairs: list[Pair], configuration: str) -> list[Pair]:
    """Choose 50 pairs that have rows in common; complementary halves have none."""
    from steadymap.tasks.numerics.randomness import stream

    comparable = [pair for pair in pairs if _shared(pair) >= FEWEST_SHARED]
    if len(comparable) <= MOST_PAIRS:
        return comparable
    chosen = stream("pairs", pairs[0].between, configuration).choice(len(comparable), MOST_PAIRS, replace=False)
    return [comparable[at] for at in sorted(chosen.tolist())]


def _shared(pair: Pair) -> int:
    """Return how many rows both pictures draw."""
    if pair.first.derived is None or pair.second.derived is None:
        return pair.first.vectors.rows
    both = (pair.first.derived.positions(), pair.second.derived.positions())
    return len(np.intersect1d(*both, assume_unique=True))


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
class Compared:
    """What one pair says: a row per score, and of every data row how alike its island and its neighbours are."""

    between: str
    control: bool
    rows: list[dict[str, object]]
    positions: np.ndarray | None
    islands: np.ndarray
    neighbours: np.ndarray


def compare_pair(between: str, first: Drawn, second: Drawn) -> Compared:
    """Compare two pictures over the rows that both draw."""
    from steadymap.tasks.numerics.stability.element_centric import element_centric_similarity
    from steadymap.tasks.numerics.stability.island_agreement import island_agreement
    from steadymap.tasks.numerics.stability.neighbour_overlap import neighbour_jaccard
    from steadymap.tasks.numerics.stability.procrustes import disparity

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
    return Compared(between, control, rows, first.positions, islands.astype(np.float32), neighbours.astype(np.float32))


def summarise_pairs(rows: list[dict[str, object]], drawn: list[Cell]) -> pa.Table:
    """Average over pairs: a row per setting, cause and score, with a jackknife error over runs."""
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
