"""Take a sample of the rows of a source, before anything is made of them, and say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from steadymap.tasks.input.latents_file import Latents, RawInputs
from steadymap.tasks.numerics.arrays import Int64
from steadymap.tasks.numerics.input.stratified_sample import Sample, stratified_sample
from steadymap.tasks.numerics.randomness import name_keys

FEWEST_TO_A_VALUE = 10
"""Rows of the sample to every value of a column, for rows of each to be kept: a column with a value a row is none."""

Rows = TypeVar("Rows", Latents, RawInputs)


def take_sample(found: Rows, count: int | None) -> Rows:
    """Return ``count`` of the rows, chosen by their ids, or by their numbers where ids do not tell them apart.

    Of every label and group rows are kept, see ``stratified_sample``, unless a column has more than one value to ten
    rows of the sample.
    """
    if count is None:
        return found
    given = len(found.ids)
    numbers = [str(row) for row in range(given)]
    names = found.ids if len(set(found.ids)) == given else numbers
    if count >= given:
        return replace(found, taken=f"{found.taken}; a sample of {count:,} rows was asked for, and these are all")
    columns = found.labels | ({} if found.group is None else {"the group": found.group})
    values = {name: _codes(texts) for name, texts in columns.items()}
    usable = {name: codes for name, codes in values.items() if FEWEST_TO_A_VALUE * (codes.max() + 1) <= count}
    sample = stratified_sample(name_keys(names), list(usable.values()), count)
    told = f"a sample, {count:,} of {given:,} rows, chosen by their {'numbers' if names == numbers else 'ids'}"
    told += _tell_strata(sample, list(usable), [name for name in values if name not in usable])
    return _chosen(replace(found, taken=f"{found.taken}; {told}"), sample.rows)


def _codes(texts: list[str | None]) -> Int64:
    """Return the number of the value of every row, −1 where it has none."""
    return np.asarray(pd.factorize(np.array(texts, dtype=object))[0], dtype=np.int64)


def _tell_strata(sample: Sample, kept: list[str], too_many: list[str]) -> str:
    """Say which values have rows of their own in the sample, and which columns are none for that."""
    told = ""
    if kept and sample.kept:
        told = f", with {sample.kept} rows of each value of {' and '.join(kept)}, or all it has"
    elif kept:
        told = f", too few to keep rows of each value of {' and '.join(kept)}"
    if too_many:
        told += f"; {' and '.join(too_many)}: too many values to keep rows of each"
    return told


def _chosen(found: Rows, rows: Int64) -> Rows:
    """Return what is known of some rows; files are not joined to them any more."""
    changes: dict[str, Any] = {
        "rows": rows,
        "ids": [found.ids[row] for row in rows],
        "labels": {name: [texts[row] for row in rows] for name, texts in found.labels.items()},
        "group": None if found.group is None else [found.group[row] for row in rows],
    }
    for name in ("matrix", "inputs", "log_variance", "array"):
        array = getattr(found, name, None)
        if array is not None:
            changes[name] = array[rows]
    return replace(found, **changes)
