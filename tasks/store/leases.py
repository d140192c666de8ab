"""Leases of a store far away: who is at work there, on machines that share no lock.

A lease is a small object that its holder writes anew while it works. Who has died writes no more, and an hour after the
last sign of life the lease counts for nothing. A lease keeps nobody from computing; it keeps garbage collection away
from what was drawn and is no part of a run yet.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from steadymap.configs.errors import InputError
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.object_store import Remote, open_object_store
from steadymap.tasks.store.renewal import renewed

FOLDER = "leases"

RENEWED_EVERY_SECONDS = 600.0

COUNTS_FOR = timedelta(hours=1)
"""Several renewals: neither one that is lost on the way nor a clock that is minutes off ends a lease."""


@contextlib.contextmanager
def hold_lease(store: Store, what: str) -> Iterator[None]:
    """Hold a lease for the time of a block; a store in a folder has locks, and needs none.

    Parameters
    ----------
    store
        The store.
    what
        What is done meanwhile, for people.
    """
    if store.url is None:
        yield
        return
    remote = open_object_store(store.url)
    for lease in _leases(remote):
        if not lease.counts:
            remote.remove(lease.key)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    note = json.dumps({"what": what, "process": os.getpid(), "host": socket.gethostname(), "since": since}).encode()
    key = f"{FOLDER}/{uuid.uuid4().hex}.json"
    remote.write(key, note)

    def say() -> bool:
        remote.write(key, note)
        return True

    try:
        with renewed(say, RENEWED_EVERY_SECONDS, "lease"):
            yield
    finally:
        with contextlib.suppress(InputError):  # what ended the block is what people should hear of
            remote.remove(key)


def refuse_while_leased(store: Store) -> None:
    """Refuse what must not happen while anybody is at work in a store far away.

    Raises
    ------
    InputError
        Somebody is.
    """
    if store.url is None:
        return
    for lease in _leases(open_object_store(store.url)):
        if lease.counts:
            raise InputError(
                f"{lease.holder} is under way, last seen {lease.seen:%Y-%m-%d %H:%M} UTC",
                file=store.place,
                remedy="wait for its end, or stop it; what has died counts for nothing "
                f"{COUNTS_FOR.seconds // 60} minutes after it was last seen",
            )


@dataclass(frozen=True)
class _Lease:
    key: str
    holder: str
    seen: datetime

    @property
    def counts(self) -> bool:
        return datetime.now(UTC) - self.seen < COUNTS_FOR


def _leases(remote: Remote) -> Iterator[_Lease]:
    for key in remote.sizes(FOLDER):
        seen, content = remote.time(key), remote.read(key)
        if seen is not None and content is not None:  # its holder may end at this moment
            yield _Lease(key, _holder(content), seen.astimezone(UTC) if seen.tzinfo else seen.replace(tzinfo=UTC))


def _holder(content: bytes) -> str:
    try:
        note = json.loads(content)
        return f"{note['what']} of process {note['process']} on {note['host']} (since {note['since']})"
    except (ValueError, KeyError, TypeError):
        return "a sweep on another machine"
