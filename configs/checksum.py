"""The checksum that a file of the store carries of itself: SHA-256 of every other byte of it.

It stands in the file (in Parquet's footer, in a key of a JSON object), so that a file and its checksum come and go in
one rename. Page checksums of Parquet leave the footer out, where a tenth of a small file's bits lie. A file that an
earlier version wrote has none, and is taken as it is.
"""

from __future__ import annotations

import hashlib
import re

KEY = "checksum"
BEGIN, END = "steadymap-sha256:", ":end-of-sha256"
DIGITS = 64

BLANK = f"{BEGIN}{'0' * DIGITS}{END}"
"""What a writer puts where the checksum is to stand."""

_CHECKSUM = re.compile(rf"{BEGIN}([0-9a-f]{{{DIGITS}}}){END}".encode())


def fill_in(content: bytes) -> bytes:
    """Put the checksum in the place of the last ``BLANK``.

    Raises
    ------
    ValueError
        There is none.
    """
    place = content.rfind(BLANK.encode())
    if place < 0:
        raise ValueError("no place for a checksum")
    digest = hashlib.sha256(content).hexdigest().encode()
    begin = place + len(BEGIN)
    return content[:begin] + digest + content[begin + DIGITS :]


def is_whole(content: bytes) -> bool | None:
    """Say whether a file has the bytes that it was written with; None where it carries no checksum.

    Both ends of the checksum are looked for, so that a bit that flips in one of them does not pass for a file without.
    """
    # The last one: what data may hold comes before the footer of a Parquet file.
    place = content.rfind(BEGIN.encode())
    found = _CHECKSUM.match(content, place) if place >= 0 else None
    if found is None:
        return None if place < 0 and END.encode() not in content else False
    blank = content[: found.start(1)] + b"0" * DIGITS + content[found.end(1) :]
    return hashlib.sha256(blank).hexdigest().encode() == found[1]
