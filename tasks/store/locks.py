"""Locks of the store: of those who want the same thing at the same time, one works and the others wait.

A lock is held on an open file (flock), so the system frees it when its holder ends, however that happens; nothing has
to be unlocked by hand, and the number of a process that was used again holds nothing. The file itself stays, and says
who was the last to hold it. Where a file system knows no locks, nobody waits: the work may then be done twice, with the
same bytes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from steadymap.tasks.store.layout import Store

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What file systems without locks answer."""

LONGEST_NOTE = 1000


def lock_of(store: Store, what: str) -> Path:
    """Return the lock file of a thing: a run by its identity, or a night by its name."""
    return store.root / "locks" / f"{what}.lock"


@contextlib.contextmanager
def hold_lock(lock: Path, what: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock for the time of a block; wait for whoever holds it, and tell who that is.

    Parameters
    ----------
    lock
        The file.
    what
        What it is about, for people: a sweep, a night.
    tell
        Called with a sentence before waiting, and where there are no locks.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _acquire(descriptor, what, tell)
        yield
    finally:
        os.close(descriptor)  # which frees the lock


def _acquire(descriptor: int, what: str, tell: Callable[[str], None]) -> None:
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"{what}: waiting for {_read_holder(descriptor)}, who is at it already; what it computes is used")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        tell(f"{what}: this file system has no locks; a second run of it at the same time does the same work twice")
        return
    _write_holder(descriptor)


def _write_holder(descriptor: int) -> None:
    holder = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _read_holder(descriptor: int) -> str:
    """Say who holds a lock; between taking it and noting that, the note may be another's or none."""
    try:
        holder = json.loads(os.pread(descriptor, LONGEST_NOTE, 0))
        return f"process {holder['process']} on {holder['host']} (since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
