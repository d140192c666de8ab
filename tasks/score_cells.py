"""Step: score every picture that has no scores yet, all from one pass over ranks."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.compute_part import ensure_working
from tasks.identity import SHAPING_LIBRARIES, code_digest, digest, versions
from tasks.numerics.cell_scores import Labels
from tasks.plan_sweep import Cell, Plan
from tasks.progress import announce_done, announce_total
from tasks.read_cell import coordinates_of, read_cell
from tasks.store import DamagedError, read_table, write_table
from tasks.workers import default_count


@task(name="score cells", task_run_name="score {plan.run}", cache_policy=NO_CACHE)
def score_cells(plan: Plan, drawn: list[Cell]) -> None:
    """Write the scores of every drawn picture of the data and of reference data that has none in the store.

    Parts of the rows are drawn for their islands; they are not scored.

    Parameters
    ----------
    drawn
        The cells that have an embedding.
    """
    unscored: dict[tuple[str | None, str], list[Cell]] = defaultdict(list)
    for cell in drawn:
        if cell.kind != "resample" and not _has_scores(cell, plan):
            unscored[cell.resample, cell.configuration.metric].append(cell)
    announce_total("scores", sum(len(cells) for cells in unscored.values()))
    for cells in unscored.values():
        _score(cells, plan)


def read_scores(cell: Cell, plan: Plan) -> pa.Table:
    """Read a cell's scores from the store."""
    return read_table(plan.store.scores(_scores_identity(cell, plan)), schemas.SCORES)


def _has_scores(cell: Cell, plan: Plan) -> bool:
    try:
        read_scores(cell, plan)
    except (FileNotFoundError, DamagedError):
        return False
    return True


def _score(cells: list[Cell], plan: Plan) -> None:
    """Score pictures of the same vectors in batches: a killed sweep keeps what it has, memory holds one batch."""
    from tasks.numerics.cell_scores import Scorer, choose_anchors

    of = cells[0]
    working = ensure_working(of.geometry, of.configuration.metric)
    keys = np.array(of.vectors.keys())
    anchors = choose_anchors(keys, exact=plan.config.scores.exact)
    scorer = Scorer(working, keys, plan.ks, anchors, read_classes(plan) if of.kind == "data" else None)
    threads = plan.config.workers.count or default_count()
    for at in range(0, len(cells), BATCH_CELLS):
        batch = cells[at : at + BATCH_CELLS]
        pictures = [coordinates_of(read_cell(cell, plan.store), cell) for cell in batch]
        for cell, scores in zip(batch, scorer.score(pictures, threads=threads), strict=True):
            table = pa.table(
                {
                    "cell": [cell.identity] * len(scores),
                    "score": [score.score for score in scores],
                    "k": [score.k for score in scores],
                    "value": [score.value for score in scores],
                    "stderr": [score.stderr for score in scores],
                },
                schema=schemas.SCORES,
            )
            write_table(table, plan.store.scores(_scores_identity(cell, plan)))
            announce_done("scores")


BATCH_CELLS = 16


def read_classes(plan: Plan) -> Labels | None:
    """Return the first label of every row in canonical order, as numbers; None where the data has no labels."""
    from tasks.numerics.cell_scores import encode_classes

    return encode_classes(plan.dataset.classes()) if plan.dataset.labels else None


def _classes_digest(plan: Plan) -> str | None:
    if not plan.dataset.labels:
        return None
    known = _digests.get(plan.dataset.identity)
    if known is None:
        known = _digests[plan.dataset.identity] = digest(plan.dataset.classes())
    return known


_digests: dict[str, str] = {}
"""Digests of the classes by dataset: asked for once a cell, and a dataset's identity fixes its labels."""


def _scores_identity(cell: Cell, plan: Plan) -> str:
    return digest(
        {
            "cell": cell.identity,
            "ks": plan.ks,
            "exact": plan.config.scores.exact,
            "classes": _classes_digest(plan) if cell.kind == "data" else None,
            "code": code_digest("tasks.numerics.cell_scores"),
            "libraries": versions(SHAPING_LIBRARIES),
        }
    )
