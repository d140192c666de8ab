"""A dataset in canonical order: what every later step works on, kept in the store under its content.

The folder holds ``latents.npy`` and ``keys.npy`` (a hash per row), raw ``inputs.npy`` where there are any, and
``points.parquet``, which leads back to the rows, ids and labels of the user's file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, Workers
from steadymap.tasks.input.checks.image_shape import check_image_shape
from steadymap.tasks.input.checks.matrix_checks import check_matrix
from steadymap.tasks.input.checks.second_looks import warn_of_labels, warn_of_matrix
from steadymap.tasks.input.example import DIGITS_DIMENSIONS, DIGITS_ROWS, read_example, with_example_models
from steadymap.tasks.input.fetch_inputs import fetched
from steadymap.tasks.input.latent_health import Examined, examine_some
from steadymap.tasks.input.latents_file import Latents, read_latents
from steadymap.tasks.input.models.encode_inputs import describe, encode_inputs, measure_encoded
from steadymap.tasks.input.models.look_at_decoder import look_at_decoder
from steadymap.tasks.input.take_sample import take_sample
from steadymap.tasks.numerics.input.row_order import canonical_order, content_digest, count_duplicates, row_keys
from steadymap.tasks.store.files import map_array, read_if_whole, read_meta, read_table, write_arrays, write_table
from steadymap.tasks.store.identity import digest
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import choose_limits


@dataclass(frozen=True)
class Vectors:
    """Vectors in canonical order, committed to the store or about to be.

    Attributes
    ----------
    folder
        Where they lie.
    digest
        What cells know of them: a digest of the float32 matrix, or of the recipe that makes it.
    rows, dimensions, duplicates
        Size, and how many rows repeat an earlier one.
    """

    folder: Path
    digest: str
    rows: int
    dimensions: int
    duplicates: int

    def latents(self) -> np.ndarray:
        """Map the vectors, float32, shape (rows, dimensions)."""
        return map_array(self.folder, "latents")

    def keys(self) -> np.ndarray:
        """Map the row hashes, uint64, shape (rows,)."""
        return map_array(self.folder, "keys")


@dataclass(frozen=True)
class Dataset(Vectors):
    """What the user brought: vectors with what is known of each row.

    Attributes
    ----------
    identity
        Digest of matrix, ids, labels, groups and inputs: what a run knows.
    labels
        Names of the label columns, the colouring one first.
    source
        The file, encoder or example it came from, for people.
    notes
        Facts about the data, such as an autoencoder's reconstruction error.
    input_shape
        Shape of one raw input as it was stored, where it is an image.
    taken
        What was taken of the files and what was left out, in one sentence.
    warnings
        What is worth a second look: rows, columns and labels that would mislead.
    has_log_variance
        Whether ``log_variance.npy`` holds log σ² of a variational encoder, whose means the vectors are.
    models
        The encoder that gave them and the decoder that leads back, where there are any: file, SHA-256, output, runtime.
    input_names
        Names of the values of one raw input, where they are columns of a table.
    """

    identity: str
    labels: tuple[str, ...]
    has_inputs: bool
    source: str
    notes: dict[str, float]
    input_shape: tuple[int, ...] | None = None
    taken: str = ""
    warnings: tuple[str, ...] = ()
    has_log_variance: bool = False
    models: dict[str, dict[str, str]] = field(default_factory=dict)
    input_names: tuple[str, ...] | None = None

    def log_variance(self) -> np.ndarray | None:
        """Map log σ² of every value, shape (rows, dimensions), None where the encoder gives none."""
        return map_array(self.folder, "log_variance") if self.has_log_variance else None

    def classes(self) -> list[str | None]:
        """Return the first label of every row, in canonical order."""
        return read_row_column(self.folder, "label")

    def file_rows(self) -> np.ndarray:
        """Return the row of the user's file of every row in canonical order, int64, shape (rows,)."""
        points = self.points()
        found = np.empty(self.rows, dtype=np.int64)
        found[points.column("position").to_numpy()] = points.column("row").to_numpy()
        return found

    def points(self) -> pa.Table:
        """Read the rows of the user's file: row, position in canonical order, id, labels, group."""
        return read_table(self.folder / "points.parquet")


def read_row_column(folder: Path, column: str) -> list[str | None]:
    """Return what the user's file says of every row (its label, its group), in canonical order."""
    points = read_table(folder / "points.parquet")
    order = np.argsort(points.column("position").to_numpy())
    told: list[str | None] = points.column(column).take(pa.array(order)).to_pylist()
    return told


@dataclass(frozen=True)
class Measured:
    """What `check` tells of a source: its size, what was taken of its files, what is worth a second look, its health.

    ``health`` is None of vectors that are yet to be encoded or trained.
    """

    rows: int
    dimensions: int
    taken: str
    warnings: tuple[str, ...] = ()
    health: Examined | None = None


