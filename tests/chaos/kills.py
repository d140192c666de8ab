"""Whoever works is killed: sweeps that resume, readers beside writers, locks whose holder is gone (R1, R2, R13)."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from steadymap.tasks.store.check_store import check_store
from steadymap.tasks.store.files import (
    DamagedError,
    read_json,
    read_meta,
    read_table,
    write_arrays,
    write_json,
    write_table,
)
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.locks import hold_lock
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import bytes_that_count, ended, holds_all_of, in_a_child, sweep_here, tiny_config, tiny_data


def killed_sweeps(scale: Scale) -> Reached:
    """Kill a sweep at a random moment, run it again, and compare every byte."""
    reached, moments = Reached(), scale.random()
    config = tiny_config(tiny_data(scale.folder))
    sweep_here(config, scale.folder / "warm")  # what is imported and compiled counts for nobody
    begun = time.monotonic()
    sweep_here(config, scale.folder / "undisturbed")
    length = time.monotonic() - begun
    expected = bytes_that_count(scale.folder / "undisturbed")
    kept = 0
    for number in range(scale.of(200, 4)):
        root = scale.folder / f"killed-{number}"
        child = in_a_child(lambda root=root: sweep_here(config, root))
        time.sleep(moments.uniform(0, 1.1 * length))  # the moment of the kill is the attack
        os.killpg(child, signal.SIGKILL)
        ended(child)
        finished = {path: path.stat().st_mtime_ns for path in (root / "cells").rglob("[!.]*.parquet")}
        kept += len(finished)
        halves = [one.path for one in check_store(Store(root)).of("damaged")] if (root / "datasets").is_dir() else []
        sweep_here(config, root)
        again = [path.name for path, written in finished.items() if path.stat().st_mtime_ns != written]
        same = holds_all_of(root, expected)
        reached.expect(same and not again and not halves, f"kill {number}: {same=} {again=} {halves=}")
    reached.note = f"{kept} pictures were finished before a kill, none of them was drawn again"
    return reached


def _write_on_and_on(folder: Path, begin: int) -> None:
    for number in range(begin, begin + 10_000):
        value = np.full(2000, number % 251)
        write_table(pa.table({"x": value}), folder / "table.parquet")
        write_json({"values": value.tolist()}, folder / "record.json")
        write_arrays(folder / f"arrays-{number % 10}", {"a": value, "b": value}, {"number": number})


def readers_beside_writers(scale: Scale) -> Reached:
    """Kill writers in the middle of a write, and read all the time: old, new or none, and never half."""
    reached, moments = Reached(), scale.random()
    folder = scale.folder
    looks = 0
    for number in range(scale.of(1000, 30)):
        child = in_a_child(lambda begin=number: _write_on_and_on(folder, begin * 7))
        end = time.monotonic() + moments.uniform(0.002, 0.03)
        fault = None
        while time.monotonic() < end or looks == 0:
            looks += 1
            fault = fault or _look(folder)
        os.killpg(child, signal.SIGKILL)
        ended(child)
        reached.count(fault or _look(folder))
    reached.note = f"{looks} looks beside writers"
    return reached


def _look(folder: Path) -> str | None:
    try:
        for read in (
            lambda: read_table(folder / "table.parquet").column("x").to_pylist(),
            lambda: read_json(folder / "record.json")["values"],
            *(lambda name=name: _arrays(folder / f"arrays-{name}") for name in range(10)),
        ):
            try:
                if len(set(read())) != 1:
                    return "a file of two writes"
            except FileNotFoundError:
                continue
    except DamagedError as damage:
        return str(damage)
    return None


def _arrays(folder: Path) -> list[int]:
    read_meta(folder)
    return [int(value) for name in "ab" for value in np.load(folder / f"{name}.npy")]


def locks_of_the_killed(scale: Scale) -> Reached:
    """Kill whoever holds a lock; the next has it at once, whatever process has the number of the dead one by now."""
    reached = Reached()
    longest = 0.0
    for number in range(scale.of(100, 15)):
        lock = scale.folder / "locks" / f"{number % 5}.lock"
        reading, writing = os.pipe()

        def hold(lock: Path = lock, writing: int = writing) -> None:
            with hold_lock(lock, "sweep", lambda _: None):
                os.write(writing, b"held")
                signal.pause()

        child = in_a_child(hold)
        os.read(reading, 4)
        os.close(reading)
        os.close(writing)
        os.killpg(child, signal.SIGKILL)
        ended(child)
        # The number of the dead one now belongs to somebody else: to us, who are alive.
        note = json.loads(lock.read_text(encoding="utf-8"))
        lock.write_text(json.dumps({**note, "process": os.getpid()}), encoding="utf-8")
        begun = time.monotonic()
        waited = in_a_child(lambda lock=lock: hold_lock(lock, "sweep", print).__enter__())
        code = _ended_within(waited, 60)
        longest = max(longest, time.monotonic() - begun)
        reached.expect(note["process"] == child and code == 0, f"{number}: {note} {code=}")
        if code is None:
            break  # a minute each, and nothing new
    reached.note = f"the longest wait was {longest:.2f} s"
    return reached


def _ended_within(child: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)  # between two looks
    os.killpg(child, signal.SIGKILL)
    ended(child)
    return None
