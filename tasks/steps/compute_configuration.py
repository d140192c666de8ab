"""Step: compute the missing cells of one configuration, each in an isolated worker."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.tasks.cells.compute_cell import NO_TIME, CellJob, CellResult, Endings, compute_cell
from steadymap.tasks.geometry.make_parts import Broken, bring_neighbours
from steadymap.tasks.geometry.parts import find_neighbours, parts_of
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done
from steadymap.tasks.store.sync import bring, send
from steadymap.tasks.workers import Done, Limits, WorkerPool, choose_limits, some_pool


@task(name="compute configuration", task_run_name="{configuration}", cache_policy=NO_CACHE)
def compute_configuration(configuration: str, plan: Plan, broken: Broken, until: float | None = None) -> Endings:
    """Compute a configuration's missing cells side by side; a lost cell costs itself only.

    Parameters
    ----------
    configuration
        Its name. Its cells on all rows, on parts of them and on reference data are computed alike.
    broken
        Parts of the geometry that failed; cells that rest on one are not tried.
    until
        No cell is begun after this time (seconds since 1970, so that it holds on every machine of a cluster).
    """
    cells = [cell for cell in plan.missing if cell.configuration.name == configuration]
    endings: Endings = {}
    futures = {}
    _bring_geometry(cells)
    # Verified once for all cells on the same vectors: to read them whole is what takes long.
    neighbours = {cell.vectors.folder: find_neighbours(cell.geometry, cell.configuration.metric, 1) for cell in cells}
    with some_pool(_limits_of_one(plan)) as pool:
        for cell in cells:
            reason = _broken_below(cell, broken)
            if until is not None and time.time() >= until:
                endings[cell.identity] = CellResult("left", NO_TIME)
                announce_done("cells", status="left")
            elif reason is None:
                job = _job(cell, plan, neighbours[cell.vectors.folder])
                futures[cell.identity] = pool.submit(compute_cell, job)
            else:
                endings[cell.identity] = CellResult("failed", f"geometry: {reason}")
                announce_done("cells", status="failed")
        with _called_off(list(futures.values()), until):
            for identity, future in futures.items():
                endings[identity] = _ending(pool, future)
                send(plan.store, [plan.store.cell(identity), plan.store.timing(identity)])
                announce_done("cells", status=endings[identity].status)
    return endings


@contextlib.contextmanager
def _called_off(futures: Sequence[Future[CellResult]], until: float | None) -> Iterator[None]:
    """Once time is up, call off whatever has not been begun; all at once, or the queue would move on meanwhile."""

    def call_off() -> None:
        for future in reversed(futures):
            if not future.running():
                future.cancel()

    if until is None:
        yield
        return
    timer = threading.Timer(max(0.0, until - time.time()), call_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _bring_geometry(cells: list[Cell]) -> None:
    """Bring what the cells are drawn from where another machine of a cluster has made it."""
    if all(cell.geometry.store.url is None for cell in cells):
        return
    for geometry in {cell.vectors.folder: cell.geometry for cell in cells}.values():
        own = [cell for cell in cells if cell.vectors == geometry.vectors]
        bring(geometry.store, [geometry.folder(part) for cell in own for part in parts_of(cell.configuration)])
        for metric in {cell.configuration.metric for cell in own}:
            if find_neighbours(geometry, metric, 1) is None:
                bring_neighbours(geometry, metric)


def _limits_of_one(plan: Plan) -> Limits:
    """Return the limits where a cluster has handed this out: it counts its workers, so here is one at a time."""
    workers = plan.config.workers
    share = choose_limits(None, workers.timeout_seconds, workers.memory_gb)
    return replace(share, count=1)


def _broken_below(cell: Cell, broken: Broken) -> str | None:
    folders = [cell.geometry.folder(part) for part in parts_of(cell.configuration)]
    return next((broken[folder] for folder in folders if folder in broken), None)


def _ending(pool: WorkerPool, future: Future[CellResult]) -> CellResult:
    outcome = pool.outcome(future)
    if future.cancelled():
        return CellResult("left", NO_TIME)
    return outcome.value if isinstance(outcome, Done) else CellResult(outcome.status, outcome.reason)


def _job(cell: Cell, plan: Plan, neighbours: Path | None) -> CellJob:
    return CellJob(
        identity=cell.identity,
        configuration=cell.configuration,
        seed=cell.seed,
        store=plan.store,
        resample=cell.resample,
        data_digest=plan.dataset.digest,
        distinct_rows=cell.vectors.rows - cell.vectors.duplicates,
        folders=tuple((part, cell.geometry.folder(part)) for part in parts_of(cell.configuration)),
        neighbours=neighbours,
    )
