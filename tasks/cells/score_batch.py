"""What a worker does to score pictures: all of a batch in one pass over ranks, and what each reducer minimises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from steadymap.tasks.cells.cell_file import coordinates_of, read_cell
from steadymap.tasks.cells.score_files import ROW_SCORES, classes_of, tabulate
from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.parts import GeometryPart, parts_of, read_sparse
from steadymap.tasks.input.dataset import Dataset
from steadymap.tasks.numerics.scores.all_scores import Score
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.layout import Store


@dataclass(frozen=True)
class ScoreJob:
    """A cell, and the name under which its scores are kept."""

    cell: Cell
    identity: str


@dataclass(frozen=True)
class ScoredWith:
    """What all pictures of a sweep are scored with: the sizes of neighbourhoods, every row or a sample, the classes."""

    store: Store
    dataset: Dataset
    ks: tuple[int, ...]
    exact: bool


def score_batch(jobs: Sequence[ScoreJob], how: ScoredWith) -> None:
    """Score pictures of the same vectors and commit what was found, cell by cell; runs in a worker.

    What the latent space alone says is computed once a batch.
    """
    from steadymap.tasks.numerics.scores.all_scores import Scorer, choose_anchors

    of = jobs[0].cell
    with threadpool_limits(1):
        working = read_working(of.geometry, of.configuration.metric)
        keys = np.array(of.vectors.keys())
        anchors = choose_anchors(keys, exact=how.exact)
        scorer = Scorer(working, keys, how.ks, anchors, classes_of(how.dataset) if of.kind == "data" else None)
        pictures = [coordinates_of(read_cell(job.cell, how.store), job.cell) for job in jobs]
        for job, picture, one in zip(jobs, pictures, scorer.score_with_rows(pictures), strict=True):
            scores = tabulate(job.cell.identity, [*one.scores, *_losses(job.cell, picture, keys)])
            rows = pa.table({"position": anchors, "reliability": one.reliability}, schema=ROW_SCORES)
            write_table(rows, how.store.row_scores(job.identity))
            write_table(scores, how.store.scores(job.identity))


def graph_of(cell: Cell) -> GeometryPart | None:
    """Return the graph that a cell's picture was drawn from: affinities of t-SNE, fuzzy graph of UMAP."""
    graphs = (part for part in parts_of(cell.configuration) if part.kind in ("affinities", "fuzzy_graph"))
    return next(graphs, None)


def _losses(cell: Cell, picture: np.ndarray, keys: np.ndarray) -> list[Score]:
    """Return what the picture's own reducer minimises, on the graph that it was given."""
    from steadymap.tasks.numerics.scores.loss.losses import picture_loss

    part = graph_of(cell)
    if part is None or not cell.geometry.folder(part).is_dir():
        return []  # no graph, or one that could not be made again
    graph = read_sparse(cell.geometry.folder(part))
    return [picture_loss(cell.configuration.reducer, dict(cell.configuration.parameters), graph, picture, keys)]
