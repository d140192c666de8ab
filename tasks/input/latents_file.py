"""Read latent vectors and what is known of each row, and refuse what cannot be used, with its place.

Formats are the matter of ``open_file``; which part is for what, of ``roles``; here the parts are read and checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, Encoder, split_reference
from steadymap.tasks.input.checks.matrix_checks import check_matrix, check_rows
from steadymap.tasks.input.formats.data_file import some
from steadymap.tasks.input.formats.open_file import open_data_file, reading
from steadymap.tasks.input.roles.row_join import RowKeys
from steadymap.tasks.input.roles.source_roles import SourceRoles, check_inputs, flat
from steadymap.tasks.numerics.arrays import Int64


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
    input_names
        Names of the columns of ``inputs``, None where they come from an array.
    log_variance
        Of a variational encoder's posterior, shape (n, d), or None; ``matrix`` holds the means then.
    notes
        Facts about the data that the run states, such as an autoencoder's reconstruction error.
    taken
        What was taken of the files, and what was left out, in one sentence.
    warnings
        What is worth a second look.
    keys
        What other files with ids are joined by.
    rows
        Row of the file of every row; None where they are all there, in its order.
    """

    matrix: np.ndarray
    columns: tuple[str, ...]
    ids: list[str]
    labels: dict[str, list[str | None]] = field(default_factory=dict)
    group: list[str | None] | None = None
    inputs: np.ndarray | None = None
    input_shape: tuple[int, ...] | None = None
    notes: dict[str, float] = field(default_factory=dict)
    taken: str = ""
    warnings: tuple[str, ...] = ()
    keys: RowKeys | None = None
    log_variance: np.ndarray | None = None
    input_names: tuple[str, ...] | None = None
    rows: Int64 | None = None


@dataclass(frozen=True)
class RawInputs:
    """Raw inputs that an encoder makes latent vectors of, and what is known about each row.

    Attributes
    ----------
    array
        Shape (n, …), as stored (any real type), finite.
    file
        Where they lie.
    ids, labels, group, taken, input_names, rows
        As in ``Latents``.
    """

    array: np.ndarray
    file: Path
    ids: list[str]
    labels: dict[str, list[str | None]]
    group: list[str | None] | None
    taken: str = ""
    input_names: tuple[str, ...] | None = None
    rows: Int64 | None = None

    def encoded_as(self, matrix: np.ndarray) -> Latents:
        """Return the latent vectors that an encoder made of these inputs."""
        return Latents(
            matrix=matrix,
            columns=_numbered(matrix),
            ids=self.ids,
            labels=self.labels,
            group=self.group,
            inputs=flat(self.array),
            input_shape=_image_shape(self.array),
            taken=self.taken,
            input_names=self.input_names,
            rows=self.rows,
        )


def read_raw_inputs(source: DataSource, encoder: Encoder) -> RawInputs:
    """Read and check the inputs of a source's encoder, and what is known of each row.

    Raises
    ------
    InputError
        A file cannot be read, the inputs are no finite numbers, or a role has another number of rows.
    """
    name, part = split_reference(encoder.inputs)
    file = open_data_file(Path(str(name)), source.header)
    roles = SourceRoles(file, source, vectors=False)
    with reading(file.path):
        array = file.inputs([part], roles.taken(), "encode.inputs")
    check_inputs(array, file.path, "data.encode.inputs")
    rows = len(array)
    check_rows(rows, file.path)
    ids, labels, group = roles.ids(rows), roles.labels(rows), roles.group(rows)
    taken = roles.tell(f"{part or 'the inputs'} of {file.path.name}, encoded")
    return RawInputs(array, file.path, ids, labels, group, taken=taken, input_names=file.input_names)


def read_latents(source: DataSource) -> Latents:
    """Read and check the vectors that a config names.

    Raises
    ------
    InputError
        The file cannot be read, has no usable matrix, holds values no distance can be taken of, or can be read in two
        ways.
    """
    path = Path(str(source.path))
    with reading(path):
        main = open_data_file(path, source.header)
        roles = SourceRoles(main, source)
        matrix, columns = roles.vectors()
        matrix = _as_matrix(matrix, path)
        rows = len(matrix)
        ids = roles.ids(rows)
        inputs = roles.inputs(rows)
        log_variance = roles.log_variance(matrix.shape)
        latents = Latents(
            matrix=matrix,
            columns=columns or _numbered(matrix),
            ids=ids,
            labels=roles.labels(rows),
            group=roles.group(rows),
            inputs=None if inputs is None else flat(inputs),
            input_shape=None if inputs is None else _image_shape(inputs),
            taken=roles.tell(f"{_dimensions(matrix)} {roles.decided.vectors}"),
            warnings=roles.decided.warnings,
            keys=roles.keys(),
            log_variance=log_variance,
            input_names=None if inputs is None else roles.input_names,
        )
    check_matrix(latents.matrix, latents.columns, path)
    return latents


def _image_shape(inputs: np.ndarray) -> tuple[int, ...] | None:
    """Return the shape of one input where it is an image: rows and columns, with or without channels."""
    return inputs.shape[1:] if inputs.ndim in (3, 4) else None


def _numbered(matrix: np.ndarray) -> tuple[str, ...]:
    return tuple(f"z[{dimension}]" for dimension in range(matrix.shape[1]))


def _dimensions(matrix: np.ndarray) -> str:
    return "1 dimension" if matrix.shape[1] == 1 else f"{matrix.shape[1]} dimensions"


def _as_matrix(array: np.ndarray, path: Path) -> np.ndarray:
    if array.dtype.names is not None:
        raise InputError(
            f"a record a row: {some(array.dtype.names)}",
            file=path,
            rule="latent vectors are a 2-d array, a row per input",
            remedy="numpy.savez('latents.npz', **{name: array[name] for name in array.dtype.names}); "
            "a column per dimension: numpy.lib.recfunctions.structured_to_unstructured(array)",
        )
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
