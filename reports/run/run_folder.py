"""Read a run folder: the only thing a report is made of.

What is read here is complete, has the columns of ``steadymap.configs.schemas`` and, where the manifest knows the digest
of a table, is what was written. Whether the numbers make sense is not this file's concern.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from steadymap.configs.checksum import is_whole
from steadymap.configs.errors import InputError
from steadymap.configs.grid import CONTROLS
from steadymap.configs.schemas import RUN_TABLES, TIMINGS, points

TABLES = (*RUN_TABLES, "points")

LATER_TABLES = ("half_pictures", "images", "dimensions", "neighbours", "decoded", "decoded_clusters")
"""Tables that runs of earlier versions lack, and that a report can do without."""

LATER_COLUMNS = (
    *("recovered_by_cut", "neighbour", "halves", "halves_proving", "kept", "counted", "rank"),
    "reconstruction_error",
)
"""Columns that they lack; null is what is known of them."""

FLAT = 2
"""Dimensions of a picture that clusters are read off."""

MANIFEST = "manifest.json"
TIMINGS_FILE = "timings.parquet"

MANIFEST_KEYS = (
    "run",
    "name",
    "identity",
    "data",
    "preprocess",
    "seeds",
    "versions",
    "cells",
    "warnings",
    "drawn_rows",
    "scored_rows",
    "reproduce",
)
"""What the report says about a run; ``tables`` (digests) is checked where it is there."""

NESTED_KEYS = {
    "data": ("source", "rows", "dimensions", "digest", "labels"),
    "cells": ("total", "ok"),
    "preprocess": (),
    "versions": (),
    "tables": (),
}
"""Parts that are mappings, and what each has to hold."""

REMEDY = "run the sweep again; what is intact is kept, the rest is written anew"


@dataclass(frozen=True)
class Run:
    """A complete run.

    Attributes
    ----------
    folder
        Where it lies.
    manifest
        What the run is: data, versions, seeds, counts.
    cells, scores, embeddings, stability, pairs, recommendations, latent_space, clusters, recurrence, tracks,
    dimensions, boundaries, labels, nulls, null_pictures, half_pictures, images,
    neighbours, decoded, decoded_clusters, points
        Its tables; ``steadymap.configs.schemas`` says what each holds.
    timings
        What the pictures cost, None where that is not known: no result depends on it.
    """

    folder: Path
    manifest: dict[str, Any]
    cells: pd.DataFrame
    scores: pd.DataFrame
    embeddings: pd.DataFrame
    stability: pd.DataFrame
    pairs: pd.DataFrame
    recommendations: pd.DataFrame
    latent_space: pd.DataFrame
    dimensions: pd.DataFrame
    clusters: pd.DataFrame
    recurrence: pd.DataFrame
    tracks: pd.DataFrame
    boundaries: pd.DataFrame
    labels: pd.DataFrame
    nulls: pd.DataFrame
    null_pictures: pd.DataFrame
    half_pictures: pd.DataFrame
    images: pd.DataFrame
    neighbours: pd.DataFrame
    decoded: pd.DataFrame
    decoded_clusters: pd.DataFrame
    points: pd.DataFrame
    timings: pd.DataFrame | None = None

    @property
    def grid(self) -> pd.DataFrame:
        """The cells that draw all rows of the data, in the order of the grid."""
        return self.cells[self.cells["kind"] == "data"]

    @property
    def drawn(self) -> pd.DataFrame:
        """Those of them that have a picture."""
        return self.grid[self.grid["status"] == "ok"]

    @property
    def seeks_clusters(self) -> bool:
        """Whether clusters were looked for: they are read off flat pictures, so not where all have three dimensions."""
        drawn = self.drawn[~self.drawn["reducer"].isin(CONTROLS)]
        return drawn.empty or bool((drawn["dimension"] == FLAT).any())

    @property
    def row_names(self) -> pd.Series:
        """What a reader calls each row of ``points``: its id; ``row 8`` where ids count and begin like a label.

        Beside a picture that is coloured by digit, "digit 8" would be read as an eight.
        """
        ids, rows = self.points["id"].astype(str), self.points["row"].astype(str)
        counted = any((ids == f"{column} " + rows).all() for column in self.label_columns)
        return "row " + rows if counted and len(ids) else ids

    @property
    def label_columns(self) -> dict[str, str]:
        """The user's name of every label, and its column in ``points``."""
        columns = [name for name in self.points.columns if name == "label" or name.startswith("label:")]
        return dict(zip(self.manifest["data"]["labels"], columns, strict=False))


