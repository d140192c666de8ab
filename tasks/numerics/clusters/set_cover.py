"""The fewest pictures that together show everything."""

from __future__ import annotations

import itertools
from collections.abc import Sequence, Set

MOST_TRIED = 200_000
"""Combinations that are tried before the greedy choice, which may take more sets than needed, is good enough."""


def smallest_set(shown: Sequence[Set[int]]) -> tuple[int, ...]:
    """Return which of the sets are the fewest whose union is the union of all; of equally few the first.

    Exact while there are at most 200,000 combinations of that size; beyond, each time the set that adds most (set
    cover; Chvátal 1979, doi:10.1287/moor.4.3.233).
    """
    everything = frozenset().union(*shown)
    tried = 0
    for count in range(len(shown) + 1):
        for chosen in itertools.combinations(range(len(shown)), count):
            if frozenset().union(*(shown[one] for one in chosen)) == everything:
                return chosen
            tried += 1
            if tried > MOST_TRIED:
                return _greedy(shown, everything)
    return ()


def _greedy(shown: Sequence[Set[int]], everything: Set[int]) -> tuple[int, ...]:
    chosen: list[int] = []
    missing = set(everything)
    while missing:
        best = max(range(len(shown)), key=lambda one: len(missing & shown[one]))
        chosen.append(best)
        missing -= shown[best]
    return tuple(chosen)
