"""What makes a run complete: its manifest, written last, and every table as the manifest knows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from steadymap.tasks.store.files import DamagedError, file_digest, read_json

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class WrittenRun:
    """A complete run folder and the counts of its cells."""

    folder: Path
    total: int
    ok: int
    skipped: int
    failed: int
    left: int = 0


def find_complete_run(folder: Path, identity: str) -> WrittenRun | None:
    """Return the run where it is complete, nothing failed, and every table is as it was written; else None.

    A run that a time budget has cut short is not complete: the next one goes on from it.
    """
    try:
        manifest = read_json(folder / MANIFEST)
        cells = manifest["cells"]
        tables = manifest["tables"]
        intact = all(file_digest(folder / name) == known["sha256"] for name, known in tables.items())
        written = WrittenRun(folder, **cells)
        failed = written.failed or manifest["lost_tests"] or manifest.get("cut_short")
    except (OSError, DamagedError, KeyError, TypeError, AttributeError):
        return None
    return written if intact and not failed and manifest["identity"] == identity else None


def is_cut_short(folder: Path) -> bool:
    """Say whether a time budget has cut a run short, so that it is worth less than those before it."""
    try:
        return bool(read_json(folder / MANIFEST).get("cut_short"))
    except (OSError, DamagedError):
        return False
