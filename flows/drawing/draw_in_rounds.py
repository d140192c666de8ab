"""Draw under a budget: round by round, until time is up or another seed would change no verdict."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import zip_longest

from steadymap.flows.drawing.draw_cells import announce_cached, draw_missing, drawn_cells
from steadymap.tasks.cells.compute_cells import NO_TIME, CellOutcomes, CellResult
from steadymap.tasks.plan.budget_rounds import BudgetRound, budget_rounds
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done
from steadymap.tasks.steps.find_clusters import find_clusters
from steadymap.tasks.steps.judge_clusters import judge_clusters
from steadymap.tasks.steps.run_split_tests import run_split_tests
from steadymap.tasks.verdicts.settling import Snapshot, StoppingRule, read_snapshot

SECONDS_PER_HOUR = 3600.0


def draw_in_rounds(plan: Plan) -> CellOutcomes:
    """Compute the missing cells of a plan round by round; those that are ``left`` carry the reason."""
    announce_cached(plan)
    budget = plan.config.budget
    until = None if budget.hours is None else time.time() + budget.hours * SECONDS_PER_HOUR
    missing = {cell.identity for cell in plan.missing}
    rounds = budget_rounds(plan)
    settling = StoppingRule(budget.settled)
    endings: CellOutcomes = {}
    for one, following in zip_longest(rounds, rounds[1:]):
        wanted = tuple(cell for cell in one.cells if cell.identity in missing)
        if one.further_seed and settling.settled_after is not None:
            # What the store has of it is left, too: a run must not depend on what was drawn before.
            reason = f"clusters and verdicts had settled after {settling.settled_after}"
            endings |= _leave(one.cells, reason, len(wanted))
        elif wanted and until is not None and time.time() >= until:
            endings |= _leave(wanted, NO_TIME, len(wanted))
        else:
            endings |= draw_missing(replace(plan, missing=wanted), until, one.name)
            if budget.settled is not None and following is not None and following.further_seed:
                settling.note(one.name, _look(plan, endings, rounds[: rounds.index(one) + 1]))
    return endings


def _leave(cells: tuple[Cell, ...], reason: str, announced: int) -> CellOutcomes:
    announce_done("cells", announced, status="left")
    return {cell.identity: CellResult("left", reason) for cell in cells}


def _look(plan: Plan, endings: CellOutcomes, rounds: list[BudgetRound]) -> Snapshot:
    """Find clusters and their verdicts in the pictures so far."""
    so_far = {cell.identity for one in rounds for cell in one.cells}
    drawn = [cell for cell in drawn_cells(plan, endings) if cell.identity in so_far]
    splits = run_split_tests(plan, drawn)
    return read_snapshot(judge_clusters(plan, find_clusters(plan, drawn, splits), splits))
