"""``neighbours.parquet``: the nearest rows of every drawn row in the latent space, for the report to draw lines to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.latent_neighbours import latent_neighbours
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.workers import default_count

MOST = 10
"""Neighbours of a row: as many as an eye follows."""


def neighbours_table(plan: Plan, rows: np.ndarray, positions: np.ndarray) -> pa.Table:
    """Tabulate the nearest drawn rows of every drawn row, at most ``MOST``.

    Where only a sample is drawn they are sought in the sample, whatever the number of rows.

    Parameters
    ----------
    rows, positions
        Of every drawn row, int64 (drawn,): its row in the user's file, and its place in canonical order.
    """
    k = min(MOST, len(rows) - 1)
    if k < 1:
        return schemas.NEIGHBOURS.empty_table()
    order = np.argsort(positions)
    near = _nearest_drawn(plan, positions[order], k)
    here = rows[order]
    by_row = np.argsort(order)  # back to the order of the drawn rows
    return pa.table(
        {
            "row": np.repeat(rows, k),
            "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), len(rows)),
            "neighbour": here[near[by_row]].ravel(),
        },
        schema=schemas.NEIGHBOURS,
    )


def _nearest_drawn(plan: Plan, positions: np.ndarray, k: int) -> np.ndarray:
    """Return the k nearest of some rows among themselves, as their places in ``positions``, which ascend."""
    from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours

    metric = plan.config.preprocess.metric
    if len(positions) == plan.rows:
        return latent_neighbours(plan.geometry, metric, k).indices
    sample = np.ascontiguousarray(read_working(plan.geometry, metric)[positions])
    return nearest_neighbours(sample, k, metric=metric, threads=plan.config.workers.count or default_count()).indices
