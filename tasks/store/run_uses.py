"""What a run rests on in the store, noted beside it, so that what no run rests on can be told from the rest.

Every place in the store is named by a method of ``Store``; while a sweep runs, the places that it asks for are noted.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from steadymap.tasks.store.files import DamagedError, read_json, write_json
from steadymap.tasks.store.layout import Store, noted_places
from steadymap.tasks.store.sync import download, upload


@contextlib.contextmanager
def recorded_uses(store: Store) -> Iterator[Callable[[], set[str]]]:
    """Note the places that are asked for inside; what is given says at any time which, relative to the store."""
    with noted_places() as places:
        yield lambda: {one.relative_to(store.root).as_posix() for one in places if one.is_relative_to(store.root)}


def write_uses(store: Store, run: str, uses: set[str]) -> None:
    """Note what a run rests on, beside what is noted already: found complete, a run asks for its cells only."""
    file = uses_file(store, run)
    download(store, [file])
    known = read_uses(store, run) or set()
    write_json({"places": sorted(known | uses)}, file, indent=0)
    upload(store, [file])


def read_uses(store: Store, run: str) -> set[str] | None:
    """Return what a run rests on; None where nothing readable is noted."""
    file = uses_file(store, run)
    try:
        told = read_json(file).get("places")
    except FileNotFoundError:
        return None
    except DamagedError:
        told = _read_list(file)
    return {str(place) for place in told} if isinstance(told, list) else None


def _read_list(file: Path) -> object:
    """Read what earlier versions wrote: the places alone."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def uses_file(store: Store, run: str) -> Path:
    """Return where it is noted; not in the run's folder, whose bytes do not depend on what was computed when."""
    return store.root / "uses" / f"{run}.json"
