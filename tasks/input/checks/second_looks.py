"""What of the vectors and labels is worth a second look before a sweep, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from steadymap.tasks.input.formats.data_file import some
from steadymap.tasks.numerics.input.oddities import find_oddities

FEWEST_VALUES = 30
MOST_SENTINELS = 3
"""Columns that are named; of a fill value there are often many."""
SHARE_OF_ROWS = 0.5
"""A label with more values than this share of its rows is a scale or a name, not a class."""


def warn_of_matrix(matrix: np.ndarray, columns: Sequence[str]) -> list[str]:
    """Tell of rows and columns that would shape every picture alone; rows count from 0, in the file's order."""
    found = find_oddities(np.ascontiguousarray(matrix, dtype=np.float32))
    told = []
    if len(found.far):
        word = "rows" if len(found.far) > 1 else "row"
        told.append(
            f"{word} {some(found.far, 5)}: far from all others ({found.farthest:.0f} times as far from the middle as "
            "95 % of the rows); a sentinel such as 9999, a broken input? Such a row can hide every cluster: drop it, "
            "or keep it knowingly"
        )
    if found.heavy is not None:
        told.append(
            f"column {columns[found.heavy]!r} holds {100 * found.share:.1f} % of the variance, so distances are hardly "
            "more than it; is it a dimension? `preprocess: scale: standard` weighs all alike"
        )
    if len(found.constant):
        names = some([repr(columns[column]) for column in found.constant], 5)
        change = "changes" if len(found.constant) == 1 else "change"
        told.append(f"{len(found.constant)} of {len(columns)} columns never {change}: {names}")
    for column, value in found.sentinels[:MOST_SENTINELS]:
        rows = np.flatnonzero(matrix[:, column].astype(np.float32) == np.float32(value))
        if set(rows.tolist()) <= set(found.far.tolist()):
            continue
        told.append(
            f"column {columns[column]!r} is {value:g} in {len(rows):,} rows ({some(rows, 5)}), far from its other "
            "values; does that stand for a missing one? Drop these rows, or the column"
        )
    if len(found.equal):
        zeros = " (all zeros)" if not np.any(matrix[found.equal[0]]) else ""
        told.append(
            f"{len(found.equal):,} of {len(matrix):,} rows are equal{zeros}: rows {some(found.equal, 5)}; they are one "
            "point, whatever clump they draw"
        )
    return told


def warn_of_labels(labels: Mapping[str, Sequence[str | None]]) -> list[str]:
    """Tell of labels that are no classes."""
    return [told for name, values in labels.items() if (told := _warn_of_label(name, values)) is not None]


def _warn_of_label(name: str, values: Sequence[str | None]) -> str | None:
    present = [value for value in values if value is not None]
    different = set(present)
    if not present:
        return f"label {name}: no row has one"
    if len(different) == 1:
        return f"label {name}: every row has the same"
    if len(different) < FEWEST_VALUES or len(different) <= SHARE_OF_ROWS * len(present):
        if len(different) > FEWEST_VALUES and _are_measured(different):
            return _continuous(name, len(different))
        return None
    if _are_measured(different):
        return _continuous(name, len(different))
    return (
        f"label {name}: {len(different):,} classes in {len(present):,} rows, nearly one each; a name or an id? "
        "(--id, `data: id:`)"
    )


def _continuous(name: str, values: int) -> str:
    return f"label {name} is continuous ({values:,} values): a scale, not classes; every value counts as one class"


def _are_measured(values: Collection[str]) -> bool:
    """Say whether texts are numbers of which most have a fraction."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return False
    return 2 * sum(number % 1 != 0 for number in numbers) > len(numbers)
