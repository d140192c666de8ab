"""Columns of a table by name or pattern, whatever file the table comes from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.column_names import INDEX_NAME, is_index, match_names
from steadymap.tasks.input.formats.data_file import DataFile, Kind, Part, Values, some
from steadymap.tasks.input.formats.list_column import is_list, refuse_axes, refuse_ragged, tell_lists, unfold
from steadymap.tasks.input.formats.read_tables import (
    TEXT_ENDINGS,
    read_arrow_table,
    read_column_as_text,
    refuse_repeated,
)
from steadymap.tasks.input.formats.text_numbers import (
    LIKE_A_NUMBER,
    LIKE_A_QUANTITY,
    TextVectorError,
    first_that_is_none,
    holds_vectors,
    parse_numbers,
    parse_vectors,
)

FEWEST_SHUFFLED = 10
"""Rows from which numbers 0 to n − 1 in any order are a count, and no dimension by chance."""

NUMBERED = re.compile(r"(.*?)[\[(]?\d+[\])]?")
"""A column of a series: z0, z[1], dim_12, 7."""


class TableFile(DataFile):
    """A table; latent vectors and raw inputs are columns side by side, or one column of equally long lists."""

    holder = "column"

    def __init__(self, path: Path, header: bool | None = None) -> None:
        super().__init__(path)
        self._header = header
        self._is_text = path.name.lower().endswith(TEXT_ENDINGS)
        table, self.notes = read_arrow_table(path, header)
        told = (table.schema.pandas_metadata or {}).get("index_columns", [])
        self._frame_index = {name for name in told if isinstance(name, str)}
        self._levels = len(told)
        self.row_labels = _labels_of_frame(table)
        self._classes = _classes_of_dataset(table.schema)
        self._table = _without_empty(table)
        refuse_repeated(self._table.column_names, path)
        self._numbers: dict[str, np.ndarray] = {}
        self._vectors: set[str] = set()
        self._parts: list[Part] | None = None

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self._table.column_names)

    def parts(self) -> list[Part]:
        """Return what every column holds."""
        if self._parts is None:
            found = [self._look_at(name) for name in self.names]
            stems = Counter(_stem(part.name) for part in found if part.kind == "number")
            self._parts = [self._in_its_series(part, stems) for part in found]
        return self._parts

    def matrix(self, names: Sequence[str], role: str = "latents") -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return columns side by side; a single column of equally long lists is a matrix, too."""
        kinds = {part.name: part for part in self.parts()}
        if len(names) == 1 and (kinds[names[0]].kind == "matrix" or is_list(self._plain(names[0]).type)):
            return self._unfold(names[0]), None
        if spelt := [name for name in names if name in self._numbers]:
            self.notes.append(f"{some(spelt, 3)}: numbers written as text are read as numbers")
        return np.column_stack([self._column_of_numbers(kinds[name]) for name in names]), tuple(names)

    def values(self, name: str, role: str) -> Values:
        """Return a column."""
        name = name or self.only_name(role)
        self.require(name, role)
        if role == "id" and self._is_text:
            return read_column_as_text(self.path, self.names.index(name), self._header)
        values: list[object] = self._plain(name).to_pylist()
        classes = self._classes.get(name) if role == "labels" else None
        if classes is not None:
            return [
                classes[value] if isinstance(value, int) and 0 <= value < len(classes) else None for value in values
            ]
        return values

    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return columns by name or pattern; every numeric one without another role where none is named."""
        patterns = [pattern for pattern in wanted if pattern]
        free = [part for part in self.parts() if part.name not in taken and not is_index(part)]
        numeric = [part.name for part in free if part.kind in ("number", "whole")]
        lists = [part.name for part in free if part.kind == "matrix"]
        chosen = self.matching(patterns, role) if patterns else numeric or lists[:1]
        if not chosen:
            raise InputError("no numeric column", file=self.path, place=f"data.{role}", remedy="name the columns")
        values, self.input_names = self.matrix(chosen, role)
        return values

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Return the columns that names or patterns stand for."""
        return match_names(
            self.names,
            wanted,
            lambda pattern: InputError(
                f"no column matches {pattern!r}",
                file=self.path,
                place=f"data.{role}",
                rule=f"one of {some([repr(name) for name in self.names], 8)}",
                remedy="check the name or pattern",
            ),
        )

    def without_header(self) -> DataFile | None:
        """Read a lone column of a text again, its first line as a value."""
        if not self._is_text or self._header is not None or len(self.names) != 1:
            return None
        return TableFile(self.path, header=False)

    def only_name(self, role: str) -> str:
        """Return the one column there is beside ids and row numbers."""
        plain = [part.name for part in self.parts() if not is_index(part) and part.name not in ("id", "ids")]
        return plain[0] if len(plain) == 1 and role != "id" else super().only_name(role)

    def _plain(self, name: str) -> pa.ChunkedArray:
        """Return a column without what wraps its values: an extension type, a dictionary."""
        column = self._table.column(name)
        if isinstance(column.type, pa.BaseExtensionType):
            storage = column.type.storage_type
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], type=storage)
        if pa.types.is_dictionary(column.type):
            column = _plain_dictionary(column)
        if pa.types.is_string_view(column.type):  # as polars writes it; most of Arrow's functions do not know it
            column = column.cast(pa.large_string())
        return column

    def _look_at(self, name: str) -> Part:
        column = self._plain(name)
        kind, told = self._kind(name, column)
        width = None
        if kind == "matrix" and name not in self._vectors:
            told, width = tell_lists(column)
            kind = "matrix" if width is not None else "other"
        return Part(
            name,
            kind,
            told,
            width,
            dimension=not is_list(column.type) and kind != "matrix",
            row_numbers=(kind == "whole" and name != "id" and _counts_rows(column))
            or (kind == "number" and INDEX_NAME.fullmatch(name) is not None and _is_float_index(column)),
            index=name in self._frame_index,
            level=name in self._frame_index and self._levels > 1,
            fault=self._fault(name, column, kind),
        )

    def _in_its_series(self, part: Part, stems: Counter[str | None]) -> Part:
        """Say whether a part is one of a numbered series of numbers; text among these may be quantities."""
        stem = _stem(part.name)
        if stem is None or stems[stem] < 2:
            return part
        fault = part.fault
        if part.kind == "text" and fault is None:
            fault = self._fault(part.name, self._plain(part.name), part.kind, LIKE_A_QUANTITY)
        return replace(part, series=True, fault=fault)

    def _kind(self, name: str, column: pa.ChunkedArray) -> tuple[Kind, str]:
        types = pa.types
        plain: list[tuple[Callable[[pa.DataType], bool], Kind, str]] = [
            (types.is_boolean, "flag", "true or false"),
            (types.is_integer, "whole", "one integer"),
            (types.is_floating, "number", "one number"),
            (types.is_decimal, "number", "one number"),
            (is_list, "matrix", "list column"),
            (types.is_temporal, "other", "dates or times"),
            (types.is_null, "other", "nothing"),
        ]
        if _is_text(column.type):
            return self._kind_of_text(name, column)
        found = ((kind, told) for is_one, kind, told in plain if is_one(column.type))
        return next(found, ("other", str(column.type).partition("<")[0]))

    def _kind_of_text(self, name: str, column: pa.ChunkedArray) -> tuple[Kind, str]:
        if holds_vectors(column):
            self._vectors.add(name)
            return "matrix", "column of lists written as text"
        numbers = None if self._is_text and not _has_text_numbers(column) else parse_numbers(column)
        if numbers is None:
            return "text", "text"
        self._numbers[name] = numbers
        return "number", "numbers written as text"

    def _fault(self, name: str, column: pa.ChunkedArray, kind: Kind, like: str = LIKE_A_NUMBER) -> InputError | None:
        """Return what is wrong with a column that one bad value has made text, or lists that differ in length."""
        if kind == "other" and is_list(column.type) and len(column):
            return refuse_ragged(column, name, self.path)
        if kind != "text":
            return None
        row = first_that_is_none(column, like)
        if row is None:
            return None
        value = str(column[row].as_py())
        percent = value.rstrip().endswith("%")
        return InputError(
            f"column {name!r} holds {value!r} in row {row:,}, and what looks like numbers in most others",
            file=self.path,
            rule="a column is numbers throughout, or text",
            remedy=("take the percent sign off" if percent else "mend the value")
            + ", or name the columns of the vectors with --latents, or under `data: latents:`",
        )

    def _column_of_numbers(self, part: Part) -> np.ndarray:
        column = self._plain(part.name)
        if part.name in self._numbers:
            return self._numbers[part.name]
        if part.fault is not None:
            raise part.fault
        if part.kind not in ("number", "whole", "flag"):
            raise InputError(
                f"column {part.name!r} holds {column.type}",
                file=self.path,
                rule="columns of latent vectors and raw inputs hold numbers",
                remedy="leave it out, or clean the values that are not numbers",
            )
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        if part.kind == "flag":
            column = column.cast(pa.uint8())
        numbers: np.ndarray = column.to_numpy()
        return numbers

    def _unfold(self, name: str) -> np.ndarray:
        column = self._plain(name)
        refuse_axes(getattr(self._table.column(name).type, "shape", ()), name, self.path)
        if name not in self._vectors:
            return unfold(column, name, self.path)
        try:
            matrix = parse_vectors([text for chunk in column.chunks for text in chunk.to_pylist()])
        except TextVectorError as error:
            raise InputError(
                f"column {name!r}, {error}",
                file=self.path,
                rule="a list of numbers in every row, all of one length (rows count from 0)",
                remedy="drop the row, or encode it again; of many rows save the vectors as .npy or .parquet",
            ) from None
        self.notes.append(f"{name}: vectors written as text are read as numbers")
        return matrix


