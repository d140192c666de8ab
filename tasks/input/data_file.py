"""What is read of a data file, whatever its format: a matrix of latent vectors, values per row, raw inputs.

Each format has a file of its own (``numpy_file``, ``table_file``). Nothing is unpickled, and what nobody asks for is
not read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from steadymap.configs.errors import InputError

Values = np.ndarray | list[Any]
"""One value per row: numbers or texts, None where a row has none."""


class DataFile(ABC):
    """A data file whose parts are read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Names of the arrays or columns."""

    @abstractmethod
    def latents(self, wanted: Sequence[str] | None, taken: set[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return the matrix of latent vectors, and the names of its columns where they have names.

        Parameters
        ----------
        wanted
            Array, columns or patterns; None: the obvious ones.
        taken
            Names with another role.

        Raises
        ------
        InputError
            There is no such array, or which one is meant is not clear.
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


def some(things: Sequence[Any] | np.ndarray, most: int = 5) -> str:
    """Name the first few of many things."""
    shown = ", ".join(str(thing) for thing in things[:most])
    return shown if len(things) <= most else f"{shown} and {len(things) - most} more"
