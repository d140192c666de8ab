"""Write a file whole or not at all: beside its place, flushed, renamed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside the place, then rename it: a reader sees the old file, the new one or none."""
    temporary = path.with_name(f".writing-{path.name}-{uuid.uuid4().hex}"[:200])
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
