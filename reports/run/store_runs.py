"""The runs of a store, by when they were finished: all of them, the latest, and the one before a run.

A run says nothing about time, since the same data, config and code give the same bytes on any day. It was finished when
its manifest was written, which comes last; so that file's time counts, and of equal times the name decides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steadymap.configs.errors import InputError
from steadymap.reports.run.run_folder import MANIFEST

RUNS = "runs"
"""Folder of a store in which the runs lie."""

WRITING = "."
"""Start of the names of folders that nothing reads."""


@dataclass(frozen=True)
class Finished:
    """A run folder and when its manifest was written, in nanoseconds; without a manifest, when the folder changed."""

    folder: Path
    at: int
    complete: bool

    @property
    def key(self) -> tuple[int, str]:
        """Sort by time, then by name."""
        return self.at, self.folder.name

    @property
    def time(self) -> datetime:
        """The time in UTC, so that a page says the same wherever it is made."""
        return datetime.fromtimestamp(self.at // 1_000_000_000, tz=UTC)


def finished_runs(store: Path) -> list[Finished]:
    """List every run folder of a store, complete or not, the latest first."""
    folder = store / RUNS
    if not folder.is_dir():
        return []
    found = [_finished(path) for path in folder.iterdir() if path.is_dir() and not path.name.startswith(WRITING)]
    return sorted((one for one in found if one is not None), key=lambda one: one.key, reverse=True)


def latest_run(store: Path) -> Path:
    """Return the folder of the run that was finished last.

    Raises
    ------
    InputError
        The store has none.
    """
    for one in finished_runs(store):
        if one.complete:
            return one.folder
    raise InputError(
        "there is no complete run",
        file=store,
        rule=f"a store has its runs in {RUNS}/",
        remedy="run `steadymap sweep`, or name the store with --store",
    )


def previous_run(folder: Path) -> Path | None:
    """Return the run of the same name in the same store that was finished last before a run; None without one."""
    folder = folder.resolve()
    own = _finished(folder)
    name = _name(folder)
    if own is None or name is None or folder.parent.name != RUNS:
        return None
    earlier = (one for one in finished_runs(folder.parents[1]) if one.complete and one.key < own.key)
    return next((one.folder for one in earlier if _name(one.folder) == name), None)


def _finished(folder: Path) -> Finished | None:
    for place, complete in ((folder / MANIFEST, True), (folder, False)):
        try:
            return Finished(folder, place.stat().st_mtime_ns, complete)
        except OSError:
            continue  # removed in this moment, or never there
    return None


def _name(folder: Path) -> Any:
    """Return the name that a run was given; None where it cannot be read, or time has cut the run short."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return manifest.get("name") if isinstance(manifest, dict) and not manifest.get("cut_short") else None
