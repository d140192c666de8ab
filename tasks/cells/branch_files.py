"""Branches of every picture's density tree: kept beside its cell, and found anew where they are not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from steadymap.tasks.batches import batches_of, run_batches, tell_lost
from steadymap.tasks.cells.cell_file import coordinates_of, read_cell
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.files import read_if_whole, read_table, write_table
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import Limits, Lost

if TYPE_CHECKING:
    from steadymap.tasks.numerics.clusters.density_tree import Branches

PICTURES_IN_A_BATCH = 8

BRANCHES = pa.schema(
    [
        pa.field("parent", pa.list_(pa.int32()), nullable=False),
        pa.field("of_row", pa.list_(pa.int32()), nullable=False),
    ]
)
"""One line: what ``Branches`` has."""

Trees = dict[str, "Branches | None"]
"""Branches of every picture's density tree, by the identity of its cell; None where its cut is all that is known."""


def find_branches(cells: Sequence[Cell], store: Store, limits: Limits) -> tuple[Trees, tuple[str, ...]]:
    """Return the branches of pictures, and why some were lost.

    The workers that drew them have left them; what is not there, as on a machine that got its cells from a bucket, or
    is damaged is found anew.
    """
    trees: Trees = {cell.identity: read_if_whole(read_branches, cell, store) for cell in cells}
    missing = [cell for cell in cells if trees[cell.identity] is None]
    lost: list[str] = []
    for batch, outcome in run_batches(
        branches_of_batch, batches_of(missing, PICTURES_IN_A_BATCH, limits.count), limits, store
    ):
        if isinstance(outcome, Lost):
            lost += [tell_lost(f"density tree, {cell.title}", outcome) for cell in batch]
        else:
            trees |= {cell.identity: read_if_whole(read_branches, cell, store) for cell in batch}
    return trees, tuple(lost)


def branches_of_batch(cells: Sequence[Cell], store: Store) -> None:
    """Find the branches of pictures and leave a file each; runs in a worker."""
    from steadymap.tasks.numerics.clusters.density_tree import picture_branches

    for cell in cells:
        coordinates = coordinates_of(read_cell(cell, store), cell)
        with threadpool_limits(1):
            found = picture_branches(coordinates, cell.configuration.min_cluster_size)
        write_branches(found, cell.identity, store)


def write_branches(branches: Branches, cell: str, store: Store) -> None:
    """Commit the branches of a cell's picture."""
    line = {"parent": [branches.parent], "of_row": [branches.of_row]}
    write_table(pa.table(line, schema=BRANCHES), store.branches(cell), {"cell": cell})


def read_branches(cell: Cell, store: Store) -> Branches:
    """Read the branches of a picture.

    Raises
    ------
    FileNotFoundError, DamagedError
        They are not there, or not as they were written.
    """
    from steadymap.tasks.numerics.clusters.density_tree import Branches

    table = read_table(store.branches(cell.identity), BRANCHES, {"cell": cell.identity})
    parent, of_row = (table.column(name).combine_chunks().flatten().to_numpy() for name in BRANCHES.names)
    return Branches(parent.astype(np.int64), of_row.astype(np.int64))
