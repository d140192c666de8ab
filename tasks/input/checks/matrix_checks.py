"""What vectors have to be: enough rows, finite values, values that differ and that float32 can tell apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.data_file import some

FEWEST_ROWS = 10
MOST_COLUMNS_OUT = 0.5
"""Share of the columns with values that are not finite up to which to leave them out is an answer, too."""

SMALLEST_SPREAD, LARGEST_VALUE = 1e-12, 1e12


def check_matrix(matrix: np.ndarray, columns: Sequence[str], file: object) -> None:
    """Refuse a matrix with too few rows, values that are not finite or far too large, or no variation.

    Raises
    ------
    InputError
        Naming rows and columns.
    """
    rows, dimensions = matrix.shape
    check_rows(rows, file, dimensions)
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
            place=f"row {int(np.argmax(np.abs(matrix[:, column].astype(np.float64))))}, column {columns[column]!r}",
            rule=f"values up to {LARGEST_VALUE:g} that spread over {SMALLEST_SPREAD:g} or more (float32 distances)",
            remedy="rescale the vectors; drop rows in which such a value stands for a missing one",
        )
    _check_distinct(matrix, file)
    if np.all(matrix.astype(np.float32)[1:] == matrix.astype(np.float32)[0]):
        raise InputError(
            f"the rows differ by {spread:.3g} around values of {float(largest.max()):.3g}",
            file=file,
            rule="rows that still differ in float32",
            remedy="subtract each column's mean before saving",
        )


def _check_distinct(matrix: np.ndarray, file: object) -> None:
    """Refuse fewer different rows than a neighbourhood needs; how many there are beyond is told elsewhere."""
    distinct = {row.tobytes() for row in matrix[:FEWEST_ROWS]}
    for row in matrix:
        if len(distinct) >= FEWEST_ROWS:
            return
        distinct.add(row.tobytes())
    raise InputError(
        f"only {len(distinct)} of {len(matrix)} rows differ",
        file=file,
        rule=f"at least {FEWEST_ROWS} different rows are needed for neighbourhoods",
        remedy="check that the encoder is trained (has it collapsed?) and that the right columns are named",
    )


def check_rows(rows: int, file: object, dimensions: int = 0) -> None:
    """Refuse fewer rows than a neighbourhood needs."""
    if rows < FEWEST_ROWS:
        raise InputError(
            "1 row" if rows == 1 else f"{rows} rows",
            file=file,
            rule=f"at least {FEWEST_ROWS} rows are needed for neighbourhoods",
            remedy="encode more inputs"
            if dimensions < FEWEST_ROWS
            else f"a row per input: if the {dimensions} columns are the inputs, save array.T; else encode more inputs",
        )


def check_finite(matrix: np.ndarray, columns: Sequence[str], file: object) -> None:
    """Refuse values that are not finite numbers, naming rows and columns."""
    broken = ~np.isfinite(matrix)
    if not broken.any():
        return
    at_rows = np.flatnonzero(broken.any(axis=1))
    at_columns = np.flatnonzero(broken.any(axis=0)).tolist()
    value = matrix[at_rows[0], np.flatnonzero(broken[at_rows[0]])[0]]
    number = int(broken.sum())
    raise InputError(
        f"a value is not finite ({value})" if number == 1 else f"{number} values are not finite (the first is {value})",
        file=file,
        place=f"row {some(at_rows)}, column {some([repr(columns[c]) for c in at_columns])}",
        rule="every value is a finite number (rows count from 0)",
        remedy="drop or impute these rows before saving"
        + ("" if len(at_columns) > MOST_COLUMNS_OUT * len(columns) else "; or name the other columns with --latents"),
    )
