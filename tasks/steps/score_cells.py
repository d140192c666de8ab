"""Step: score every picture that has no scores yet, in isolated workers."""

from __future__ import annotations

from collections import defaultdict

from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.tasks.batches import batches_of, run_batches, tell_lost
from steadymap.tasks.cells.score_batch import ScoredWith, ScoreJob, graph_of, score_batch
from steadymap.tasks.cells.score_files import has_scores, scores_identity
from steadymap.tasks.geometry.make_parts import make_parts
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.store.findings import Scores
from steadymap.tasks.store.sync import sync, upload
from steadymap.tasks.workers import Lost, choose_limits, some_pool

MOST_IN_A_BATCH = 16
"""Pictures that are scored together: a killed sweep keeps what it has, memory holds one batch."""


@task(name="score cells", task_run_name="score {plan.run}", cache_policy=NO_CACHE)
def score_cells(plan: Plan, drawn: list[Cell]) -> Scores:
    """Write the scores of every drawn picture of the data and of reference data that has none in the store.

    Parts of the rows are drawn for their islands; they are not scored. A picture whose worker is lost costs its own
    scores only, and the next run tries again.

    Parameters
    ----------
    drawn
        The cells that have an embedding.
    """
    scored = [scores_identity(cell, plan) for cell in drawn if cell.kind != "resample"]
    sync(plan.store, [place for one in scored for place in (plan.store.scores(one), plan.store.row_scores(one))])
    unscored: dict[tuple[str | None, str], list[ScoreJob]] = defaultdict(list)
    for cell in drawn:
        if cell.kind != "resample" and not has_scores(cell, plan):
            job = ScoreJob(cell, scores_identity(cell, plan))
            unscored[cell.resample, cell.configuration.metric].append(job)
    announce_total("scores", sum(len(jobs) for jobs in unscored.values()))
    _make_missing_graphs([job.cell for jobs in unscored.values() for job in jobs], plan)
    limits = choose_limits(plan.config.workers)
    batches = [batch for jobs in unscored.values() for batch in batches_of(jobs, MOST_IN_A_BATCH, limits.count)]
    how = ScoredWith(plan.store, plan.dataset, plan.ks, plan.config.scores.exact)
    lost: list[str] = []
    for batch, outcome in run_batches(score_batch, batches, limits, how):
        if isinstance(outcome, Lost):
            lost += [tell_lost(f"scores, {job.cell.title}", outcome) for job in batch]
        else:
            places = [(plan.store.scores(job.identity), plan.store.row_scores(job.identity)) for job in batch]
            upload(plan.store, [place for both in places for place in both])
        for _ in batch:
            announce_done("scores", status=outcome.status if isinstance(outcome, Lost) else "ok")
    return Scores(tuple(lost))


def _make_missing_graphs(cells: list[Cell], plan: Plan) -> None:
    """Make the graphs that losses need where the store has lost them; umap-learn is imported in the workers only."""
    wanted = {
        cell.geometry.folder(graph): (cell.geometry, graph) for cell in cells if (graph := graph_of(cell)) is not None
    }
    missing = [(geometry, graph) for geometry, graph in wanted.values() if not geometry.has(graph)]
    if missing:
        with some_pool(choose_limits(plan.config.workers)):
            make_parts(missing)