def look_at_source(source: DataSource) -> Measured:
    """Read a source and keep nothing of it; of an encoder's inputs, one row is encoded.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    if source.example == "digits":
        rows = min(DIGITS_ROWS, source.sample or DIGITS_ROWS)
        return Measured(rows, DIGITS_DIMENSIONS, "the example: digits")
    with fetched(source) as here:
        limits = choose_limits(Workers(count=1))
        if here.encode is not None:
            inputs, dimensions = measure_encoded(here, here.encode)
            look_at_decoder(here, np.zeros((1, dimensions), np.float32), inputs.array.shape[1:], limits)
            return Measured(len(inputs.array), dimensions, f"{describe(here.encode)}{_tell_decoder(here)}")
        latents = take_sample(read_latents(here), here.sample)
        rows, dimensions = latents.matrix.shape
        look_at_decoder(here, latents.matrix[:1], _input_shape(latents), limits)
        taken = f"{latents.taken}{_tell_decoder(here)}"
        return Measured(rows, dimensions, taken, _second_looks(latents), examine_some(latents))


def measure(source: DataSource) -> tuple[int, int]:
    """Return rows and dimensions of a source; see ``look_at_source``."""
    found = look_at_source(source)
    return found.rows, found.dimensions


def _second_looks(latents: Latents) -> tuple[str, ...]:
    of_matrix = warn_of_matrix(latents.matrix, latents.columns)
    return (*latents.warnings, *of_matrix, *warn_of_labels(latents.labels))


def import_dataset(source: DataSource, store: Store, workers: Workers | None = None) -> Dataset:
    """Read a source, put its rows into canonical order, and keep it in the store.

    An encoder runs in isolated workers, within the time and memory that a config gives them.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    if source.several:
        raise InputError(
            "several encoders",
            place="data",
            rule="a sweep draws the latent vectors of one",
            remedy="`steadymap encoders CONFIG` sweeps each and follows clusters through all; in Python, "
            "`steadymap.sweep_encoders`",
        )
    models: dict[str, dict[str, str]] = {}
    with fetched(source) as here:
        limits, decoding = choose_limits(workers or Workers()), here
        warnings: tuple[str, ...] = ()
        if here.example == "digits":
            example = read_example(store, here.example_seeds[0])
            latents, told = take_sample(example, here.sample), "example: digits"
            decoding, warnings = with_example_models(here, store)
        elif here.encode is not None:
            encoded = encode_inputs(here, here.encode, store, workers or Workers())
            latents, told, models = encoded.latents, describe(here.encode), {"encoder": encoded.model}
        else:
            latents, told = take_sample(read_latents(here), here.sample), Path(str(here.path)).name
        check_image_shape(here, latents.inputs)
        decoder = look_at_decoder(decoding, latents.matrix[:1], _input_shape(latents), limits)
        kept = _keep(latents, store, told)
        models |= {} if decoder is None else decoder.manifest()
        told = f"{kept.taken}{_tell_decoder(decoding)}"
        return replace(kept, models=models, taken=told, warnings=(*kept.warnings, *warnings))


def _tell_decoder(source: DataSource) -> str:
    """Say which decoder is used, and which encoder sees what it gives; nothing without one."""
    if source.decode is None:
        return ""
    again = source.decode.encoder or (None if source.encode is None else source.encode.model)
    back = "not encoded again" if again is None else f"encoded again by {Path(again).name}"
    return f"; decoder: {Path(source.decode.model).name}, {back}"


def _input_shape(latents: Latents) -> tuple[int, ...] | None:
    return None if latents.inputs is None else latents.input_shape or latents.inputs.shape[1:]


def _keep(latents: Latents, store: Store, source: str) -> Dataset:
    check_matrix(latents.matrix, latents.columns, source)
    matrix = np.ascontiguousarray(latents.matrix, dtype=np.float32)
    keys = row_keys(matrix)
    order = canonical_order(matrix, keys)
    ordered = matrix[order]
    points = _points(latents, order)
    matrix_digest = content_digest(ordered)
    meta = {
        "digest": matrix_digest,
        "rows": len(ordered),
        "dimensions": ordered.shape[1],
        "duplicates": count_duplicates(ordered),
        "labels": list(latents.labels),
        "notes": latents.notes,
    }
    arrays: dict[str, np.ndarray] = {"latents": ordered, "keys": keys[order]}
    if latents.inputs is not None:
        arrays["inputs"] = np.ascontiguousarray(latents.inputs[order])
    more = {}  # no key without it: data sets that have none keep their identity
    if latents.log_variance is not None:
        arrays["log_variance"] = np.ascontiguousarray(latents.log_variance[order], dtype=np.float32)
        more = {"log_variance": content_digest(arrays["log_variance"])}
    identity = digest(
        {
            **meta,
            **more,
            "points": content_digest_of_table(points),
            "inputs": None if latents.inputs is None else content_digest(arrays["inputs"].astype(np.float32)),
        }
    )
    folder = store.dataset(identity)
    if read_if_whole(read_meta, folder) is None or read_if_whole(read_table, folder / "points.parquet") is None:
        write_arrays(folder, arrays, meta)
        write_table(points, folder / "points.parquet")
    return Dataset(
        folder=folder,
        digest=matrix_digest,
        identity=identity,
        rows=len(ordered),
        dimensions=ordered.shape[1],
        duplicates=int(str(meta["duplicates"])),
        labels=tuple(latents.labels),
        has_inputs=latents.inputs is not None,
        source=source,
        notes=latents.notes,
        input_shape=latents.input_shape,
        taken=latents.taken,
        warnings=_second_looks(latents),
        has_log_variance=latents.log_variance is not None,
        input_names=latents.input_names,
    )


def _points(latents: Latents, order: np.ndarray) -> pa.Table:
    rows = len(order)
    position = np.empty(rows, dtype=np.int64)
    position[order] = np.arange(rows)
    labels = list(latents.labels.items())
    nothing: list[str | None] = [None] * rows
    columns = {
        "row": np.arange(rows) if latents.rows is None else latents.rows,
        "position": position,
        "id": latents.ids,
        "label": labels[0][1] if labels else nothing,
        "group": latents.group or nothing,
        **{f"label:{name}": values for name, values in labels[1:]},
    }
    return pa.table(columns, schema=schemas.rows_of_file([name for name, _ in labels[1:]]))


def content_digest_of_table(table: pa.Table) -> str:
    """Digest the values of a table of texts and numbers."""
    return digest({name: table.column(name).to_pylist() for name in table.column_names})
