"""Numbers and vectors that a table holds as text, as people's tools leave them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBER = r"^\s*[+\-−]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
LIKE_A_NUMBER = r"^\s*[+\-−]?(\d[\d,]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*%?\s*$"
"""With a decimal comma, commas between thousands or a percent sign, too."""
LIKE_A_QUANTITY = (
    r"^\s*[$€£¥]?\s*[+\-−]?[$€£¥]?\s*\d[\d,]*\.?\d*\s*[$€£¥]?\s*$"
    r"|^\s*[+\-−]?\d+\.\d+ ?[a-zA-Zµ°]{1,3}\s*$"
    r"|^\s*[+\-−]?\d{1,3}([ '\x{2019}\x{a0}\x{202f}]\d{3})*[.,]\d+\s*$"
    r"|^\s*[+\-−]?\d*\.\d+[dD][+-]?\d+\s*$"
)
"""With a currency, a unit, other signs between thousands, or Fortran's D."""
THOUSANDS = r"^\s*[+\-−]?\d{1,3}(,\d{3})*(\.\d+)?\s*$"
MISSING = r"^\s*(NA|N/A|n/a|na|NaN|nan|null|NULL|None|none|-|\?|\.|#N/A|<NA>)?\s*$"

VECTOR = re.compile(r"\s*(np\.|torch\.)?(array|tensor)?\(?\s*[\[({]{1,2}\s*[-+.\d]")
BARE_VECTOR = re.compile(r"(?=.*[.eE])\s*([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t]+){2,}[-+.\deE]+\s*")
DECORATION = re.compile(r"np\.|torch\.|array|tensor|dtype=[\w.]+|device='[^']*'|[\[\](){},;]")

ABSENT = re.compile(r"\b(null|None|NULL|NA)\b")


class TextVectorError(ValueError):
    """A text that is no vector, with its row."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row:,}: {reason}")
        self.row = row


def holds_vectors(column: pa.ChunkedArray) -> bool:
    """Say whether a column of text holds lists of numbers, by the first text there is."""
    first = next((value for chunk in column.chunks for value in chunk[:100].to_pylist() if value), None)
    return first is not None and bool(VECTOR.match(first) or BARE_VECTOR.fullmatch(first))


def parse_vectors(texts: Sequence[str | None]) -> np.ndarray:
    """Return the vectors that texts such as ``[0.1, 0.2]`` spell, float64, shape (n, d).

    Raises
    ------
    TextVectorError
        A row has none, or one of another length.
    """
    rows = [_parse_vector(row, text) for row, text in enumerate(texts)]
    for row, vector in enumerate(rows):
        if len(vector) != len(rows[0]):
            raise TextVectorError(row, f"{len(vector)} numbers, {len(rows[0])} in the first row")
    return np.stack(rows)


def _parse_vector(row: int, text: str | None) -> np.ndarray:
    if not text:
        raise TextVectorError(row, "no vector")
    if "..." in text:
        raise TextVectorError(row, "NumPy has shortened it with '...', so its values are lost")
    try:
        return np.array(ABSENT.sub("nan", DECORATION.sub(" ", text)).split(), dtype=np.float64)
    except ValueError as error:
        raise TextVectorError(row, str(error)) from None


def parse_numbers(column: pa.ChunkedArray) -> np.ndarray | None:
    """Return the numbers that a column of text spells, NaN for what is marked as missing; None where it holds others.

    Commas between thousands are read where every number has three digits between them; whole numbers alone are
    no numbers here: they may be codes.
    """
    texts = pc.if_else(pc.match_substring_regex(column, MISSING), None, column)
    plain = _all(pc.match_substring_regex(texts, NUMBER))
    thousands = _all(pc.match_substring_regex(texts, THOUSANDS)) and _any(pc.match_substring(texts, ","))
    if not (plain or thousands) or not _any(pc.match_substring_regex(texts, r"[.eE]")):
        return None
    bare = pc.replace_substring(pc.replace_substring(pc.utf8_trim_whitespace(texts), "−", "-"), ",", "")
    numbers: np.ndarray = pc.cast(bare, pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def first_that_is_none(column: pa.ChunkedArray, like: str = LIKE_A_NUMBER) -> int | None:
    """Return the first row that is no number, where more than half of the texts look like numbers; else None."""
    looks = pc.sum(pc.match_substring_regex(column, like)).as_py() or 0
    if looks <= (len(column) - column.null_count) / 2:
        return None
    row = pc.index(pc.match_substring_regex(column, NUMBER), value=False).as_py()
    return None if row < 0 else int(row)


def _all(found: pa.ChunkedArray) -> bool:
    return bool(pc.all(found, min_count=1).as_py())


def _any(found: pa.ChunkedArray) -> bool:
    return bool(pc.any(found).as_py())
