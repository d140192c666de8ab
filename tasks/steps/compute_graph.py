"""Step: compute the missing cells of one graph, side by side in isolated workers."""

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

from steadymap.tasks.cells.compute_cells import NO_TIME, CellJob, CellOutcomes, CellResult, compute_cells
from steadymap.tasks.geometry.make_parts import FailedParts, bring_neighbours, first_reason
from steadymap.tasks.geometry.parts import find_neighbours, parts_of
from steadymap.tasks.plan.graphs import cells_by_graph, side_by_side
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.sync import download, upload
from steadymap.tasks.workers import Done, Limits, WorkerPool, choose_limits, some_pool


@task(name="compute graph", task_run_name="{graph}", cache_policy=NO_CACHE)
def compute_graph(graph: str, plan: Plan, broken: FailedParts, until: float | None = None) -> CellOutcomes:
    """Compute a graph's missing cells side by side; a lost cell costs itself only.

    Parameters
    ----------
    graph
        Its name, such as ``umap n_neighbors=15``. Its cells on all rows, on parts of them and on reference data are
        computed alike.
    broken
        Parts of the geometry that failed; cells that rest on one are not tried.
    until
        No cell is begun after this time (seconds since 1970, so that it holds on every machine of a cluster).
    """
    cells = cells_by_graph(plan.missing)[graph]
    endings: CellOutcomes = {}
    _bring_geometry(cells)
    # Verified once for all cells on the same vectors: to read them whole is what takes long.
    neighbours = {cell.vectors.folder: find_neighbours(cell.geometry, cell.configuration.metric, 1) for cell in cells}
    with some_pool(_limits_of_one(plan)) as pool:
        ready = []
        for cell in cells:
            reason = _lacking(cell, broken)
            if reason is None:
                ready.append(cell)
            else:
                endings[cell.identity] = CellResult("failed", f"geometry: {reason}")
                announce_done("cells", status="failed")
        together = [
            [_job(cell, plan, neighbours[cell.vectors.folder]) for cell in side]
            for side in side_by_side(ready, len(plan.missing), pool.limits.count)
        ]
        endings |= _compute(pool, together, plan.store, until)
    return endings


def _compute(pool: WorkerPool, together: list[list[CellJob]], store: Store, until: float | None) -> CellOutcomes:
    """Compute jobs side by side; those that a worker is lost with again, cell by cell, so that one at fault is one."""
    endings: CellOutcomes = {}
    again: list[list[CellJob]] = []
    futures = [None if _is_late(until) else pool.submit(compute_cells, jobs) for jobs in together]
    with _called_off([future for future in futures if future is not None], until):
        for jobs, future in zip(together, futures, strict=True):
            results = [CellResult("left", NO_TIME)] * len(jobs) if future is None else _results(pool, future, len(jobs))
            if results is None:
                again += [[job] for job in jobs]
                continue
            for job, result in zip(jobs, results, strict=True):
                endings[job.identity] = result
                upload(store, [store.cell(job.identity), store.timing(job.identity)])
                announce_done("cells", status=result.status)
    return endings | _compute(pool, again, store, until) if again else endings


def _is_late(until: float | None) -> bool:
    return until is not None and time.time() >= until


def _results(pool: WorkerPool, future: Future[list[CellResult]], count: int) -> list[CellResult] | None:
    """Return how each cell ended; None where it is not known which of several the worker was lost with."""
    outcome = pool.outcome(future)
    if future.cancelled():
        return [CellResult("left", NO_TIME)] * count
    if isinstance(outcome, Done):
        return outcome.value
    return [CellResult(outcome.status, outcome.reason)] if count == 1 else None


@contextlib.contextmanager
def _called_off(futures: Sequence[Future[list[CellResult]]], until: float | None) -> Iterator[None]:
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
        download(geometry.store, [geometry.folder(part) for cell in own for part in parts_of(cell.configuration)])
        for metric in {cell.configuration.metric for cell in own}:
            if find_neighbours(geometry, metric, 1) is None:
                bring_neighbours(geometry, metric)


def _limits_of_one(plan: Plan) -> Limits:
    """Return the limits where a cluster has handed this out: it counts its workers, so here is one at a time."""
    workers = plan.config.workers
    share = choose_limits(workers.model_copy(update={"count": None}))
    return replace(share, count=1)


def _lacking(cell: Cell, broken: FailedParts) -> str | None:
    return first_reason((cell.geometry.folder(part) for part in parts_of(cell.configuration)), broken)


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
