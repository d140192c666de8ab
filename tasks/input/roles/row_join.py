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


def read_keys(file: DataFile, beside: str | None = None, *, wanted: str | None = None) -> RowKeys:
    """Read the ids of a file.

    Parameters
    ----------
    file
        Any data file; one without names has no ids.
    beside
        What the ids are called in the file to join with: a column of that name is meant here, too.
    wanted
        What they are called here; None: to be found.
    """
    parts = file.parts()
    wanted = wanted if wanted is not None else beside if beside in file.names else None
    id_name, index_name = find_ids(file, parts, wanted)
    if index_name == id_name:
        index_name = None
    return RowKeys(str(file.path), _texts(file, id_name), id_name, _texts(file, index_name), index_name)


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


Place = tuple[str, str | None]


def _join(left: Sequence[str], right: Sequence[str], left_place: Place, right_place: Place) -> list[int]:
    for ids, place in ((left, left_place), (right, right_place)):
        _refuse_double(ids, place, left_place[0], right_place[0])
    rows = {one: row for row, one in enumerate(right)}
    missing = [one for one in left if one not in rows]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(left)} ids of {left_place[0]} are not there: "
            f"{some([repr(one) for one in missing], SHOWN)}",
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
