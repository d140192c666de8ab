"""What a run folder keeps of reference data: the same scores, and the pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.cells.cell_file import coordinates_of
from steadymap.tasks.cells.score_files import known_scores
from steadymap.tasks.numerics.stability.procrustes import align
from steadymap.tasks.plan.plan import Cell, Plan

NULL_ROWS = 2_000
"""Rows drawn of a picture of reference data, which is looked at, not into."""


def nulls_table(plan: Plan, nulls: list[Cell], pictures: dict[str, pa.Table]) -> pa.Table:
    """Tabulate the scores of pictures of reference data, how many islands they show, and how far seeds agree."""
    rows: list[dict[str, Any]] = []
    for cell in nulls:
        kind, _, number = str(cell.resample).partition(" ")
        about = {
            "cell": cell.identity,
            "null": kind,
            "number": int(number),
            "configuration": cell.configuration.name,
            "seed": cell.seed,
        }
        islands = pictures[cell.identity].column("island").to_numpy()
        rows += [{**about, **row} for row in known_scores(cell, plan).to_pylist()]
        rows.append({**about, "score": "islands", "k": None, "value": float(islands.max() + 1), "stderr": 0.0})
        rows += [{**about, **row} for row in _agreement(cell, nulls, pictures)]
    return pa.Table.from_pylist(rows, schema=schemas.NULL_SCORES)


def _agreement(cell: Cell, nulls: list[Cell], pictures: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """Compare the islands of a picture with those of the later seeds of the same setting and reference data."""
    from steadymap.tasks.numerics.stability.island_agreement import island_agreement

    later = [
        other
        for other in nulls[nulls.index(cell) + 1 :]
        if other.configuration.name == cell.configuration.name and other.resample == cell.resample
    ]
    own = pictures[cell.identity].column("island").to_numpy()
    agreements = [island_agreement(own, pictures[other.identity].column("island").to_numpy()).ari for other in later]
    if not agreements:
        return []
    return [{"score": "ari", "k": None, "value": float(np.mean(agreements)), "stderr": 0.0}]


def null_pictures_table(nulls: list[Cell], pictures: dict[str, pa.Table]) -> pa.Table:
    """Tabulate the pictures themselves, a sample of their rows."""
    names = pa.array([cell.identity for cell in nulls], pa.string())
    parts = [schemas.NULL_PICTURES.empty_table()]
    for number, cell in enumerate(nulls):
        table = pictures[cell.identity]
        coordinates = coordinates_of(table, cell)
        # Canonical order is the order of hashes, so that the first rows are a sample of all.
        drawn = align(coordinates, coordinates)[:NULL_ROWS]
        parts.append(
            pa.table(
                {
                    "cell": pa.DictionaryArray.from_arrays(np.full(len(drawn), number, np.int32), names),
                    "x": drawn[:, 0].astype(np.float32),
                    "y": drawn[:, 1].astype(np.float32),
                    "island": table.column("island").to_numpy()[:NULL_ROWS],
                },
                schema=schemas.NULL_PICTURES,
            )
        )
    return pa.concat_tables(parts)
