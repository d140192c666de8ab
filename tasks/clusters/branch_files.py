"""Branches of every picture's density tree: found in isolated workers, and kept as files while a step looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.tasks.batches import batches_of, run_batches, tell_lost
from steadymap.tasks.cells.cell_file import coordinates_of, read_cell
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.files import committed_file
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import Limits, Lost

if TYPE_CHECKING:
    from steadymap.tasks.numerics.clusters.density_tree import Branches

PICTURES_IN_A_BATCH = 8


def find_branches(cells: Sequence[Cell], store: Store, folder: Path, limits: Limits) -> tuple[str, ...]:
    """Find the branches of pictures, of which their cells keep one cut, as islands; return why some were lost."""
    lost: list[str] = []
    batches = batches_of(cells, PICTURES_IN_A_BATCH, limits.count)
    for batch, outcome in run_batches(branches_of_batch, batches, limits, store, folder):
        if isinstance(outcome, Lost):
            lost += [tell_lost(f"density tree, {cell.title}", outcome) for cell in batch]
    return tuple(lost)


def branches_of_batch(cells: Sequence[Cell], store: Store, folder: Path) -> None:
    """Find the branches of pictures and leave a file each; runs in a worker."""
    from steadymap.tasks.numerics.clusters.density_tree import picture_branches

    for cell in cells:
        coordinates = coordinates_of(read_cell(cell, store), cell)
        with threadpool_limits(1):
            found = picture_branches(coordinates, cell.configuration.min_cluster_size)
        # Committed whole: where the disk is full there is none, and not a part of one.
        with committed_file(_file(cell, folder)) as place, place.open("wb") as file:
            np.savez(file, parent=found.parent, of_row=found.of_row)


def load_branches(cell: Cell, folder: Path) -> Branches | None:
    """Read the branches of a picture; None where finding them was lost."""
    from steadymap.tasks.numerics.clusters.density_tree import Branches

    file = _file(cell, folder)
    if not file.is_file():
        return None
    with np.load(file, allow_pickle=False) as arrays:
        return Branches(arrays["parent"], arrays["of_row"])


def _file(cell: Cell, folder: Path) -> Path:
    return folder / f"{cell.identity}.npz"
