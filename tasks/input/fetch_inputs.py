"""Files of a data source that lie at URLs: brought to this machine once, and again when they have changed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, split_reference
from steadymap.configs.urls import is_url
from steadymap.tasks.input.formats.read_tables import ARROW_ENDINGS, PARQUET_ENDINGS
from steadymap.tasks.store.files import committed_file, write_text
from steadymap.tasks.store.identity import digest
from steadymap.tasks.store.object_store import open_object_store, reaching
from steadymap.tasks.store.sync import cache_folder

SHARD_ENDINGS = (*PARQUET_ENDINGS, *ARROW_ENDINGS)

STAMPS = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime", "created")
"""What file systems call the mark of a version; without any a file is brought every time."""


@contextlib.contextmanager
def fetched(source: DataSource) -> Iterator[DataSource]:
    """Give a source whose files all lie on this machine; errors inside name the URL and not the copy.

    Raises
    ------
    InputError
        There is no such file, or it cannot be reached.
    """
    urls: dict[str, str] = {}

    def local(place: str) -> str:
        if not is_url(place):
            return place
        file = str(_fetch(place))
        urls[file] = place
        return file

    def role(told: str) -> str:
        file, name = split_reference(told)
        if file is None:
            return told
        return local(file) + (f"#{name}" if name else "")

    changed: dict[str, Any] = {
        "path": None if source.path is None else local(source.path),
        "labels": None if source.labels is None else tuple(map(role, source.labels)),
        "id": None if source.id is None else role(source.id),
        "group": None if source.group is None else role(source.group),
        "log_variance": None if source.log_variance is None else role(source.log_variance),
        "inputs": None if source.inputs is None else tuple(map(role, source.inputs)),
    }
    if source.encode is not None:
        places = {"model": local(source.encode.model), "inputs": role(source.encode.inputs)}
        changed["encode"] = source.encode.model_copy(update=places)
    if source.decode is not None:
        again = None if source.decode.encoder is None else local(source.decode.encoder)
        changed["decode"] = source.decode.model_copy(update={"model": local(source.decode.model), "encoder": again})
    try:
        yield source.model_copy(update=changed)
    except InputError as error:
        if error.file not in urls:
            raise
        raise InputError(
            error.problem, file=urls[error.file], place=error.place, rule=error.rule, remedy=error.remedy
        ) from None


def glob_url(folder: str, pattern: str) -> list[str]:
    """Return the URLs of a folder's files that a pattern matches, sorted.

    Raises
    ------
    InputError
        The folder cannot be reached.
    """
    return [f"{folder}/{key}" for key in open_object_store(folder).glob(pattern)]


def _fetch(url: str) -> Path:
    """Return this machine's copy of a file, brought where there is none or another version."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    remote = open_object_store(url)
    folder = cache_folder() / "inputs" / digest(url)
    copy, note = folder / (name if name.strip(".") else "data"), folder / "version.json"
    try:
        with reaching(url):
            known = remote.files.info(remote.root)
            if known.get("type") == "directory":
                return _fetch_shards(url, copy)
            version = {stamp: str(known[stamp]) for stamp in STAMPS if known.get(stamp) is not None}
            version["size"] = str(known.get("size"))
            if len(version) > 1 and copy.is_file() and _read_note(note) == version:
                return copy
            note.unlink(missing_ok=True)
            with committed_file(copy) as temporary:
                remote.files.get_file(remote.root, str(temporary))
            write_text(json.dumps(version), note)
    except FileNotFoundError:
        raise InputError("there is no such file", file=url, remedy="check the URL") from None
    return copy


def _fetch_shards(url: str, copy: Path) -> Path:
    """Return this machine's copy of a folder of shards; what is no longer there is gone here, too."""
    keys = [key for key in open_object_store(url).sizes("") if key.lower().endswith(SHARD_ENDINGS)]
    if not keys:
        raise InputError(
            "a folder without any shards",
            file=url,
            rule=f"a data file, or a folder with shards of one table ({', '.join(SHARD_ENDINGS)})",
            remedy="check the URL",
        )
    places = {copy / key: _fetch(f"{url}/{key}") for key in keys}
    for old in copy.rglob("*"):
        if old.is_symlink() and old not in places:
            old.unlink()
    for link, place in places.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(place)
    return copy


def _read_note(note: Path) -> object:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
