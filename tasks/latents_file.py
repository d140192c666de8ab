"""Read latent vectors from .npy, .npz, .parquet and .csv, and refuse what cannot be used, with its place.

Nothing is unpickled: object arrays are refused. An array's header is held against its file before anything is
allocated, so that a header that claims gigabytes costs nothing.
"""

from __future__ import annotations

import fnmatch
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from configs.errors import InputError
from configs.sweep import DataSource

LATENT_NAMES = ("latents", "z", "Z", "X", "embeddings")
LABEL_NAMES = ("y", "label", "labels")
ID_NAMES = ("id", "ids")
LARGEST_EXPANSION = 400
"""A member of an .npz may unpack to so many times its size; deflate reaches 1,000 only on constant data."""

ABOVE_SUSPICION_BYTES = 64_000_000
"""Below this an archive may be as compressible as it likes."""

Columns = dict[str, Any]


@dataclass(frozen=True)
class Latents:
    """Latent vectors and what is known about each row, all in the order of the file.

    Attributes
    ----------
    matrix
        Shape (n, d), as stored (any real type), finite.
    columns
        Name of every dimension.
    ids
        Name of every row.
    labels
        Label columns by name; a row without label has None. The first one colours the pictures.
    group
        Group of every row, or None.
    inputs
        Raw inputs, shape (n, p), or None.
    notes
        Facts about the data that the run states, such as an autoencoder's reconstruction error.
    """

    matrix: np.ndarray
    columns: tuple[str, ...]
    ids: list[str]
    labels: dict[str, list[str | None]] = field(default_factory=dict)
    group: list[str | None] | None = None
    inputs: np.ndarray | None = None
    notes: dict[str, float] = field(default_factory=dict)


def read_latents(source: DataSource) -> Latents:
    """Read and check the vectors that a config names.

    Raises
    ------
    InputError
        The file cannot be read, has no usable matrix, or holds values no distance can be taken of.
    """
    path = Path(str(source.path))
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"cannot read {path.suffix or 'a file without ending'!r} files",
            file=path,
            rule=f"latent vectors come as {', '.join(_READERS)}",
            remedy="convert it, for example with numpy.save or pandas.DataFrame.to_parquet",
        )
    if not path.is_file():
        raise InputError(
            "this is a folder" if path.is_dir() else "there is no such file",
            file=path,
            remedy="check `data: path:`; it is relative to the folder of the config",
        )
    try:
        latents = reader(path, source)
    except (OSError, EOFError, ValueError, struct.error, zlib.error, zipfile.BadZipFile, pa.ArrowException) as error:
        raise InputError(
            f"cannot be read: {_first_line(error)}",
            file=path,
            rule=f"a whole, undamaged {path.suffix} file",
            remedy="write the file again",
        ) from None
    check_matrix(latents.matrix, latents.columns, path)
    return latents


def check_matrix(matrix: np.ndarray, columns: Sequence[str], file: object) -> None:
    """Refuse a matrix with too few rows, values that are not finite or far too large, or no variation.

    Raises
    ------
    InputError
        Naming rows and columns.
    """
    rows, dimensions = matrix.shape
    if rows < FEWEST_ROWS:
        raise InputError(
            f"{rows} rows",
            file=file,
            rule=f"at least {FEWEST_ROWS} rows are needed for neighbourhoods",
            remedy="encode more inputs",
        )
    if dimensions == 0:
        raise InputError("the vectors have no columns", file=file, remedy="check `data: latents:`")
    _check_finite(matrix, columns, file)
    spread = float(np.max(np.ptp(matrix, axis=0).astype(np.float64)))
    if spread == 0:
        raise InputError(
            f"all {rows} rows are the same",
            file=file,
            rule="vectors that differ",
            remedy="check that the encoder is trained and that the right array is named",
        )
    if spread < SMALLEST_SPREAD or float(np.abs(matrix).max()) > LARGEST_VALUE:
        column = int(np.argmax(np.abs(matrix).max(axis=0)))
        raise InputError(
            f"values up to {float(np.abs(matrix).max()):.3g} that spread over {spread:.3g}",
            file=file,
            place=f"column {columns[column]!r}",
            rule=f"values up to {LARGEST_VALUE:g} that spread over {SMALLEST_SPREAD:g} or more (float32 distances)",
            remedy="rescale the vectors",
        )
    if np.all(matrix.astype(np.float32)[1:] == matrix.astype(np.float32)[0]):
        raise InputError(
            f"the rows differ by {spread:.3g} around values of {float(np.abs(matrix).max()):.3g}",
            file=file,
            rule="rows that still differ in float32",
            remedy="subtract each column's mean before saving",
        )


