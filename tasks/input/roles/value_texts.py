"""Labels, ids and groups as text, one a row, whatever a file holds them as."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.data_file import Values


def one_a_row(values: Values, name: str) -> tuple[Values, str | None]:
    """Return one value a row of a column that is stored as (n, 1) or one-hot as (n, k), and a note where it was."""
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] == 0:
        return values, None
    if values.shape[1] == 1:
        return values[:, 0], None
    if values.dtype.kind not in "fiub" or not np.isin(values, (0, 1)).all() or not (values.sum(axis=1) == 1).all():
        return values, None
    return values.argmax(axis=1), f"{name}: one-hot, read as the number of the column with the 1"


def as_text(values: Any, rows: int, path: Path, name: str, holder: str = "array") -> list[str | None]:
    """Return one text per row; whole numbers lose their '.0', missing values become None.

    Raises
    ------
    InputError
        There is another number of values, or a text that is no UTF-8.
    """
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise InputError(
            f"shape {values.shape}",
            file=path,
            place=f"{holder} {name!r}",
            rule="one value per row (1-d), or one-hot",
            remedy="of scores of classes save array.argmax(axis=1); what is no label, under another name",
        )
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    if len(listed) != rows:
        raise InputError(
            f"{len(listed)} values for {rows} rows",
            file=path,
            place=f"{holder} {name!r}",
            rule="one value per row",
            remedy="save both from the same batch of inputs, or with ids in both",
        )
    within = next((value for value in listed if isinstance(value, list | dict)), None)
    if within is not None:
        raise InputError(
            f"a {'list' if isinstance(within, list) else 'record'} a row, such as {str(within)[:60]}",
            file=path,
            place=f"{holder} {name!r}",
            rule="one value per row: a text or a number",
            remedy="name another column; of several tags a row, save one text",
        )
    try:
        return [_text(value) for value in listed]
    except UnicodeDecodeError as error:
        raise InputError(
            f"{error.object!r} is no UTF-8",
            file=path,
            place=f"{holder} {name!r}",
            rule="text as UTF-8",
            remedy="decode it before saving: numpy.char.decode(array, 'latin-1')",
        ) from None


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")  # a lone surrogate is no text
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def spell_out(labels: list[str | None], names: Values | None) -> list[str | None]:
    """Turn class numbers into names where the file has them (``y`` beside ``y_names``)."""
    if not isinstance(names, np.ndarray) or names.ndim != 1:
        return labels
    spelled = {str(number): _text(name) for number, name in enumerate(names.tolist())}
    return [label if label is None else spelled.get(label, label) for label in labels]
