"""What lies between what is wanted and what a server has, and whose word counts.

A deployment is compared key by key with what the last deployment wrote, of which the server keeps digests. What is
still as it was written is ours to change. What is not, somebody has changed in the UI: it stays, and is shown, until it
is reset by name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Values = Mapping[str, Any]
"""A deployment as flat keys: ``schedules``, ``store``, ``config.hours`` …"""

ABSENT = object()
ALL_PARAMETERS = "parameters"
NOT_PARAMETERS = ("schedules", "work pool", "description", "tags", "entrypoint", "concurrency", "folder", "form")
OURS = ("description", "tags", "entrypoint", "concurrency", "form")
"""What nobody sets by hand for good: it follows the version of Steadymap."""


@dataclass(frozen=True)
class Difference:
    """One key that is not the same on both sides.

    Attributes
    ----------
    key
        Its name.
    there, here
        What the server has, and what is wanted; ``ABSENT`` where there is nothing.
    ending
        ``set`` (the server has not got it), ``changed`` (ours, and taken), ``kept`` (theirs, and left), ``reset``
        (theirs, and taken, since it was named).
    """

    key: str
    there: Any
    here: Any
    ending: Literal["set", "changed", "kept", "reset"]

    @property
    def line(self) -> str:
        """The difference in one line."""
        if self.key == "form":
            return "form: as this version of Steadymap explains it"
        there, here = spell(self.there), spell(self.here)
        if self.ending == "set":
            return f"{self.key}: {here}"
        if self.ending == "kept":
            return f"{self.key}: {there} stays, as set on the server (here {here}; `--reset {self._name}` takes that)"
        return f"{self.key}: {there} → {here}"

    @property
    def _name(self) -> str:
        return f"'{self.key}'" if " " in self.key else self.key


@dataclass(frozen=True)
class Merged:
    """What a deployment is to be, the digests that the next deployment compares with, and what was different."""

    values: dict[str, Any]
    written: dict[str, str]
    differences: tuple[Difference, ...]

    @property
    def to_write(self) -> bool:
        """Whether the server has to be told anything."""
        return any(one.ending != "kept" for one in self.differences)


def merge(
    here: Values,
    there: Values | None,
    written: Mapping[str, str],
    reset: Collection[str] = (),
    unasked: Collection[str] = (),
) -> Merged:
    """Decide key by key between what is wanted and what the server has.

    Parameters
    ----------
    here, there
        What is wanted; what the server has, None where it has no such deployment.
    written
        Digests of what the last deployment wrote, by key; empty where that is not known.
    reset
        Keys (or ``parameters`` for all of them) whose changes on the server are given up.
    unasked
        Keys that nobody named this time, whose values here are defaults: what the server has of them stays.
    """
    if there is None:
        found = tuple(Difference(key, ABSENT, value, "set") for key, value in here.items())
        return Merged(dict(here), {key: digest(value) for key, value in here.items()}, found)
    values: dict[str, Any] = {}
    digests: dict[str, str] = {}
    differences = []
    for key in [*here, *(key for key in there if key not in here)]:
        wanted, found_value = here.get(key, ABSENT), there.get(key, ABSENT)
        if key in unasked and key not in reset and found_value is not ABSENT:
            wanted = found_value
        ending = _decide(key, wanted, found_value, written.get(key), reset)
        taken = found_value if ending == "kept" else wanted
        if ending is not None:
            differences.append(Difference(key, found_value, wanted, ending))
        if taken is not ABSENT:
            values[key] = taken
        if ending == "kept":
            digests |= {key: written[key]} if key in written else {}
        elif wanted is not ABSENT:
            digests[key] = digest(wanted) if ending is not None or key not in unasked else written.get(key, "")
    return Merged(values, digests, tuple(differences))


def _decide(
    key: str, wanted: Any, found: Any, written: str | None, reset: Collection[str]
) -> Literal["set", "changed", "kept", "reset"] | None:
    if wanted is not ABSENT and found is not ABSENT and digest(wanted) == digest(found):
        return None
    untouched = written is not None and found is not ABSENT and digest(found) == written
    if key in OURS or untouched:
        return "changed"
    if found is ABSENT and written is None:
        return "set"  # a key that an earlier version did not know
    if key in reset or (ALL_PARAMETERS in reset and key not in NOT_PARAMETERS):
        return "reset"
    return "kept"


def digest(value: Any) -> str:
    """Return a short digest of a value as JSON; neither the order of keys counts nor whether 8 is written 8.0."""
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _plain(value: Any) -> Any:
    """Write whole numbers as such: a browser that saves a form does."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def spell(value: Any) -> str:
    """Write a value as a person writes it."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(one, dict) and "schedule" in one for one in value):
        return ", ".join(_spell_schedule(one) for one in value)
    return json.dumps(value, ensure_ascii=False)


def _spell_schedule(one: dict[str, Any]) -> str:
    timing = one["schedule"]
    told = f"{timing['cron']} {timing.get('timezone') or 'UTC'}" if "cron" in timing else json.dumps(timing)
    return told if one.get("active", True) else f"{told} (switched off)"
