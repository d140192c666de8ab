"""Turns in a store far away: of machines that want the same thing at the same time, one works and the others wait.

What ``locks`` are on one machine. A turn is a small object that its holder writes anew every half minute, always on
the condition that it is as it was left (S3 conditional writes: compare-and-set), so of two that reach for it one gets
it. Who waits watches it by its own clock: when it has not changed for some minutes its holder is gone, and the turn is
taken, on the same condition. So neither clocks that differ nor a machine that was asleep make two holders for long; the
one whose turn was taken notices at its next renewal, and goes on: what two machines compute has the same bytes.

Where a store has no conditional writes, nobody waits: the work may then be done twice, and that is told.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from steadymap.configs.errors import InputError
from steadymap.tasks.progress import tell
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.object_store import NoConditionsError, Remote, open_object_store
from steadymap.tasks.store.renewal import renewed

FOLDER = "turns"

RENEWED_EVERY_SECONDS = 30.0

SILENT_SECONDS = 300.0
"""Ten renewals: how long a turn has to be unchanged before whoever waits takes it."""

LOOKS_EVERY_SECONDS = 5.0

NOBODY = b"{}\n"
"""What a turn says that is free. It is not removed: a removal knows no condition everywhere."""

NO_TAG = '"00000000000000000000000000000000"'


@contextlib.contextmanager
def take_turn(store: Store, name: str, what: str) -> Iterator[None]:
    """Take a turn for the time of a block; wait for whoever has it, and tell who that is.

    Parameters
    ----------
    store
        The store; one in a folder has locks, and needs no turns.
    name
        What the turn is about: the identity of a run, or the name of a night.
    what
        The same for people: a sweep, a night.

    Raises
    ------
    InputError
        The store cannot be reached.
    """
    if store.url is None:
        yield
        return
    turn = _Turn(open_object_store(store.url), f"{FOLDER}/{name}.json", what)
    if not turn.take():
        tell(
            f"{what}: {store.place} has no conditional writes; the same on another machine at the same time does the "
            "same work twice"
        )
        yield
        return

    def say() -> bool:
        mine = turn.renew()
        if not mine:
            tell(f"{what}: nothing was heard of this machine for a while, and another one has taken over")
        return mine

    try:
        with renewed(say, RENEWED_EVERY_SECONDS, "turn"):
            yield
    finally:
        with contextlib.suppress(InputError):  # what ended the block is what people should hear of
            turn.free()


@dataclass
class _Turn:
    """A turn that is sought or held; ``tag`` is what it had when we wrote it last."""

    remote: Remote
    key: str
    what: str
    tag: str = ""

    def __post_init__(self) -> None:
        self.note = {
            "holder": uuid.uuid4().hex,
            "what": self.what,
            "process": os.getpid(),
            "host": socket.gethostname(),
            "place": _place(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.renewals = 0

    def take(self) -> bool:
        """Wait for the turn and take it; False where the store has none to give."""
        if not self.remote.may_swap:
            return False
        told, seen, since = False, "", time.monotonic()
        with contextlib.suppress(NoConditionsError):
            while True:
                found = self.remote.look(self.key)
                tag, note = (None, {}) if found is None else (found[0], _read(found[1]))
                if tag != seen:
                    seen, since = tag or "", time.monotonic()
                silent = time.monotonic() - since >= SILENT_SECONDS
                if (not note or _is_gone(note) or silent) and self._write(tag):
                    if self._keeps_conditions():
                        return True
                    self.free()
                    return False
                if note and not told:
                    told = True
                    tell(f"{self.what}: waiting for {_holder(note)}, who is at it already; what it computes is used")
                time.sleep(LOOKS_EVERY_SECONDS if note else 0)  # between two looks at what others write
        return False

    def renew(self) -> bool:
        """Say that the holder lives; False where somebody else has the turn."""
        self.renewals += 1
        return self._write(self.tag)

    def free(self) -> None:
        """Give the turn back, unless somebody else has it."""
        with contextlib.suppress(NoConditionsError):
            self.remote.swap(self.key, NOBODY, self.tag)

    def _write(self, known: str | None) -> bool:
        content = json.dumps({**self.note, "renewals": self.renewals}).encode()
        tag = self.remote.swap(self.key, content, known)
        if tag is None:
            # A request that was sent twice, since its first answer was lost, is refused though it was done.
            found = self.remote.look(self.key)
            tag = found[0] if found is not None and found[1] == content else None
        if tag is not None:
            self.tag = tag
        return tag is not None

    def _keeps_conditions(self) -> bool:
        """Ask for what has to be refused: some servers take a condition and do not look at it."""
        for known in (None, NO_TAG):
            if self.remote.swap(self.key, json.dumps(self.note).encode(), known) is not None:
                return False
        return True


def _read(content: bytes) -> dict[str, Any]:
    """Read a note; one that cannot be read has nobody who will come back."""
    try:
        note = json.loads(content)
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def _holder(note: dict[str, Any]) -> str:
    return f"process {note.get('process')} on {note.get('host')} (since {note.get('since')})"


def _place() -> str | None:
    """Name this machine since it was started, and which numbers its processes have here: a container has its own."""
    with contextlib.suppress(OSError):
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()} {started} {Path('/proc/self/ns/pid').stat().st_ino}"
    return None


def _is_gone(note: dict[str, Any]) -> bool:
    """Say whether a holder is known to be gone: one of this machine whose process has ended."""
    here, process = _place(), note.get("process")
    if here is None or note.get("place") != here or not isinstance(process, int):
        return False
    return not psutil.pid_exists(process)
