"""Tell whoever watches how far a sweep is: the terminal's progress display, or the log of a deployment.

Steps announce; listeners draw. Nothing waits for a listener, and no number depends on one.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Stage = Literal[
    "server",
    "transfers",
    "encoded rows",
    "decoded rows",
    "geometry",
    "cells",
    "scores",
    "stability",
    "valleys",
    "surroundings",
    "labels",
    "sets",
    "report",
]


@dataclass(frozen=True)
class Announcement:
    """Work of a stage that begins (``total``) or is finished (``done``).

    Attributes
    ----------
    stage
        The part of the sweep.
    total
        Units of work of the stage, at its start; None afterwards.
    done
        Units finished since the last announcement.
    status
        How they ended: ``cached``, ``ok``, or a failure's status.
    """

    stage: Stage
    total: int | None = None
    done: int = 0
    status: str = "ok"


Listener = Callable[[Announcement], None]

_listeners: list[Listener] = []
_lock = threading.Lock()


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have a listener called for every announcement, one at a time, from whatever thread."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Have no listener called for what happens inside: parts of something larger that is announced itself."""
    with _lock:
        waiting = _listeners[:]
        _listeners.clear()
    try:
        yield
    finally:
        with _lock:
            _listeners.extend(waiting)


def announce_total(stage: Stage, total: int) -> None:
    """Say how much work a stage has."""
    _tell(Announcement(stage, total=total))


def announce_done(stage: Stage, done: int = 1, status: str = "ok") -> None:
    """Say that some work of a stage is finished."""
    _tell(Announcement(stage, done=done, status=status))


def _tell(announcement: Announcement) -> None:
    with _lock:
        for listener in _listeners:
            listener(announcement)


# --- in words -----------------------------------------------------------------------------------------------------

Teller = Callable[[str], object]

_tellers: list[Teller] = []


@contextlib.contextmanager
def telling(teller: Teller) -> Iterator[None]:
    """Have sentences that people should read go somewhere, such as the log of a run, from whatever thread."""
    with _lock:
        _tellers.append(teller)
    try:
        yield
    finally:
        with _lock:
            _tellers.remove(teller)


def tell(sentence: str) -> None:
    """Tell people something that is no number: what is waited for, what is tried again and why."""
    with _lock:
        teller = _tellers[-1] if _tellers else None
    if teller is None:
        logging.getLogger(__name__).warning(sentence)
    else:
        teller(sentence)
