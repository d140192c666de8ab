"""Data files by a pattern: which files it matches, in which order, and what they are called."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from steadymap.configs.sweep import DATA_ENDINGS
from steadymap.configs.urls import is_url, refuse_secrets
from steadymap.tasks.input.fetch_inputs import glob_url


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Order names as people count: v9 before v10, 2026-9-30 before 2026-10-1."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part)


def matching_files(pattern: str, endings: tuple[str, ...] = DATA_ENDINGS) -> tuple[str, list[str]]:
    """Return the folder that a pattern starts from, and the data files that it matches, sorted."""
    if is_url(pattern):
        return _matches_of_url(pattern, endings)
    place = Path(pattern)
    if _is_one(place):
        return place.parent.as_posix(), [place.as_posix()]
    if place.is_dir():
        return place.as_posix(), _ending_in(endings, [path.as_posix() for path in files_of(place) if _is_one(path)])
    literal = escape_what_is_there(Path(pattern).as_posix())
    found = [path.as_posix() for path in existing_files(literal) if _is_one(path)]
    return _until_wildcard(Path(pattern).as_posix()), _ending_in(endings, found)


def _matches_of_url(pattern: str, endings: tuple[str, ...]) -> tuple[str, list[str]]:
    if "@" in pattern or any(f"{ending}?" in pattern.lower() for ending in endings):
        refuse_secrets(pattern)  # else a question mark stands for any character
    if glob.has_magic(pattern):
        begin = _until_wildcard(pattern)
        return begin, _ending_in(endings, glob_url(begin, pattern[len(begin) + 1 :]))
    if pattern.lower().endswith(endings):
        return pattern.rpartition("/")[0], [pattern]
    begin = pattern.rstrip("/")
    return begin, _ending_in(endings, glob_url(begin, "*"))


def _ending_in(endings: tuple[str, ...], found: list[str]) -> list[str]:
    return [path for path in found if path.lower().endswith(endings)]


def existing_files(pattern: str) -> list[Path]:
    """Return what a pattern matches, sorted."""
    return sorted(map(Path, glob.glob(pattern, recursive=True)))  # noqa: PTH207 - Path.glob takes no absolute pattern


def files_of(folder: Path) -> list[Path]:
    """Return what lies in a folder, whatever signs are in its name; what is hidden stays so."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_one(path: Path) -> bool:
    """Say whether a path is a file, or a folder that is read as one."""
    return path.is_file() or (path.is_dir() and path.name.lower().endswith(".zarr"))


def escape_what_is_there(pattern: str) -> str:
    """Take brackets of folders and files that exist as they are: ``exp [v2]/*.npy`` has one wildcard."""
    parts = pattern.split("/")
    escaped = [
        glob.escape(part) if glob.has_magic(part) and Path("/".join(parts[: at + 1])).exists() else part
        for at, part in enumerate(parts)
    ]
    return "/".join(escaped)


def _until_wildcard(pattern: str) -> str:
    """Return the folders before the first part with a wildcard; of a pattern without one, the folder it lies in."""
    parts = pattern.split("/")
    wild = (
        at for at, part in enumerate(parts) if glob.has_magic(part) and not Path("/".join(parts[: at + 1])).exists()
    )
    end = next(wild, len(parts) - 1)
    return "/".join(parts[:end])


def name_files(files: list[str], root: str) -> Iterator[tuple[str, str]]:
    """Name files by their way from the root, without ending where that is enough."""
    ways = [path.removeprefix(root).lstrip("/") for path in files]
    short = [PurePosixPath(way).with_suffix("").as_posix() for way in ways]
    for path, way, name in zip(files, ways, short, strict=True):
        yield path, name if short.count(name) == 1 else way
