"""Rows of the list whose runs are as they were: a night costs what is new in a store, not what is there.

A row is right while the files that it was made of are the same: those of its run, of the run before, its comparison,
and our own code. That is known from their sizes and times, without reading them; what the disk has changed behind
everybody's back is not seen here, but by ``steadymap fsck``. Whatever is not right about the file of kept rows, the
rows are made anew.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadymap.reports.commit_file import commit_if_new

KEPT = ".rows.json"
"""Beside the site's first page; it may be removed at any time."""

ROOMS = Path(__file__).parents[2]


@dataclass(frozen=True)
class KeptRow:
    """What a row was made of, in a digest; the row; and whether the next run of its name is compared with this one."""

    state: str
    row: Mapping[str, Any]
    whole: bool


def read_rows(out: Path) -> dict[str, KeptRow]:
    """Read the kept rows of a site by the names of their runs; none where they cannot be read."""
    try:
        found = json.loads((out / KEPT).read_bytes())
        return {name: KeptRow(str(one["state"]), dict(one["row"]), bool(one["whole"])) for name, one in found.items()}
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return {}


def write_rows(out: Path, rows: Mapping[str, KeptRow]) -> None:
    """Keep rows for the next time."""
    kept = {name: {"state": one.state, "row": one.row, "whole": one.whole} for name, one in rows.items()}
    commit_if_new(out / KEPT, json.dumps(kept).encode("ascii"))


def state_of(out: Path, place: Path) -> str:
    """Return a digest that changes with a file, or any file of a folder, with the way there, and with our own code.

    Raises
    ------
    OSError
        A file was removed while it was looked at.
    """
    seen = [_code(), os.path.relpath(place.absolute(), out.absolute()), *_looks(place)]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32]


def _looks(place: Path) -> Iterator[tuple[str, int, int, int]]:
    for file in sorted(place.iterdir()) if place.is_dir() else [place] if place.exists() else []:
        at = file.stat()
        yield file.name, at.st_size, at.st_mtime_ns, at.st_ctime_ns  # the second time cannot be set back


@functools.cache
def _code() -> str:
    """Return a digest of all that shapes a row or a comparison: the words and the reports."""
    digest = hashlib.sha256()
    for room in ("configs", "reports"):
        for file in sorted((ROOMS / room).rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(f"{file.relative_to(ROOMS)}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()
