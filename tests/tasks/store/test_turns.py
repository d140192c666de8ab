"""Turns in a store far away: one holder, whatever happens to it, and no turns where a store keeps no conditions."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steadymap.tasks.progress import telling
from steadymap.tasks.store import object_store, turns
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.turns import take_turn

KEY = "turns/run.json"


class Conditions:
    """A store that compares and sets, as S3 does: an object has a tag, which every write changes."""

    may_swap = True

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.writes = 0

    def look(self, key: str) -> tuple[str, bytes] | None:
        with self.lock:
            return self.objects.get(key)

    def swap(self, key: str, content: bytes, known: str | None) -> str | None:
        with self.lock:
            found = self.objects.get(key)
            if (None if found is None else found[0]) != known:
                return None
            self.writes += 1
            self.objects[key] = (f"{self.writes}", content)
            return f"{self.writes}"

    def note(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects[KEY][1])
        return found


class Careless(Conditions):
    """A server that takes a condition and does not look at it."""

    def swap(self, key: str, content: bytes, known: str | None) -> str | None:
        del known
        found = self.look(key)
        return super().swap(key, content, None if found is None else found[0])


class Without(Conditions):
    """One that refuses any condition."""

    def swap(self, key: str, content: bytes, known: str | None) -> str | None:
        raise object_store.NoConditionsError


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Conditions], Store]:
    """Return a function that puts a store behind a URL; looks and renewals come fast."""
    monkeypatch.setattr(turns, "LOOKS_EVERY_SECONDS", 0.005)
    monkeypatch.setattr(turns, "RENEWED_EVERY_SECONDS", 0.02)

    def put(remote: Conditions) -> Store:
        monkeypatch.setattr(turns, "open_object_store", lambda url: remote)
        return Store(tmp_path, f"s3://{uuid.uuid4().hex}")

    return put


def test_of_many_that_want_a_turn_one_has_it_at_a_time(place: Any) -> None:
    remote = Conditions()
    store = place(remote)
    inside: list[int] = []
    most: list[int] = []
    told: list[str] = []

    def work(number: int) -> None:
        with take_turn(store, "run", f"sweep {number}"):
            inside.append(number)
            most.append(len(inside))
            begun = remote.note()["renewals"]
            while remote.note()["renewals"] < begun + 2:  # long enough that the others wait
                time.sleep(0.001)  # between two looks
            inside.remove(number)

    with telling(told.append):
        threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=120)
    assert most == [1, 1, 1, 1]
    assert len(told) >= 3
    assert all("waiting for process" in one for one in told)
    assert remote.objects[KEY][1] == turns.NOBODY


def test_who_is_silent_for_long_loses_the_turn_and_notices(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Conditions()
    store = place(remote)
    monkeypatch.setattr(turns, "SILENT_SECONDS", 0.2)
    asleep, awake, lost = threading.Event(), threading.Event(), threading.Event()
    told: list[str] = []
    swap = remote.swap

    def slow(key: str, content: bytes, known: str | None) -> str | None:
        """Hold the first holder's renewals back, as a machine that sleeps does."""
        if b'"sweep one"' in content and json.loads(content).get("renewals", 0) >= 1:
            asleep.set()
            assert awake.wait(60)
        return swap(key, content, known)

    def listen(sentence: str) -> None:
        told.append(sentence)
        if "taken over" in sentence:
            lost.set()

    monkeypatch.setattr(remote, "swap", slow)
    with telling(listen), take_turn(store, "run", "sweep one"):
        assert asleep.wait(60)
        with take_turn(store, "run", "sweep two"):
            assert remote.note()["what"] == "sweep two"
            awake.set()
            assert lost.wait(60)
            assert remote.note()["what"] == "sweep two"  # and it was not taken back
    assert remote.objects[KEY][1] == turns.NOBODY


def test_a_holder_of_this_machine_that_has_died_is_not_waited_for(place: Any) -> None:
    remote = Conditions()
    store = place(remote)
    dead = 2**22 + 1  # above what Linux gives
    note = {"holder": "x", "process": dead, "host": "h", "place": turns._place(), "since": "s", "renewals": 3}
    assert remote.swap(KEY, json.dumps(note).encode(), None)
    told: list[str] = []
    with telling(told.append), take_turn(store, "run", "sweep"):
        assert remote.note()["what"] == "sweep"
    assert told == []


def test_a_request_whose_first_answer_was_lost_counts(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Conditions()
    store = place(remote)
    swap, first = remote.swap, [True]

    def twice(key: str, content: bytes, known: str | None) -> str | None:
        tag = swap(key, content, known)
        if first:
            first.clear()
            return swap(key, content, known)  # sent again: refused, since the first was done
        return tag

    monkeypatch.setattr(remote, "swap", twice)
    with take_turn(store, "run", "sweep"):
        assert remote.note()["what"] == "sweep"


@pytest.mark.parametrize("kind", [Careless, Without])
def test_a_store_that_keeps_no_conditions_is_found_out_and_nobody_waits(place: Any, kind: type[Conditions]) -> None:
    store = place(kind())
    told: list[str] = []
    with telling(told.append), take_turn(store, "run", "sweep one"), take_turn(store, "run", "sweep two"):
        pass
    assert len(told) == 2
    assert all("has no conditional writes" in one for one in told)


def test_a_store_in_a_folder_needs_no_turns(tmp_path: Path) -> None:
    with take_turn(Store(tmp_path), "run", "sweep"):
        assert list(tmp_path.iterdir()) == []
