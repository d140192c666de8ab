"""Scores of a cell in the store: under which identity they lie, how they are read, what a row of them is."""

from __future__ import annotations

import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.input.dataset import Dataset
from steadymap.tasks.numerics.scores.all_scores import Labels, Score
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import read_if_there, read_if_whole, read_table
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, versions

SCORE_CODE = (
    "steadymap.tasks.numerics.scores.all_scores",
    "steadymap.tasks.numerics.scores.loss.losses",
    "steadymap.tasks.cells.score_files:tabulate",
    "steadymap.tasks.cells.score_files:ROW_SCORES",
)
"""What shapes scores."""


def read_scores(cell: Cell, plan: Plan) -> pa.Table:
    """Read a cell's scores from the store."""
    return read_table(plan.store.scores(scores_identity(cell, plan)), schemas.SCORES)


def known_scores(cell: Cell, plan: Plan) -> pa.Table:
    """Read a cell's scores; an empty table where scoring it was lost."""
    found = read_if_there(read_scores, cell, plan)
    return schemas.SCORES.empty_table() if found is None else found


def read_reliability(cell: Cell, plan: Plan) -> pa.Table:
    """Read how reliable a cell's anchors are: ``position`` in canonical order of its vectors, ``reliability``."""
    return read_table(plan.store.row_scores(scores_identity(cell, plan)), ROW_SCORES)


ROW_SCORES = pa.schema([pa.field("position", pa.int64()), pa.field("reliability", pa.float32())])


def has_scores(cell: Cell, plan: Plan) -> bool:
    """Say whether the store has the scores of a cell, undamaged."""
    return all(read_if_whole(read, cell, plan) is not None for read in (read_scores, read_reliability))


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


def classes_of(dataset: Dataset) -> Labels | None:
    """Return the first label of every row in canonical order, as numbers; None where the data has no labels."""
    from steadymap.tasks.numerics.scores.all_scores import encode_classes

    return encode_classes(dataset.classes()) if dataset.labels else None


def _classes_digest(plan: Plan) -> str | None:
    if not plan.dataset.labels:
        return None
    known = _digests.get(plan.dataset.identity)
    if known is None:
        known = _digests[plan.dataset.identity] = digest(plan.dataset.classes())
    return known


_digests: dict[str, str] = {}
"""Digests of the classes by dataset: asked for once a cell, and a dataset's identity fixes its labels."""


def scores_identity(cell: Cell, plan: Plan) -> str:
    """Return what shapes the scores of a cell, as the name of their file."""
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
