"""A run's flat table as a file: Parquet, CSV, or AnnData's .h5ad."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from steadymap.configs.extras import import_extra
from steadymap.reports.export.flat_table import AXES
from steadymap.reports.run.run_folder import Run

Coordinates = Mapping[str, npt.NDArray[np.float64]]

KNOWS_TEXT_OF_PANDAS_3 = (0, 13)
"""AnnData before this version cannot write the text of pandas 3."""


def write_parquet(table: pd.DataFrame, neighbours: tuple[np.ndarray, np.ndarray] | None, path: Path) -> None:
    """Write the table; neighbours become a column of structs ``{ids, distances}``, as Embedding Atlas reads them."""
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    if neighbours is not None:
        ids, distances = (_lists(values) for values in neighbours)
        arrow = arrow.append_column("neighbors", pa.StructArray.from_arrays([ids, distances], ["ids", "distances"]))
    pq.write_table(arrow, path, compression="zstd")


def _lists(values: np.ndarray) -> pa.Array:
    """Return a list per row."""
    rows, width = values.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).ravel()))


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write the table; a value that is not there is an empty cell."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    pyarrow.csv.write_csv(arrow, path)


def write_h5ad(run: Run, table: pd.DataFrame, places: Coordinates, path: Path) -> None:
    """Write AnnData: the table as ``obs``, each picture as ``obsm["X_…"]``, what the run is as ``uns["steadymap"]``.

    Raises
    ------
    InputError
        AnnData is not installed.
    """
    anndata = import_anndata(path)
    with text_for_anndata(version("anndata")):
        # Names of rows have to differ; ids need not.
        names = run.points["id"] if run.points["id"].is_unique else run.points["row"]
        data = anndata.AnnData(
            obs=_obs(table, names),
            obsm={f"X_{name}": found.astype(np.float32) for name, found in places.items()},
            uns={"steadymap": _about(run)},
        )
        data.write_h5ad(path)


def _obs(table: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return the table as AnnData takes it: text as categories, no coordinates, columns that HDF5 can name."""
    kept = [name for name in table.columns if not _is_coordinate(str(name))]
    found = {}
    for name in kept:
        column = table[name]
        if name == "cluster" or column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            column = _categories(column)
        else:
            column = column.to_numpy()
        found[_hdf5_text(str(name)).replace("/", "∕")] = column
    index = pd.Index(np.array([_hdf5_text(str(name)) for name in names], dtype=object), dtype=object)
    return pd.DataFrame(found, index=index)


def _categories(column: pd.Series) -> pd.Categorical:
    text = [None if pd.isna(value) else _hdf5_text(str(value)) for value in column]
    return pd.Categorical(np.array(text, dtype=object))


def _hdf5_text(text: str) -> str:
    """Return text that HDF5 can hold: it ends at a null character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _is_coordinate(name: str) -> bool:
    return name in AXES or re.match("[xyz]_", name) is not None


def _about(run: Run) -> dict[str, Any]:
    """Return what the manifest says of a run, as text: a tree of groups would forbid names that HDF5 cannot take."""
    manifest = run.manifest
    return {
        "run": _hdf5_text(manifest["run"]),
        "name": _hdf5_text(manifest["name"]),
        "identity": manifest["identity"],
        "data_digest": manifest["data"]["digest"],
        "rows": int(manifest["data"]["rows"]),
        "seeds": np.array(manifest["seeds"], dtype=np.int64),
        "manifest": json.dumps({key: value for key, value in manifest.items() if key != "tables"}, ensure_ascii=False),
        "clusters": run.clusters.to_json(orient="records"),
    }


def import_anndata(file: Path) -> Any:
    """Import AnnData, or say how to install it.

    Raises
    ------
    InputError
        It is not installed.
    """
    return import_extra("anndata", rule="an .h5ad file is written by AnnData", file=file)


@contextmanager
def text_for_anndata(anndata: str) -> Iterator[None]:
    """Let text be objects, as AnnData before 0.13 expects; from then on it knows the text of pandas 3.

    Both ask pandas for an option that pandas 4 will not have; what it says of that is no concern of who exports.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*infer_string.*")
        if tuple(int(part) for part in anndata.split(".")[:2]) >= KNOWS_TEXT_OF_PANDAS_3:
            yield
            return
        with pd.option_context("future.infer_string", False):
            yield
