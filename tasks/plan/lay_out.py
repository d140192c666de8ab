"""Lay out the cells of a sweep, give each its identity, and see which ones the store has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.configs.grid import Configuration, Grid, expand, expand_reducers
from steadymap.configs.slug import slug
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.geometry.parts import Geometry, parts_of
from steadymap.tasks.geometry.resamples_and_nulls import Derived, derive
from steadymap.tasks.input.dataset import Dataset, read_row_column
from steadymap.tasks.numerics.geometry.odd_rows import far_rows
from steadymap.tasks.numerics.input.oddities import find_far_rows
from steadymap.tasks.numerics.reducers.interface import MODULES
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import read_if_whole, read_table
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, run_versions, versions
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.run_manifest import find_complete_run
from steadymap.tasks.store.sync import sync

ENGINE_LIBRARIES = {
    "steadymap": ("numba", "llvmlite"),
    "openTSNE": ("openTSNE",),
    "umap-learn": ("umap-learn", "numba", "llvmlite"),
}
"""Libraries beyond NumPy, SciPy and scikit-learn that shape an engine's pictures."""


EMPTY_WORKER_GB = 0.3
"""What libraries alone take of a worker's memory, a little below what was measured (0.35 GB)."""

CELL_CODE = (
    "steadymap.tasks.cells.compute_cells:draw",
    "steadymap.tasks.cells.compute_cells:tabulate",
    "steadymap.tasks.numerics.reducers.degeneracy",
)
"""What shapes a cell beside its reducer."""


RUN_CODE = (
    "steadymap.tasks.steps.write_run:write_run",
    "steadymap.tasks.cells.compute_cells:compute_cells",
    "steadymap.tasks.steps.describe_latent_space:describe_latent_space",
    "steadymap.tasks.steps.find_clusters:find_clusters",
    "steadymap.tasks.steps.judge_clusters:judge_clusters",
    "steadymap.tasks.steps.run_label_tests:run_label_tests",
    "steadymap.tasks.steps.measure_stability:measure_stability",
    "steadymap.tasks.steps.score_rows:score_rows",
    "steadymap.tasks.steps.score_cells:score_cells",
    "steadymap.tasks.steps.run_split_tests:run_split_tests",
    "steadymap.tasks.steps.decode_clusters:decode_clusters",
)
"""What shapes the tables of a run."""

LONGEST_SLUG = 40
"""Signs of a sweep's name in that of its run; what makes it unique follows them."""

MOST_NAMED = 5
"""Odd rows that a warning names."""


def lay_out(config: SweepConfig, dataset: Dataset, store: Store) -> Plan:
    """Lay out the cells of a sweep; see ``plan_sweep``."""
    grid = expand(config, dataset.rows)
    check_fit(config, grid, dataset.rows, dataset.dimensions)
    _check_lengths(grid, dataset)
    geometry = Geometry(store, dataset, config.preprocess)
    derived = derive(config, grid, dataset, store)
    cells = (
        *_cells(grid.configurations, grid.seeds, geometry),
        *(cell for data in derived for cell in _cells_on(data, grid, config, store)),
    )
    ks = fitting_ks(config.scores.k, dataset.rows)
    warnings = [*grid.warnings, *dataset.warnings, *_data_warnings(dataset)]
    if len(ks) < len(config.scores.k) or set(ks) - set(config.scores.k):
        warnings.append(f"scores at k = {sorted(set(config.scores.k) - set(ks))} left out: k must be below rows / 2")
    if grid.pairs and grid.resampled and not any(one.recipe.kind == "half" for one in derived):
        warnings.append("one group holds every row: no half can be held out, so no cluster can be more than UNCERTAIN")
    identity = run_identity(config, dataset)
    run = f"{slug(config.name, 'sweep')[:LONGEST_SLUG]}-{identity[:10]}"
    plan = Plan(
        run=run,
        identity=identity,
        config=config,
        store=store,
        dataset=dataset,
        geometry=geometry,
        derived=derived,
        seeds=grid.seeds,
        cells=cells,
        missing=(),
        ks=ks,
        warnings=tuple(warnings),
    )
    return replace(plan, missing=find_missing(plan))


def find_missing(plan: Plan) -> tuple[Cell, ...]:
    """Return the cells of a plan that the store lacks; of a store far away, what it has comes here first."""
    store, usable = plan.store, plan.usable
    sync(store, [store.run(plan.run)])
    known = plan.config.budget.settled or store.url is not None
    if known and find_complete_run(store.run(plan.run), plan.identity):
        # Nobody will ask for its cells: those far away stay there, and those that settled verdicts left are not missed.
        return ()
    if store.url is not None:
        sync(store, [place for cell in usable for place in (store.cell(cell.identity), store.timing(cell.identity))])
    return tuple(cell for cell in usable if not in_store(cell, store))


