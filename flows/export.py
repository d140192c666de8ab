"""Write a run as one file that other tools read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.reports.commit_file import commit
from steadymap.reports.export.export_files import import_anndata, write_csv, write_h5ad, write_parquet
from steadymap.reports.export.flat_table import choose_cells, coordinates, flat_table
from steadymap.reports.run.run_folder import read_run
from steadymap.tasks.run.stored_rows import bring_stored_neighbours, stored_neighbours, stored_picture
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.sync import download

Format = Literal["parquet", "csv", "h5ad"]

NEIGHBOURS = 15


@dataclass(frozen=True)
class Export:
    """What was written: the file, its rows, the pictures in it, and what had to be left out, a sentence each."""

    file: str
    rows: int
    pictures: tuple[str, ...]
    left_out: tuple[str, ...]


def export_run(folder: Path, out: Path, form: Format, cells: Sequence[str], url: str | None = None) -> Export:
    """Write a run's rows with the coordinates of chosen pictures; ``url`` is that of a store far away.

    Raises
    ------
    InputError
        No run, no such picture, no such folder, or AnnData is asked for and not installed.
    """
    run = read_run(folder)
    if not out.parent.is_dir():
        raise InputError("there is no such folder", file=out.parent, place="--out", remedy="make it, or name another")
    if out.is_dir():
        raise InputError("this is a folder", file=out, place="--out", remedy="name a file in it")
    if form == "h5ad":
        import_anndata(out)
    store = Store(folder.resolve().parents[1], url)
    position = run.points["position"].to_numpy(dtype=np.int64)
    left_out, places = [], {}
    chosen = choose_cells(run, cells)
    download(store, [store.cell(place.cell) for place in chosen])
    for place in chosen:
        everywhere = stored_picture(store, place.cell, place.panel.dimension, position)
        places[place.name] = coordinates(run, place, everywhere)
        missing = int(np.isnan(places[place.name]).any(axis=1).sum())
        if missing:
            left_out.append(f"{place.name}: {missing:,} rows have no coordinates, since the store lacks the picture")
    table = flat_table(run, places)
    if form == "h5ad":
        commit(out, lambda path: write_h5ad(run, table, places, path))
    elif form == "csv":
        left_out.append("neighbors: a CSV has no lists")
        commit(out, partial(write_csv, table))
    else:
        bring_stored_neighbours(store, run.manifest)
        found = stored_neighbours(store, run.manifest, NEIGHBOURS, position)
        if found is None:
            left_out.append("neighbors: the store has none that this version made; the sweep, run again, finds them")
        neighbours = None if found is None else (found.indices, found.distances)
        commit(out, lambda path: write_parquet(table, neighbours, path))
    return Export(str(out), len(table), tuple(places), tuple(left_out))
