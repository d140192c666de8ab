"""Draw what is missing of a plan: the part that a sweep and a selftest share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import ParamSpec, TypeVar

from prefect import Task
from prefect.futures import PrefectConcurrentFuture, PrefectFuture

from steadymap.flows.drawing.cluster_runners import draw_on_cluster
from steadymap.tasks.cells.compute_cells import CellOutcomes
from steadymap.tasks.plan.graphs import cells_by_graph
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.steps.compute_graph import compute_graph
from steadymap.tasks.steps.prepare_geometry import prepare_geometry, remake_derived
from steadymap.tasks.workers import choose_limits, some_pool

P = ParamSpec("P")
R = TypeVar("R")


def draw_cells(plan: Plan) -> CellOutcomes:
    """Compute the missing cells of a plan; called inside a flow, whose runner fans them out."""
    announce_cached(plan)
    return draw_missing(plan)


def draw_missing(plan: Plan, until: float | None = None, told: str = "") -> CellOutcomes:
    """Compute the missing cells of a plan, or of a part of it; none is begun after ``until`` (seconds since 1970).

    ``told`` is what the pass is called, where there are several: in Prefect's list of tasks each has its own names.
    """
    if not plan.missing:
        remake_derived(plan)
        return {}
    workers = plan.config.workers
    graphs = list(cells_by_graph(plan.missing))
    with some_pool(choose_limits(workers)):
        # On a cluster, too, it is computed here, once, and read by all.
        broken = _named(prepare_geometry, told)(plan)
        remake_derived(plan)
        if workers.runner == "local":
            compute = _named(compute_graph, told)
            runs = [compute.submit(graph, plan, broken, until) for graph in graphs]
            with dropped_if_interrupted(runs):
                return {identity: ending for run in runs for identity, ending in run.result().items()}
    return draw_on_cluster(graphs, plan, broken, until)


def _named(step: Task[P, R], told: str) -> Task[P, R]:
    """Let a task's runs say which pass they belong to."""
    return step.with_options(task_run_name=f"{step.task_run_name}, {told}") if told else step


@contextlib.contextmanager
def dropped_if_interrupted(runs: Sequence[PrefectFuture[CellOutcomes]]) -> Iterator[None]:
    """Begin none of them any more once the block is interrupted; those under way end with their pool."""
    try:
        yield
    except BaseException:
        for run in runs:
            if isinstance(run, PrefectConcurrentFuture):
                run.wrapped_future.cancel()
        raise


def drawn_cells(plan: Plan, endings: CellOutcomes) -> list[Cell]:
    """Return the cells that have a picture."""
    return [cell for cell in plan.usable if cell.identity not in endings or endings[cell.identity].status == "ok"]


def announce_cached(plan: Plan) -> None:
    """Tell how many cells there are, and how many of them the store has."""
    announce_total("cells", len(plan.usable))
    announce_done("cells", len(plan.usable) - len(plan.missing), status="cached")
