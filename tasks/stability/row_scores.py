"""Scores of every row over all pictures: DynamicViz variance, EMBEDR, scDEED."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.tasks.cells.cell_file import coordinates_of, read_cell
from steadymap.tasks.cells.score_files import read_reliability
from steadymap.tasks.geometry.latent_neighbours import latent_neighbours
from steadymap.tasks.geometry.parts import Geometry
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.store.files import read_if_there, save_array

NEIGHBOURS = 15
"""Neighbours in the latent space whose distances in the pictures are followed."""


PERPLEXITY = 30.0
"""Of the affinities that pictures are compared with; less where the data has too few rows. One for all pictures, so
that what t-SNE and UMAP do at other settings is judged by the same neighbours."""


def measure_variances(plan: Plan, cells: list[Cell]) -> dict[str, np.ndarray]:
    """Return the variance of distances to latent neighbours by cause; seeds and resamples within a configuration."""
    if not cells:
        return {f"distance_variance_{cause}": _nothing(plan) for cause in ("seeds", "configurations", "resamples")}
    near = latent_neighbours(plan.geometry, plan.config.preprocess.metric, NEIGHBOURS).indices
    data = [cell for cell in cells if cell.kind == "data"]
    by_seed = _groups(data, lambda cell: str(cell.seed))
    parts = [cell for cell in cells if cell.kind == "resample"]
    causes = {
        "seeds": _groups(data, lambda cell: cell.configuration.name),
        "configurations": by_seed[:1],  # one picture of every configuration
        "resamples": _groups(parts, lambda cell: f"{cell.configuration.name} {cell.seed}"),
    }
    return {
        f"distance_variance_{cause}": _mean_over([_variance(group, plan, near) for group in groups], plan)
        for cause, groups in causes.items()
    }


def _variance(cells: list[Cell], plan: Plan, near: np.ndarray) -> np.ndarray:
    from steadymap.tasks.numerics.stability.distance_variance import distance_variance

    if len(cells) < 2:
        return _nothing(plan)
    pictures = [
        (_picture(cell, plan), None if cell.derived is None else np.array(cell.derived.positions())) for cell in cells
    ]
    return distance_variance(pictures, near)


def measure_embedr(plan: Plan, cells: list[Cell]) -> np.ndarray:
    """Return the p-value of every row's embedding error against rows of reference data in the same setting."""
    from steadymap.tasks.numerics.scores.embedr import combine_p, empirical_p

    metric = plan.config.preprocess.metric
    errors = _Errors(plan)
    null_errors: dict[str, list[np.ndarray]] = {}
    for cell in cells:
        if cell.kind == "null" and cell.configuration.metric == metric:
            null_errors.setdefault(cell.configuration.name, []).append(errors.of(cell))
    ps = [
        empirical_p(errors.of(cell), np.concatenate(null_errors[cell.configuration.name]))
        for cell in cells
        if cell.kind == "data" and cell.configuration.name in null_errors
    ]
    return combine_p(np.array(ps)) if ps else _nothing(plan)


class _Errors:
    """Embedding errors of pictures; the affinities of what they draw are computed once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._affinities: dict[Path, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, cell: Cell) -> np.ndarray:
        from steadymap.tasks.numerics.scores.embedr import embedding_errors

        folder = cell.vectors.folder
        if folder not in self._affinities:
            self._affinities[folder] = self._around(cell.geometry)
        return embedding_errors(*self._affinities[folder], _picture(cell, self.plan))

    def _around(self, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
        from steadymap.tasks.numerics.scores.embedr import conditional_affinities

        perplexity = min(PERPLEXITY, (geometry.vectors.rows - 1) / 3)
        near = latent_neighbours(geometry, self.plan.config.preprocess.metric, int(3 * perplexity))
        return near.indices, conditional_affinities(near, perplexity)


def measure_reliability(plan: Plan, cells: list[Cell]) -> dict[str, np.ndarray]:
    """Return the mean reliability of a row, and the share of pictures in which noise is seldom less reliable."""
    from steadymap.tasks.numerics.scores.scdeed import classify

    total, seen = np.zeros(plan.rows), np.zeros(plan.rows)
    dubious, judged = np.zeros(plan.rows), np.zeros(plan.rows)
    noise: dict[str, list[np.ndarray]] = {}
    for cell in cells:
        if cell.kind == "null":
            found = read_if_there(read_reliability, cell, plan)
            if found is not None:
                noise.setdefault(cell.configuration.name, []).append(found.column("reliability").to_numpy())
    for cell in cells:
        if cell.kind == "data" and (table := read_if_there(read_reliability, cell, plan)) is not None:
            rows, values = table.column("position").to_numpy(), table.column("reliability").to_numpy()
            total[rows] += values
            seen[rows] += 1
            if cell.configuration.name in noise:
                dubious[rows] += classify(values, np.concatenate(noise[cell.configuration.name])) < 0
                judged[rows] += 1
    return {"reliability": _ratio(total, seen), "dubious_share": _ratio(dubious, judged)}


def _ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return ratio


def _mean_over(found: list[np.ndarray], plan: Plan) -> np.ndarray:
    """Average over groups, each row over those that have a value for it."""
    total, count = np.zeros(plan.rows), np.zeros(plan.rows)
    for values in found:
        known = ~np.isnan(values)
        total[known] += values[known]
        count += known
    return _ratio(total, count)


def _groups(cells: Iterable[Cell], key: Callable[[Cell], str]) -> list[list[Cell]]:
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return list(groups.values())


def _picture(cell: Cell, plan: Plan) -> np.ndarray:
    return coordinates_of(read_cell(cell, plan.store), cell)


def _nothing(plan: Plan) -> np.ndarray:
    return np.full(plan.rows, np.nan)


MEASURES: dict[str, Callable[[Plan, list[Cell]], dict[str, np.ndarray]]] = {
    "distance variance": measure_variances,
    "EMBEDR": lambda plan, cells: {"embedr_p": measure_embedr(plan, cells)},
    "reliability": measure_reliability,
}
"""What is measured of every row, by name."""


def measure_rows(names: Sequence[str], plan: Plan, cells: list[Cell], folder: Path) -> list[str]:
    """Measure rows, leave a file a column, shape (n,), and return the columns' names; runs in a worker."""
    columns: dict[str, np.ndarray] = {}
    with threadpool_limits(1):
        for name in names:
            columns |= MEASURES[name](plan, cells)
    for name, values in columns.items():
        save_array(values, folder / f"{name}.npy")
    return list(columns)
