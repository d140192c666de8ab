"""``cells.parquet`` and ``timings.parquet``: a row per cell, how it ended, and what it took."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.cells.compute_cells import CellOutcomes, CellResult
from steadymap.tasks.numerics.clusters.islands import NOISE
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.store.files import read_if_whole, read_json


def status_of(cell: Cell, endings: CellOutcomes, plan: Plan) -> CellResult:
    """Return how a cell ended; what is not told of is in the store."""
    if cell.configuration.unusable is not None:
        return CellResult("skipped", cell.configuration.unusable)
    return endings.get(cell.identity, CellResult("ok"))


def tabulate_cells(plan: Plan, statuses: dict[str, CellResult], pictures: dict[str, pa.Table]) -> pa.Table:
    """Return ``cells.parquet``, a row per cell."""
    return pa.Table.from_pylist(
        [_cell_row(cell, statuses[cell.identity], pictures.get(cell.identity)) for cell in plan.cells],
        schema=schemas.CELLS,
    )


def _cell_row(cell: Cell, result: CellResult, picture: pa.Table | None) -> dict[str, Any]:
    configuration = cell.configuration
    parameters = dict(configuration.parameters)
    islands = None if picture is None else picture.column("island").to_numpy()
    return {
        **parameters,
        "learning_rate": None if "learning_rate" not in parameters else str(parameters["learning_rate"]),
        "cell": cell.identity,
        "configuration": configuration.name,
        "reducer": configuration.reducer,
        "engine": configuration.engine,
        "method": configuration.method,
        "metric": configuration.metric,
        "dimension": configuration.dimension,
        "min_cluster_size": configuration.min_cluster_size,
        "seed": cell.seed,
        "resample": cell.resample,
        "kind": cell.kind,
        "rows": cell.vectors.rows,
        "status": result.status,
        "reason": result.reason,
        "islands": None if islands is None else int(islands.max()) + 1,
        "noise_share": None if islands is None else float(np.mean(islands == NOISE)),
    }


def tabulate_timings(plan: Plan, endings: CellOutcomes) -> pa.Table:
    """Return ``timings.parquet``, a row per cell that the data carries."""
    return pa.Table.from_pylist(
        [
            {"cell": cell.identity, "cached": cell.identity not in endings, **_timing(cell, plan)}
            for cell in plan.usable
        ],
        schema=schemas.TIMINGS,
    )


def _timing(cell: Cell, plan: Plan) -> dict[str, Any]:
    # Without one the cell failed, or was killed between its file and its timing.
    return read_if_whole(read_json, plan.store.timing(cell.identity)) or {}
