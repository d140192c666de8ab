"""Read what a cell has drawn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from configs import schemas
from tasks.plan import Cell
from tasks.store import Store, read_table


def read_cell(cell: Cell, store: Store) -> pa.Table:
    """Read a cell's file: a row per row of its vectors, in canonical order."""
    return read_table(store.cell(cell.identity), schemas.CELL)


def coordinates_of(table: pa.Table, cell: Cell) -> np.ndarray:
    """Return the coordinates of a cell's table, shape (n, 2 or 3)."""
    names = ("x", "y", "z")[: cell.configuration.dimension]
    return np.column_stack([table.column(name).to_numpy() for name in names])
