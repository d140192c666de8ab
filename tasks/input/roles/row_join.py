"""Join the rows of two files: by ids where both have them, by order where they do not; never by a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.data_file import DataFile, some
from steadymap.tasks.input.formats.open_file import reading
from steadymap.tasks.input.roles.decide_roles import find_ids
from steadymap.tasks.input.roles.value_texts import as_text

SHOWN = 5


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
    """

    file: str
    ids: Sequence[str] | None = None
    id_name: str | None = None
    index: Sequence[str] | None = None
    index_name: str | None = None


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
    return RowKeys(str(file.path), _texts(file, id_name), id_name, _texts(file, index_name), index_name)


def _with_the_same(file: DataFile, ids: Sequence[str]) -> str | None:
    """Return the only column that has every one of these ids, each value once; None where there is none, or several.

    Ids that count the rows are in many columns by chance.
    """
    if any(list(ids) == [str(row) for row in range(first, first + len(ids))] for first in (0, 1)):
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


def join_rows(left: RowKeys, right: RowKeys) -> list[int] | None:
    """Return for every row on the left its row on the right; None where they have no ids in common kind.

    Raises
    ------
    InputError
        Ids are missing on the right, or double.
    """
    if left.ids is not None and right.ids is not None:
        return _join(left.ids, right.ids, (left.file, left.id_name), (right.file, right.id_name))
    if left.ids is None and right.ids is None and left.index is not None and right.index is not None:
        return _join(left.index, right.index, (left.file, left.index_name), (right.file, right.index_name))
    return None


def spell_join(left: RowKeys, right: RowKeys, order: list[int] | None) -> str:
    """Say how two files were joined, and by which column where it is called otherwise."""
    if order is None:
        return "joined by order of rows"
    return "joined by id" + ("" if right.id_name in (left.id_name, None) else f" ({right.id_name} there)")


Place = tuple[str, str | None]


def _join(left: Sequence[str], right: Sequence[str], left_place: Place, right_place: Place) -> list[int]:
    for ids, place in ((left, left_place), (right, right_place)):
        _refuse_double(ids, place, left_place[0], right_place[0])
    rows = {one: row for row, one in enumerate(right)}
    missing = [one for one in left if one not in rows]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(left)} ids of {left_place[0]} are not there: "
            f"{some([repr(one) for one in missing], SHOWN)} (those that are there: "
            f"{some([repr(one) for one in right], SHOWN)})",
            file=right_place[0],
            place=f"column {right_place[1]!r}",
            rule="two files with ids are joined by them, so every row has its id in both",
            remedy="add the rows; or name the column with the same ids (--id, `data: id:`); or, to join by the order "
            "of the rows, save one of the files without ids",
        )
    return [rows[one] for one in left]


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