def _cells(configurations: tuple[Configuration, ...], seeds: tuple[int, ...], geometry: Geometry) -> list[Cell]:
    return [
        Cell(_cell_identity(configuration, seed, geometry), configuration, seed, geometry)
        for configuration in configurations
        for seed in (seeds if configuration.seeded else (None,))
    ]


def _cells_on(derived: Derived, grid: Grid, config: SweepConfig, store: Store) -> list[Cell]:
    """Lay the chosen settings out over a part of the rows or over reference data."""
    names, seeds = (
        (grid.on_nulls, config.nulls.seeds) if derived.recipe.null else (grid.resampled, config.resamples.seeds)
    )
    on_it = expand_reducers(grid.reducers, config, derived.rows)[0]
    chosen = tuple(configuration for configuration in on_it if configuration.name in names)
    return _cells(chosen, seeds, Geometry(store, derived, config.preprocess))


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
    memory = config.workers.memory_gb
    if memory is not None and memory < EMPTY_WORKER_GB:
        raise InputError(
            f"workers.memory_gb = {memory:g}",
            rule=f"a worker takes {EMPTY_WORKER_GB:g} GB before it draws anything",
            remedy=f"allow {2 * EMPTY_WORKER_GB:g} or more, with fewer workers (`workers: count:`) if need be",
        )
    reasons = [configuration.unusable for configuration in grid.configurations]
    if all(reason is not None for reason in reasons):
        raise InputError(
            f"none of the {len(reasons)} configurations fits the data; the first: {reasons[0]}",
            remedy="encode more inputs or lower the settings; without `reducers:` they are chosen to fit",
        )


def in_store(cell: Cell, store: Store) -> bool:
    """Say whether a cell's file is there, whole and of the right length."""
    table = read_if_whole(read_table, store.cell(cell.identity), schemas.CELL, {"cell": cell.identity})
    return table is not None and bool(table.num_rows == cell.vectors.rows)


def fitting_ks(ks: tuple[int, ...], rows: int) -> tuple[int, ...]:
    """Return the neighbourhood sizes below half of the rows; the largest one that fits where none does."""
    fitting = tuple(sorted(k for k in ks if k < rows / 2))
    return fitting or ((rows - 1) // 2,)


def run_identity(config: SweepConfig, dataset: Dataset) -> str:
    """Return what a run is: config without machine and places, data with labels, code and versions."""
    # A run that was cut short is the run that it would have been; the next one goes on from it.
    asked = config.model_dump(mode="json", exclude={"workers": True, "data": True, "budget": {"hours"}})
    return digest(
        {
            "config": asked,
            "data": dataset.identity,
            "input_shape": config.data.input_shape or dataset.input_shape,
            **_decoder_identity(config, dataset),
            "code": code_digest(*RUN_CODE),
            "versions": run_versions(),
        }
    )


def _decoder_identity(config: SweepConfig, dataset: Dataset) -> dict[str, object]:
    """Return what a run knows of its decoder; nothing without one, so that other runs keep their identity."""
    models = {role: told for role, told in dataset.models.items() if role != "encoder"}
    return {"decoder": {**models, "names": dataset.input_names}} if models else {}


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
            "resample": geometry.vectors.recipe.name if isinstance(geometry.vectors, Derived) else None,
            "geometry": [geometry.identity(part) for part in parts_of(configuration)],
            "code": code_digest(module, *CELL_CODE),
            "libraries": versions(
                [*SHAPING_LIBRARIES, "fast_hdbscan", *ENGINE_LIBRARIES.get(configuration.engine, ())]
            ),
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
            "a row is all zeros" if len(zero) == 1 else f"{len(zero)} rows are all zeros",
            file=dataset.source,
            place=f"row {', '.join(str(row) for row in rows[:5])}" + (" and more" if len(rows) > 5 else ""),
            rule="metric: cosine needs rows with a direction",
            remedy="drop these rows or use metric: euclidean",
        )


def _data_warnings(dataset: Dataset) -> list[str]:
    warnings = []
    if dataset.duplicates:
        share = dataset.duplicates / dataset.rows
        one = dataset.duplicates == 1
        repeat = f"1 row ({share:.0%}) repeats" if one else f"{dataset.duplicates:,} rows ({share:.0%}) repeat"
        warnings.append(f"{repeat} an earlier row; such rows draw tight clumps of their own")
    few, _ = find_far_rows(dataset.latents())
    far = far_rows(dataset.latents()) if len(few) == 0 else few[:0]  # a few are named as rows of the file already
    if len(far):
        ids = read_row_column(dataset.folder, "id")
        named = ", ".join(str(ids[row]) for row in far[:MOST_NAMED]) + (" …" if len(far) > MOST_NAMED else "")
        warnings.append(
            f"{len(far):,} rows are far from everything else (id {named}); pictures give them room that others lack, "
            "so leave them out if they are faults"
        )
    return warnings
