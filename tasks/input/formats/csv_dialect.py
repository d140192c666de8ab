"""How a file of separated values is written: encoding, separator, decimal sign, comments, and whether it has a header.

Arrow reads the values; this looks at the first lines and says how. What could be read in two ways is asked about.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.word_vectors import read_word_vectors

HEAD_CHARACTERS = 1_000_000
HEAD_LINES = 60
SEPARATORS = (";", "\t", "|", ",")
SEPARATOR_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d+)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?[ ]*(\r\n|\r|\n)", re.IGNORECASE)
"""By which Excel is told the separator."""
EMPTY_LINES = re.compile(r"((\r\n|\r|\n)[ \t]*([,;|\t])[,;|\t ]*)+$")
LISTED = re.compile(r"\s*\[[^\[\]\"]+\]\s*")
UTF32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
UTF16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
FEWEST_PROGRESSION = 3
MOST_TITLE_LINES = 5
NOT_ASCII = re.compile(r"[^\x00-\x7f\s]")
RUN_NOT_ASCII = re.compile(r"[^\x00-\x7f\s]{3,}")
"""Hardly in a language that Windows-1252 is made for; Cyrillic, Greek or Japanese in a code of its own is such runs."""


@dataclass(frozen=True)
class Dialect:
    """How to read a text as a table.

    Attributes
    ----------
    text
        The text from its first line of data on.
    names
        Of the columns; None: there are none.
    separator, decimal
        One character each.
    notes
        What a person should know of it.
    plain
        Whether quotation marks and words such as NA stand for themselves.
    """

    text: str
    names: list[str] | None
    separator: str
    decimal: str
    notes: tuple[str, ...]
    plain: bool = False


def read_dialect(raw: bytes, path: Path, header: bool | None = None) -> Dialect:
    """Find how a file is written.

    Parameters
    ----------
    raw
        Its bytes.
    path
        For messages; the ending .tsv speaks for tabs.
    header
        Whether the first line holds names; None: to be found.

    Raises
    ------
    InputError
        It is empty or no text, or its first line can be read as names and as values.
    """
    text, notes = _decode(raw, path)
    if "\0" in text:
        raise InputError(
            "there are zero bytes in it", file=path, rule="a file of text", remedy="write the file again, as UTF-8"
        )
    words = None if header else read_word_vectors(text, path)
    if words is not None:
        told_as = ("word vectors: the words are the ids",)
        return Dialect(words.text, words.names, "\t", ".", (*notes, *told_as), plain=True)
    told = SEPARATOR_LINE.match(text)
    text, comments = _without_comments(text[told.end() :] if told else text)
    if not text.strip():
        raise InputError("the file is empty", file=path, rule="a line per row")
    text, empty = _without_empty_lines(text)
    text, listed = _without_brackets(text)
    notes += [*empty, *listed]
    head = text if len(text) <= HEAD_CHARACTERS else text[:HEAD_CHARACTERS].rpartition("\n")[0]
    separator = told[1] if told else _find_separator(head, ".tsv" in path.name.lower())
    if separator == " ":
        text, head = _blanks_to_tabs(text), _blanks_to_tabs(head)
    rows = _split(head, separator.replace(" ", "\t"))
    decimal = _find_decimal(rows, separator)
    if separator in SEPARATOR_NAMES and not (separator == "\t" and ".tsv" in path.name.lower()):
        notes.append(f"separated by {SEPARATOR_NAMES[separator]}")
    if decimal == ",":
        notes.append("decimal commas")
    names, skipped = _find_names(rows, comments, (separator, decimal), path, header)
    if names is None and header is None:
        notes.append("no line of names")
    body = _after_lines(text, skipped)
    return Dialect(body, names, separator.replace(" ", "\t"), decimal, tuple(notes))


def _decode(raw: bytes, path: Path) -> tuple[str, list[str]]:
    if raw[:4] in UTF32:
        return raw.decode("utf-32"), ["UTF-32"]
    encoding = UTF16.get(raw[:2])
    if encoding is None and raw[:400].count(0) > len(raw[:400]) // 3:
        encoding = "utf-16-be" if raw[:1] == b"\0" else "utf-16-le"
    if encoding is not None:
        return raw.decode(encoding), ["UTF-16"]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        if b"\0" in raw:
            raise
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        raise _unknown_encoding(path, "not UTF-8, UTF-16 or Windows-1252 (Latin-1)") from None
    accented, foreign = (pattern.findall(text) for pattern in (NOT_ASCII, RUN_NOT_ASCII))
    if 2 * sum(map(len, foreign)) > len(accented):
        raise _unknown_encoding(path, f"not UTF-8, and as Windows-1252 (Latin-1) it has words such as {foreign[0]!r}")
    return text, ["not UTF-8: read as Windows-1252 (Latin-1)"]


def _unknown_encoding(path: Path, problem: str) -> InputError:
    return InputError(
        problem,
        file=path,
        rule="text in UTF-8, UTF-16 or Windows-1252",
        remedy=f"iconv -f CODE -t UTF-8 {path.name!r} > utf8.csv, with the CODE of the file (CP1251, SHIFT_JIS …)",
    )


def _without_comments(text: str) -> tuple[str, list[str]]:
    """Take comments and empty lines off the beginning, and empty lines off the end."""
    comments = []
    place = 0
    while place < len(text):
        end = re.compile(r"\r\n|\r|\n").search(text, place)
        line = text[place : end.start() if end else len(text)]
        if line.strip() and not line.startswith("#"):
            break
        if line.strip():
            comments.append(line[1:].strip())
        place = end.end() if end else len(text)
    return text[place:].rstrip("\r\n "), comments


def _without_empty_lines(text: str) -> tuple[str, list[str]]:
    """Take lines without any value off the end, as spreadsheets write the empty rows below a table."""
    start = max(0, len(text) - HEAD_CHARACTERS)
    found = EMPTY_LINES.search(text, start)
    if found is None:
        return text, []
    lines = len(found[0].strip("\r\n").splitlines())
    return text[: found.start()], [f"{lines} empty line{'s' * (lines > 1)} at the end left out"]


def _without_brackets(text: str) -> tuple[str, list[str]]:
    """Make separated values of a list a line: [0.1, 0.2]."""
    lines = text.split("\n") if text.startswith("[") else []
    if not lines or not all(LISTED.fullmatch(line) for line in lines):
        return text, []
    return "\n".join(line.strip().strip("[]") for line in lines), ["a list a line"]


def _split(text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator, skipinitialspace=True)
    try:
        return [row for row in itertools.islice(reader, HEAD_LINES) if row]
    except csv.Error:  # a field longer than Python's csv takes: a long vector as text
        return [line.split(separator) for line in text.splitlines()[:2]]


def _find_separator(head: str, tabs: bool) -> str:
    """Return the separator that divides every line alike; a space where any run of blanks does."""
    if tabs and "\t" in head:
        return "\t"
    for separator in SEPARATORS:
        lengths = [len(row) for row in _split(head, separator)]
        # R leaves out the name of the row names, so the first line may be one shorter.
        if max(lengths[1:] or lengths) > 1 and len({*lengths[1:]}) <= 1 and lengths[-1] - lengths[0] in (0, 1):
            return separator
    return " " if _is_divided_by_blanks(head) else _find_below_a_title(head) or ","


def _find_below_a_title(head: str) -> str | None:
    """Return what divides all lines but the first few alike, so that these are told as what is wrong."""
    for separator in SEPARATORS:
        lengths = [len(row) for row in _split(head, separator)][MOST_TITLE_LINES:]
        if len(lengths) > 1 and len({*lengths}) == 1 and lengths[0] > 1:
            return separator
    return None


def _is_divided_by_blanks(head: str) -> bool:
    """Say whether runs of blanks divide every line alike, and most words of the last line are numbers."""
    lines = [[word for word in row if word] for row in _split(head, " ")]
    lengths = {len(line) for line in lines[1:]}
    if len(lengths) != 1 or len(lines[-1]) < 2 or len(lines[-1]) - len(lines[0]) not in (0, 1):
        return False
    return 2 * sum(is_number(word) for word in lines[-1]) > len(lines[-1])


def _blanks_to_tabs(text: str) -> str:
    if '"' not in text:
        return "\n".join("\t".join(line.split()) for line in text.splitlines())
    tabbed = io.StringIO()
    rows = csv.reader(io.StringIO(text, newline=None), delimiter=" ", skipinitialspace=True)
    csv.writer(tabbed, delimiter="\t", lineterminator="\n").writerows([word for word in row if word] for row in rows)
    return tabbed.getvalue()


def _find_decimal(rows: Sequence[Sequence[str]], separator: str) -> str:
    fields = [field.strip() for row in rows for field in row]
    commas = any(DECIMAL_COMMA.fullmatch(field) for field in fields)
    points = any(DECIMAL_POINT.fullmatch(field) for field in fields)
    return "," if separator != "," and commas and not points else "."


def is_number(text: str, decimal: str = ".") -> bool:
    """Say whether a text is written as a number."""
    try:
        float(text.replace(decimal, ".") if decimal != "." else text)
    except ValueError:
        return False
    return True


def _after_lines(text: str, count: int) -> str:
    """Return what follows the first record, where it holds the names."""
    if count == 0:
        return text
    quoted = False
    for place, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif sign in "\r\n" and not quoted:
            return text[place + (2 if text[place : place + 2] == "\r\n" else 1) :]
    return ""


def _find_names(
    rows: list[list[str]], comments: Sequence[str], signs: tuple[str, str], path: Path, header: bool | None
) -> tuple[list[str] | None, int]:
    """Return the names of the columns and how many lines they take."""
    separator, decimal = signs
    first, second = rows[0], rows[1] if len(rows) > 1 else []
    width = max(len(first), len(second))
    told = _names_in_comment(comments, second or first, separator, decimal)
    if header is False or (header is None and told is not None and any(is_number(word, decimal) for word in first)):
        return told, 0
    if header is None and not _is_header(rows, decimal, path):
        return None, 0
    if len(first) < width:
        last_is_empty = all(not row[-1].strip() for row in rows[1:] if len(row) == width)
        first = [*first, ""] if last_is_empty else ["", *first]
    return first, 1


def _names_in_comment(comments: Sequence[str], row: Sequence[str], separator: str, decimal: str) -> list[str] | None:
    """Return the names that NumPy's savetxt, or a format with #, writes before the first line."""
    if not comments:
        return None
    (names, *_) = _split(comments[-1], separator.replace(" ", "\t")) or [[]]
    names = comments[-1].split() if separator == " " else names
    return None if len(names) != len(row) or any(is_number(name, decimal) for name in names) else names


