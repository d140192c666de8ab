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
    *(OSError, EOFError, ValueError, TypeError, SyntaxError, RuntimeError, MemoryError, SystemError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tokenize.TokenError, pa.ArrowException),
)
"""What NumPy, zipfile and Arrow are known to raise for damaged, encrypted or foreign files."""

TORCH = (
    "import torch, numpy; x = torch.load({0!r}, map_location='cpu', weights_only=True)\n"
    "          numpy.save('latents.npy', x.detach().float().numpy())  # of a dict of tensors x['NAME']"
)
PICKLE = (
    "import pandas, numpy; x = pandas.read_pickle({0!r})\n"
    "          numpy.save('latents.npy', numpy.asarray(x))  # of a frame of pandas x.to_parquet('latents.parquet')"
)
MATLAB = "import scipy.io, numpy; x = scipy.io.loadmat({0!r})\n          numpy.save('latents.npy', x['NAME'])"
MATLAB_7_3 = "import h5py, numpy; x = h5py.File({0!r})\n          numpy.save('latents.npy', x['NAME'][:].T)"
WORD2VEC = (
    "import gensim; x = gensim.models.KeyedVectors.load_word2vec_format({0!r}, binary=True)\n"
    "          x.save_word2vec_format('latents.vec')"
)
CONVERSIONS = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".p"), PICKLE),
    ".joblib": "import joblib, numpy; x = joblib.load({0!r})\n          numpy.save('latents.npy', numpy.asarray(x))",
    ".mat": MATLAB,
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
    ".orc": "import pandas; x = pandas.read_orc({0!r})\n          x.to_parquet('latents.parquet')",
    **dict.fromkeys((".rds", ".rda", ".rdata"), "in R: arrow::write_parquet(readRDS({0!r}), 'latents.parquet')"),
    ".loom": "import anndata; x = anndata.read_loom({0!r})\n          x.write_h5ad('latents.h5ad')",
    **{
        ending: f"unpack it: {command} {{0!r}}"
        for ending, command in {
            **dict.fromkeys((".tgz", ".tar"), "tar xf"),
            ".gz": "gunzip",
            ".bz2": "bunzip2",
            ".xz": "unxz",
            ".zst": "unzstd",
            ".zip": "unzip",
            ".7z": "7z x",
        }.items()
    },
}
"""Two lines that make a readable file of others, which may hold code (pickles) or come in many shapes."""
SPLIT_TABLE = re.compile(rb"\s*\{\s*\"(columns|data|index)\"\s*:\s*\[")
HEAD_BYTES = 1024
PARTS = {
    ".csv": "pandas.read_csv",
    ".csv.gz": "pandas.read_csv",
    ".tsv": "pandas.read_table",
    ".json": "lambda part: pandas.read_json(part, lines=True)",
    ".jsonl": "lambda part: pandas.read_json(part, lines=True)",
}
"""What reads the parts of a table that Spark and its like leave in a folder."""
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
        remedy=_join_parts(path) or "check the path; in a config it is relative to the folder of the config",
    )


def _join_parts(folder: Path) -> str | None:
    """Return the lines that make one file of its parts, where a folder holds some."""
    if next(folder.glob("*.npy"), None) is not None:
        return (
            f"import glob, numpy; x = list(map(numpy.load, sorted(glob.glob('{folder.name}/*.npy'))))\n"
            "          numpy.save('latents.npy', numpy.concatenate(x))  # where these are parts of one array"
        )
    for ending, read in PARTS.items():
        if next(folder.glob(f"*{ending}"), None) is not None:
            return (
                f"import glob, pandas; x = pandas.concat(map({read}, sorted(glob.glob('{folder.name}/*{ending}'))))\n"
                "          x.to_parquet('latents.parquet', index=False)  # where these are parts of one table"
            )
    return None


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
        remedy=_conversion(path, ending).format(path.name, _orient(path)),
    )


def _conversion(path: Path, ending: str) -> str:
    """Return the lines that make a readable file of one, by its ending, and by its first bytes where that has kinds."""
    if path.name.lower().endswith(".tar.gz"):
        return CONVERSIONS[".tar"]
    head = b""
    if ending in (".mat", ".bin") and path.is_file():
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    if ending == ".mat" and (head.startswith(b"MATLAB 7.3") or b"\x89HDF" in head):
        return MATLAB_7_3
    if ending == ".bin" and re.match(rb"\d+ \d+\n", head):
        return WORD2VEC
    return CONVERSIONS.get(ending, "convert it, for example with numpy.save or pandas.DataFrame.to_parquet")


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
