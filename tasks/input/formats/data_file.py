"""What is read of a data file, whatever its format: a matrix of latent vectors, values per row, raw inputs.

Each format has a file of its own (``numpy_file``, ``table_file`` …), which says what parts it has; ``roles`` decides
what they are for. Nothing is unpickled, and what nobody asks for is not read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil

from steadymap.configs.errors import InputError

LARGEST_EXPANSION = 400
"""What is packed may unpack to so many times its size; deflate reaches 1,000 only on constant data."""

ABOVE_SUSPICION_BYTES = 64_000_000
"""Below this a file may be as compressible as it likes."""

Values = np.ndarray | list[Any]
"""One value per row: numbers or texts, None where a row has none."""


Kind = Literal["matrix", "number", "whole", "flag", "text", "other"]
"""Of a part: vectors; one number, whole number or truth value a row; text; anything that no role can use."""


@dataclass(frozen=True)
class Part:
    """An array or a column of a data file.

    Attributes
    ----------
    name
        As the file has it.
    kind
        What it holds.
    told
        The same for people: ``list column``, ``one integer``, ``text``.
    width
        Values a row of a matrix, where the file says so.
    dimension
        Whether one number a row may be a dimension of the vectors: a column of a table may, an array beside a matrix
        may not.
    series
        Whether it is one of many columns of the same stem (z0, z1, …), of which some hold numbers.
    row_numbers
        Whether it only counts the rows.
    index
        Whether it is an index that pandas wrote beside its columns.
    level
        Whether it is one of several levels of such an index: alone it tells no rows apart.
    fault
        Why it cannot be used, where it looks as if it should be.
    """

    name: str
    kind: Kind
    told: str
    width: int | None = None
    dimension: bool = False
    series: bool = False
    row_numbers: bool = False
    index: bool = False
    level: bool = False
    fault: InputError | None = None


class DataFile(ABC):
    """A data file whose parts are read when they are asked for."""

    input_names: tuple[str, ...] | None = None
    """Names of the columns that ``inputs`` has returned, one for each value of an input; None of an array."""

    holder = "array"
    """What its parts are called."""
    pictures_beside = False
    """Whether pictures of the vectors (X_umap) usually lie beside them."""
    row_labels: range | None = None
    """The row labels of a frame of pandas that has none of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        """What a person should know of how it was read."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Names of the arrays or columns."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """Return what there is, in the order of the file."""

    @abstractmethod
    def matrix(self, names: Sequence[str], role: str = "latents") -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return one matrix, or columns side by side, and the names of its columns where they have names.

        Raises
        ------
        InputError
            There is no such array or column, or it holds no numbers.
        """

    @abstractmethod
    def values(self, name: str, role: str) -> Values:
        """Return an array or column by name; the empty name means the only one there is.

        Raises
        ------
        InputError
            There is no such array or column, or several where none is named.
        """

    @abstractmethod
    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return raw inputs, a row per input.

        Parameters
        ----------
        wanted
            Array, columns or patterns; none, or the empty name: the only array there is, every numeric column.
        taken
            Names with another role.
        role
            The key of the config that asks.

        Raises
        ------
        InputError
            There is no such array or column.
        """

    def without_header(self) -> DataFile | None:
        """Return a lone column whose first line is a value and no name; None where nothing says that it could be."""
        return None

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Return the names that names or patterns stand for; only tables know patterns."""
        return list(wanted)

    def require(self, name: str, role: str) -> None:
        """Refuse a name that the file does not have."""
        if name not in self.names:
            raise InputError(
                f"there is no {name!r}",
                file=self.path,
                place=f"data.{role}",
                rule=f"one of {some([repr(known) for known in self.names], 8) or '(nothing else in this file)'}",
                remedy="check the name",
            )

    def only_name(self, role: str) -> str:
        """Return the one name there is; refuse a file with several, of which none was named."""
        if len(self.names) == 1:
            return self.names[0]
        raise InputError(
            f"which of {some([repr(name) for name in self.names], 8) or '(nothing)'} is meant?",
            file=self.path,
            place=f"data.{role}",
            rule="a file with several arrays or columns is named with one of them",
            remedy=f"write {self.path.name}#NAME",
        )


def check_fits(claimed: int, place: str, file: Path | None = None) -> None:
    """Refuse what takes more bytes than memory is free.

    Raises
    ------
    InputError
        It does.
    """
    free = psutil.virtual_memory().available
    if claimed > free:
        raise InputError(
            f"{claimed / 1e9:.1f} GB do not fit into the {free / 1e9:.1f} GB of free memory",
            file=file,
            place=place,
            remedy="save fewer columns, or float32 instead of float64, or use a larger machine",
        )


def check_expansion(
    unpacked: int, stored: int, file: Path, place: str | None = None, remedy: str | None = None
) -> None:
    """Refuse what unpacks to many times its size: a few bytes that would fill the memory.

    Raises
    ------
    InputError
        It does.
    """
    if unpacked > ABOVE_SUSPICION_BYTES and unpacked > LARGEST_EXPANSION * max(1, stored):
        raise InputError(
            f"unpacks to {unpacked / max(1, stored):.0f} times its size ({unpacked:,} bytes) or more",
            file=file,
            place=place,
            rule=f"at most {LARGEST_EXPANSION} times",
            remedy=remedy,
        )


def some(things: Sequence[Any] | np.ndarray, most: int = 5) -> str:
    """Name the first few of many things."""
    shown = ", ".join(str(thing) for thing in things[:most])
    return shown if len(things) <= most else f"{shown} and {len(things) - most} more"
