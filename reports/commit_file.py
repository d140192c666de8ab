"""The only way a report gets onto the disk: whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

TEMPORARY = ".writing-"
"""Start of the name of a file that is not committed; nothing reads these."""


def commit(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the place, flush, rename: a reader sees the old file, the new one or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, so that the longest name that a file may have can be written, too.
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}{path.suffix}")
    try:
        write(temporary)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def commit_if_new(path: Path, content: bytes) -> bool:
    """Write a file unless it holds just this already, and say whether it was written."""
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass  # not there, or not readable: writing will say what is wrong
    commit(path, lambda temporary: temporary.write_bytes(content))
    return True