def _is_header(rows: list[list[str]], decimal: str, path: Path) -> bool:
    """Say whether the first line holds names.

    Raises
    ------
    InputError
        It could be names and values as well.
    """
    first, below = [word.strip() for word in rows[0]], rows[1:]
    numbers = [word for word in first if is_number(word, decimal)]
    if not numbers:
        return True
    if numbers == [str(place) for place in range(len(numbers))]:
        return True  # the numbers that pandas gives to columns without a name
    whole_below = all(re.fullmatch(r"[+-]?\d+", word.strip()) for row in below for word in row if word.strip())
    if numbers == [str(place + 1) for place in range(len(numbers))] and not whole_below:
        return True
    texts = [place for place, word in enumerate(first) if word not in numbers]
    named = all(len(row) > place and is_number(row[place], decimal) for row in below for place in texts if below)
    if texts and (all(not first[place] for place in texts) or (named and below)):
        return True
    if texts:
        raise InputError(
            f"the first line mixes names and numbers ({numbers[0]!r})",
            file=path,
            place="line 1",
            rule="a first line of column names, or numbers only and no header at all",
            remedy="write a header line; or say which it is: --header or --no-header (`data: header: true` or `false`)",
        )
    if _could_be_names(first, below, decimal):
        raise InputError(
            f"the first line ({', '.join(first[:3])}{' …' if len(first) > 3 else ''}) can be names of the columns, "
            "such as wavelengths, or the first row",
            file=path,
            place="line 1",
            rule="numbers in a first line that rise evenly, or are written shorter than those below, are not guessed",
            remedy="--header if they are names, --no-header if they are values (`data: header: true` or `false`)",
        )
    return False


def _could_be_names(first: Sequence[str], below: Sequence[Sequence[str]], decimal: str) -> bool:
    """Say whether numbers in a first line look like names: evenly spaced, or rising and written shorter than values."""
    values = [float(word.replace(decimal, ".")) for word in first]
    steps = [right - left for left, right in itertools.pairwise(values)]
    if len(values) < FEWEST_PROGRESSION or 0 in steps or not below:
        return False
    even = all(abs(step - steps[0]) <= 1e-6 * abs(steps[0]) for step in steps)
    lengths = sorted(len(word.strip()) for row in below for word in row)
    shorter = 2 * max(map(len, first)) <= lengths[len(lengths) // 2]
    return even or (shorter and (all(step > 0 for step in steps) or all(step < 0 for step in steps)))
