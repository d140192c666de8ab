"""Walk a store and say what in it is damaged, lost or not ours; and move damage away, so that it is made again.

Nothing is removed: what is damaged moves to ``damaged/``, under the place that it had. Of what a run rests on, its
pictures are looked for; whatever else is missing is made again without being missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.tasks.store.collect_garbage import FILES, FOLDERS, kind_of, refuse_while_in_use
from steadymap.tasks.store.files import (
    META,
    TEMPORARY,
    DamagedError,
    damaged_arrays,
    file_digest,
    read_json,
    read_table,
)
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.run_manifest import MANIFEST
from steadymap.tasks.store.run_uses import read_uses

DAMAGED = "damaged"

MADE_ONCE = ("encoded", "examples")
"""Folders of arrays that no run names: what encoders gave, and the example."""

POINTS = "points.parquet"
"""What lies beside the arrays of a data set; parts of its rows have none."""

TOLD = "decoded.json"
"""What a decoder shows in words, among the findings of a run."""

KEPT_FINDINGS = "published-"
"""Begin of the names of folders of arrays among the findings of a run."""

State = Literal["damaged", "lost", "foreign"]


@dataclass(frozen=True)
class Fault:
    """Something in a store that is not as it was written.

    Attributes
    ----------
    state
        ``damaged``: the bytes are not those that were written. ``lost``: it should be there. ``foreign``: it is not
        ours, and stays.
    path
        The file, or the folder where all of it has to be made again.
    reason
        What was seen.
    """

    state: State
    path: Path
    reason: str


@dataclass(frozen=True)
class Checked:
    """How many things of a store were read, and what is wrong with them."""

    things: int
    faults: tuple[Fault, ...]

    def of(self, state: State) -> tuple[Fault, ...]:
        """Return the faults of a kind."""
        return tuple(one for one in self.faults if one.state == state)


def check_store(store: Store) -> Checked:
    """Read every file of a store that carries numbers, and verify it.

    Raises
    ------
    InputError
        There is no store, or it lies far away.
    """
    if store.url is not None:
        raise InputError(
            "a store at a URL is not walked",
            file=store.place,
            remedy="copy it to a folder and check that; a sweep verifies all that it brings from there",
        )
    if not any((store.root / kind).is_dir() for kind in ("runs", *FILES, *FOLDERS)):
        raise InputError("there is no such store", file=store.root, remedy="name it with --store")
    walk = _Walk(store)
    return Checked(walk.things, tuple(walk.faults))


def move_damage(store: Store, found: Checked) -> Path | None:
    """Move what is damaged to a folder beside the others, and return that; the next sweep makes it again.

    Raises
    ------
    InputError
        A sweep or a night is under way.
    """
    refuse_while_in_use(store)
    damaged = found.of("damaged")
    if not damaged:
        return None
    aside = store.root / DAMAGED / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    for one in damaged:
        place = aside / one.path.relative_to(store.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        one.path.rename(place)
    return aside


class _Walk:
    """One walk through a store: what was looked at, and what was found."""

    def __init__(self, store: Store) -> None:
        self.root = store.root
        self.store = store
        self.things = 0
        self.faults: list[Fault] = []
        self._files()
        self._folders()
        self._runs()
        self._records()

    def _fault(self, state: State, path: Path, reason: str) -> None:
        self.faults.append(Fault(state, path, reason))

    def _verify(self, path: Path, read: Callable[..., Any], *arguments: Any) -> Any:
        """Read a file of ours; a fault and None where it is damaged or not there."""
        self.things += 1
        try:
            return read(path, *arguments)
        except FileNotFoundError:
            self._fault("lost", path, "is not there")
        except DamagedError as damage:
            self._fault("damaged", path, str(damage).removeprefix(f"{path}: "))
        return None

    def _files(self) -> None:
        for kind in FILES:
            for path in _files_below(self.root / kind):
                if kind_of(path.relative_to(self.root).as_posix()) is None:
                    self._fault("foreign", path, "not the name of anything of ours")
                elif kind == "timings":
                    self._verify(path, read_json)
                elif kind == "cells":
                    self._verify(path, read_table, schemas.CELL, {"cell": path.stem})
                else:
                    self._verify(path, read_table)

    def _folders(self) -> None:
        for kind in (*FOLDERS, *MADE_ONCE):
            for path in _visible(self.root / kind):
                ours = kind_of(path.relative_to(self.root).as_posix()) is not None or kind in MADE_ONCE
                if not ours or not path.is_dir():
                    self._fault("foreign", path, "not the name of anything of ours")
                elif kind == "findings":
                    self._findings(path)
                else:
                    self._arrays(path)

    def _findings(self, folder: Path) -> None:
        for path in _visible(folder):
            if path.is_dir():
                # Any other folder is where a step works that was killed; it begins anew.
                if path.name.startswith(KEPT_FINDINGS):
                    self._arrays(path)
            elif path.suffix == ".parquet":
                self._verify(path, read_table)
            elif path.name == TOLD:
                self._verify(path, read_json)
            else:
                self._fault("foreign", path, "not the name of anything of ours")

    def _arrays(self, folder: Path) -> None:
        self.things += 1
        try:
            wrong = damaged_arrays(folder)
        except FileNotFoundError:
            self._fault("damaged", folder, f"{META} is not there")
            return
        if wrong:
            self._fault("damaged", folder, f"{', '.join(wrong)}: not as written")
            return
        meta = read_json(folder / META)
        beside = [POINTS] if folder.parent.name == "datasets" and "digest" in meta else []
        for name in beside:
            self._verify(folder / name, read_table)
        known = {META, *beside, *meta["files"]}
        for path in _files_below(folder):
            if path.relative_to(folder).as_posix() not in known:
                self._fault("foreign", path, "not the name of anything of ours")

    def _runs(self) -> None:
        for folder in _visible(self.root / "runs"):
            if folder.is_dir():
                self._run(folder)
            else:
                self._fault("foreign", folder, "not the name of anything of ours")

    def _run(self, folder: Path) -> None:
        # Whatever has become of the manifest, which may be what is damaged.
        tables = {path: self._verify(path, read_table) for path in sorted(folder.glob("*.parquet"))}
        whole = {path.name: table for path, table in tables.items() if table is not None}
        if not (folder / MANIFEST).exists():
            self._fault("lost", folder / MANIFEST, "is not there: its sweep has not ended, or has to run again")
            return
        manifest = self._verify(folder / MANIFEST, read_json)
        if manifest is None:
            return
        try:
            known = {str(name): str(of["sha256"]) for name, of in manifest["tables"].items()}
        except (KeyError, TypeError, AttributeError):
            self._fault("damaged", folder / MANIFEST, "names no tables")
            return
        for name, digest in known.items():
            if folder / name not in tables or name in whole:
                self._verify(folder / name, _verify_digest, digest)
        if "cells.parquet" in whole:
            self._cells_of(folder, whole["cells.parquet"])

    def _cells_of(self, folder: Path, table: pa.Table) -> None:
        if not {"cell", "status"} <= set(table.column_names):
            self._fault("damaged", folder / "cells.parquet", "unexpected columns")
            return
        for cell, status in zip(*(table.column(name).to_pylist() for name in ("cell", "status")), strict=True):
            path = self.root / "cells" / cell[:2] / f"{cell}.parquet"
            if status == "ok" and not path.exists():
                self._fault("lost", path, f"is not there, and {folder.name} rests on it")

    def _records(self) -> None:
        for path in _visible(self.root / "uses"):
            self.things += 1
            if read_uses(self.store, path.stem) is None:
                self._fault("damaged", path, "names no places")
        for kind in ("nights", "encoders"):
            for path in _files_below(self.root / kind):
                if path.suffix == ".parquet":
                    self._verify(path, read_table)


def _verify_digest(path: Path, digest: str) -> bool:
    try:
        if file_digest(path) == digest:
            return True
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedError(f"{path}: {error.strerror}") from error
    raise DamagedError(f"{path}: its SHA-256 is not the one in {MANIFEST}")


def _visible(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*")) if not path.name.startswith(TEMPORARY)]


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if not path.is_dir() and not any(part.startswith(TEMPORARY) for part in inside):
            yield path
