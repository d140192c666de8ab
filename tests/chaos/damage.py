"""A store is damaged: cut, flipped, emptied, exchanged, lost; all of it is found, told and made again (R4)."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from steadymap.tasks.progress import telling
from steadymap.tasks.store.check_store import check_store, move_damage
from steadymap.tasks.store.layout import Store
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import bytes_that_count, sweep_here, tiny_config, tiny_data

AT_ONCE = 25
"""Files that are damaged before the store is walked."""

NOT_VERIFIED = ("config.yaml",)
"""What a run is repeated from: text for people, which is written anew with the run."""

Harm = Callable[[bytes, random.Random], bytes]


def flip(content: bytes, chance: random.Random) -> bytes:
    """Flip one bit."""
    place = chance.randrange(8 * len(content))
    harmed = bytearray(content)
    harmed[place // 8] ^= 1 << place % 8
    return bytes(harmed)


def cut(content: bytes, chance: random.Random) -> bytes:
    """Cut the end off, by one byte at least."""
    return content[: chance.randrange(len(content))]


def zero(content: bytes, chance: random.Random) -> bytes:
    """Write zeros over a part, as a disk does that lost a page; over what is not zero already."""
    first = next(place for place, byte in enumerate(content) if byte)
    begin = chance.randrange(first + 1)
    return content[:begin] + bytes(max(first + 1 - begin, chance.randrange(1, 64))) + content[first + 1 :]


def empty(content: bytes, chance: random.Random) -> bytes:
    """Leave nothing."""
    del content, chance
    return b""


def verified_files(root: Path) -> list[Path]:
    """Return every file of a store that carries numbers, or says what does."""
    kinds = (
        "cells",
        "branches",
        "scores",
        "row_scores",
        "timings",
        "geometry",
        "datasets",
        "splits",
        "findings",
        "uses",
    )
    found = [path for kind in kinds for path in sorted((root / kind).rglob("*"))]
    found += [path for path in sorted((root / "runs").rglob("*")) if path.name not in NOT_VERIFIED]
    return [path for path in found if path.is_file()]


def damaged_stores(scale: Scale) -> Reached:
    """Harm every kind of file in every way; the walk has to name each that was harmed, and no other."""
    reached, chance = Reached(), scale.random()
    config = tiny_config(tiny_data(scale.folder))
    root = scale.folder / "store"
    sweep_here(config, root)
    store, expected = Store(root), bytes_that_count(root)
    assert check_store(store).faults == ()
    files = {path: path.read_bytes() for path in verified_files(root)}
    harms = [(cut, scale.of(300, 100)), (flip, scale.of(5000, 300)), (zero, scale.of(100, 25)), (empty, len(files))]
    for harm, times in harms:
        for batch in _batches(list(files), times, chance, each_once=harm is empty):
            for path in batch:
                path.write_bytes(harm(files[path], chance))
            named = {one.path for one in check_store(store).of("damaged")}
            for path in batch:
                inside = _is_named(path, named)
                reached.expect(inside, f"{harm.__name__} of {path.relative_to(root)} was not found")
            places = {place for path in batch for place in (path, *path.parents)}
            reached.broken += [f"{other} is named, and was not harmed" for other in named - places]
            for path in batch:
                path.write_bytes(files[path])
    _lose(reached, store, files)
    _exchange(reached, store)
    for repair in (True, False):
        _mend(reached, scale, store, files, expected, repair=repair)
    reached.note = f"{len(files)} files of a store; repaired and not, a sweep brought the same bytes back"
    return reached


def _batches(files: list[Path], times: int, chance: random.Random, *, each_once: bool) -> Iterator[list[Path]]:
    left = times
    while left > 0:
        size = min(AT_ONCE, left, len(files))
        done = times - left
        yield files[done : done + size] if each_once else chance.sample(files, size)
        left -= size


def _is_named(path: Path, named: set[Path]) -> bool:
    return any(place in named for place in (path, *path.parents))


def _lose(reached: Reached, store: Store, files: dict[Path, bytes]) -> None:
    """Take single files away; what a run rests on has to be missed."""
    missed = [path for path in files if path.parts[len(store.root.parts)] in ("runs", "cells", "geometry", "datasets")]
    for path in missed:
        if path.name == "timings.parquet":
            continue  # says what a run took, and a run is whole without
        path.unlink()
        found = check_store(store)
        named = {one.path for one in (*found.of("lost"), *found.of("damaged"))}
        reached.expect(_is_named(path, named), f"{path.relative_to(store.root)} was lost, and nobody missed it")
        path.write_bytes(files[path])


def _exchange(reached: Reached, store: Store) -> None:
    """Put whole files under the names of others, and files of others among ours."""
    cells = sorted((store.root / "cells").rglob("*.parquet"))
    for one, other in itertools.pairwise(cells):
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        reached.expect(one in {fault.path for fault in check_store(store).of("damaged")}, f"{one.name} is another's")
        one.write_bytes(content)
    for name in ("cells/notes.txt", "geometry/mine/a.npy", "findings/mine/a.txt", "scores/zz/a.parquet", "runs/a.txt"):
        place = store.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("mine", encoding="utf-8")
        found = check_store(store)
        named = {fault.path for fault in found.of("foreign")}
        reached.expect(_is_named(place, named) and not found.of("damaged"), f"{name} is not ours, and nobody said so")
        move_damage(store, found)
        reached.expect(place.read_text(encoding="utf-8") == "mine", f"{name} is not ours, and was moved")
        place.unlink()
        if place.parent.name in ("mine", "zz"):
            place.parent.rmdir()


def _mend(
    reached: Reached, scale: Scale, store: Store, files: dict[Path, bytes], expected: dict[str, str], *, repair: bool
) -> None:
    """Harm a part of the store and sweep again, after a repair or as it is: the same bytes, and damage is told."""
    config, chance = tiny_config(tiny_data(scale.folder)), scale.random()
    needed = (
        list(files) if repair else [path for path in files if path.parts[len(store.root.parts)] in ("cells", "runs")]
    )
    for _ in range(scale.of(10, 2)):
        harmed = chance.sample(needed, 15)
        for path in harmed:
            path.write_bytes(flip(files[path], chance))
        aside = move_damage(store, check_store(store)) if repair else None
        told: list[str] = []
        with telling(told.append):
            sweep_here(config, store.root)
            sweep_here(config, store.root)
        there = bytes_that_count(store.root)
        # What no step asks for again (a working step of the geometry) is not made again either.
        same = all(there.get(name, digest) == digest for name, digest in expected.items())
        cells_back = all(name in there for name in expected if name.startswith(("cells/", "runs/")))
        was_told = repair or all(
            any(path.name in sentence for sentence in told) for path in harmed if "cells" in path.parts
        )
        reached.expect(
            same and cells_back and was_told and repair == (aside is not None),
            f"{repair=} {same=} {cells_back=} {was_told=}",
        )
        if aside is not None:
            shutil.rmtree(aside)
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
