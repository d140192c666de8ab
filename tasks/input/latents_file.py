"""Read latent vectors and what is known of each row, and refuse what cannot be used, with its place.

Formats are the matter of ``numpy_file``, ``table_file`` and ``anndata_file``; here their parts are given roles and
values are checked.
"""

from __future__ import annotations

import contextlib
import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DATA_ENDINGS, DataSource, Encoder, split_reference
from steadymap.tasks.input.anndata_file import ROW_NAMES, AnnDataFile
from steadymap.tasks.input.data_file import DataFile, Values, some
from steadymap.tasks.input.numpy_file import MEAN_NAME, NpyFile, NpzFile, posterior_variance
from steadymap.tasks.input.table_file import TableFile

LABEL_NAMES = ("y", "label", "labels")
ID_NAMES = ("id", "ids", ROW_NAMES)
FEWEST_ROWS = 10
UNREADABLE = (
    *(OSError, EOFError, ValueError, TypeError, SyntaxError, RuntimeError, MemoryError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tokenize.TokenError, pa.ArrowException),
)
"""What NumPy, zipfile and Arrow are known to raise for damaged, encrypted or foreign files."""
SMALLEST_SPREAD, LARGEST_VALUE = 1e-12, 1e12


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
    input_shape
        Shape of one raw input as it was stored, where it is an image (2-d or 3-d).
    log_variance
        Of a variational encoder's posterior, shape (n, d), or None; ``matrix`` holds the means then.
    notes
        Facts about the data that the run states, such as an autoencoder's reconstruction error.
    """

    matrix: np.ndarray
    columns: tuple[str, ...]
    ids: list[str]
    labels: dict[str, list[str | None]] = field(default_factory=dict)
    group: list[str | None] | None = None
    inputs: np.ndarray | None = None
    input_shape: tuple[int, ...] | None = None
    notes: dict[str, float] = field(default_factory=dict)
    log_variance: np.ndarray | None = None


@dataclass(frozen=True)
class RawInputs:
    """Raw inputs that an encoder makes latent vectors of, and what is known about each row.

    Attributes
    ----------
    array
        Shape (n, …), as stored (any real type), finite.
    file
        Where they lie.
    ids, labels, group
        As in ``Latents``.
    """

    array: np.ndarray
    file: Path
    ids: list[str]
    labels: dict[str, list[str | None]]
    group: list[str | None] | None

    def encoded_as(self, matrix: np.ndarray) -> Latents:
        """Return the latent vectors that an encoder made of these inputs."""
        return Latents(
            matrix=matrix,
            columns=_numbered(matrix),
            ids=self.ids,
            labels=self.labels,
            group=self.group,
            inputs=_flat(self.array),
            input_shape=_image_shape(self.array),
        )


def read_raw_inputs(source: DataSource, encoder: Encoder) -> RawInputs:
    """Read and check the inputs of a source's encoder, and what is known of each row.

    Raises
    ------
    InputError
        A file cannot be read, the inputs are no finite numbers, or a role has another number of rows.
    """
    name, part = split_reference(encoder.inputs)
    file = open_data_file(Path(str(name)))
    roles = _Roles(file, source)
    with reading(file.path):
        array = file.inputs([part], roles.taken(), "encode.inputs")
    _check_inputs(array, file.path, "data.encode.inputs")
    rows = len(array)
    _check_rows(rows, file.path)
    return RawInputs(array, file.path, ids=roles.ids(rows), labels=roles.labels(rows), group=roles.group(rows))


def read_latents(source: DataSource) -> Latents:
    """Read and check the vectors that a config names.

    Raises
    ------
    InputError
        The file cannot be read, has no usable matrix, or holds values no distance can be taken of.
    """
    path = Path(str(source.path))
    with reading(path):
        main = open_data_file(path)
        roles = _Roles(main, source)
        matrix, columns = main.latents(source.latents, roles.taken())
        matrix = _as_matrix(matrix, path)
        rows = len(matrix)
        inputs = roles.inputs(rows)
        latents = Latents(
            matrix=matrix,
            columns=columns or _numbered(matrix),
            ids=roles.ids(rows),
            labels=roles.labels(rows),
            group=roles.group(rows),
            inputs=None if inputs is None else _flat(inputs),
            input_shape=None if inputs is None else _image_shape(inputs),
            log_variance=roles.log_variance(matrix.shape),
        )
    check_matrix(latents.matrix, latents.columns, path)
    return latents


def open_data_file(path: Path) -> DataFile:
    """Open a data file by its ending.

    Raises
    ------
    InputError
        The file is not there, not of a known kind, or damaged.
    """
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise InputError(
            f"cannot read {path.suffix or 'a file without ending'!r} files",
            file=path,
            rule=f"latent vectors come as {', '.join(DATA_ENDINGS)}",
            remedy="convert it, for example with numpy.save or pandas.DataFrame.to_parquet",
        )
    if not path.is_file():
        raise InputError(
            "this is a folder" if path.is_dir() else "there is no such file",
            file=path,
            remedy="check the path; in a config it is relative to the folder of the config",
        )
    with reading(path):
        return form(path)


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
            rule=f"a whole, undamaged {path.suffix} file",
            remedy="write the file again",
        ) from None


def check_matrix(matrix: np.ndarray, columns: Sequence[str], file: object) -> None:
    """Refuse a matrix with too few rows, values that are not finite or far too large, or no variation.

    Raises
    ------
    InputError
        Naming rows and columns.
    """
    rows, dimensions = matrix.shape
    _check_rows(rows, file)
    if dimensions == 0:
        raise InputError("the vectors have no columns", file=file, remedy="check `data: latents:`")
    check_finite(matrix, columns, file)
    # In float64: the difference of two int8 wraps, and so does the absolute value of the smallest one.
    low, high = matrix.min(axis=0).astype(np.float64), matrix.max(axis=0).astype(np.float64)
    spread, largest = float(np.max(high - low)), np.maximum(np.abs(low), np.abs(high))
    if spread == 0:
        raise InputError(
            f"all {rows} rows are the same",
            file=file,
            rule="vectors that differ",
            remedy="check that the encoder is trained and that the right array is named",
        )
    if spread < SMALLEST_SPREAD or float(largest.max()) > LARGEST_VALUE:
        column = int(np.argmax(largest))
        raise InputError(
            f"values up to {float(largest.max()):.3g} that spread over {spread:.3g}",
            file=file,
            place=f"column {columns[column]!r}",
            rule=f"values up to {LARGEST_VALUE:g} that spread over {SMALLEST_SPREAD:g} or more (float32 distances)",
            remedy="rescale the vectors",
        )
    if np.all(matrix.astype(np.float32)[1:] == matrix.astype(np.float32)[0]):
        raise InputError(
            f"the rows differ by {spread:.3g} around values of {float(largest.max()):.3g}",
            file=file,
            rule="rows that still differ in float32",
            remedy="subtract each column's mean before saving",
        )


def _check_rows(rows: int, file: object) -> None:
    if rows < FEWEST_ROWS:
        raise InputError(
            f"{rows} rows",
            file=file,
            rule=f"at least {FEWEST_ROWS} rows are needed for neighbourhoods",
            remedy="encode more inputs",
        )


def check_finite(matrix: np.ndarray, columns: Sequence[str], file: object) -> None:
    """Refuse values that are not finite numbers, naming rows and columns."""
    broken = ~np.isfinite(matrix)
    if not broken.any():
        return
    at_rows = np.flatnonzero(broken.any(axis=1))
    at_columns = np.flatnonzero(broken.any(axis=0)).tolist()
    value = matrix[at_rows[0], np.flatnonzero(broken[at_rows[0]])[0]]
    raise InputError(
        f"{int(broken.sum())} values are not finite (the first is {value})",
        file=file,
        place=f"row {some(at_rows)}, column {some([repr(columns[c]) for c in at_columns])}",
        rule="every value is a finite number (rows count from 0)",
        remedy="drop or impute these rows before saving",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


# --- roles -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Roles:
    """Where each role of a source is found: in the data file, or in a file of its own."""

    main: DataFile
    source: DataSource

    def taken(self) -> set[str]:
        """Return the names of the data file that are not latent vectors."""
        source = self.source
        named = [self._in_main(role) for role in (*(source.labels or ()), source.id, source.group) if role]
        inputs = [name for role in source.inputs or () if (name := self._in_main(role))]
        named += self.main.matching(inputs, "inputs")
        if (log_variance := self._log_variance_role()) is not None:
            named += self.main.matching([name], "log_variance") if (name := self._in_main(log_variance)) else []
        return {*named, *LABEL_NAMES, *ID_NAMES, *(f"{label}_names" for label in LABEL_NAMES)}

    def _in_main(self, role: str) -> str:
        """Return a role's name in the data file, empty where it lies in another file."""
        file, name = split_reference(role)
        return name if file is None or Path(file) == self.main.path else ""

    def labels(self, rows: int) -> dict[str, list[str | None]]:
        free = [name for name in self.main.names if name not in (self.source.latents or ())]
        usual = tuple(name for name in LABEL_NAMES if name in free)[:1]
        found: dict[str, list[str | None]] = {}
        for role in self.source.labels or usual:
            file, name = self._find(role)
            labels = _texts(file, name, "labels", rows)
            spelled = f"{name}_names"
            names = file.values(spelled, "labels") if spelled in file.names else None
            title = name or file.path.stem
            if title in found:
                raise InputError(
                    f"two label columns are called {title!r}", place="data.labels", remedy="rename a column or a file"
                )
            found[title] = _spell_out(labels, names)
        return found

    def ids(self, rows: int) -> list[str]:
        role = self.source.id or next((name for name in ID_NAMES if name in self.main.names), None)
        if role is None:
            return [str(row) for row in range(rows)]
        return [text or "" for text in _texts(*self._find(role), "id", rows)]

    def group(self, rows: int) -> list[str | None] | None:
        role = self.source.group
        return None if role is None else _texts(*self._find(role), "group", rows)

    def log_variance(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return log σ² of every latent value, None where there is none.

        Raises
        ------
        InputError
            It is not of the latents' shape, or not finite.
        """
        role = self._log_variance_role()
        if role is None:
            return None
        file, name = self._find(role)
        with reading(file.path):
            found = file.inputs([name], role="log_variance")
        _check_inputs(found, file.path, "data.log_variance")
        if found.shape != shape:
            raise InputError(
                f"log σ² of shape {found.shape} beside latents of shape {shape}",
                file=file.path,
                place="data.log_variance",
                rule="a value for every row and dimension",
                remedy="save both from the same batches; `data: latents:` names the means",
            )
        return found

    def _log_variance_role(self) -> str | None:
        if self.source.log_variance is not None:
            return self.source.log_variance
        if not isinstance(self.main, NpzFile) or self.source.latents not in (None, (MEAN_NAME,)):
            return None
        return posterior_variance(self.main.names)

    def inputs(self, rows: int) -> np.ndarray | None:
        if self.source.inputs is None:
            return None
        found = [self._find(role) for role in self.source.inputs]
        file = found[0][0]
        if any(other.path != file.path for other, _ in found):
            raise InputError("inputs lie in several files", place="data.inputs", rule="one file holds all inputs")
        with reading(file.path):
            inputs = file.inputs([name for _, name in found])
        _check_inputs(inputs, file.path, "data.inputs")
        if len(inputs) != rows:
            raise InputError(
                f"{len(inputs)} raw inputs for {rows} rows",
                file=file.path,
                place="data.inputs",
                rule="one input per row",
            )
        return inputs

    def _find(self, role: str) -> tuple[DataFile, str]:
        file, name = split_reference(role)
        return (self.main, role) if file is None else (open_data_file(Path(file)), name)


def _check_inputs(inputs: np.ndarray, path: Path, place: str) -> None:
    if inputs.ndim == 0 or inputs.size == 0:
        raise InputError(f"raw inputs of shape {inputs.shape}", file=path, place=place, rule="one input per row")
    if inputs.dtype.kind not in "fiub":
        raise InputError(f"dtype {inputs.dtype}", file=path, place=place, rule="raw inputs are real numbers")
    flat = _flat(inputs)
    if not np.isfinite(flat).all():
        check_finite(flat, [f"input[{number}]" for number in range(flat.shape[1])], path)


def _flat(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(len(inputs), -1)


def _image_shape(inputs: np.ndarray) -> tuple[int, ...] | None:
    """Return the shape of one input where it is an image: rows and columns, with or without channels."""
    return inputs.shape[1:] if inputs.ndim in (3, 4) else None


def _numbered(matrix: np.ndarray) -> tuple[str, ...]:
    return tuple(f"z[{dimension}]" for dimension in range(matrix.shape[1]))


def _texts(file: DataFile, name: str, kind: str, rows: int) -> list[str | None]:
    with reading(file.path):
        values = file.values(name, kind)
    return _as_text(values, rows, file.path, name or file.path.name)


def _as_matrix(array: np.ndarray, path: Path) -> np.ndarray:
    if array.ndim != 2:
        raise InputError(
            f"shape {array.shape}",
            file=path,
            rule="latent vectors are a 2-d array, a row per input",
            remedy="reshape it, for example array.reshape(len(array), -1)",
        )
    if array.dtype.kind not in "fiu":
        raise InputError(
            f"dtype {array.dtype}",
            file=path,
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
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")  # a lone surrogate is no text
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _spell_out(labels: list[str | None], names: Values | None) -> list[str | None]:
    """Turn class numbers into names where the file has them (``y`` beside ``y_names``)."""
    if not isinstance(names, np.ndarray) or names.ndim != 1:
        return labels
    spelled = {str(number): _text(name) for number, name in enumerate(names.tolist())}
    return [label if label is None else spelled.get(label, label) for label in labels]


_FORMATS: dict[str, Callable[[Path], DataFile]] = {
    ".npy": NpyFile,
    ".npz": NpzFile,
    ".parquet": TableFile,
    ".csv": TableFile,
    ".h5ad": AnnDataFile,
}
