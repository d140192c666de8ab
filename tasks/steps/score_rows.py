"""Step: say of every row how far its place in the pictures can be trusted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.stability.row_scores import measure_embedr, measure_reliability, measure_variances
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import RowRatings


@task(name="rate rows", task_run_name="rows of {plan.run}", cache_policy=NO_CACHE)
def score_rows(plan: Plan, drawn: list[Cell]) -> RowRatings:
    """Measure how much a row's distances vary, how well its neighbours are kept, and whether that beats noise."""
    speaking = [cell for cell in drawn if cell.configuration.shows_clusters]
    columns = {
        **measure_variances(plan, speaking),
        "embedr_p": measure_embedr(plan, speaking),
        **measure_reliability(plan, speaking),
    }
    place = RowRatings(plan.store.findings(plan.run) / "ratings.parquet")
    arrays = [pa.array(values.astype(np.float32), mask=np.isnan(values)) for values in columns.values()]
    write_table(pa.Table.from_arrays(arrays, names=list(columns)).cast(schemas.RATINGS), place.file)
    return place


# --- distances --------------------------------------------------------------------------------------------------


# --- neighbours, against noise ----------------------------------------------------------------------------------
