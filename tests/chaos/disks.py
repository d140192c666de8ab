"""The disk fails: any call, once; or it is full, or may not be written (R3, R9)."""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import itertools
import os
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from steadymap.configs.errors import InputError
from steadymap.tasks.progress import telling
from steadymap.tasks.store.check_store import check_store
from steadymap.tasks.store.files import DamagedError
from steadymap.tasks.store.layout import Store
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import bytes_that_count, ended, holds_all_of, in_a_child, sweep_here, tiny_config, tiny_data

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)

CALLS: tuple[tuple[Any, str], ...] = (
    (os, "open"),
    (os, "fsync"),
    (os, "replace"),
    (os, "rename"),
    (os, "mkdir"),
    (os, "unlink"),
    (os, "rmdir"),
    (os, "scandir"),
    (io, "open"),
    (builtins, "open"),
)
"""What files are opened, written, renamed and removed with: by us, by pathlib, by NumPy, by shutil."""

NOBODY = 65534


class Failing:
    """Counts the calls to files below a folder, by the lines that they come from, and fails the one it is told to."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.sites: Counter[tuple[str, ...]] = Counter()
        self.target: tuple[tuple[str, ...], int] | None = None
        self.number = 0
        self.failed = False

    @contextlib.contextmanager
    def watching(self, target: tuple[tuple[str, ...], int] | None = None, number: int = 0) -> Iterator[None]:
        """Count, and fail the nth call from a site with an error."""
        self.sites, self.target, self.number, self.failed = Counter(), target, number, False
        kept = {(place, name): getattr(place, name) for place, name in CALLS}
        for (place, name), call in kept.items():
            setattr(place, name, self._wrapped(name, call))
        try:
            yield
        finally:
            for (place, name), call in kept.items():
                setattr(place, name, call)

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(first: Any, *others: Any, **named: Any) -> Any:
            ours = name == "fsync" or (isinstance(first, str | os.PathLike) and str(first).startswith(self.root))
            if ours:
                site = self._site(name)
                self.sites[site] += 1
                if self.target == (site, self.sites[site]):
                    self.failed = True
                    raise OSError(self.number, os.strerror(self.number), str(first))
            return call(first, *others, **named)

        return watched

    def _site(self, name: str) -> tuple[str, ...]:
        """Return the lines of the project that lead to a call, the nearest first."""
        frame, lines = sys._getframe(2), [name]
        while frame is not None and len(lines) < 5:
            place = frame.f_code.co_filename
            if "/tasks/" in place or "/configs/" in place:
                lines.append(f"{Path(place).name}:{frame.f_lineno}")
            frame = frame.f_back
        return tuple(lines)


def failing_calls(scale: Scale) -> Reached:
    """Fail the first and the last call from every place in the code, once each; sweep again, and compare every byte."""
    reached, chance = Reached(), scale.random()
    config = tiny_config(tiny_data(scale.folder))
    sweep_here(config, scale.folder / "undisturbed")
    expected = bytes_that_count(scale.folder / "undisturbed")
    root = scale.folder / "store"
    failing = Failing(root)
    with failing.watching():
        sweep_here(config, root)
        sweep_here(config, root)
    targets = sorted({(site, place) for site, times in failing.sites.items() for place in (1, times)})
    asked = list(zip(targets, itertools.cycle(ERRORS), strict=False))
    if scale.short or scale.part > 1:
        asked = chance.sample(asked, 8 if scale.short else len(asked) // scale.part)
    ends: Counter[str] = Counter()
    for target, number in asked:
        shutil.rmtree(root)
        with failing.watching(target, number):
            outcome = _outcome(lambda: (sweep_here(config, root), sweep_here(config, root)))
        ends[outcome.split(":")[0]] += 1
        fault = None if outcome.split(":")[0] in ("done", "OSError", "InputError") else outcome
        damaged = check_store(Store(root)).of("damaged") if (root / "datasets").is_dir() else ()
        if not failing.failed:
            fault = fault or "the call was not reached"
        fault = fault or (f"damaged: {damaged[0]}" if damaged else None)
        if fault is None:
            sweep_here(config, root)
            same = holds_all_of(root, expected)
            fault = None if same else "other bytes afterwards"
        reached.count(None if fault is None else f"{os.strerror(number)} in call {target[1]} of {target[0]}: {fault}")
    told = ", ".join(f"{times} × {end}" for end, times in sorted(ends.items()))
    reached.note = f"{len(targets)} such calls there are; {told}"
    return reached


def _outcome(work: Callable[[], object]) -> str:
    """Say how something ended: done, or with an error, which has to be one that people can read."""
    try:
        with telling(lambda _: None):
            work()
    except InputError:
        return "InputError"
    except OSError as error:
        return "OSError" if _says_why(error) else f"no reason: {error!r}"
    except Exception as error:  # whatever else is raised is what the attack looks for
        return f"{type(error).__name__}: {error}"
    return "done"


def _says_why(error: OSError) -> bool:
    return bool(error.strerror) or isinstance(error, DamagedError)


def full_disks(scale: Scale) -> Reached:
    """Sweep onto a disk that is full or may not be written: it is said so, and the store is valid afterwards."""
    reached, chance = Reached(), scale.random()
    config = tiny_config(tiny_data(scale.folder))
    sweep_here(config, scale.folder / "undisturbed")
    expected = bytes_that_count(scale.folder / "undisturbed")
    for number in range(scale.of(20, 4)):
        largest = chance.randrange(500, max(path.stat().st_size for path in scale.folder.rglob("*.parquet")))
        fault = _sweep_within(scale.folder, config, expected, _limit_files(largest))
        reached.count(fault and f"files of {largest} bytes, {number}: {fault}")
    for number in range(scale.of(5, 1)):
        fault = _sweep_within(scale.folder, config, expected, _take_rights)
        reached.count(fault and f"a folder that may not be written, {number}: {fault}")
    _sweep_on_tmpfs(reached, scale, config, expected)
    return reached


def _limit_files(largest: int) -> Callable[[Path], None]:
    return lambda _: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def _take_rights(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555)
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _sweep_within(folder: Path, config: Any, expected: dict[str, str], narrow: Callable[[Path], None]) -> str | None:
    """Sweep in a child whose disk is narrow; then the store is valid, and a sweep with room has the same bytes."""
    root = folder / "store"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    reading, writing = os.pipe()

    def work() -> None:
        narrow(root)
        outcome = _clear(lambda: sweep_here(config, root))
        os.write(writing, outcome.encode()[:4000])

    code = ended(in_a_child(work))
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        outcome = answer.read().decode()
    root.chmod(0o755)
    damaged = check_store(Store(root)).of("damaged") if (root / "datasets").is_dir() else ()
    sweep_here(config, root)
    clear = code == 0 and outcome.startswith("clear")
    same = holds_all_of(root, expected)
    return None if clear and not damaged and same else f"{code=} {outcome=} {damaged=} {same=}"


def _clear(work: Callable[[], Any]) -> str:
    """Say whether what ends a sweep, or what it says of its lost cells, names the reason."""
    said: list[str] = []
    try:
        with telling(said.append):
            swept = work()
    except OSError as error:
        return f"clear: {error}" if _says_why(error) else f"unclear: {error!r}"
    except InputError as error:
        return f"clear: {error}"
    return f"clear: {swept}" if swept.failed or swept.lost else f"unclear: {swept} {said}"


def _sweep_on_tmpfs(reached: Reached, scale: Scale, config: Any, expected: dict[str, str]) -> None:
    root = scale.folder / "small"
    for number in range(scale.of(5, 1)):
        root.mkdir(exist_ok=True)
        size = f"size={200 + 40 * number}k"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(root)], capture_output=True, check=False
        )
        if mounted.returncode:
            reached.skipped = "no tmpfs may be mounted here"
            return
        try:
            outcome = _clear(lambda: sweep_here(config, root / "store"))
            damaged = check_store(Store(root / "store")).of("damaged")
            subprocess.run(["mount", "-o", "remount,size=50m", str(root)], check=True)
            sweep_here(config, root / "store")
            same = holds_all_of(root / "store", expected)
            reached.expect(
                outcome.startswith("clear") and not damaged and same, f"tmpfs {number}: {outcome} {damaged} {same}"
            )
        finally:
            subprocess.run(["umount", str(root)], check=True)
