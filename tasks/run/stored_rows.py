"""What a store knows of every row of a run, beyond the run's own tables: pictures with all rows, and neighbours.

Nothing is computed: what is not there, or was made by other code, is None.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from steadymap.configs import schemas
from steadymap.configs.sweep import Preprocessing
from steadymap.tasks.geometry.parts import Geometry, GeometryPart, find_neighbours, neighbours_prefix
from steadymap.tasks.input.dataset import Vectors
from steadymap.tasks.numerics.geometry.neighbours import Neighbours
from steadymap.tasks.store.files import map_array, read_if_whole, read_table
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.sync import bring_matching

AXES = ("x", "y", "z")


def stored_picture(store: Store, cell: str, dimension: int, position: np.ndarray) -> np.ndarray | None:
    """Return a cell's coordinates as they were drawn, a row per row of the user's file.

    Parameters
    ----------
    position
        Place of every row of the file in canonical order.
    """
    table = read_if_whole(read_table, store.cell(cell), schemas.CELL, {"cell": cell})
    if table is None or table.num_rows != len(position):
        return None
    found = np.column_stack([table.column(name).to_numpy() for name in AXES[:dimension]]).astype(np.float64)
    in_file: np.ndarray = found[position]
    return in_file


def stored_vectors(store: Store, manifest: dict[str, Any], position: np.ndarray) -> np.ndarray | None:
    """Return the preprocessed vectors that a run worked on, float32, a row per row of the user's file."""
    try:
        preprocessing = Preprocessing.model_validate(manifest["preprocess"])
    except ValidationError:
        return None
    geometry = Geometry(store, _vectors(manifest), preprocessing)
    working = GeometryPart("working", preprocessing.metric)
    if not geometry.has(working):
        return None
    found = map_array(geometry.folder(working), "working")
    return np.asarray(found[position]) if len(found) == len(position) else None


def bring_stored_neighbours(store: Store, manifest: dict[str, Any]) -> None:
    """Bring the neighbours of a run from a store far away."""
    with contextlib.suppress(ValidationError):
        preprocessing = Preprocessing.model_validate(manifest["preprocess"])
        geometry = Geometry(store, _vectors(manifest), preprocessing)
        bring_matching(store, "geometry", neighbours_prefix(geometry, preprocessing.metric))


def _vectors(manifest: dict[str, Any]) -> Vectors:
    data = manifest["data"]
    return Vectors(Path(), data["digest"], data["rows"], data["dimensions"], 0)


def stored_neighbours(store: Store, manifest: dict[str, Any], k: int, position: np.ndarray) -> Neighbours | None:
    """Return the k nearest rows of every row in the latent space, both numbered as in the user's file."""
    data = manifest["data"]
    try:
        preprocessing = Preprocessing.model_validate(manifest["preprocess"])
    except ValidationError:
        return None
    folder = find_neighbours(
        Geometry(store, _vectors(manifest), preprocessing), preprocessing.metric, min(k, data["rows"] - 1)
    )
    if folder is None:
        return None
    found = Neighbours(map_array(folder, "indices"), map_array(folder, "distances")).first(k)
    if len(found.indices) != len(position):
        return None
    row = np.empty(len(position), dtype=np.int32)
    row[position] = np.arange(len(position), dtype=np.int32)
    return Neighbours(row[found.indices[position]], found.distances[position])
