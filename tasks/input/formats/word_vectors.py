"""Word vectors as text: word2vec's and fastText's, with a first line of rows and dimensions, and GloVe's, without.

A word and numbers a line, parted by single blanks; nothing is quoted, and a word may be a quotation mark or ``NaN``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steadymap.configs.errors import InputError

SIZE = re.compile(r"(\d+) (\d+)[ \r]*")
FEWEST_LINES, HEAD_LINES, HEAD_CHARACTERS = 3, 60, 1_000_000
WORD = "id"
"""The name that the column of words gets: they tell the rows apart."""


@dataclass(frozen=True)
class WordVectors:
    """Lines of a word and numbers, parted by tabs.

    Attributes
    ----------
    text
        The lines.
    width
        Numbers a line.
    """

    text: str
    width: int

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [WORD, *(f"z{place}" for place in range(self.width))]


def read_word_vectors(text: str, path: Path) -> WordVectors | None:
    """Return word vectors, None where a text holds something else.

    Raises
    ------
    InputError
        There are fewer lines than the first one says.
    """
    first, _, body = text.partition("\n")
    size = SIZE.fullmatch(first)
    start = (body if size else text)[:HEAD_CHARACTERS].split("\n")
    head = [line.rstrip(" \r") for line in start[: 1 if size else min(HEAD_LINES, max(1, len(start) - 1))]]
    width = int(size[2]) if size else head[0].count(" ")
    if width < 2 or not _are_words(head, width, told=size is not None):
        return None
    lines = [line.rstrip(" \r") for line in (body if size else text).split("\n")]  # words may hold other line breaks
    while lines and not lines[-1]:
        lines.pop()
    if size and len(lines) < int(size[1]):
        raise InputError(
            f"{len(lines):,} word vectors, and the first line says {int(size[1]):,}",
            file=path,
            place="line 1",
            rule="a whole file: a first line of rows and dimensions, then a line per word",
            remedy="load or write the file again",
        )
    return WordVectors("\n".join("\t".join(line.replace("\t", " ").rsplit(" ", width)) for line in lines), width)


def _are_words(lines: Sequence[str], width: int, *, told: bool) -> bool:
    """Say whether every line is a word, each once, and so many numbers; without a first line, such with a point."""
    if not lines or (not told and len(lines) < FEWEST_LINES):
        return False
    parts = [line.rsplit(" ", width) for line in lines]
    if any(len(part) != width + 1 for part in parts) or len({part[0] for part in parts}) < len(parts):
        return False
    numbers = [number for part in parts for number in part[1:]]
    if not all(map(_is_number, numbers)):
        return False
    return told or (
        not any(_is_number(part[0]) for part in parts[:1]) and any("." in number for number in parts[0][1:])
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