FEWEST_ROWS = 10
SMALLEST_SPREAD, LARGEST_VALUE = 1e-12, 1e12


def _check_finite(matrix: np.ndarray, columns: Sequence[str], file: object) -> None:
    broken = ~np.isfinite(matrix)
    if not broken.any():
        return
    at_rows = np.flatnonzero(broken.any(axis=1))
    at_columns = np.flatnonzero(broken.any(axis=0)).tolist()
    value = matrix[at_rows[0], np.flatnonzero(broken[at_rows[0]])[0]]
    raise InputError(
        f"{int(broken.sum())} values are not finite (the first is {value})",
        file=file,
        place=f"row {_some(at_rows)}, column {_some([repr(columns[c]) for c in at_columns])}",
        rule="every value is a finite number (rows count from 0)",
        remedy="drop or impute these rows before saving",
    )


def _some(things: Sequence[Any] | np.ndarray, most: int = 5) -> str:
    shown = ", ".join(str(thing) for thing in things[:most])
    return shown if len(things) <= most else f"{shown} and {len(things) - most} more"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


# --- numpy files -----------------------------------------------------------------------------------------------


def _read_npy(path: Path, source: DataSource) -> Latents:
    with path.open("rb") as file:
        _check_header(file, path.stat().st_size, path, path.name)
    matrix = np.load(path, allow_pickle=False)
    _refuse_roles(source, path)
    return _assemble({"latents": matrix}, "latents", source, path)


def _read_npz(path: Path, source: DataSource) -> Latents:
    shapes: dict[str, tuple[int, ...]] = {}
    unusable: dict[str, InputError] = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if not member.filename.endswith(".npy"):
                continue
            _check_expansion(member, path)
            with archive.open(member) as file:
                try:
                    shapes[name] = _check_header(file, member.file_size, path, name)
                except InputError as error:
                    # An array nobody asks for may hold anything.
                    if name in _wanted(source):
                        raise
                    unusable[name] = error
    chosen = _choose_latents(shapes, source, path, unusable)
    with np.load(path, allow_pickle=False) as archive_arrays:
        names = [name for name in shapes if name == chosen or _plays_role(name, source)]
        arrays = {name: archive_arrays[name] for name in names}
    return _assemble(arrays, chosen, source, path)


def _wanted(source: DataSource) -> set[str]:
    return {
        *(source.latents or ()),
        *(source.labels or ()),
        *(source.inputs or ()),
        *(name for name in (source.id, source.group) if name),
    }


def _plays_role(name: str, source: DataSource) -> bool:
    return name in _wanted(source) or name in (*LABEL_NAMES, *ID_NAMES, *(f"{label}_names" for label in LABEL_NAMES))


def _choose_latents(
    shapes: dict[str, tuple[int, ...]], source: DataSource, path: Path, unusable: dict[str, InputError]
) -> str:
    if source.latents is not None:
        if len(source.latents) != 1:
            raise InputError("several arrays named as latents", file=path, rule="name one array of an .npz")
        _require(source.latents[0], shapes, path, "latents")
        return source.latents[0]
    for name in LATENT_NAMES:
        if name in unusable:
            raise unusable[name]
        if name in shapes:
            return name
    matrices = [name for name, shape in shapes.items() if len(shape) == 2 and not _plays_role(name, source)]
    if len(matrices) == 1:
        return matrices[0]
    raise InputError(
        f"which of the arrays {', '.join(sorted(shapes)) or '(none)'} holds the latent vectors?"
        + (f" (not usable: {', '.join(sorted(unusable))})" if unusable else ""),
        file=path,
        rule=f"an array called {', '.join(LATENT_NAMES)}, or a single 2-d array",
        remedy="name it under `data: latents:`",
    )


