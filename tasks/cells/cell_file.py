"""Read what a cell has drawn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.files import read_table
from steadymap.tasks.store.layout import Store


def read_cell(cell: Cell, store: Store) -> pa.Table:
    """Read a cell's file: a row per row of its vectors, in canonical order."""
    return read_table(store.cell(cell.identity), schemas.CELL, {"cell": cell.identity})


def coordinates_of(table: pa.Table, cell: Cell) -> np.ndarray:
    """Return the coordinates of a cell's table, shape (n, 2 or 3)."""
    names = ("x", "y", "z")[: cell.configuration.dimension]
    return np.column_stack([table.column(name).to_numpy() for name in names])
