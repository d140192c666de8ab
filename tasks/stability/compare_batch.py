"""What workers do to compare pictures: pairs in batches, and the neighbour stability of one setting after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.stability.ness_rows import measure_ness
from steadymap.tasks.stability.pairs import Pair, compare_pair, load_picture
from steadymap.tasks.stability.row_instability import InstabilityTotals
from steadymap.tasks.store.files import save_array
from steadymap.tasks.store.layout import Store


@dataclass(frozen=True)
class Place:
    """Where pictures and their neighbours lie, and how many rows the data has."""

    store: Store
    folder: Path
    rows: int

    def sums_of(self, pair: Pair) -> Path:
        """Return where the sums of the batch that begins with a pair lie."""
        return self.folder / f"sums-{pair.between}-{pair.first.identity}-{pair.second.identity}.npy"


def compare_batch(pairs: Sequence[Pair], place: Place) -> list[dict[str, object]]:
    """Compare pairs, leave the sums over them, row by row, and return the table's rows; runs in a worker."""
    cells = {cell.identity: cell for pair in pairs for cell in (pair.first, pair.second)}
    drawn = {name: load_picture(cell, place.store, place.folder) for name, cell in cells.items()}
    totals = InstabilityTotals(place.rows)
    rows: list[dict[str, object]] = []
    for pair in pairs:
        found = compare_pair(pair.between, drawn[pair.first.identity], drawn[pair.second.identity])
        rows += found.rows
        totals.add(found)
    save_array(totals.stacked(), place.sums_of(pairs[0]))
    return rows


def ness_of(configurations: Sequence[str], cells: Sequence[Cell], place: Place) -> list[dict[str, object]]:
    """Return the neighbour stability of settings, beside all others; runs in a worker."""
    return measure_ness(configurations, [load_picture(cell, place.store, place.folder) for cell in cells], place.rows)
