"""Columns from .parquet and .csv, by name or pattern."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence, Set
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from steadymap.configs.errors import InputError
from steadymap.tasks.input.data_file import DataFile, Values, check_fits, some

BYTES_A_VALUE = 8

INDEX_NAMES = ("", "Unnamed: 0", "__index_level_0__")
"""Columns in which pandas keeps an index: row numbers, which are no latent dimension."""


class TableFile(DataFile):
    """A table; latent vectors and raw inputs are columns side by side, or one column of equally long lists."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
        names = self._table.column_names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"column {repeated[0]!r} is there twice", file=path, rule="column names differ")

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self._table.column_names)

    def latents(self, wanted: Sequence[str] | None, taken: set[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return the columns named; else every numeric column without another role."""
        chosen = self.matching(wanted, "latents") if wanted is not None else self._numeric_columns(taken)
        matrix = self._stack(chosen)
        return matrix, tuple(chosen) if matrix.shape[1] == len(chosen) else None

    def values(self, name: str, role: str) -> Values:
        """Return a column."""
        name = name or self.only_name(role)
        self.require(name, role)
        if role == "id" and self.path.suffix.lower() == ".csv":
            return _read_as_text(self.path, name)
        values: list[object] = self._table.column(name).to_pylist()
        return values

    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return columns by name or pattern; every numeric one without another role where none is named."""
        patterns = [pattern for pattern in wanted if pattern]
        return self._stack(self.matching(patterns, role) if patterns else self._numeric_columns(taken))

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Return the columns that names or patterns stand for."""
        chosen: list[str] = []
        for pattern in wanted:
            found = [name for name in self.names if name == pattern]
            found = found or [name for name in self.names if fnmatch.fnmatchcase(name, pattern)]
            if not found:
                raise InputError(
                    f"no column matches {pattern!r}",
                    file=self.path,
                    place=f"data.{role}",
                    rule=f"one of {some([repr(name) for name in self.names], 8)}",
                    remedy="check the name or pattern",
                )
            chosen += [name for name in found if name not in chosen]
        return chosen

    def _numeric_columns(self, taken: Set[str]) -> list[str]:
        left_out = {*taken, *INDEX_NAMES}
        if self.path.suffix.lower() == ".csv":
            for name in self.names:
                if name not in left_out:
                    self._refuse_spoilt(name)
        chosen = [name for name in self.names if name not in left_out and _is_numeric(self._table.column(name).type)]
        if not chosen:
            raise InputError(
                f"no numeric column among {some([repr(name) for name in self.names])}",
                file=self.path,
                remedy="name the columns under `data: latents:` (patterns such as z* work)",
            )
        return chosen

    def _refuse_spoilt(self, name: str) -> None:
        """Refuse a column of a CSV that one bad value has made a column of text: it would be left out unseen."""
        column = self._table.column(name)
        if not pa.types.is_string(column.type):
            return
        like_numbers = pc.sum(pc.match_substring_regex(column, LIKE_A_NUMBER)).as_py() or 0
        if like_numbers <= (len(column) - column.null_count) / 2:
            return
        row = max(0, pc.index(pc.match_substring_regex(column, NUMBER), value=False).as_py())
        raise InputError(
            f"column {name!r} holds {column[row].as_py()!r} in row {row:,}, and what looks like numbers in most others",
            file=self.path,
            rule="a column is numbers throughout, or text",
            remedy="mend the value, or name the columns of the vectors under `data: latents:`",
        )

    def _stack(self, names: Sequence[str]) -> np.ndarray:
        """Return columns side by side; a single column of equally long lists is a matrix, too."""
        first = self._table.column(names[0])
        if len(names) == 1 and _is_list(first.type):
            return self._unfold(names[0], first)
        for name in names:
            kind = self._table.column(name).type
            if not _is_numeric(kind):
                raise InputError(
                    f"column {name!r} holds {kind}",
                    file=self.path,
                    rule="columns of latent vectors and raw inputs hold numbers",
                    remedy="leave it out, or clean the values that are not numbers",
                )
        return np.column_stack([self._table.column(name).to_numpy() for name in names])

    def _unfold(self, name: str, column: pa.ChunkedArray) -> np.ndarray:
        lengths = set(pc.list_value_length(column).to_pylist())
        if len(lengths) != 1 or None in lengths or not _is_numeric(column.type.value_type):
            raise InputError(
                f"the lists of column {name!r} have different lengths or are not numbers",
                file=self.path,
                rule="one list of numbers a row, all of one length",
            )
        flat = np.concatenate([pc.list_flatten(chunk).to_numpy(zero_copy_only=False) for chunk in column.chunks])
        return flat.reshape(len(column), lengths.pop())


def _read_parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
        values = sum(group.column(column).num_values for group in groups for column in range(group.num_columns))
    # A column that repeats one value takes a few bytes on disk, however many rows it has.
    check_fits(values * BYTES_A_VALUE, "table", path)
    return pq.read_table(path)


def _read_csv(path: Path) -> pa.Table:
    check_fits(path.stat().st_size, "table", path)
    table = pyarrow.csv.read_csv(path, convert_options=MISSING)
    numbers = [name for name in table.column_names if _is_number(name)]
    if not numbers or numbers == [str(place) for place in range(len(numbers))]:
        return table  # names, or the numbers that pandas gives to columns without one
    if len(numbers) < len(table.column_names):
        raise InputError(
            f"the first line mixes names and numbers ({numbers[0]!r})",
            file=path,
            place="line 1",
            rule="a first line of column names, or numbers only and no header at all",
            remedy="write a header line",
        )
    unnamed = pyarrow.csv.ReadOptions(autogenerate_column_names=True)
    return pyarrow.csv.read_csv(path, read_options=unnamed, convert_options=MISSING)


NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
LIKE_A_NUMBER = NUMBER.replace(r"\.", "[.,]")
"""With a decimal comma, too, which is no number to whoever reads a CSV."""

MISSING = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
"""An empty cell is missing in a column of text, too."""


def _read_as_text(path: Path, name: str) -> list[object]:
    """Read one column of a CSV as it is written: 007 stays 007."""
    options = pyarrow.csv.ConvertOptions(
        include_columns=[name], column_types={name: pa.string()}, strings_can_be_null=True
    )
    values: list[object] = pyarrow.csv.read_csv(path, convert_options=options).column(name).to_pylist()
    return values


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
