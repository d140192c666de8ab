"""Columns from .parquet and .csv, by name or pattern."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from configs.errors import InputError
from tasks.data_file import DataFile, Values, some


class TableFile(DataFile):
    """A table; latent vectors and raw inputs are columns side by side, or one column of equally long lists."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._table = pq.read_table(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
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
        values: list[object] = self._table.column(name).to_pylist()
        return values

    def inputs(self, wanted: Sequence[str]) -> np.ndarray:
        """Return columns by name or pattern; every numeric one where none is named."""
        patterns = [pattern for pattern in wanted if pattern]
        return self._stack(self.matching(patterns, "inputs") if patterns else self._numeric_columns(set()))

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

    def _numeric_columns(self, taken: set[str]) -> list[str]:
        chosen = [name for name in self.names if name not in taken and _is_numeric(self._table.column(name).type)]
        if not chosen:
            raise InputError(
                f"no numeric column among {some([repr(name) for name in self.names])}",
                file=self.path,
                remedy="name the columns under `data: latents:` (patterns such as z* work)",
            )
        return chosen

    def _stack(self, names: Sequence[str]) -> np.ndarray:
        """Return columns side by side; a single column of equally long lists is a matrix, too."""
        first = self._table.column(names[0])
        if len(names) == 1 and (pa.types.is_list(first.type) or pa.types.is_fixed_size_list(first.type)):
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


def _read_csv(path: Path) -> pa.Table:
    table = pyarrow.csv.read_csv(path)
    if all(_is_number(name) for name in table.column_names):
        # The first line holds numbers: there is no header.
        unnamed = pyarrow.csv.ReadOptions(autogenerate_column_names=True)
        table = pyarrow.csv.read_csv(path, read_options=unnamed)
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
