"""Parts of the rows to draw again: complementary halves, subsamples, bootstraps.

Rows that belong together stay together: a group (session, subject, file), or copies of one row. Which go where is
decided by their content, so that neither the order of a file nor the names of groups matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Int64, UInt64
from steadymap.tasks.numerics.randomness import mix, name_keys, salted, stream

MOST_UNEQUAL = 0.05
"""Difference between the halves, as a share of the rows, that is taken for the sake of halves that last."""


@dataclass(frozen=True)
class Units:
    """Rows that are drawn together.

    Attributes
    ----------
    of_row
        Unit of every row, shape (n,).
    keys
        A hash of every unit's content, shape (units,).
    """

    of_row: Int64
    keys: UInt64

    @property
    def sizes(self) -> Int64:
        """Rows of every unit."""
        return np.bincount(self.of_row, minlength=len(self.keys))


def find_units(keys: UInt64, groups: Sequence[str | None] | None, ids: Sequence[str | None] | None = None) -> Units:
    """Return the units of rows with these content hashes, shape (n,).

    A row without a group is a unit of its own, with its copies.

    Parameters
    ----------
    ids
        What rows are called, if they have names of their own. Chance then goes by the names of rows and groups, so that
        the same rows with other vectors (another night of training) are parted alike; by content otherwise.
    """
    named = _named_units(keys, groups, ids)
    if named is not None:
        return named
    if groups is None or all(group is None for group in groups):
        distinct, of_row = np.unique(keys, return_inverse=True)
        return Units(of_row.astype(np.int64), mix(distinct))
    names = [f"group {group}" if group is not None else f"row {key}" for group, key in zip(groups, keys, strict=True)]
    _, of_row = np.unique(names, return_inverse=True)
    unit_keys = np.zeros(int(of_row.max()) + 1, dtype=np.uint64)
    np.add.at(unit_keys, of_row, mix(keys))  # a sum modulo 2⁶⁴: no order of rows, no name of the group
    return Units(of_row.astype(np.int64), unit_keys)


def _named_units(keys: UInt64, groups: Sequence[str | None] | None, ids: Sequence[str | None] | None) -> Units | None:
    """Return the units with hashes of their names; None where ids are missing, or do not tell rows apart."""
    if ids is None or any(not name for name in ids) or len(set(ids)) < len(ids):
        return None
    grouped = groups or [None] * len(ids)
    plain = find_units(keys, groups)
    names = [f"row {name}" if group is None else f"group {group}" for name, group in zip(ids, grouped, strict=True)]
    # Copies of a row are one unit under the name that comes first.
    order = np.argsort(names, kind="stable")
    _, first = np.unique(plain.of_row[order], return_index=True)
    return Units(plain.of_row, name_keys([names[row] for row in order[first]]))


def halves(units: Units, number: int) -> tuple[Int64, Int64]:
    """Split the rows into two complementary halves, about equal; rows ascending.

    Units go by whether their hash is below the one in the middle, so that rows that come or go move few others. Where
    few large units would leave the halves unequal, they are dealt out instead.

    Raises
    ------
    ValueError
        There is only one unit.
    """
    if len(units.keys) < 2:
        raise ValueError("one group holds every row: there is nothing to split")
    half = np.empty(len(units.keys), dtype=np.int64)
    order = _drawn_order(units, "half", number)
    half[order] = _cut(units.sizes[order])
    of_row = half[units.of_row]
    return np.flatnonzero(of_row == 0), np.flatnonzero(of_row == 1)


def _cut(sizes: Int64) -> Int64:
    """Give the first units to the first half, up to the middle of the rows."""
    upto = np.cumsum(sizes)[:-1]
    off = np.abs(2 * upto - sizes.sum())
    if off.min() > MOST_UNEQUAL * sizes.sum():
        return _deal(sizes)
    return np.asarray(np.arange(len(sizes)) > off.argmin(), dtype=np.int64)


def _deal(sizes: Int64) -> Int64:
    """Give each unit in turn to the half that has fewer rows."""
    dealt = np.empty(len(sizes), dtype=np.int64)
    lead = 0  # rows of the first half beyond those of the second
    for at, size in enumerate(sizes.tolist()):
        dealt[at] = lead > 0
        lead += -size if lead > 0 else size
    return dealt


def subsample(units: Units, share: float, number: int) -> Int64:
    """Return about a share of the rows, whole units drawn without replacement; rows ascending."""
    order = _drawn_order(units, "subsample", number)
    reached = np.cumsum(units.sizes[order])
    kept = order[: max(1, int(np.searchsorted(reached, share * len(units.of_row), side="right")))]
    return np.flatnonzero(np.isin(units.of_row, kept))


def bootstrap(units: Units, number: int) -> Int64:
    """Return the rows that a bootstrap hits, whole units drawn with replacement, each counted once; rows ascending.

    Copies would draw clumps of their own; a comparison of clusters is better off without them (as ``clusterboot`` of
    the R package fpc has it by default). About 1 − 1/e of the units are hit.
    """
    order = _drawn_order(units, "bootstrap", number)
    hits = stream("bootstrap", number, len(order)).integers(0, len(order), len(order))
    return np.flatnonzero(np.isin(units.of_row, order[np.unique(hits)]))


def _drawn_order(units: Units, kind: str, number: int) -> Int64:
    return np.argsort(mix(salted(units.keys, f"{kind} {number}")), kind="stable")
