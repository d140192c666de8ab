"""Step: score every picture that has no scores yet, all from one pass over ranks."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.code_digest import code_digest
from tasks.compute_part import ensure_working
from tasks.geometry import Part, parts_of, read_sparse
from tasks.identity import SHAPING_LIBRARIES, digest, versions
from tasks.numerics.cell_scores import Labels, Score
from tasks.plan import Cell, Plan
from tasks.prepare_geometry import make_parts
from tasks.progress import announce_done, announce_total
from tasks.read_cell import coordinates_of, read_cell
from tasks.remote_store import send, settle
from tasks.store import DamagedError, read_table, write_table
from tasks.workers import choose_limits, default_count, opened_pool

SCORE_CODE = (
    "tasks.numerics.cell_scores",
    "tasks.numerics.losses",
    "tasks.score_cells:tabulate",
    "tasks.score_cells:ROW_SCORES",
)
"""What shapes scores."""


@task(name="score cells", task_run_name="score {plan.run}", cache_policy=NO_CACHE)
def score_cells(plan: Plan, drawn: list[Cell]) -> None:
    """Write the scores of every drawn picture of the data and of reference data that has none in the store.

    Parts of the rows are drawn for their islands; they are not scored.

    Parameters
    ----------
    drawn
        The cells that have an embedding.
    """
    scored = [_scores_identity(cell, plan) for cell in drawn if cell.kind != "resample"]
    settle(plan.store, [place for one in scored for place in (plan.store.scores(one), plan.store.row_scores(one))])
    unscored: dict[tuple[str | None, str], list[Cell]] = defaultdict(list)
    for cell in drawn:
        if cell.kind != "resample" and not _has_scores(cell, plan):
            unscored[cell.resample, cell.configuration.metric].append(cell)
    announce_total("scores", sum(len(cells) for cells in unscored.values()))
    _make_missing_graphs([cell for cells in unscored.values() for cell in cells], plan)
    for cells in unscored.values():
        _score(cells, plan)


def read_scores(cell: Cell, plan: Plan) -> pa.Table:
    """Read a cell's scores from the store."""
    return read_table(plan.store.scores(_scores_identity(cell, plan)), schemas.SCORES)


def read_reliability(cell: Cell, plan: Plan) -> pa.Table:
    """Read how reliable a cell's anchors are: ``position`` in canonical order of its vectors, ``reliability``."""
    return read_table(plan.store.row_scores(_scores_identity(cell, plan)), ROW_SCORES)


ROW_SCORES = pa.schema([pa.field("position", pa.int64()), pa.field("reliability", pa.float32())])


def _has_scores(cell: Cell, plan: Plan) -> bool:
    try:
        read_scores(cell, plan)
        read_reliability(cell, plan)
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
        losses = Parallel(n_jobs=threads, backend="threading")(
            delayed(_losses)(cell, picture, keys) for cell, picture in zip(batch, pictures, strict=True)
        )
        scored = scorer.score_with_rows(pictures, threads=threads)
        for cell, one, loss in zip(batch, scored, losses, strict=True):
            rows = pa.table({"position": anchors, "reliability": one.reliability}, schema=ROW_SCORES)
            write_table(rows, plan.store.row_scores(_scores_identity(cell, plan)))
            write_table(tabulate(cell.identity, [*one.scores, *loss]), plan.store.scores(_scores_identity(cell, plan)))
            announce_done("scores")
        done = [_scores_identity(cell, plan) for cell in batch]
        send(plan.store, [place for one in done for place in (plan.store.scores(one), plan.store.row_scores(one))])


BATCH_CELLS = 16


def tabulate(cell: str, scores: list[Score]) -> pa.Table:
    """Return a cell's scores, a row each."""
    return pa.table(
        {
            "cell": [cell] * len(scores),
            "score": [score.score for score in scores],
            "k": [score.k for score in scores],
            "value": [score.value for score in scores],
            "stderr": [score.stderr for score in scores],
        },
        schema=schemas.SCORES,
    )


def _make_missing_graphs(cells: list[Cell], plan: Plan) -> None:
    """Make the graphs that losses need where the store has lost them; umap-learn is imported in the workers only."""
    wanted = {
        cell.geometry.folder(graph): (cell.geometry, graph) for cell in cells if (graph := _graph_of(cell)) is not None
    }
    missing = [(geometry, graph) for geometry, graph in wanted.values() if not geometry.has(graph)]
    if missing:
        workers = plan.config.workers
        with opened_pool(choose_limits(workers.count, workers.timeout_seconds, workers.memory_gb)):
            make_parts(missing)


def _graph_of(cell: Cell) -> Part | None:
    """Return the graph that a cell's picture was drawn from: affinities of t-SNE, fuzzy graph of UMAP."""
    graphs = (part for part in parts_of(cell.configuration) if part.kind in ("affinities", "fuzzy_graph"))
    return next(graphs, None)


def _losses(cell: Cell, picture: np.ndarray, keys: np.ndarray) -> list[Score]:
    """Return what the picture's own reducer minimises, on the graph that it was given."""
    from tasks.numerics.losses import picture_loss

    part = _graph_of(cell)
    if part is None or not cell.geometry.folder(part).is_dir():
        return []  # no graph, or one that could not be made again
    graph = read_sparse(cell.geometry.folder(part))
    return [picture_loss(cell.configuration.reducer, dict(cell.configuration.parameters), graph, picture, keys)]


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
            "code": code_digest(*SCORE_CODE),
            "libraries": versions(SHAPING_LIBRARIES),
        }
    )
