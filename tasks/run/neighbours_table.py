"""``neighbours.parquet``: the nearest rows of every drawn row in the latent space, for the report to draw lines to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.geometry.latent_neighbours import latent_neighbours
from steadymap.tasks.plan.plan import Plan

MOST = 10
"""Neighbours of a row: as many as an eye follows."""


def neighbours_table(plan: Plan, rows: np.ndarray, positions: np.ndarray) -> pa.Table:
    """Tabulate the nearest drawn rows of every drawn row, at most ``MOST``.

    Where only a sample is drawn, neighbours are sought so far out that about as many of them are drawn.

    Parameters
    ----------
    rows, positions
        Of every drawn row, int64 (drawn,): its row in the user's file, and its place in canonical order.
    """
    wanted = min(-(-MOST * plan.rows // max(1, len(rows))), plan.rows - 1)
    if wanted < 1:
        return schemas.NEIGHBOURS.empty_table()
    near = latent_neighbours(plan.geometry, plan.config.preprocess.metric, wanted).indices[positions]
    row_at = np.full(plan.rows, -1, dtype=np.int64)
    row_at[positions] = rows
    found = row_at[near]  # (drawn, wanted); -1 is not drawn
    rank = np.cumsum(found >= 0, axis=1)
    known = (found >= 0) & (rank <= MOST)
    return pa.table(
        {
            "row": np.broadcast_to(rows[:, None], found.shape)[known],
            "rank": rank[known].astype(np.int32),
            "neighbour": found[known],
        },
        schema=schemas.NEIGHBOURS,
    )
