"""Find and remove what no run of a store rests on, and runs that nobody wants to keep.

Only what has the name and the place of something of ours is ever removed. While a sweep or a night holds a lock of the
store, or a lease of one far away, nothing is.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from steadymap.configs.errors import InputError
from steadymap.tasks.store.files import TEMPORARY
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.leases import refuse_while_leased
from steadymap.tasks.store.run_manifest import is_cut_short
from steadymap.tasks.store.run_uses import read_uses, uses_file
from steadymap.tasks.store.sync import remove_there, sizes_there

IDENTITY = r"[0-9a-f]{16,64}"
FILES = {"cells": "parquet", "branches": "parquet", "scores": "parquet", "row_scores": "parquet", "timings": "json"}
"""Kinds whose things are files named by their identity, in folders of its first two letters."""

FOLDERS = ("geometry", "datasets", "splits", "findings")
"""Kinds whose things are folders."""

FOLDER_NAME = {
    "geometry": rf"[a-z_]+-{IDENTITY}(-\d+)?",
    "datasets": IDENTITY,
    "splits": IDENTITY,
    "findings": r".+-[0-9a-f]{10}",
}

DAY_SECONDS = 86_400
ABANDONED_SECONDS = DAY_SECONDS
"""A file that was begun longer ago, and is not committed, belongs to a dead process."""


@dataclass(frozen=True)
class Garbage:
    """A thing to be removed: its kind, its place, and its bytes."""

    kind: str
    path: Path
    size: int


@dataclass(frozen=True)
class GarbageFound:
    """What would be removed, the runs that stay, and those of them of which it is not known what they rest on."""

    garbage: tuple[Garbage, ...]
    kept: tuple[str, ...]
    unknown: tuple[str, ...]


def find_garbage(store: Store, keep_runs: int | None = None, older_than_days: float | None = None) -> GarbageFound:
    """Find what no kept run rests on.

    Parameters
    ----------
    store
        The store.
    keep_runs
        Of every name keep so many runs, the latest; default: all, or with ``older_than_days`` one. Those that time has
        cut short do not count: they stay while they are newer than the last of these.
    older_than_days
        Keep all younger ones in any case; default: none.

    Raises
    ------
    InputError
        A sweep or a night is under way.
    """
    refuse_while_in_use(store)
    runs = _runs(store)
    gone = _unwanted(runs, keep_runs, older_than_days)
    kept = [run for run in runs if run not in gone]
    uses = {run.name: read_uses(store, run.name) for run in kept}
    unknown = tuple(name for name, used in uses.items() if used is None)
    garbage = [Garbage("runs", run, _size(run)) for run in gone]
    garbage += [Garbage("uses", file, _size(file)) for run in gone if (file := uses_file(store, run.name)).is_file()]
    if not unknown:
        used = {place for places in uses.values() for place in places or ()}
        for place, one in (_things_here(store) | _things_there(store)).items():
            if place not in used:
                garbage.append(one)
    garbage += [Garbage("unfinished", path, _size(path)) for path in _abandoned(store)]
    return GarbageFound(tuple(garbage), tuple(run.name for run in kept), unknown)


def remove_garbage(store: Store, found: GarbageFound) -> None:
    """Remove it; what is gone already is none of our business."""
    for one in found.garbage:
        remove_there(store, one.path)
        if one.path.is_dir():
            # First out of the way, so that nobody meets a part of it.
            aside = one.path.with_name(f"{TEMPORARY}gone-{one.path.name}")
            with suppress(FileNotFoundError):
                one.path.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)
        else:
            one.path.unlink(missing_ok=True)


def refuse_while_in_use(store: Store) -> None:
    """Refuse what must not happen while anybody is at work in a store.

    Raises
    ------
    InputError
        A sweep or a night is under way.
    """
    refuse_while_leased(store)
    for lock in sorted((store.root / "locks").glob("*.lock")):
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{lock.stem} is under way", file=store.root, remedy="wait for its end, or stop it"
                ) from None
            except OSError:
                continue  # no locks on this file system, so nothing is known


def _runs(store: Store) -> list[Path]:
    """Return the complete runs, the latest first."""
    found = [
        path.parent for path in (store.root / "runs").glob("*/manifest.json") if not path.parent.name.startswith(".")
    ]
    return sorted(found, key=lambda run: ((run / "manifest.json").stat().st_mtime_ns, run.name), reverse=True)


def _unwanted(runs: list[Path], keep_runs: int | None, older_than_days: float | None) -> list[Path]:
    if keep_runs is None and older_than_days is None:
        return []
    seen: dict[str, int] = {}
    gone = []
    for run in runs:
        name = run.name.rsplit("-", 1)[0]
        # The latest whole one of a name stays: the next night is compared with it.
        enough = seen.get(name, 0) >= (keep_runs or 1)
        seen[name] = seen.get(name, 0) + (not is_cut_short(run))
        age = time.time() - (run / "manifest.json").stat().st_mtime
        if enough and (older_than_days is None or age > older_than_days * DAY_SECONDS):
            gone.append(run)
    return gone


def _things_here(store: Store) -> dict[str, Garbage]:
    """Return every thing of ours that a run may rest on, by its place in the store."""
    found = [path for kind in FILES for path in sorted((store.root / kind).glob("??/*"))]
    found += [path for kind in FOLDERS for path in sorted((store.root / kind).glob("*")) if path.is_dir()]
    places = ((path.relative_to(store.root).as_posix(), path) for path in found)
    return {place: Garbage(kind, path, _size(path)) for place, path in places if (kind := kind_of(place)) is not None}


def _things_there(store: Store) -> dict[str, Garbage]:
    """Return those of a store that lies far away."""
    found: dict[str, Garbage] = {}
    for kind in (*FILES, *FOLDERS):
        for key, size in sizes_there(store, kind).items():
            place = "/".join(key.split("/")[: 3 if kind in FILES else 2])
            if kind_of(place) is not None:
                known = found.get(place, Garbage(kind, store.root / place, 0))
                found[place] = replace(known, size=known.size + size)
    return found


def kind_of(place: str) -> str | None:
    """Return the kind of a thing by its place in the store; None where it is not ours."""
    kind, *rest = place.split("/")
    if kind in FILES and len(rest) == 2:
        identity, _, ending = rest[1].rpartition(".")
        ours = ending == FILES[kind] and re.fullmatch(IDENTITY, identity) and identity.startswith(rest[0])
        return kind if ours else None
    return kind if kind in FOLDERS and len(rest) == 1 and re.fullmatch(FOLDER_NAME[kind], rest[0]) else None


def _abandoned(store: Store) -> Iterator[Path]:
    limit = time.time() - ABANDONED_SECONDS
    for path in sorted((store.root / "encoding").glob("*")):  # goes on where it was stopped, if anybody wants it to
        with suppress(FileNotFoundError):
            if re.fullmatch(IDENTITY, path.name) and path.stat().st_mtime < limit:
                yield path
    for kind in (*FILES, *FOLDERS, "runs", "uses"):
        for path in sorted((store.root / kind).rglob(f"{TEMPORARY}*")):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    yield path


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(_size(part) for part in path.iterdir())
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
