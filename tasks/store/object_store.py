"""A store that lies in a bucket: S3, or wherever fsspec reaches. The only file that knows fsspec."""

from __future__ import annotations

import contextlib
import errno
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from steadymap.configs.errors import InputError
from steadymap.configs.extras import import_extra
from steadymap.configs.urls import refuse_secrets, scheme_of
from steadymap.tasks.progress import tell

T = TypeVar("T")

S3 = ("s3", "s3a")
"""What our own extra reaches; of every other kind fsspec knows what to install."""

PAUSES_SECONDS = (5.0, 30.0, 120.0)
"""How long is waited before a transfer is tried again: a store that restarts, a network that is away for a minute."""

PASSES = (errno.EBUSY, errno.ETIMEDOUT, errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.EREMOTEIO)
"""What passes by itself: too many requests, an error of the server's own, a connection that was cut."""

CONNECTIONS = ("EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError", "ReadTimeoutError")
"""What botocore calls the same; it is installed with the extra only."""


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
    reached: set[bool] = field(default_factory=set, compare=False)
    """Not empty once the store has answered this process."""

    def has(self, key: str) -> bool:
        """Say whether there is an object of this key."""
        return self._tried(lambda: bool(self.files.exists(self._full(key))))

    def sizes(self, key: str) -> dict[str, int]:
        """Return the keys of all objects below one, and their bytes."""
        try:
            found = self._tried(lambda: self.files.find(self._full(key), detail=True))
        except FileNotFoundError:
            return {}
        keys = ((self._key(str(name)), known) for name, known in found.items())
        return {key: int(known.get("size") or 0) for key, known in keys if _is_plain(key)}

    def glob(self, pattern: str) -> list[str]:
        """Return the keys that a pattern matches, sorted."""
        found = self._tried(lambda: self.files.glob(self._full(pattern)))
        return sorted(key for key in (self._key(str(name)) for name in found) if _is_plain(key))

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
        self._tried(lambda: self.files.get_file(self._full(key), str(file)))

    def read(self, key: str) -> bytes | None:
        """Return a small object; None where there is none."""
        try:
            content: bytes = self._tried(lambda: self.files.cat_file(self._full(key)))
        except FileNotFoundError:
            return None
        return content

    def write(self, key: str, content: bytes) -> None:
        """Write a small object."""
        self._tried(lambda: self.files.pipe_file(self._full(key), content), writing=True)

    def write_from(self, file: Path, key: str) -> None:
        """Write a file as an object."""
        self._tried(lambda: self.files.put_file(str(file), self._full(key)), writing=True)

    def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._tried(lambda: self.files.rm_file(self._full(key)))

    @property
    def may_swap(self) -> bool:
        """Whether this kind of store is known to write on a condition; whether this one does, only trying says."""
        return scheme_of(self.url) in S3

    def swap(self, key: str, content: bytes, known: str | None) -> str | None:
        """Write a small object if it is as it was known to be: compare-and-set, by S3's conditional writes.

        Parameters
        ----------
        key, content
            The object.
        known
            The tag that it had when it was looked at; None where it was not there.

        Returns
        -------
        str or None
            Its new tag; None where somebody else has written or removed it meanwhile.

        Raises
        ------
        NoConditionsError
            The store knows none.
        InputError
            It cannot be reached.
        """
        bucket, name, _ = self.files.split_path(self._full(key))
        condition = {"IfNoneMatch": "*"} if known is None else {"IfMatch": known}

        def put() -> str | None:
            try:
                done = self.files.call_s3("put_object", Bucket=bucket, Key=name, Body=content, **condition)
            except Exception as error:  # botocore's and s3fs's, which are installed with the extra only
                if _has_code(error, ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")):
                    return None
                if known is not None and isinstance(error, FileNotFoundError):
                    return None  # there is nothing that could be as it was
                if _has_code(error, ("NotImplemented", "501")):
                    raise NoConditionsError from error
                raise
            return str(done["ETag"])

        return self._tried(put, writing=True)

    def look(self, key: str) -> tuple[str, bytes] | None:
        """Return a small object with its tag for ``swap``; None where there is none."""
        while True:
            try:
                tag, content = self._tag(key), self.read(key)
                if content is not None and self._tag(key) == tag:
                    return tag, content
            except FileNotFoundError:
                return None
            if content is None:
                return None

    def _tag(self, key: str) -> str:
        return str(self._tried(lambda: self.files.info(self._full(key)))["ETag"])

    def _tried(self, act: Callable[[], T], *, writing: bool = False) -> T:
        """Reach for the store, and again after a while where that may help.

        Numbers are never computed twice for it, only sent: what was committed here stays. A store that this process has
        never reached is not waited for; its URL may be wrong.
        """
        for pause in (*PAUSES_SECONDS, None):
            try:
                with reaching(self.url, writing=writing):
                    found = act()
            except UnreachedError as error:
                if pause is None or not error.passes or not self.reached:
                    raise
                tell(f"{self.url}: {error.problem}; tried again in {pause:.0f} s")
                time.sleep(pause)  # the store is given time to come back; nothing here can be asked whether it has
            else:
                self.reached.add(True)
                return found
        raise AssertionError("the last try ends in either way")

    def _full(self, key: str) -> str:
        return f"{self.root}/{key}".rstrip("/")

    def _key(self, full: str) -> str:
        return full[len(self.root) + 1 :]


def _is_plain(key: str) -> bool:
    """Say whether a key stays where it is put: whoever may write to a bucket can name an object ``../../.profile``."""
    return not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in key.split("/"))


def _has_code(error: BaseException, codes: tuple[str, ...]) -> bool:
    """Say whether S3 has answered with one of these codes; s3fs keeps its answer as the cause of its own error."""
    for one in (error, error.__cause__):
        answer = getattr(one, "response", None)
        if isinstance(answer, dict) and answer.get("Error", {}).get("Code") in codes:
            return True
    return False


class NoConditionsError(Exception):
    """A store that does not write on a condition."""


class UnreachedError(InputError):
    """A store that could not be reached, and whether that may pass by itself."""

    passes: bool = False


def _passes(error: BaseException) -> bool:
    """Say whether an error may be gone in a minute; rights, credentials and names are not."""
    if isinstance(error, TimeoutError | ConnectionError) or type(error).__name__ in CONNECTIONS:
        return True
    return isinstance(error, OSError) and error.errno in PASSES


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
    except (InputError, NoConditionsError):
        raise
    except FileNotFoundError:
        if not writing:
            raise
        raise InputError(
            "there is no such bucket or container", file=url, remedy="make it first, or check the URL"
        ) from None
    except Exception as error:  # every kind of file system has errors of its own
        told = (str(error).splitlines() or [""])[0]
        unreached = UnreachedError(
            f"cannot be {'written' if writing else 'reached'}: {type(error).__name__}: {told}",
            file=url,
            remedy="check network, credentials (from the environment) and rights; what was computed is kept, and the "
            "same command goes on from there",
        )
        unreached.passes = _passes(error)
        raise unreached from None
