"""A store that lies far away: on S3, or wherever fsspec reaches. This machine has a copy of what it needs.

Steps work on the copy, with the promises of ``steadymap.tasks.store.files``. What a step commits here is sent; what it
asks for and this machine lacks is brought. Far away, too, a thing is there in whole or not at all: a file is one
object, and of a folder the record (``meta.json``, ``manifest.json``) is written last and removed first. No rename is
assumed and no lock is held: two machines that compute the same thing send the same bytes. What comes back is verified
where it is read.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from steadymap.configs.errors import InputError
from steadymap.configs.urls import is_url
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.store.files import META, TEMPORARY, committed_file, flush
from steadymap.tasks.store.identity import digest
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.object_store import Remote, open_object_store
from steadymap.tasks.store.run_manifest import MANIFEST

FILE_ENDINGS = (".parquet", ".json")
"""How the names of things end that are one file; all others are folders."""

TRANSFERS = 16
"""Transfers at a time: they wait for the network, not for a processor."""

WORTH_TELLING = 32
"""From so many transfers on, those who watch are told."""

ABANDONED_SECONDS = 3600.0
"""What nothing was written to for so long, nobody writes any more."""


CACHE = "STEADYMAP_CACHE"


def cache_folder() -> Path:
    """Return where this machine keeps its copies: ``$STEADYMAP_CACHE``, or Steadymap's place in the user's cache.

    Raises
    ------
    InputError
        There is no home folder, or nothing can be written there.
    """
    folder = _cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = None if os.access(folder, os.W_OK) else "nothing can be written there"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason is not None:
        raise InputError(
            f"{folder}: {reason}",
            place=CACHE if os.environ.get(CACHE) else "the user's cache",
            rule="of what lies far away this machine keeps a copy",
            remedy=f"name a folder that can be written: export {CACHE}=/path/to/folder",
        )
    return folder


def _cache_folder() -> Path:
    given, home = os.environ.get(CACHE), os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given).absolute()
    try:
        return (Path(home) if home else Path.home() / ".cache") / "steadymap"
    except RuntimeError:
        raise InputError(
            "no home folder is known",
            place="HOME",
            rule="of what lies far away this machine keeps a copy in the user's cache",
            remedy=f"name a folder for it: export {CACHE}=/path/to/folder",
        ) from None


def open_store(where: str | Path) -> Store:
    """Open a store by its folder or its URL.

    Raises
    ------
    InputError
        The URL carries a secret, is of a kind that nothing here reaches, or what it names cannot be used.
    """
    if not is_url(str(where)):
        return Store(Path(where).resolve())
    url = str(where).rstrip("/")
    open_object_store(url)
    return Store(cache_folder() / "stores" / digest(url), url)


def probe_writable(store: Store) -> None:
    """Write a small file to a store far away: what may not be written is told now, not after hours of work.

    Raises
    ------
    InputError
        It cannot be written.
    """
    if store.url is not None:
        open_object_store(store.url).write(CLAIM, b'{"store": "steadymap"}\n')


CLAIM = "steadymap.json"


def exists(store: Store) -> bool:
    """Say whether anything ever worked in a store."""
    return store.root.is_dir() if store.url is None else open_object_store(store.url).has(CLAIM)


def bytes_of(store: Store) -> int:
    """Return how many bytes a store takes, where it lies."""
    if store.url is None:
        return bytes_here(store)
    return sum(open_object_store(store.url).sizes("").values())


def bytes_here(store: Store) -> int:
    """Return how many bytes a store, or this machine's copy of it, takes here."""
    return sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())


def download(store: Store, places: Iterable[Path]) -> None:
    """Bring the things that this machine lacks and the store has; what is here and never changes costs nothing."""
    if store.url is not None:
        remote = open_object_store(store.url)
        _each(
            [place for place in _own(store, places) if _may_change(place) or not _is_here(place)],
            functools.partial(_bring, remote, store),
        )


