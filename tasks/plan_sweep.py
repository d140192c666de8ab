"""Step: lay out the cells of a sweep, give each its identity, and see which ones the store has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from configs.errors import InputError
from configs.grid import Configuration, Grid, expand
from configs.sweep import SweepConfig
from tasks.dataset import Dataset
from tasks.geometry import Geometry, parts_of
from tasks.identity import SHAPING_LIBRARIES, code_digest, digest, run_versions, versions
from tasks.numerics.reducers.interface import MODULES
from tasks.store import DamagedError, Store, read_table

ENGINE_LIBRARIES = {
    "openTSNE": ("openTSNE",),
    "umap-learn": ("umap-learn", "numba", "llvmlite"),
}
"""Libraries beyond NumPy, SciPy and scikit-learn that shape an engine's pictures."""


@dataclass(frozen=True)
class Cell:
    """One picture to be: a configuration and a seed (None where the reducer has none).

    ``identity`` is the name of its file: a digest of all that shapes it.
    """

    identity: str
    configuration: Configuration
    seed: int | None


@dataclass(frozen=True)
class Plan:
    """A sweep laid out over its dataset.

    Attributes
    ----------
    run
        Name of the run folder: readable, and the same for the same config, data and code.
    identity
        The digest behind it.
    config, store, dataset, geometry
        What the sweep is, and over what.
    cells
        Every cell, skipped ones included, in the order of the grid.
    missing
        The cells that have to be computed.
    ks
        Neighbourhood sizes of the scores that the data can carry.
    warnings
        What was changed to fit the data.
    """

    run: str
    identity: str
    config: SweepConfig
    store: Store
    dataset: Dataset
    geometry: Geometry
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    missing: tuple[Cell, ...]
    ks: tuple[int, ...]
    warnings: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of the dataset."""
        return self.dataset.rows

    @property
    def usable(self) -> tuple[Cell, ...]:
        """The cells that the data can carry."""
        return tuple(cell for cell in self.cells if cell.configuration.unusable is None)


@task(name="plan sweep", task_run_name="plan {config.name}", cache_policy=NO_CACHE)
def plan_sweep(config: SweepConfig, dataset: Dataset, store: Store) -> Plan:
    """Lay out the cells.

    Raises
    ------
    InputError
        The preprocessing does not fit the data, or no cell is left.
    """
    return lay_out(config, dataset, store)


def lay_out(config: SweepConfig, dataset: Dataset, store: Store) -> Plan:
    """Lay out the cells of a sweep; see ``plan_sweep``."""
    grid = expand(config, dataset.rows)
    check_fit(config, grid, dataset.rows, dataset.dimensions)
    _check_lengths(grid, dataset)
    geometry = Geometry(store, dataset, config.preprocess)
    cells = tuple(
        Cell(_cell_identity(configuration, seed, geometry), configuration, seed)
        for configuration in grid.configurations
        for seed in (grid.seeds if configuration.seeded else (None,))
    )
    ks = fitting_ks(config.scores.k, dataset.rows)
    warnings = [*grid.warnings, *_data_warnings(dataset)]
    if len(ks) < len(config.scores.k) or set(ks) - set(config.scores.k):
        warnings.append(f"scores at k = {sorted(set(config.scores.k) - set(ks))} left out: k must be below rows / 2")
    identity = run_identity(config, dataset)
    return Plan(
        run=f"{_slug(config.name)}-{identity[:10]}",
        identity=identity,
        config=config,
        store=store,
        dataset=dataset,
        geometry=geometry,
        seeds=grid.seeds,
        cells=cells,
        missing=tuple(
            cell for cell in cells if cell.configuration.unusable is None and not in_store(cell, store, dataset.rows)
        ),
        ks=ks,
        warnings=tuple(warnings),
    )


def check_fit(config: SweepConfig, grid: Grid, rows: int, dimensions: int) -> None:
    """Refuse preprocessing that the data cannot carry, and a grid in which nothing is left.

    Raises
    ------
    InputError
        With the first reason.
    """
    components = config.preprocess.pca
    if components is not None and components > min(rows, dimensions):
        raise InputError(
            f"preprocess.pca = {components}",
            rule=f"at most {min(rows, dimensions)} components of {rows} rows with {dimensions} dimensions",
            remedy="lower it or leave it out",
        )
    reasons = [configuration.unusable for configuration in grid.configurations]
    if all(reason is not None for reason in reasons):
        raise InputError(
            f"none of the {len(reasons)} configurations fits the data; the first: {reasons[0]}",
            remedy="encode more inputs or lower the settings; without `reducers:` they are chosen to fit",
        )


def in_store(cell: Cell, store: Store, rows: int) -> bool:
    """Say whether a cell's file is there, whole and of the right length."""
    try:
        return bool(read_table(store.cell(cell.identity), schemas.CELL).num_rows == rows)
    except (FileNotFoundError, DamagedError):
        return False


