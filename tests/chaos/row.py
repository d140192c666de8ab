"""A promise with the attack on it, and what an attack has reached."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SEED = 19


@dataclass(frozen=True)
class Scale:
    """How much of an attack is run, and where.

    Attributes
    ----------
    folder
        An empty folder of the row's own.
    short
        Whether the short form runs.
    part
        Of the full form one in so many rounds is run.
    """

    folder: Path
    short: bool
    part: int = 1

    def of(self, full: int, short: int) -> int:
        """Return how many rounds there are."""
        return short if self.short else max(short, full // self.part)

    def random(self) -> random.Random:
        """Return numbers that are the same each time."""
        return random.Random(SEED)


@dataclass
class Reached:
    """What an attack has reached: how many rounds were run, and what did not hold in which.

    Attributes
    ----------
    rounds
        Attacks that were run.
    broken
        A line for each that the promise did not stand.
    note
        What else was counted.
    skipped
        Why nothing, or not all, was run.
    """

    rounds: int = 0
    broken: list[str] = field(default_factory=list)
    note: str = ""
    skipped: str = ""

    def count(self, fault: str | None = None) -> None:
        """Count a round; with a fault, where the promise did not hold."""
        self.rounds += 1
        if fault is not None:
            self.broken.append(fault)

    def expect(self, holds: bool, fault: str) -> None:
        """Count a round in which something has to hold."""
        self.count(None if holds else fault)


@dataclass(frozen=True)
class Row:
    """A promise.

    Attributes
    ----------
    key
        Its number, such as ``R1``.
    promise, attack
        In a few words.
    goal
        How many attacks the full form runs.
    unit
        What is counted.
    run
        The attack.
    """

    key: str
    promise: str
    attack: str
    goal: int
    unit: str
    run: Callable[[Scale], Reached]
