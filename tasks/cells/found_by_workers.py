"""What workers find or write by themselves, and a run rests on all the same."""

from __future__ import annotations

from collections.abc import Iterable

from steadymap.tasks.geometry.parts import neighbours_prefix
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.layout import note_places


def note_found_by_workers(cells: Iterable[Cell]) -> None:
    """Note the density trees of pictures and the neighbours of their vectors, for whoever cleans up.

    The process that plans never asks for them: workers write the trees, and look for neighbours that reach far enough.
    """
    begins = set()
    for cell in cells:
        store = cell.geometry.store
        store.branches(cell.identity)
        begins.add((store, neighbours_prefix(cell.geometry, cell.configuration.metric)))
    note_places([folder for store, begin in begins for folder in store.geometry("").glob(f"{begin}*")])
