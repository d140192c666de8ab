"""Step: compute the missing cells of one configuration, each in an isolated worker."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from configs.grid import Configuration
from tasks.compute_cell import CellJob, CellResult, compute_cell
from tasks.geometry import Part, parts_of
from tasks.plan_sweep import Cell, Plan
from tasks.progress import announce_done
from tasks.workers import Done, Lost, current_pool

Endings = dict[str, CellResult]
"""How each computed cell ended, by identity."""


@task(name="compute configuration", task_run_name="{configuration.name}", cache_policy=NO_CACHE)
def compute_configuration(configuration: Configuration, plan: Plan, broken: dict[Part, str]) -> Endings:
    """Compute a configuration's missing cells side by side; a lost cell costs itself only.

    Parameters
    ----------
    broken
        Parts of the geometry that failed; cells that rest on one are not tried.
    """
    cells = [cell for cell in plan.missing if cell.configuration == configuration]
    reason = next((broken[part] for part in parts_of(configuration) if part in broken), None)
    if reason is not None:
        for _ in cells:
            announce_done("cells", status="failed")
        return {cell.identity: CellResult("failed", f"geometry: {reason}") for cell in cells}
    pool = current_pool()
    futures = {cell.identity: pool.submit(compute_cell, _job(cell, plan)) for cell in cells}
    endings: Endings = {}
    for identity, future in futures.items():
        outcome = pool.outcome(future)
        endings[identity] = outcome.value if isinstance(outcome, Done) else _lost(outcome)
        announce_done("cells", status=endings[identity].status)
    return endings


def _lost(outcome: Lost) -> CellResult:
    return CellResult(outcome.status, outcome.reason)


def _job(cell: Cell, plan: Plan) -> CellJob:
    return CellJob(
        identity=cell.identity,
        configuration=cell.configuration,
        seed=cell.seed,
        store=plan.store,
        data_digest=plan.dataset.digest,
        distinct_rows=plan.dataset.rows - plan.dataset.duplicates,
        folders=tuple((part, plan.geometry.folder(part)) for part in parts_of(cell.configuration)),
    )
