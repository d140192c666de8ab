"""How settings, estimates and lists read in prose: the same words on the page, in Markdown and in the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REDUCERS = {
    "tsne": "t-SNE",
    "umap": "UMAP",
    "pca": "PCA",
    "random_projection": "random projection",
    "shuffled": "shuffled rows",
}

NARROW_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error, None where it cannot be had."""

    value: float
    stderr: float | None = None

    def __str__(self) -> str:
        error = self.error
        return f"{self.value:.3f} ± {error}" if error else f"{self.value:.3f}"

    @property
    def error(self) -> str:
        """The standard error at the precision of the value, empty where there is none."""
        if self.stderr is None or math.isnan(self.stderr):
            return ""
        return f"{self.stderr:.3f}" if self.stderr >= 0.0005 or self.stderr == 0 else "<.001"


def spell_reducer(reducer: str) -> str:
    """Write a reducer as its authors do."""
    return REDUCERS.get(reducer, reducer)


def spell_configuration(name: str) -> str:
    """Turn ``umap n_neighbors=15 min_dist=0.1`` into ``UMAP, n_neighbors 15, min_dist 0.1``."""
    reducer, *parameters = name.split(" ")
    return ", ".join([spell_reducer(reducer), *(one.replace("=", NARROW_SPACE, 1) for one in parameters)])


def spell_number(value: object) -> str:
    """Write 30.0 as 30 and keep what is not a number as it is."""
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)


def spell_numbers(numbers: Sequence[int], most: int = 3) -> str:
    """Write a few numbers for a sentence: ``1``, ``1 and 3``, ``1, 3 and 4``, of more without a gap the ends."""
    found = sorted(numbers)
    if len(found) > most and found == list(range(found[0], found[-1] + 1)):
        return f"{found[0]} to {found[-1]}"
    told = [str(number) for number in found]
    return told[0] if len(told) == 1 else ", ".join(told[:-1]) + f" and {told[-1]}"


def spell_p(p: float) -> str:
    """Write a p-value: ``p = .003``, ``p < .001``, ``p = 1``."""
    if p < 0.001:
        return "p < .001"
    told = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return "p = 1" if float(told) == 1 else f"p = {told.removeprefix('0')}"


def spell_share(share: float) -> str:
    """Write a share as a percentage: whole above 10 %, with a digit more below."""
    percent = 100 * share
    return f"{percent:.{0 if percent >= 9.95 or percent == 0 else 1}f}{NARROW_SPACE}%"


def list_names(names: Sequence[str], most: int = 3) -> str:
    """Join names for a sentence; of many, name the first few and count the rest."""
    shown, rest = list(names[:most]), len(names) - most
    if rest > 0:
        shown.append(f"{rest} more")
    return "; ".join(shown) if len(shown) < 2 else "; ".join(shown[:-1]) + f" and {shown[-1]}"


def join_words(words: Sequence[str]) -> str:
    """Join a few words for a sentence: ``0``, ``0 and 2``, ``0, 2 and 8``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def to_printable(line: str) -> str:
    """Drop control characters, which could move a terminal's cursor; spaces of every kind become plain ones."""
    return "".join(" " if character.isspace() else character for character in line if _shows(character))


def _shows(character: str) -> bool:
    return character.isprintable() or character.isspace()
