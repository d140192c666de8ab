"""Draw under a budget: round by round, until time is up or another seed would change no verdict."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import zip_longest

from flows.draw_cells import announce_cached, draw_missing, drawn_cells
from tasks.compute_cell import CellResult
from tasks.compute_configuration import NO_TIME, Endings
from tasks.find_clusters import find_clusters
from tasks.plan import Cell, Plan
from tasks.progress import announce_done
from tasks.rounds import Round, Seen, is_same, read_seen, rounds_of
from tasks.seek_valleys import seek_valleys

SECONDS_PER_HOUR = 3600.0


def draw_in_rounds(plan: Plan) -> Endings:
    """Compute the missing cells of a plan round by round; those that are ``left`` carry the reason."""
    announce_cached(plan)
    budget = plan.config.budget
    until = None if budget.hours is None else time.time() + budget.hours * SECONDS_PER_HOUR
    missing = {cell.identity for cell in plan.missing}
    rounds = rounds_of(plan)
    settling = Settling(budget.settled)
    endings: Endings = {}
    for one, following in zip_longest(rounds, rounds[1:]):
        wanted = tuple(cell for cell in one.cells if cell.identity in missing)
        if one.further_seed and settling.settled_after is not None:
            # What the store has of it is left, too: a run must not depend on what was drawn before.
            reason = f"clusters and verdicts had settled after {settling.settled_after}"
            endings |= _leave(one.cells, reason, len(wanted))
        elif wanted and until is not None and time.time() >= until:
            endings |= _leave(wanted, NO_TIME, len(wanted))
        else:
            endings |= draw_missing(replace(plan, missing=wanted), until)
            if budget.settled is not None and following is not None and following.further_seed:
                settling.note(one.name, _look(plan, endings, rounds[: rounds.index(one) + 1]))
    return endings


def _leave(cells: tuple[Cell, ...], reason: str, announced: int) -> Endings:
    announce_done("cells", announced, status="left")
    return {cell.identity: CellResult("left", reason) for cell in cells}


def _look(plan: Plan, endings: Endings, rounds: list[Round]) -> Seen:
    """Find clusters and their verdicts in the pictures so far."""
    so_far = {cell.identity for one in rounds for cell in one.cells}
    drawn = [cell for cell in drawn_cells(plan, endings) if cell.identity in so_far]
    return read_seen(find_clusters(plan, drawn, seek_valleys(plan, drawn)))


class Settling:
    """Follows clusters and verdicts from seed to seed."""

    def __init__(self, rounds: int | None) -> None:
        self._wanted = rounds
        self._same = 0
        self._last: Seen | None = None
        self.settled_after: str | None = None

    def note(self, name: str, now: Seen) -> None:
        """Note what a seed has shown; from ``rounds`` seeds without a change on, they have settled."""
        self._same = self._same + 1 if self._last is not None and is_same(self._last, now) else 0
        self._last = now
        if self._wanted is not None and self._same >= self._wanted:
            self.settled_after = name