def upload(store: Store, places: Iterable[Path]) -> None:
    """Send things that were committed here, in place of what the store has under their names."""
    if store.url is not None:
        here = [place for place in _own(store, places) if place.exists()]
        _each(here, functools.partial(_send, open_object_store(store.url), store))


def send_pages(store: Store, place: Path) -> None:
    """Send a folder of pages, and then remove what only the store has: pages of runs that are gone."""
    if store.url is None or not place.is_relative_to(store.root):
        return
    upload(store, [place])
    remote = open_object_store(store.url)
    for key in remote.sizes(_key(store, place)):
        if not (store.root / key).is_file():
            remote.remove(key)


def sync(store: Store, places: Iterable[Path]) -> None:
    """Bring what this machine lacks, and send what the store lacks: whoever made it may have died before sending."""
    if store.url is not None:
        _each(_own(store, places), functools.partial(_settle, open_object_store(store.url), store))


def bring_folder(store: Store, folder: str) -> None:
    """Bring every thing in a folder of the store, and forget what was removed there; nothing is sent."""
    if store.url is None:
        return
    there = {store.root / Path(*PurePosixPath(key).parts[:2]) for key in open_object_store(store.url).sizes(folder)}
    here = set(store.root.joinpath(folder).glob("[!.]*"))
    gone = [place for place in here - there if not _is_being_written(place)]  # nor finished just now, to be sent next
    if gone and exists(store):  # where the whole bucket is gone, the copy may be the last
        for place in gone:
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)
    download(store, sorted(there))


def settle_folder(store: Store, folder: str, depth: int = 1) -> None:
    """Settle every thing in a folder of the store that either side has.

    Parameters
    ----------
    folder
        Its name.
    depth
        How many levels below it the things lie.
    """
    if store.url is None:
        return
    there = {
        PurePosixPath(*PurePosixPath(key).parts[: depth + 1]) for key in open_object_store(store.url).sizes(folder)
    }
    names = {str(key) for key in there if len(key.parts) == depth + 1}
    here = store.root.joinpath(folder).glob("/".join(["[!.]*"] * depth))
    names |= {place.relative_to(store.root).as_posix() for place in here}
    sync(store, [store.root / name for name in sorted(names)])


def bring_matching(store: Store, folder: str, begin: str) -> None:
    """Bring the things of a folder whose names begin so."""
    if store.url is not None:
        found = open_object_store(store.url).glob(f"{folder}/{begin}*/{META}")
        download(store, [store.root / PurePosixPath(key).parent for key in found])


def sizes_there(store: Store, folder: str) -> dict[str, int]:
    """Return the bytes of every object in a folder of a store far away, by its key; nothing where the store is here."""
    return {} if store.url is None else open_object_store(store.url).sizes(folder)


def remove_there(store: Store, place: Path) -> None:
    """Remove a thing from a store far away; its record goes first, so that nobody meets a part of it."""
    if store.url is None:
        return
    remote, key = open_object_store(store.url), _key(store, place)
    if place.suffix in FILE_ENDINGS:
        remote.remove(key)
        return
    record = f"{key}/{_record(place)}"
    for name in sorted(remote.sizes(key), key=lambda name: name != record):
        remote.remove(name)


# --- one thing ----------------------------------------------------------------------------------------------------


def _own(store: Store, places: Iterable[Path]) -> list[Path]:
    """Return the places of a store, once each; a run may be named by a folder anywhere, which is none of its own."""
    return [place for place in dict.fromkeys(places) if place.is_relative_to(store.root)]


def _record(place: Path) -> str:
    return MANIFEST if place.parent.name == "runs" else META


def _is_here(place: Path) -> bool:
    return place.is_file() if place.suffix in FILE_ENDINGS else (place / _record(place)).is_file()


