"""Numbers for what colours the points: label values, and islands that keep their colour from picture to picture.

Island numbers are each picture's own, so the same colour would mean another island in every picture. Here every
picture's islands are matched to those of one reference picture by the rows they share, and a matched island takes
the reference's number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

NO_CODE = -1
"""Noise, no label, or a label beyond what the page can number."""

MOST_VALUES = 32_000
"""Codes travel as signed 16-bit integers."""

LEAST_JACCARD = 0.25
"""An island takes the number of a reference island with which it shares at least this much. Lower than the 0.5 at which
a cluster counts as found again: a colour is a guide for the eye, and a merged island should keep one of its colours."""

Codes = npt.NDArray[np.int16]
Islands = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LabelCodes:
    """A label column as numbers: a code per point, the values that codes stand for, and how often each occurs."""

    codes: Codes
    names: tuple[str, ...]
    counts: tuple[int, ...]


def encode_labels(labels: pd.Series) -> LabelCodes:
    """Give label values numbers: whole numbers by size, then other text by alphabet.

    Of more values than the page can number the most frequent are kept.
    """
    present = labels.dropna().astype(str)
    frequency = present.value_counts()
    values = tuple(sorted(frequency.index[:MOST_VALUES], key=natural_order))
    number = {value: place for place, value in enumerate(values)}
    codes = np.array([NO_CODE if pd.isna(value) else number.get(str(value), NO_CODE) for value in labels], np.int16)
    return LabelCodes(codes, values, tuple(int(frequency[value]) for value in values))


def match_islands(reference: Islands, islands: Islands) -> tuple[int, ...]:
    """Return a number for each island of a picture: the reference's where they match, new numbers elsewhere.

    Greedy from the largest Jaccard index down, which needs no solver and gives the obvious pairs their colours.
    ``islands`` and ``reference`` are island numbers per point from 0, noise −1.
    """
    own, known = int(islands.max(initial=-1)) + 1, int(reference.max(initial=-1)) + 1
    numbers = np.full(own, NO_CODE)
    jaccard = _jaccard(islands, own, reference, known)
    for flat in np.argsort(-jaccard, axis=None, kind="stable"):
        island, other = divmod(int(flat), known)
        if jaccard[island, other] < LEAST_JACCARD:
            break
        if numbers[island] == NO_CODE and other not in numbers:
            numbers[island] = other
    unmatched = numbers == NO_CODE
    numbers[unmatched] = known + np.arange(unmatched.sum())
    return tuple(int(number) for number in numbers)


def _jaccard(a: Islands, a_count: int, b: Islands, b_count: int) -> npt.NDArray[np.float64]:
    both = (a >= 0) & (b >= 0)
    shared = np.zeros((a_count, b_count))
    np.add.at(shared, (a[both], b[both]), 1)
    a_size = np.bincount(a[a >= 0], minlength=a_count)[:, None]
    b_size = np.bincount(b[b >= 0], minlength=b_count)[None, :]
    return np.asarray(shared / np.maximum(a_size + b_size - shared, 1))


def natural_order(text: str) -> tuple[int, float, tuple[tuple[str, int], ...], str]:
    """Sort 2 before 10, and "species 2" before "species 10"; the length guards against digits that no number holds."""
    is_number = text.isdecimal() and text.isascii() and len(text) < 300
    if is_number:
        return 0, float(text), (), text
    parts = re.findall(r"([^0-9]*)([0-9]{0,300})", text) if text[:1].isalpha() else [(text, "")]
    return 1, 0.0, tuple((word, int(digits or -1)) for word, digits in parts), text
