"""``embeddings.parquet``: aligned coordinates and islands of every picture that the report draws."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.cells.cell_file import coordinates_of
from steadymap.tasks.numerics.randomness import sample_rows
from steadymap.tasks.numerics.stability.procrustes import align
from steadymap.tasks.plan.plan import Cell, Plan

DRAWN_ROWS = 10_000
"""Up to this many rows every row is drawn; above it a sample of so many, the same rows in every picture."""


def choose_reference_cell(recommendations: pa.Table, drawn: list[Cell]) -> str | None:
    """Return the picture that all others are laid over: that of the best setting, else the first there is."""
    ranked = [row for row in recommendations.to_pylist() if row["rank"] is not None]
    best = min(ranked, key=lambda row: row["rank"], default=None)
    return best["cell"] if best else (drawn[0].identity if drawn else None)


def tabulate_embeddings(
    plan: Plan, drawn: list[Cell], pictures: dict[str, pa.Table], reference: str | None
) -> pa.Table:
    """Return ``embeddings.parquet``: every drawn picture, aligned with the reference cell."""
    if reference is None:
        return schemas.EMBEDDINGS.empty_table()
    rows, sample = choose_drawn_rows(plan)
    references = _references(drawn, pictures, reference)
    names = [cell.identity for cell in drawn]
    parts = []
    for number, cell in enumerate(drawn):
        table = pictures[cell.identity]
        aligned = align(coordinates_of(table, cell), references[cell.configuration.dimension])[sample]
        flat = cell.configuration.dimension == 2
        parts.append(
            pa.table(
                {
                    "cell": pa.DictionaryArray.from_arrays(np.full(len(sample), number, np.int32), pa.array(names)),
                    "row": rows,
                    "x": aligned[:, 0].astype(np.float32),
                    "y": aligned[:, 1].astype(np.float32),
                    "z": pa.nulls(len(sample), pa.float32()) if flat else aligned[:, 2].astype(np.float32),
                    "island": table.column("island").to_numpy()[sample],
                    "island_filled": table.column("island_filled").to_numpy()[sample],
                },
                schema=schemas.EMBEDDINGS,
            )
        )
    return pa.concat_tables(parts)


def choose_drawn_rows(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that every picture shows: in the user's file, and in canonical order."""
    sample = sample_rows(np.array(plan.dataset.keys()), DRAWN_ROWS, "pictures in the report")
    return plan.dataset.file_rows()[sample], sample


def read_whole_pictures(
    drawn: list[Cell], pictures: dict[str, pa.Table], reference: str | None
) -> dict[str, np.ndarray]:
    """Return the first picture of every setting, aligned."""
    if reference is None:
        return {}
    references = _references(drawn, pictures, reference)
    first: dict[str, Cell] = {}
    for cell in drawn:
        first.setdefault(cell.configuration.name, cell)
    return {
        name: align(coordinates_of(pictures[cell.identity], cell), references[cell.configuration.dimension])
        for name, cell in first.items()
    }


def _references(drawn: list[Cell], pictures: dict[str, pa.Table], reference: str) -> dict[int, np.ndarray]:
    """Return the picture to lay others over, by dimension."""
    ordered = sorted(drawn, key=lambda cell: cell.identity != reference)
    references: dict[int, np.ndarray] = {}
    for cell in ordered:
        references.setdefault(cell.configuration.dimension, coordinates_of(pictures[cell.identity], cell))
    return references
