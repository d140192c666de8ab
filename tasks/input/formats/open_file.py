"""Open a data file by its ending; say of a file that cannot be read how to make one that can."""

from __future__ import annotations

import contextlib
import lzma
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DATA_ENDINGS, ending_of
from steadymap.tasks.input.formats.anndata_file import AnnDataFile
from steadymap.tasks.input.formats.data_file import DataFile
from steadymap.tasks.input.formats.foreign_content import refuse_foreign
from steadymap.tasks.input.formats.numpy_file import NpyFile, NpzFile
from steadymap.tasks.input.formats.read_tables import shards_of
from steadymap.tasks.input.formats.safetensors_file import SafetensorsFile
from steadymap.tasks.input.formats.table_file import TableFile
from steadymap.tasks.input.formats.zarr_file import ZarrFile

UNREADABLE = (
    *(OSError, EOFError, ValueError, TypeError, SyntaxError, RuntimeError, MemoryError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tokenize.TokenError, pa.ArrowException),
)
"""What NumPy, zipfile and Arrow are known to raise for damaged, encrypted or foreign files."""

TORCH = "import torch, numpy; x = torch.load({0!r}, weights_only=True)\n          numpy.save('latents.npy', x.numpy())"
PICKLE = (
    "import pickle, numpy; x = pickle.load(open({0!r}, 'rb'))\n          numpy.save('latents.npy', numpy.asarray(x))"
)
CONVERSIONS = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".p"), PICKLE),
    ".joblib": "import joblib, numpy; x = joblib.load({0!r})\n          numpy.save('latents.npy', numpy.asarray(x))",
    ".mat": "import scipy.io, numpy; x = scipy.io.loadmat({0!r})\n          numpy.save('latents.npy', x['NAME'])",
    **dict.fromkeys(
        (".h5", ".hdf5"),
        "import h5py, numpy; x = h5py.File({0!r})\n          numpy.save('latents.npy', x['NAME'][:])",
    ),
    **dict.fromkeys(
        (".xlsx", ".xls", ".ods"),
        "import pandas; x = pandas.read_excel({0!r})\n          x.to_parquet('latents.parquet')",
    ),
    ".json": "import pandas; x = pandas.read_json({0!r}, orient={1!r})\n          x.to_parquet('latents.parquet')",
    **dict.fromkeys((".txt", ".dat", ".tab", ".data"), "rename it to .csv or .tsv; separators are found"),
}
"""Two lines that make a readable file of others, which may hold code (pickles) or come in many shapes."""
SPLIT_TABLE = re.compile(rb"\s*\{\s*\"(columns|data|index)\"\s*:\s*\[")
HEAD_BYTES = 100
RUNS_CODE = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".p", ".joblib")


def open_data_file(path: Path, header: bool | None = None) -> DataFile:
    """Open a data file by its ending.

    Raises
    ------
    InputError
        The file is not there, not of a known kind, or damaged.
    """
    if path.is_dir():
        return _open_folder(path)
    form = FORMATS.get(ending_of(path.name) or "")
    if form is None:
        raise _unknown(path)
    if not path.is_file():
        raise InputError(
            "there is no such file",
            file=path,
            remedy="check the path; in a config it is relative to the folder of the config",
        )
    with reading(path):
        refuse_foreign(path)
        return TableFile(path, header) if form is TableFile else form(path)


def _open_folder(path: Path) -> DataFile:
    with reading(path):
        if ending_of(path.name) == ".zarr" or any(
            (path / name).exists() for name in ("zarr.json", ".zgroup", ".zarray")
        ):
            return ZarrFile(path)
        if shards_of(path):
            return TableFile(path)
    raise InputError(
        "this is a folder",
        file=path,
        rule="a data file, a folder of Parquet or Arrow shards of one table, or a .zarr",
        remedy="check the path; in a config it is relative to the folder of the config",
    )


def _unknown(path: Path) -> InputError:
    ending = path.suffix.lower()
    if not path.exists() and ending not in CONVERSIONS:
        return InputError(
            "there is no such file, and its ending is none of data",
            file=path,
            rule=f"latent vectors come as {', '.join(DATA_ENDINGS)}",
            remedy="check the path",
        )
    runs = " (reading it can run whatever code is in it)" if ending in RUNS_CODE else ""
    return InputError(
        f"cannot read {ending or 'a file without ending'!r} files{runs}",
        file=path,
        rule=f"latent vectors come as {', '.join(DATA_ENDINGS)}",
        remedy=CONVERSIONS.get(ending, "convert it, for example with numpy.save or pandas.DataFrame.to_parquet").format(
            path.name, _orient(path)
        ),
    )


def _orient(path: Path) -> str:
    """Return how a table in JSON is laid out: names and rows apart, as wandb logs it, or an object a row."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return "records"
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return "split" if SPLIT_TABLE.match(head) else "columns" if head.lstrip()[:1] == b"{" else "records"


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a library says about a damaged file into an error that names the file.

    Raises
    ------
    InputError
        Instead of what the library raises.
    """
    try:
        yield
    except UNREADABLE as error:
        raise InputError(
            f"cannot be read: {_first_line(error)}",
            file=path,
            rule=f"a whole, undamaged {ending_of(path.name) or path.suffix} file",
            remedy="write the file again",
        ) from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


FORMATS: dict[str, Callable[[Path], DataFile]] = {
    **dict.fromkeys(DATA_ENDINGS, TableFile),
    ".npy": NpyFile,
    ".npz": NpzFile,
    ".h5ad": AnnDataFile,
    ".safetensors": SafetensorsFile,
    ".zarr": ZarrFile,
}
"""What is no array is a table."""
