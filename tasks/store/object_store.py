"""A store that lies in a bucket: S3, or wherever fsspec reaches. The only file that knows fsspec."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from steadymap.configs.errors import InputError
from steadymap.configs.extras import import_extra
from steadymap.configs.urls import refuse_secrets, scheme_of

S3 = ("s3", "s3a")
"""What our own extra reaches; of every other kind fsspec knows what to install."""


@functools.cache
def open_object_store(url: str) -> Remote:
    """Return the other end of a URL; one connection a process.

    Raises
    ------
    InputError
        The URL carries a secret, or is of a kind that nothing here reaches.
    """
    refuse_secrets(url)
    scheme = scheme_of(url)
    with reaching(url):
        core = import_extra("fsspec.core", rule="a URL is reached through fsspec", file=url)
        try:
            # A listing that is remembered shows what another machine has removed, and lacks what it has added.
            files, root = core.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise InputError(
                str(error).rstrip("."),
                file=url,
                rule=f"what reaches {scheme}:// is installed",
                remedy="pip install -e '.[s3]' in Steadymap's folder"
                if scheme in S3
                else "install it beside Steadymap",
            ) from None
        except ValueError as error:
            raise InputError(
                str(error), file=url, rule="a folder, or a URL such as s3://bucket/folder", remedy="check the URL"
            ) from None
    return Remote(url, files, root.rstrip("/"))


@dataclass(frozen=True)
class Remote:
    """A folder that fsspec reaches; keys are relative to it, with slashes."""

    url: str
    files: Any
    root: str

    def has(self, key: str) -> bool:
        """Say whether there is an object of this key."""
        with reaching(self.url):
            return bool(self.files.exists(self._full(key)))

    def sizes(self, key: str) -> dict[str, int]:
        """Return the keys of all objects below one, and their bytes."""
        with reaching(self.url):
            try:
                found = self.files.find(self._full(key), detail=True)
            except FileNotFoundError:
                return {}
            keys = ((self._key(str(name)), known) for name, known in found.items())
            return {key: int(known.get("size") or 0) for key, known in keys if _is_plain(key)}

    def glob(self, pattern: str) -> list[str]:
        """Return the keys that a pattern matches, sorted."""
        with reaching(self.url):
            keys = (self._key(str(name)) for name in self.files.glob(self._full(pattern)))
            return sorted(key for key in keys if _is_plain(key))

    def time(self, key: str) -> datetime | None:
        """Return when an object was written; None where the file system does not say."""
        try:
            with reaching(self.url):
                found: datetime = self.files.modified(self._full(key))
        except (InputError, FileNotFoundError):
            return None
        return found

    def read_into(self, key: str, file: Path) -> None:
        """Read an object into a file; FileNotFoundError where there is none."""
        with reaching(self.url):
            self.files.get_file(self._full(key), str(file))

    def read(self, key: str) -> bytes | None:
        """Return a small object; None where there is none."""
        try:
            with reaching(self.url):
                content: bytes = self.files.cat_file(self._full(key))
        except FileNotFoundError:
            return None
        return content

    def write(self, key: str, content: bytes) -> None:
        """Write a small object."""
        with reaching(self.url, writing=True):
            self.files.pipe_file(self._full(key), content)

    def write_from(self, file: Path, key: str) -> None:
        """Write a file as an object."""
        with reaching(self.url, writing=True):
            self.files.put_file(str(file), self._full(key))

    def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        with reaching(self.url), contextlib.suppress(FileNotFoundError):
            self.files.rm_file(self._full(key))

    def _full(self, key: str) -> str:
        return f"{self.root}/{key}".rstrip("/")

    def _key(self, full: str) -> str:
        return full[len(self.root) + 1 :]


def _is_plain(key: str) -> bool:
    """Say whether a key stays where it is put: whoever may write to a bucket can name an object ``../../.profile``."""
    return not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in key.split("/"))


@contextlib.contextmanager
def reaching(url: str, *, writing: bool = False) -> Iterator[None]:
    """Turn what a file system says about its troubles into an error that names the URL.

    Raises
    ------
    InputError
        Instead of what is raised; FileNotFoundError passes unless something is written.
    """
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        if not writing:
            raise
        raise InputError(
            "there is no such bucket or container", file=url, remedy="make it first, or check the URL"
        ) from None
    except Exception as error:  # every kind of file system has errors of its own
        told = (str(error).splitlines() or [""])[0]
        raise InputError(
            f"cannot be {'written' if writing else 'reached'}: {type(error).__name__}: {told}",
            file=url,
            remedy="check network, credentials (from the environment) and rights; what was computed is kept, and the "
            "same command goes on from there",
        ) from None
