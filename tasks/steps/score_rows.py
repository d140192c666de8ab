"""Step: say of every row how far its place in the pictures can be trusted, in isolated workers."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.tasks.batches import run_batches, tell_lost
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.stability.row_scores import MEASURES, measure_rows
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import RowRatings
from steadymap.tasks.workers import Lost, choose_limits


@task(name="score rows", task_run_name="rows of {plan.run}", cache_policy=NO_CACHE)
def score_rows(plan: Plan, drawn: list[Cell]) -> RowRatings:
    """Measure how much a row's distances vary, how well its neighbours are kept, and whether that beats noise.

    A measure whose worker is lost is empty, and why is told.
    """
    speaking = [cell for cell in drawn if cell.configuration.shows_clusters]
    folder = plan.store.findings(plan.run) / "row scores"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    columns = {name: np.full(plan.rows, np.nan) for name in schemas.RATINGS.names}
    lost: list[str] = []
    try:
        asked = [[measure] for measure in MEASURES]
        limits = choose_limits(plan.config.workers)
        for (measure,), outcome in run_batches(measure_rows, asked, limits, plan, speaking, folder):
            if isinstance(outcome, Lost):
                lost.append(tell_lost(f"row scores, {measure}", outcome))
                continue
            for name in outcome.value:
                columns[name] = np.load(folder / f"{name}.npy", allow_pickle=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    place = RowRatings(plan.store.findings(plan.run) / "ratings.parquet", tuple(lost))
    arrays = [pa.array(values.astype(np.float32), mask=np.isnan(values)) for values in columns.values()]
    write_table(pa.Table.from_arrays(arrays, names=list(columns)).cast(schemas.RATINGS), place.file)
    return place