def find_run(run: Path | str, store: Path | str = "results") -> Path:
    """Return the folder of a run: itself, or where a store keeps the run of a name."""
    return Path(run) if Path(run).is_dir() else Path(store) / "runs" / run


def read_run(run: Path | str, store: Path | str = "results") -> Run:
    """Read every table of a run, given by its folder or by its name in a store.

    Raises
    ------
    InputError
        The folder is not a run, not a complete one, or a table is not what was written.
    """
    folder = find_run(run, store)
    if not folder.is_dir():
        raise InputError("there is no such folder", file=folder, remedy="`steadymap runs` lists the runs of a store")
    manifest = _read_manifest(folder)
    tables = {name: _read_table(folder, name, manifest) for name in TABLES}
    return Run(folder=folder, manifest=manifest, timings=_read_timings(folder), **tables)


def _read_manifest(folder: Path) -> dict[str, Any]:
    content = _read_bytes(folder, MANIFEST)
    if is_whole(content) is False:
        raise InputError("is not the file that was written", file=folder / MANIFEST, remedy=REMEDY)
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", file=folder / MANIFEST, remedy=REMEDY) from None
    missing = [key for key in MANIFEST_KEYS if not isinstance(manifest, dict) or key not in manifest]
    if missing:
        raise InputError(
            f"lacks {', '.join(missing)}",
            file=folder / MANIFEST,
            rule="the manifest of a run has them all",
            remedy=REMEDY,
        )
    for part, keys in NESTED_KEYS.items():
        _check_part(part, manifest.get(part, {}), keys, folder)
    not_listed = [key for key in ("seeds", "warnings") if not isinstance(manifest[key], list)]
    if not_listed:
        raise InputError(f"{not_listed[0]} is no list", file=folder / MANIFEST, remedy=REMEDY)
    return dict(manifest)


def _check_part(part: str, held: object, keys: tuple[str, ...], folder: Path) -> None:
    if not isinstance(held, dict):
        problem = f"{part} is {type(held).__name__}"
    elif lacking := [key for key in keys if key not in held]:
        problem = f"{part} lacks {', '.join(lacking)}"
    else:
        return
    rule = f"{part} is a mapping" + (f" with {', '.join(keys)}" if keys else "")
    raise InputError(problem, file=folder / MANIFEST, rule=rule, remedy=REMEDY)


def _read_table(folder: Path, name: str, manifest: dict[str, Any]) -> pd.DataFrame:
    file = f"{name}.parquet"
    if name in LATER_TABLES and file not in manifest.get("tables", {}) and not (folder / file).exists():
        empty: pd.DataFrame = RUN_TABLES[name].empty_table().to_pandas()
        return empty
    content = _read_bytes(folder, file)
    known = manifest.get("tables", {}).get(file, {}).get("sha256")
    if known is not None and hashlib.sha256(content).hexdigest() != known:
        raise InputError(
            "is not the file that was written: its SHA-256 differs from the manifest's",
            file=folder / file,
            remedy=REMEDY,
        )
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"is not readable Parquet: {reason}", file=folder / file, remedy=REMEDY) from None
    wanted = RUN_TABLES.get(name, points(()))
    missing = [column for column in wanted.names if column not in table.column_names]
    for column in set(missing) & set(LATER_COLUMNS):
        table = table.append_column(wanted.field(column), pa.nulls(len(table), wanted.field(column).type))
        missing.remove(column)
    if missing:
        raise InputError(
            f"lacks the columns {', '.join(missing)}",
            file=folder / file,
            rule=f"a {name} table has {', '.join(wanted.names)}",
            remedy=REMEDY,
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _read_timings(folder: Path) -> pd.DataFrame | None:
    """Read what the pictures cost, if it can be read: it stands outside the digests, and a report can do without."""
    try:
        table = pq.read_table(folder / TIMINGS_FILE, columns=TIMINGS.names)
    except (pa.ArrowException, OSError):
        return None
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _read_bytes(folder: Path, file: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"no complete run: {file} is missing",
            file=folder,
            rule=f"a run folder holds {MANIFEST} and its tables; the manifest is written last",
            remedy="run the sweep again; it goes on from what it has",
        ) from None
