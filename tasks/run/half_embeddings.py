"""Pictures of the first pair of complementary halves for the report, each laid over the picture of all rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.cells.cell_file import coordinates_of
from steadymap.tasks.geometry.resamples_and_nulls import Derived
from steadymap.tasks.numerics.stability.procrustes import align
from steadymap.tasks.plan.plan import Cell

HALF_ROWS = 2_000
"""So many rows of a half are drawn at most: the first in canonical order, which is the order of hashes."""


def shown_halves(cells: list[Cell]) -> list[tuple[Cell, Derived]]:
    """Return the cells of the first pair of halves, with the first seed of each setting, and what they draw."""
    found: dict[tuple[str, str], tuple[Cell, Derived]] = {}
    for cell in cells:
        derived = cell.derived
        if derived is not None and derived.recipe.kind == "half" and derived.recipe.number == 0:
            found.setdefault((cell.configuration.name, derived.recipe.side), (cell, derived))
    return list(found.values())


def half_pictures_table(
    cells: list[Cell],
    pictures: Mapping[str, pa.Table],
    whole: Mapping[str, np.ndarray],
    drawn: tuple[np.ndarray, np.ndarray],
) -> pa.Table:
    """Tabulate the pictures.

    Parameters
    ----------
    cells, pictures
        Every cell that has a picture, and the pictures by cell.
    whole
        Aligned coordinates of all rows by setting, in canonical order; settings without them are left out.
    drawn
        Of the rows that every picture shows: rows of the user's file, and places in canonical order.
    """
    shown = [(cell, derived) for cell, derived in shown_halves(cells) if cell.configuration.name in whole]
    names = pa.array([cell.identity for cell, _ in shown], pa.string())
    row_of = dict(zip(drawn[1].tolist(), drawn[0].tolist(), strict=True))
    parts = [schemas.HALF_PICTURES.empty_table()]
    for number, (cell, derived) in enumerate(shown):
        positions = np.array(derived.positions())
        table = pictures[cell.identity]
        aligned = align(coordinates_of(table, cell), whole[cell.configuration.name][positions])
        places = np.flatnonzero(np.isin(positions, drawn[1]))[:HALF_ROWS]
        parts.append(
            pa.table(
                {
                    "cell": pa.DictionaryArray.from_arrays(np.full(len(places), number, np.int32), names),
                    "row": [row_of[position] for position in positions[places].tolist()],
                    "x": aligned[places, 0].astype(np.float32),
                    "y": aligned[places, 1].astype(np.float32),
                    "island": table.column("island").to_numpy()[places],
                    "island_filled": table.column("island_filled").to_numpy()[places],
                },
                schema=schemas.HALF_PICTURES,
            )
        )
    return pa.concat_tables(parts)
