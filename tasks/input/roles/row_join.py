"""Join the rows of two files: by ids where both have them, by order where they do not; never by a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.data_file import DataFile, some
from steadymap.tasks.input.formats.open_file import reading
from steadymap.tasks.input.roles.decide_roles import find_ids
from steadymap.tasks.input.roles.value_texts import as_text

SHOWN = 5

WHOLE_NUMBER = re.compile(r"\s*[+]?0*(\d+)(\.0*)?\s*")
"""A whole number however it is spelt: 7, 007, 7.0."""


@dataclass(frozen=True)
class RowKeys:
    """What tells the rows of a file apart.

    Attributes
    ----------
    file
        Its path, for people.
    ids, id_name
        One id a row, and what it is called; None where there are none.
    index, index_name
        Numbers that pandas kept beside the rows: enough to join, no names.
    default
        Whether these are what pandas gives to rows that nobody has numbered, 0 to n − 1.
    """

    file: str
    ids: Sequence[str] | None = None
    id_name: str | None = None
    index: Sequence[str] | None = None
    index_name: str | None = None
    default: bool = False


@dataclass(frozen=True)
class Join:
    """Which row of one file is which of another.

    Attributes
    ----------
    order
        For every row on the left its row on the right; None: they are in the same order.
    told
        How that was found, for people.
    """

    order: list[int] | None
    told: str


BY_ORDER = Join(None, "joined by order of rows")


def read_keys(file: DataFile, beside: RowKeys | None = None) -> RowKeys:
    """Read the ids of a file.

    Parameters
    ----------
    file
        Any data file; one without names has no ids.
    beside
        Those of the file to join with: a column of the same name is meant here, too; where there is none, the only one
        with the same ids.
    """
    same = None if beside is None or beside.id_name not in file.names else beside.id_name
    id_name, index_name = find_ids(file, file.parts(), same)
    if id_name is None and beside is not None and beside.ids is not None:
        id_name = _with_the_same(file, beside.ids)
    if index_name == id_name:
        index_name = None
    index, default = _texts(file, index_name), False
    if index_name is None and file.row_labels is not None:
        index, default = [str(label) for label in file.row_labels], file.row_labels == range(len(file.row_labels))
    return RowKeys(str(file.path), _texts(file, id_name), id_name, index, index_name, default)


def _with_the_same(file: DataFile, ids: Sequence[str]) -> str | None:
    """Return the only column that has every one of these ids, each value once; None where there is none, or several.

    Ids that count the rows are in many columns by chance.
    """
    if _counts_up(ids):
        return None
    columns = [part.name for part in file.parts() if part.kind in ("text", "whole") and not part.row_numbers]
    texts = {name: _texts(file, name) or [] for name in columns}
    found = [name for name, told in texts.items() if len(set(told)) == len(told) and set(ids) <= set(told)]
    return found[0] if len(found) == 1 else None


def _texts(file: DataFile, name: str | None) -> list[str] | None:
    if name is None:
        return None
    with reading(file.path):
        values = file.values(name, "id")
    return [text or "" for text in as_text(values, len(values), file.path, name)]


def join_rows(left: RowKeys, right: RowKeys) -> Join:
    """Join by ids where both have some, by row labels where both have some that are the same, else by order.

    Raises
    ------
    InputError
        Ids are missing on the right, or double; or one file has row labels in another order, and the other has none.
    """
    if left.ids is not None and right.ids is not None:
        return _join(left.ids, right.ids, (left.file, left.id_name), (right.file, right.id_name))
    if left.index is None or right.index is None:
        for one, other in ((left, right), (right, left)):
            _refuse_shuffled(one, other.file)
        return BY_ORDER
    if left.index == right.index:
        return BY_ORDER
    numbered_by_somebody = not left.default and not right.default and left.ids is None and right.ids is None
    if numbered_by_somebody or _are_the_same_rows(left, right):
        joined = _join(left.index, right.index, (left.file, left.index_name), (right.file, right.index_name))
        return Join(joined.order, "joined by the row labels of pandas")
    return BY_ORDER


def _are_the_same_rows(left: RowKeys, right: RowKeys) -> bool:
    """Say whether row labels, of which some are those of rows that nobody has numbered, can be meant as the same.

    0 to n − 1 are the labels of any frame: beside a longer one they say nothing.
    """
    mine, theirs = set(left.index or ()), set(right.index or ())
    return mine == theirs or (mine < theirs and not left.default)


def _refuse_shuffled(one: RowKeys, other: str) -> None:
    """Refuse row labels that are a count in another order, beside a file without any."""
    labels = one.index
    if labels is None or one.default or _counts_up(labels):
        return
    if not any(set(labels) == {str(row) for row in range(first, first + len(labels))} for first in (0, 1)):
        return
    raise InputError(
        f"its rows are labelled {min(map(int, labels))} to {max(map(int, labels))} in another order "
        f"({some(labels, SHOWN)}), and {other} has no labels of rows",
        file=one.file,
        place=f"column {one.index_name!r}",
        rule="two readings: both files have the same order of rows, or the other one has the order of the labels",
        remedy="same order: save this one after df.reset_index(drop=True); order of the labels: after df.sort_index() "
        "(a column called `id` in both joins them whatever their order)",
    )


def _counts_up(labels: Sequence[str]) -> bool:
    return any(list(labels) == [str(row) for row in range(first, first + len(labels))] for first in (0, 1))


Place = tuple[str, str | None]


def _join(left: Sequence[str], right: Sequence[str], left_place: Place, right_place: Place) -> Join:
    for ids, place in ((left, left_place), (right, right_place)):
        _refuse_double(ids, place, left_place[0], right_place[0])
    by_name = "" if right_place[1] in (left_place[1], None) or not left_place[1] else f" ({right_place[1]} there)"
    rows = {one: row for row, one in enumerate(right)}
    missing = [one for one in left if one not in rows]
    if not missing:
        return Join([rows[one] for one in left], f"joined by id{by_name}")
    numbers = {_as_number(one): row for row, one in enumerate(right)}
    wanted = [_as_number(one) for one in left]
    if len(numbers) == len(right) and len(set(wanted)) == len(left) and all(one in numbers for one in wanted):
        here, there = missing[0], right[numbers[_as_number(missing[0])]]
        return Join(
            [numbers[one] for one in wanted], f"joined by id{by_name}, as numbers: {here!r} here is {there!r} there"
        )
    raise InputError(
        f"{len(missing)} of {len(left)} ids of {left_place[0]} are not there: "
        f"{some([repr(one) for one in missing], SHOWN)} (those that are there: "
        f"{some([repr(one) for one in right], SHOWN)})",
        file=right_place[0],
        place=f"column {right_place[1]!r}",
        rule="two files with ids are joined by them, so every row has its id in both"
        + _spelt_otherwise(missing, right),
        remedy="add the rows; or name the column with the same ids (--id, `data: id:`); or, to join by the order "
        "of the rows, save one of the files without ids",
    )


def _as_number(one: str) -> str:
    found = WHOLE_NUMBER.fullmatch(one)
    return one if found is None else found[1]


def _spelt_otherwise(missing: Sequence[str], right: Sequence[str]) -> str:
    """Point at an id that is there in another spelling."""
    spellings = {_as_number(one).strip().casefold(): one for one in right}
    found = ((one, spellings.get(_as_number(one).strip().casefold())) for one in missing)
    return next((f", spelt alike ({one!r} is {there!r} there)" for one, there in found if there is not None), "")


def _refuse_double(ids: Sequence[str], place: Place, left: str, right: str) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    double = list(dict.fromkeys(one for one in ids if one in seen or seen.add(one)))  # type: ignore[func-returns-value]
    raise InputError(
        f"{len(double)} ids are there more than once: {some([repr(one) for one in double], SHOWN)}",
        file=place[0],
        place=f"column {place[1]!r}",
        rule=f"ids join the rows of {left} with those of {right}, so each is there once",
        remedy="remove the repeated rows; or name another column (--id, `data: id:`); or, to join by the order of the "
        "rows, save one of the files without ids",
    )
