"""Step: score every picture that has no scores yet, all from one pass over ranks."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.tasks.cells.cell_file import coordinates_of, read_cell
from steadymap.tasks.cells.score_files import ROW_SCORES, has_scores, read_classes, scores_identity, tabulate
from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.make_parts import make_parts
from steadymap.tasks.geometry.parts import GeometryPart, parts_of, read_sparse
from steadymap.tasks.numerics.scores.all_scores import Score
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.sync import sync, upload
from steadymap.tasks.workers import choose_limits, default_count, some_pool


@task(name="score cells", task_run_name="score {plan.run}", cache_policy=NO_CACHE)
def score_cells(plan: Plan, drawn: list[Cell]) -> None:
    """Write the scores of every drawn picture of the data and of reference data that has none in the store.

    Parts of the rows are drawn for their islands; they are not scored.

    Parameters
    ----------
    drawn
        The cells that have an embedding.
    """
    scored = [scores_identity(cell, plan) for cell in drawn if cell.kind != "resample"]
    sync(plan.store, [place for one in scored for place in (plan.store.scores(one), plan.store.row_scores(one))])
    unscored: dict[tuple[str | None, str], list[Cell]] = defaultdict(list)
    for cell in drawn:
        if cell.kind != "resample" and not has_scores(cell, plan):
            unscored[cell.resample, cell.configuration.metric].append(cell)
    announce_total("scores", sum(len(cells) for cells in unscored.values()))
    _make_missing_graphs([cell for cells in unscored.values() for cell in cells], plan)
    for cells in unscored.values():
        _score(cells, plan)


def _score(cells: list[Cell], plan: Plan) -> None:
    """Score pictures of the same vectors in batches: a killed sweep keeps what it has, memory holds one batch."""
    from steadymap.tasks.numerics.scores.all_scores import Scorer, choose_anchors

    of = cells[0]
    working = read_working(of.geometry, of.configuration.metric)
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
            write_table(rows, plan.store.row_scores(scores_identity(cell, plan)))
            write_table(tabulate(cell.identity, [*one.scores, *loss]), plan.store.scores(scores_identity(cell, plan)))
            announce_done("scores")
        done = [scores_identity(cell, plan) for cell in batch]
        upload(plan.store, [place for one in done for place in (plan.store.scores(one), plan.store.row_scores(one))])


BATCH_CELLS = 16


def _make_missing_graphs(cells: list[Cell], plan: Plan) -> None:
    """Make the graphs that losses need where the store has lost them; umap-learn is imported in the workers only."""
    wanted = {
        cell.geometry.folder(graph): (cell.geometry, graph) for cell in cells if (graph := _graph_of(cell)) is not None
    }
    missing = [(geometry, graph) for geometry, graph in wanted.values() if not geometry.has(graph)]
    if missing:
        with some_pool(choose_limits(plan.config.workers)):
            make_parts(missing)


def _graph_of(cell: Cell) -> GeometryPart | None:
    """Return the graph that a cell's picture was drawn from: affinities of t-SNE, fuzzy graph of UMAP."""
    graphs = (part for part in parts_of(cell.configuration) if part.kind in ("affinities", "fuzzy_graph"))
    return next(graphs, None)


def _losses(cell: Cell, picture: np.ndarray, keys: np.ndarray) -> list[Score]:
    """Return what the picture's own reducer minimises, on the graph that it was given."""
    from steadymap.tasks.numerics.scores.loss.losses import picture_loss

    part = _graph_of(cell)
    if part is None or not cell.geometry.folder(part).is_dir():
        return []  # no graph, or one that could not be made again
    graph = read_sparse(cell.geometry.folder(part))
    return [picture_loss(cell.configuration.reducer, dict(cell.configuration.parameters), graph, picture, keys)]