def _labels_of_frame(table: pa.Table) -> range | None:
    """Return the row labels that pandas keeps as a start, an end and a step; not those of one shard of several."""
    told = (table.schema.pandas_metadata or {}).get("index_columns", [])
    if len(told) != 1 or not isinstance(told[0], dict) or told[0].get("kind") != "range":
        return None
    labels = range(told[0]["start"], told[0]["stop"], told[0]["step"])
    return labels if len(labels) == table.num_rows else None


def _classes_of_dataset(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the names of classes that HuggingFace's datasets keeps beside their numbers, by column."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {name: list(one["names"]) for name, one in features.items() if one.get("_type") == "ClassLabel"}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _without_empty(table: pa.Table) -> pa.Table:
    """Leave out columns with neither name nor value, as commas at the end of every line make them; name the others."""
    kept = [
        place
        for place, name in enumerate(table.column_names)
        if name.strip() or table.column(place).null_count < table.num_rows
    ]
    named = [table.column_names[place].strip() or f"Unnamed: {place}" for place in kept]  # as pandas calls them
    return table.select(kept).rename_columns(named)


def _plain_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values that a dictionary stands for; Arrow does not cast one of views, as polars writes it."""
    kind = column.type.value_type
    wide = pa.large_string() if pa.types.is_string_view(kind) else kind
    chunks = [chunk.dictionary.cast(wide).take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks, type=wide)


def _stem(name: str) -> str | None:
    found = NUMBERED.fullmatch(name)
    return None if found is None else found[1]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _has_text_numbers(column: pa.ChunkedArray) -> bool:
    """Say whether a text holds what makes Arrow take numbers of a CSV for text: commas, or a minus of typography."""
    return bool(pc.any(pc.match_substring_regex(column, "[,−]")).as_py())


def _counts_rows(column: pa.ChunkedArray) -> bool:
    """Say whether whole numbers go on by the same step from row to row, or are a count of the rows in another order."""
    if column.null_count or len(column) < 3:
        return False
    values = column.to_numpy().astype(np.int64)  # differences of unsigned numbers would wrap
    if len(values) >= FEWEST_SHUFFLED and values.min() in (0, 1) and values.max() - values.min() == len(values) - 1:
        return bool(np.all(np.bincount(values - values.min()) == 1))
    return _are_even(values)


def _is_float_index(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(column.type)) and _are_even(column.to_numpy())


def _are_even(values: np.ndarray) -> bool:
    """Say whether numbers go on by the same step, but for rounding."""
    if len(values) < 3 or not np.isfinite(values).all():
        return False
    steps = np.diff(values)
    return bool(steps[0] != 0 and np.all(np.abs(steps - steps[0]) <= 1e-6 * np.abs(steps[0])))