def _check_header(file: IO[bytes], size: int, path: Path, name: str) -> tuple[int, ...]:
    """Return an array's shape after holding its header against the bytes that are there."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise InputError(
            "holds Python objects, which would have to be unpickled",
            file=path,
            place=f"array {name!r}",
            rule="arrays of numbers or fixed-width text",
            remedy=f"save it as array.astype(float) or array.astype(str) instead of dtype {dtype}",
        )
    claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    present = size - file.tell()
    if claimed != present:
        raise InputError(
            f"claims {claimed:,} bytes, the file has {present:,}",
            file=path,
            place=f"array {name!r}",
            rule="a whole, undamaged file",
            remedy="write the file again",
        )
    free = psutil.virtual_memory().available
    if claimed > free:
        raise InputError(
            f"{claimed / 1e9:.1f} GB do not fit into the {free / 1e9:.1f} GB of free memory",
            file=path,
            place=f"array {name!r}",
            remedy="save float32 instead of float64, or use a larger machine",
        )
    return tuple(int(length) for length in shape)


def _check_expansion(member: zipfile.ZipInfo, path: Path) -> None:
    expansion = member.file_size / max(1, member.compress_size)
    if member.file_size > ABOVE_SUSPICION_BYTES and expansion > LARGEST_EXPANSION:
        raise InputError(
            f"unpacks to {expansion:.0f} times its size ({member.file_size:,} bytes)",
            file=path,
            place=f"array {member.filename.removesuffix('.npy')!r}",
            rule=f"at most {LARGEST_EXPANSION} times",
            remedy="save it with numpy.savez instead of savez_compressed if the data is genuine",
        )


# --- tables ----------------------------------------------------------------------------------------------------


def _read_parquet(path: Path, source: DataSource) -> Latents:
    return _from_table(pq.read_table(path), source, path)


def _read_csv(path: Path, source: DataSource) -> Latents:
    table = pyarrow.csv.read_csv(path)
    if all(_is_number(name) for name in table.column_names):
        # The first line holds numbers: there is no header.
        unnamed = pyarrow.csv.ReadOptions(autogenerate_column_names=True)
        table = pyarrow.csv.read_csv(path, read_options=unnamed)
    return _from_table(table, source, path)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _from_table(table: pa.Table, source: DataSource, path: Path) -> Latents:
    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        raise InputError(f"column {repeated[0]!r} is there twice", file=path, rule="column names differ")
    chosen = _choose_columns(table, source, path)
    matrix = _stack(table, chosen, path)
    columns: Columns = {
        name: table.column(name).to_pylist() for name in table.column_names if _plays_role(name, source)
    }
    names = tuple(chosen) if matrix.shape[1] == len(chosen) else _numbered(chosen[0], matrix.shape[1])
    inputs = None
    if source.inputs is not None:
        inputs = _stack(table, _match(table, source.inputs, path, "inputs"), path)
    return _assemble({**columns, "\0matrix": matrix, "\0inputs": inputs}, "\0matrix", source, path, names)


def _choose_columns(table: pa.Table, source: DataSource, path: Path) -> list[str]:
    if source.latents is not None:
        return _match(table, source.latents, path, "latents")
    inputs = _match(table, source.inputs, path, "inputs") if source.inputs else []
    chosen = [
        name
        for name in table.column_names
        if not _plays_role(name, source) and name not in inputs and _is_numeric(table.column(name).type)
    ]
    if not chosen:
        raise InputError(
            f"no numeric column among {_some([repr(name) for name in table.column_names])}",
            file=path,
            remedy="name the columns under `data: latents:` (patterns such as z* work)",
        )
    return chosen


def _match(table: pa.Table, patterns: Sequence[str], path: Path, role: str) -> list[str]:
    chosen: list[str] = []
    for pattern in patterns:
        found = [name for name in table.column_names if name == pattern]
        found = found or [name for name in table.column_names if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise InputError(
                f"no column matches {pattern!r}",
                file=path,
                place=f"data.{role}",
                rule=f"one of {_some([repr(name) for name in table.column_names], 8)}",
                remedy="check the name or pattern",
            )
        chosen += [name for name in found if name not in chosen]
    return chosen


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _stack(table: pa.Table, names: Sequence[str], path: Path) -> np.ndarray:
    """Return columns side by side; a single column of equally long lists is a matrix, too."""
    first = table.column(names[0])
    if len(names) == 1 and (pa.types.is_list(first.type) or pa.types.is_fixed_size_list(first.type)):
        lengths = set(pc.list_value_length(first).to_pylist())
        if len(lengths) != 1 or None in lengths or not _is_numeric(first.type.value_type):
            raise InputError(
                f"the lists of column {names[0]!r} have different lengths or are not numbers",
                file=path,
                rule="one list of numbers a row, all of one length",
            )
        flat = np.concatenate([pc.list_flatten(chunk).to_numpy(zero_copy_only=False) for chunk in first.chunks])
        return flat.reshape(len(first), lengths.pop())
    for name in names:
        if not _is_numeric(table.column(name).type):
            raise InputError(
                f"column {name!r} holds {table.column(name).type}",
                file=path,
                rule="latent columns hold numbers",
                remedy="leave it out of `data: latents:`, or clean the values that are not numbers",
            )
    return np.column_stack([table.column(name).to_numpy() for name in names])


# --- roles -----------------------------------------------------------------------------------------------------


def _refuse_roles(source: DataSource, path: Path) -> None:
    named = sorted(_wanted(source) - {*(source.latents or ())})
    if named:
        raise InputError(
            f"there is no {named[0]!r} in an .npy file",
            file=path,
            rule="an .npy holds one array and nothing else",
            remedy="save latents and labels together with numpy.savez",
        )


def _require(name: str, present: Columns | dict[str, tuple[int, ...]], path: Path, role: str) -> None:
    if name not in present:
        names = [repr(known) for known in present if not known.startswith("\0")]
        raise InputError(
            f"there is no {name!r}",
            file=path,
            place=f"data.{role}",
            rule=f"one of {_some(names, 8) or '(nothing else in this file)'}",
            remedy="check the name",
        )


def _assemble(
    arrays: Columns, chosen: str, source: DataSource, path: Path, names: tuple[str, ...] | None = None
) -> Latents:
    matrix = _as_matrix(arrays[chosen], path, chosen)
    rows = len(matrix)
    id_name = source.id or next((name for name in ID_NAMES if name in arrays), None)
    label_names = source.labels or tuple(name for name in LABEL_NAMES if name in arrays)[:1]
    labels = {}
    for name in label_names:
        _require(name, arrays, path, "labels")
        labels[name] = _spell_out(_as_text(arrays[name], rows, path, name), arrays.get(f"{name}_names"))
    ids = [str(row) for row in range(rows)]
    if id_name is not None:
        _require(id_name, arrays, path, "id")
        ids = [text or "" for text in _as_text(arrays[id_name], rows, path, id_name)]
    group = None
    if source.group is not None:
        _require(source.group, arrays, path, "group")
        group = _as_text(arrays[source.group], rows, path, source.group)
    return Latents(
        matrix=matrix,
        columns=names or _numbered("z", matrix.shape[1]),
        ids=ids,
        labels=labels,
        group=group,
        inputs=_find_inputs(arrays, source, rows, path),
    )


def _numbered(stem: str, count: int) -> tuple[str, ...]:
    return tuple(f"{stem}[{dimension}]" for dimension in range(count))


def _as_matrix(array: np.ndarray, path: Path, name: str) -> np.ndarray:
    place = None if name.startswith("\0") else f"array {name!r}"
    if array.ndim != 2:
        raise InputError(
            f"shape {array.shape}",
            file=path,
            place=place,
            rule="latent vectors are a 2-d array, a row per input",
            remedy="reshape it, for example array.reshape(len(array), -1)",
        )
    if array.dtype.kind not in "fiu":
        raise InputError(
            f"dtype {array.dtype}",
            file=path,
            place=place,
            rule="latent vectors are real numbers",
            remedy="save array.astype('float32')",
        )
    return array


def _as_text(values: Any, rows: int, path: Path, name: str) -> list[str | None]:
    """Return one text per row; whole numbers lose their '.0', missing values become None."""
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise InputError(f"shape {values.shape}", file=path, place=f"array {name!r}", rule="one value per row (1-d)")
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    if len(listed) != rows:
        raise InputError(
            f"{len(listed)} values for {rows} rows",
            file=path,
            place=f"array {name!r}",
            rule="one value per row",
            remedy="save both from the same batch of inputs",
        )
    return [_text(value) for value in listed]


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _spell_out(labels: list[str | None], names: np.ndarray | None) -> list[str | None]:
    """Turn class numbers into names where the file has them (``y`` beside ``y_names``)."""
    if names is None or names.ndim != 1:
        return labels
    spelled = {str(number): str(name) for number, name in enumerate(names.tolist())}
    return [label if label is None else spelled.get(label, label) for label in labels]


def _find_inputs(arrays: Columns, source: DataSource, rows: int, path: Path) -> np.ndarray | None:
    if source.inputs is None:
        return None
    inputs = arrays.get("\0inputs")
    if inputs is None:
        _require(source.inputs[0], arrays, path, "inputs")
        inputs = arrays[source.inputs[0]]
    if len(inputs) != rows:
        raise InputError(
            f"{len(inputs)} raw inputs for {rows} rows", file=path, place="data.inputs", rule="one input per row"
        )
    flat: np.ndarray = np.asarray(inputs).reshape(rows, -1)
    return flat


_READERS: dict[str, Callable[[Path, DataSource], Latents]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".parquet": _read_parquet,
    ".csv": _read_csv,
}