def _may_change(place: Path) -> bool:
    """Say whether a thing may be another tomorrow under its name: a run that goes on, and what a run rests on."""
    return place.parent.name in ("runs", "uses")


def _settle(remote: Remote, store: Store, place: Path) -> None:
    key = _key(store, place)
    if not _is_here(place):
        _bring(remote, store, place)
    elif not remote.has(key if place.suffix in FILE_ENDINGS else f"{key}/{_record(place)}"):
        _send(remote, store, place)
    elif _may_change(place):
        _bring(remote, store, place)


def _bring(remote: Remote, store: Store, place: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # the store lacks it, too, or loses it at this moment
        if place.suffix in FILE_ENDINGS:
            with committed_file(place) as temporary:
                remote.read_into(_key(store, place), temporary)
        else:
            _bring_folder(remote, _key(store, place), place)


def _bring_folder(remote: Remote, key: str, place: Path) -> None:
    record = f"{key}/{_record(place)}"
    names = sorted(remote.sizes(key))
    own = place / _record(place)
    if record not in names or (not own.is_file() and _is_being_written(place)):
        return
    if own.is_file() and remote.read(record) == own.read_bytes():
        return
    temporary = place.with_name(f"{TEMPORARY}{place.name}-{uuid.uuid4().hex}")
    aside = place.with_name(f"{TEMPORARY}gone-{uuid.uuid4().hex}")
    try:
        for name in names:
            file = temporary / PurePosixPath(name).relative_to(key)
            file.parent.mkdir(parents=True, exist_ok=True)
            remote.read_into(name, file)
            flush(file)
        written = remote.time(record)
        if written is not None:  # runs are listed by the time of their manifest
            os.utime(temporary / _record(place), (written.timestamp(), written.timestamp()))
        if place.exists() and (_may_change(place) or not own.is_file()):
            # A run that was begun here and completed elsewhere; out of the way by a rename, so that nobody meets half.
            with contextlib.suppress(OSError):
                place.rename(aside)
        with contextlib.suppress(OSError):
            temporary.rename(place)  # where another process was faster, its copy is as good
            flush(place.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(temporary, ignore_errors=True)


def _is_being_written(place: Path) -> bool:
    """Say whether another process may be at something here; it has newer files soon."""
    with contextlib.suppress(FileNotFoundError):
        files = (place, *place.iterdir()) if place.is_dir() else (place,)
        return time.time() - max(file.stat().st_mtime for file in files) < ABANDONED_SECONDS
    return False


def _send(remote: Remote, store: Store, place: Path) -> None:
    key = _key(store, place)
    if place.is_file():
        remote.write_from(place, key)
        return
    record = place / _record(place)
    files = [file for file in sorted(place.rglob("*")) if file.is_file() and TEMPORARY not in file.name]
    if record.name == MANIFEST:
        # Other folders are what their name says. A run may be written anew, and must not be met half old, half new;
        # with the same manifest only its pages may be new, and it was finished when it was.
        if record.is_file() and remote.read(f"{key}/{MANIFEST}") == record.read_bytes():
            known = {MANIFEST, *json.loads(record.read_bytes()).get("tables", {})}
            files = [file for file in files if file.name not in known]
        else:
            remote.remove(f"{key}/{MANIFEST}")
    for file in sorted(files, key=lambda file: file == record):
        remote.write_from(file, f"{key}/{file.relative_to(place).as_posix()}")


def _key(store: Store, place: Path) -> str:
    return place.relative_to(store.root).as_posix()


def _each(places: list[Path], action: Callable[[Path], None]) -> None:
    if len(places) == 1:
        action(places[0])
        return
    told = len(places) >= WORTH_TELLING
    if told:
        announce_total("transfers", len(places))
    with ThreadPoolExecutor(TRANSFERS, "transfer") as threads:
        for _ in threads.map(action, places):
            if told:
                announce_done("transfers")


# --- the other end ------------------------------------------------------------------------------------------------
