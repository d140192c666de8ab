"""Judge a clustering that somebody has: ``steadymap.judge``, in memory, without a store and without Prefect.

It is the test that a sweep makes of the labels of its data, on the same halves of the rows: the same p-values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import Metric, Preprocessing
from steadymap.tasks.geometry.compute_part import make_working
from steadymap.tasks.input.checks.matrix_checks import check_matrix
from steadymap.tasks.numerics.geometry.resampling import find_units, halves
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.verdicts.held_out_jobs import HeldOutRows
from steadymap.tasks.verdicts.label_job import classes_on_half, tell
from steadymap.tasks.verdicts.label_rows import label_rows

PAIRS = 5
"""Pairs of complementary halves, as in a sweep."""


def judge(
    vectors: Any,
    labels: Sequence[object],
    *,
    groups: Sequence[object] | None = None,
    metric: Metric = "euclidean",
    pairs: int = PAIRS,
) -> pd.DataFrame:
    """Say which classes of a clustering are separated in the latent space, and which run into each other.

    Every class is tested against every class that it touches, on rows that took no part in finding the axis between
    them; p-values are combined over the halves and corrected over classes (Holm), so that the chance of any false
    "separated" is at most 5 %. Classes that were found on the same rows can follow gaps of just these rows: a sweep
    proposes its clusters anew on every half, this cannot.

    Parameters
    ----------
    vectors
        Latent vectors, shape (n, d): an array, a DataFrame, whatever NumPy makes a matrix of.
    labels
        Class of every row, n of them; None, NaN and −1 (noise of HDBSCAN and BERTopic) are no class.
    groups
        What must not be torn apart (session, subject, file), n of them.
    metric
        Distance in the latent space: ``euclidean`` or ``cosine``.
    pairs
        Pairs of complementary halves of the rows.

    Returns
    -------
    pandas.DataFrame
        A row a class, in order of names: ``label``, ``size``, ``p_value``, ``separated`` (p ≤ .05), ``depth`` (density
        at the shallowest valley around it over that of the lower peak: 0 is empty, 1 is no valley, None was not seen)
        and ``runs_into`` (classes from which most halves show no valley).

    Raises
    ------
    InputError
        Vectors are no matrix of finite numbers, lengths differ, or there are fewer than two classes.
    """
    matrix = _matrix(vectors)
    classes = [_name(label) for label in labels]
    names = sorted({name for name in classes if name is not None})
    _check(matrix, classes, names, groups)
    keys = row_keys(matrix)
    order = canonical_order(matrix, keys)
    ordered = [classes[row] for row in order]
    grouped = None if groups is None else [_name(groups[row]) for row in order]
    with threadpool_limits(1):  # more threads add up in another order: other last bits than in a sweep
        working = make_working(matrix[order], Preprocessing(metric=metric), metric)
        splits = _splits(working, keys[order], grouped, pairs)
        found = [tell(classes_on_half(rows, ordered)) for rows in splits]
    return pd.DataFrame(label_rows(names, found, ordered))


def _splits(
    working: np.ndarray, keys: np.ndarray, groups: list[str | None] | None, pairs: int
) -> Iterator[HeldOutRows]:
    """Yield both directions of every pair of halves."""
    units = find_units(keys, groups)
    for number in range(pairs):
        first, second = halves(units, number)
        for own, other in ((first, second), (second, first)):
            yield HeldOutRows(own, working[own], working[other], keys[own], keys[other])


def _matrix(vectors: Any) -> np.ndarray:
    try:
        matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"vectors are no matrix: {error}", rule="n rows of d numbers", remedy="pass an array of shape (n, d)"
        ) from None
    if matrix.ndim != 2:
        raise InputError(
            f"vectors have shape {matrix.shape}", rule="n rows of d numbers", remedy="pass an array of shape (n, d)"
        )
    check_matrix(matrix, tuple(f"column {column}" for column in range(matrix.shape[1])), "vectors")
    return matrix


def _check(matrix: np.ndarray, classes: list[str | None], names: list[str], groups: Sequence[object] | None) -> None:
    for what, given in (("labels", classes), ("groups", groups)):
        if given is not None and len(given) != len(matrix):
            raise InputError(
                f"{len(given):,} {what} for {len(matrix):,} vectors",
                rule="one for every row",
                remedy="check their order",
            )
    if len(names) < 2:
        raise InputError(
            f"{len(names)} class{'es' if not names else ''}",
            place="labels",
            rule="a class is tested against its neighbours, so there are at least two",
            remedy="pass the classes of a clustering; None, NaN and −1 are no class",
        )


def _name(label: object) -> str | None:
    """Return the name of a class; None for what is none."""
    if label is None or (isinstance(label, float | np.floating) and np.isnan(label)) or label is pd.NA:
        return None
    return None if str(label) in ("-1", "-1.0") else str(label)
