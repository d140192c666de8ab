"""Small work in batches: a worker does several together, and one that is lost costs what it was lost with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from steadymap.tasks.workers import Done, Limits, Lost, Outcome, some_pool

One = TypeVar("One")
Result = TypeVar("Result")


def batches_of(items: Sequence[One], most: int, count: int = 1) -> list[Sequence[One]]:
    """Part items into batches of at most ``most``, as even as can be and as many as keep ``count`` workers busy."""
    if not items:
        return []
    rounds = -(-len(items) // (most * count))
    size = -(-len(items) // (rounds * count))
    return [items[at : at + size] for at in range(0, len(items), size)]


def run_batches(
    work: Callable[..., Result], batches: Sequence[Sequence[One]], limits: Limits, *arguments: Any
) -> Iterator[tuple[Sequence[One], Outcome[Result]]]:
    """Run ``work(batch, *arguments)`` in workers, and yield every batch with how it ended, in order.

    A batch of several that is lost is run again one by one: each then comes as a batch of its own.
    """
    with some_pool(limits) as pool:
        futures = [pool.submit(work, batch, *arguments) for batch in batches]
        for batch, future in zip(batches, futures, strict=True):
            outcome: Outcome[Result] = pool.outcome(future)
            if isinstance(outcome, Done) or len(batch) == 1:
                yield batch, outcome
                continue
            alone = [pool.submit(work, [one], *arguments) for one in batch]
            yield from (([one], pool.outcome(future)) for one, future in zip(batch, alone, strict=True))


def tell_lost(what: str, lost: Lost) -> str:
    """Say what was lost and why, as the report does."""
    return f"{what}: {lost.status}: {lost.reason}"
