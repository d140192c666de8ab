"""Columns of lists of numbers: plain, of fixed size, nested (tensors), and of two bytes a number (bfloat16)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steadymap.configs.errors import InputError

BFLOAT16_BYTES = 2


def is_list(kind: pa.DataType) -> bool:
    """Say whether a type is a list whose innermost values are numbers."""
    return _is_listed(kind) and _is_value(_innermost(kind))


def tell_lists(column: pa.ChunkedArray) -> tuple[str, int | None]:
    """Return what a column of lists is called, and how many numbers a row has; None where that differs."""
    shape = _shape(column)
    if shape is None:
        return "lists of different lengths" if column.null_count == 0 else "lists, in some rows none", None
    word = "tensor column" if len(shape) > 1 else "list column"
    kind = "" if not pa.types.is_integer(_innermost(column.type)) else " of integers"
    return word + kind, int(np.prod(shape))


def unfold(column: pa.ChunkedArray, name: str, path: Path) -> np.ndarray:
    """Return the matrix of a column of lists, or of tensors with a single axis that is longer than 1.

    Raises
    ------
    InputError
        Lists have different lengths, or a row is a matrix.
    """
    shape = _shape(column)
    if shape is None:
        raise refuse_ragged(column, name, path)
    refuse_axes(shape, name, path)
    return _flat(column).reshape(len(column), -1)


def refuse_ragged(column: pa.ChunkedArray, name: str, path: Path) -> InputError:
    """Return what is to be said of lists that are missing in some rows, or shorter or longer than in most."""
    lengths = pc.list_value_length(column)
    usual = pc.mode(lengths)[0]["mode"].as_py() if len(column) > column.null_count else 0
    odd = pc.fill_null(pc.not_equal(lengths, usual), True)
    rows = np.flatnonzero(odd.to_numpy(zero_copy_only=False) if isinstance(odd, pa.Array) else odd.to_numpy())
    if not len(rows):
        return InputError(
            f"lists within the lists of column {name!r} have different lengths",
            file=path,
            rule="one list of numbers a row, all of one length",
            remedy="take the mean over the longer axis, or fill it up, before saving",
        )
    first = lengths[int(rows[0])].as_py()
    value = "no list" if first is None else "a list without numbers" if first == 0 else _count_numbers(first)
    more = f", and {len(rows) - 1:,} more such rows" if len(rows) > 1 else ""
    return InputError(
        f"column {name!r} holds {value} in row {int(rows[0]):,}{more}; in most rows {_count_numbers(usual)}",
        file=path,
        rule="one list of numbers a row, all of one length (rows count from 0)",
        remedy=f"drop such rows (pandas: df = df[df[{name!r}].str.len() == {usual}]), or encode them again; of several "
        "vectors a row (one a token) save their mean",
    )


def _count_numbers(length: int) -> str:
    return "a list of 1 number" if length == 1 else f"a list of {length:,} numbers"


def refuse_axes(shape: Sequence[int], name: str, path: Path) -> None:
    """Refuse rows that are matrices: whether their axes are to be averaged or joined is not guessed."""
    if sum(length > 1 for length in shape) > 1:
        raise InputError(
            f"column {name!r} holds {' × '.join(map(str, shape))} numbers a row",
            file=path,
            rule="latent vectors have one axis: a list of numbers a row",
            remedy="take the mean over the other axis, or save each row flat (array.reshape(len(array), -1))",
        )


def _shape(column: pa.ChunkedArray) -> tuple[int, ...] | None:
    """Return the lengths of the nested lists, where they are the same in every row."""
    shape: list[int] = []
    level: Any = column
    while _is_listed(level.type):
        lengths = pc.list_value_length(level)
        ends = pc.min_max(lengths).as_py()
        if lengths.null_count or ends["min"] is None or ends["min"] != ends["max"]:
            return None
        shape.append(int(ends["min"]))
        level = _storage(pc.list_flatten(level))
    return tuple(shape)


def _flat(column: pa.ChunkedArray) -> np.ndarray:
    level: Any = column
    while _is_listed(level.type):
        level = _storage(pc.list_flatten(level))
    if pa.types.is_fixed_size_binary(level.type):
        raw = b"".join(level.to_pylist())
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    if pa.types.is_boolean(level.type):
        level = level.cast(pa.uint8())
    if pa.types.is_decimal(level.type):
        level = level.cast(pa.float64())
    chunks = level.chunks if isinstance(level, pa.ChunkedArray) else [level]
    return np.concatenate([chunk.to_numpy(zero_copy_only=False) for chunk in chunks])


def _storage(values: Any) -> Any:
    """Return values without an extension type that wraps them, such as Lance's bfloat16."""
    if not isinstance(values.type, pa.BaseExtensionType):
        return values
    if isinstance(values, pa.ChunkedArray):
        return pa.chunked_array([chunk.storage for chunk in values.chunks], type=values.type.storage_type)
    return values.storage


def _innermost(kind: pa.DataType) -> pa.DataType:
    while _is_listed(kind) or isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type
    return kind


def _is_listed(kind: pa.DataType) -> bool:
    types = pa.types
    lists = (types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_list_view, types.is_large_list_view)
    return any(is_one(kind) for is_one in lists)


def _is_value(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_fixed_size_binary(kind):
        return bool(kind.byte_width == BFLOAT16_BYTES)
    numbers = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    return any(is_one(kind) for is_one in numbers)