def fitting_ks(ks: tuple[int, ...], rows: int) -> tuple[int, ...]:
    """Return the neighbourhood sizes below half of the rows; the largest one that fits where none does."""
    fitting = tuple(sorted(k for k in ks if k < rows / 2))
    return fitting or ((rows - 1) // 2,)


def run_identity(config: SweepConfig, dataset: Dataset) -> str:
    """Return what a run is: config without machine and places, data with labels, code and versions."""
    asked = config.model_dump(mode="json", exclude={"workers", "data"})
    return digest(
        {
            "config": asked,
            "data": dataset.identity,
            "input_shape": config.data.input_shape or dataset.input_shape,
            "code": code_digest(
                "tasks.write_run",
                "tasks.compute_cell",
                "tasks.describe_latent_space",
                "tasks.measure_stability",
                "tasks.score_cells",
            ),
            "versions": run_versions(),
        }
    )


def _cell_identity(configuration: Configuration, seed: int | None, geometry: Geometry) -> str:
    module = MODULES[configuration.reducer, configuration.engine]
    return digest(
        {
            "reducer": configuration.reducer,
            "engine": configuration.engine,
            "method": configuration.method,
            "parameters": dict(configuration.parameters),
            "dimension": configuration.dimension,
            "min_cluster_size": configuration.min_cluster_size,
            "seed": seed,
            "resample": None,
            "geometry": [geometry.identity(part) for part in parts_of(configuration)],
            "code": code_digest(module, "tasks.numerics.islands", "tasks.numerics.degeneracy"),
            "libraries": versions([*SHAPING_LIBRARIES, *ENGINE_LIBRARIES.get(configuration.engine, ())]),
        }
    )


def _check_lengths(grid: Grid, dataset: Dataset) -> None:
    if all(configuration.metric != "cosine" for configuration in grid.configurations):
        return
    zero = np.flatnonzero(~np.any(dataset.latents() != 0, axis=1))
    if len(zero):
        points = dataset.points().to_pydict()
        rows = [row for row, position in zip(points["row"], points["position"], strict=True) if position in set(zero)]
        raise InputError(
            f"{len(zero)} rows are all zeros",
            file=dataset.source,
            place=f"row {', '.join(str(row) for row in rows[:5])}" + (" and more" if len(rows) > 5 else ""),
            rule="metric: cosine needs rows with a direction",
            remedy="drop these rows or use metric: euclidean",
        )


def _data_warnings(dataset: Dataset) -> list[str]:
    if dataset.duplicates == 0:
        return []
    share = dataset.duplicates / dataset.rows
    return [f"{dataset.duplicates} rows ({share:.0%}) repeat an earlier row; they draw tight clumps of their own"]


def _slug(name: str) -> str:
    """Return a name that every file system takes; what makes it unique follows it."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return "-".join(part for part in kept.split("-") if part)[:40] or "sweep"
