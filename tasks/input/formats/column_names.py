"""What names of columns say: which are an index, and which a pattern means."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.data_file import Part

INDEX_NAME = re.compile(r"|index|level_\d+|__index_level_\d+__|Unnamed: ?\d+(_level_\d+)?(\.\d+)*")
"""What pandas and R call the index of a frame, when they write it and when they read it again."""


def is_index(part: Part) -> bool:
    """Say whether pandas or R wrote a column as the index of a frame."""
    if not part.dimension or part.kind in ("matrix", "other"):
        return False
    if part.kind == "number" and not part.index:  # without a name, and no count: a dimension that has lost its name
        return part.row_numbers
    return part.index or INDEX_NAME.fullmatch(part.name) is not None


def match_names(names: Sequence[str], wanted: Sequence[str], refuse: Callable[[str], InputError]) -> list[str]:
    """Return the names that names or patterns stand for.

    Raises
    ------
    InputError
        As ``refuse`` gives it, where one stands for none.
    """
    chosen: list[str] = []
    for pattern in wanted:
        found = [name for name in names if name == pattern]
        found = found or [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise refuse(pattern)
        chosen += [name for name in found if name not in chosen]
    return chosen
