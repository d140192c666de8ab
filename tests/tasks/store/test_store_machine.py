"""The store as a state machine: written, crashed, resumed, damaged, repaired and collected, in any order."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from steadymap.configs import schemas
from steadymap.tasks.progress import telling
from steadymap.tasks.store.check_store import check_store, move_damage
from steadymap.tasks.store.collect_garbage import find_garbage, remove_garbage
from steadymap.tasks.store.files import (
    map_array,
    read_if_whole,
    read_meta,
    read_table,
    write_arrays,
    write_json,
    write_table,
)
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.run_uses import write_uses

NAMES = [f"{number:02x}" * 16 for number in range(4)]
RUNS = [f"night-{number:010x}" for number in range(3)]
PICTURES = st.sampled_from([("cell", name) for name in NAMES])
PARTS = st.sampled_from([("part", name) for name in NAMES])

Thing = tuple[str, str]


class Crash(BaseException):
    """The process ends here; nothing after it runs."""


class StoreMachine(RuleBasedStateMachine):
    """What the store should hold, beside what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="steadymap-machine-"))
        self.store = Store(self.root)
        self.whole: set[Thing] = set()
        self.damaged: set[Thing] = set()
        self.runs: dict[str, frozenset[Thing]] = {}
        (self.root / "runs").mkdir()

    def teardown(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.root)

    def place(self, thing: Thing) -> Path:
        """Return where a thing lies."""
        kind, name = thing
        return self.store.cell(name) if kind == "cell" else self.store.geometry(f"working_euclidean-{name}")

    def write(self, thing: Thing) -> None:
        """Write a thing: its bytes are those of its name."""
        number = NAMES.index(thing[1])
        if thing[0] == "cell":
            rows = 5 + number
            columns = {name: pa.array(np.zeros(rows), kind) for name, kind in zip(*_cell_columns(), strict=True)}
            write_table(pa.table(columns, schema=schemas.CELL), self.place(thing), {"cell": thing[1]})
        else:
            write_arrays(self.place(thing), {"working": np.full(10, number)}, {"part": thing[1]})

    def read(self, thing: Thing) -> object | None:
        """Read a thing as a sweep does, None where it has to be made again."""
        with telling(lambda _: None):
            if thing[0] == "cell":
                table = read_if_whole(read_table, self.place(thing), schemas.CELL, {"cell": thing[1]})
                return None if table is None else table.num_rows
            if read_if_whole(read_meta, self.place(thing)) is None:
                return None
            return int(map_array(self.place(thing), "working")[3])

    @rule(thing=PICTURES | PARTS)
    def sweep(self, thing: Thing) -> None:
        """Find a thing, or make it, as a sweep does."""
        expected = NAMES.index(thing[1]) + (5 if thing[0] == "cell" else 0)
        found = self.read(thing)
        assert (found is not None) == (thing in self.whole)
        if found is None:
            self.write(thing)
            found = self.read(thing)
        assert found == expected
        self.whole.add(thing)
        self.damaged.discard(thing)

    @rule(thing=PICTURES | PARTS, step=st.integers(0, 5))
    def crash(self, thing: Thing, step: int) -> None:
        """Die in the middle of writing: the thing is there, whole, or as it was."""
        if thing in self.damaged or thing in self.whole:
            return
        with _crashing(step), contextlib.suppress(Crash):
            self.write(thing)
        if self.read(thing) is not None:
            self.whole.add(thing)

    @rule(thing=PICTURES | PARTS, place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
    def damage(self, thing: Thing, place: float, bit: int, cut: bool) -> None:
        """Harm a file of a thing."""
        if thing not in self.whole:
            return
        path = self.place(thing)
        files = [path] if path.is_file() else sorted(path.iterdir())
        file = files[int(place * len(files))]
        content = bytearray(file.read_bytes())
        at = int(place * len(content))
        if cut:
            del content[at:]
        else:
            content[at] ^= 1 << bit
        file.write_bytes(content)
        self.whole.discard(thing)
        self.damaged.add(thing)

    @rule()
    def repair(self) -> None:
        """Move away what is damaged; all else stays."""
        move_damage(self.store, check_store(self.store))
        self.damaged.clear()

    @rule(run=st.sampled_from(RUNS), things=st.frozensets(PICTURES | PARTS, max_size=4))
    def finish(self, run: str, things: frozenset[Thing]) -> None:
        """Finish a run, which rests on things."""
        uses = {self.place(thing).relative_to(self.root).as_posix() for thing in things}
        write_uses(self.store, run, uses)
        write_json({"run": run, "tables": {}}, self.store.run(run) / "manifest.json")
        self.runs[run] = self.runs.get(run, frozenset()) | things

    @precondition(lambda self: self.runs)
    @rule()
    def collect(self) -> None:
        """Make room: what a run rests on stays."""
        remove_garbage(self.store, find_garbage(self.store))
        used = {thing for things in self.runs.values() for thing in things}
        self.whole &= used
        self.damaged &= used

    @invariant()
    def damage_is_named_and_nothing_else(self) -> None:
        """Find by a walk what is damaged, and nothing beside it."""
        named = {one.path for one in check_store(self.store).of("damaged")}
        assert named == {self.place(thing) for thing in self.damaged}

    @invariant()
    def what_is_whole_is_there(self) -> None:
        """Find all that was finished."""
        assert all(self.read(thing) is not None for thing in self.whole)


def _cell_columns() -> tuple[list[str], list[Any]]:
    return schemas.CELL.names, [field.type for field in schemas.CELL]


@contextlib.contextmanager
def _crashing(step: int) -> Iterator[None]:
    """End everything at the nth call that a commit makes; what would tidy up does not run either."""
    calls = 0

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def once(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > step:
                raise Crash
            return call(*arguments, **named)

        return once

    names = ("fsync", "replace", "rename", "unlink", "rmdir")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(os, name, dying(getattr(os, name)))
        yield


TestStore = StoreMachine.TestCase
TestStore.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,  # the same examples each time: a red test has to be red for whoever looks into it
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
