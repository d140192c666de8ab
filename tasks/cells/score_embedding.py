"""Score an embedding that any tool made of some latent vectors, without a sweep and without a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, Metric
from steadymap.tasks.input.checks.matrix_checks import check_finite
from steadymap.tasks.input.formats.open_file import open_data_file, reading
from steadymap.tasks.input.latents_file import Latents, read_latents
from steadymap.tasks.input.roles.decide_roles import COORDINATES, Asked, decide_roles
from steadymap.tasks.input.roles.row_join import RowKeys, join_rows, read_keys
from steadymap.tasks.numerics.geometry.preprocess import UnusableVectorsError, preprocess
from steadymap.tasks.numerics.input.row_order import canonical_order, count_duplicates, row_keys
from steadymap.tasks.numerics.reducers.degeneracy import describe_degeneracy
from steadymap.tasks.numerics.scores.all_scores import Score, Scorer, choose_anchors, encode_classes
from steadymap.tasks.workers import default_count


@dataclass(frozen=True)
class ScoredEmbedding:
    """The scores, why they mean nothing where the embedding is degenerate, and what was taken of the files.

    ``pca`` and ``chance`` are the same scores of two pictures beside it: the first axes of the vectors, and the
    embedding with its coordinates dealt out anew.
    """

    rows: int
    scores: list[Score]
    degenerate: str | None
    taken: str
    pca: list[Score] = field(default_factory=list)
    chance: list[Score] = field(default_factory=list)


def score_embedding(
    source: DataSource, embedding: Path, ks: Sequence[int], *, metric: Metric = "euclidean", exact: bool = False
) -> ScoredEmbedding:
    """Score an embedding; its rows are joined by ids where both files have some, else by their order.

    A degenerate embedding gets a reason instead of scores.

    Raises
    ------
    InputError
        A file cannot be used, the rows do not match, or a k is too large.
    """
    latents = read_latents(source)
    picture, taken = _read_embedding(embedding, latents)
    too_large = [k for k in ks if not 1 <= k < len(picture) / 2]
    if too_large:
        raise InputError(
            f"k = {too_large[0]}",
            rule=f"k is at least 1 and below half of the {len(picture)} rows, where trustworthiness is defined",
            remedy="choose a smaller neighbourhood",
        )
    matrix = latents.matrix.astype(np.float32)
    # By content of both, so that neither duplicates nor ties make a score depend on the order of the files.
    both = np.ascontiguousarray(np.hstack([matrix, picture.astype(np.float32)]))
    order = canonical_order(both, row_keys(both))
    matrix, picture = np.ascontiguousarray(matrix[order]), picture[order]
    keys = row_keys(both[order])
    distinct = len(matrix) - count_duplicates(matrix[canonical_order(matrix, row_keys(matrix))])
    degenerate = describe_degeneracy(picture, distinct)
    if degenerate is not None:
        return ScoredEmbedding(len(picture), [], degenerate, taken)
    labels = next(iter(latents.labels.values()), None)
    classes = None if labels is None else encode_classes([labels[row] for row in order])
    # Euclidean distances are taken of the vectors as they are: centring would round, and break ties.
    try:
        working = matrix if metric == "euclidean" else preprocess(matrix, scale="none", pca=None, metric=metric)
    except UnusableVectorsError as error:
        raise InputError(str(error), file=source.path, rule=f"vectors that metric {metric} can compare") from None
    scorer = Scorer(working, keys, ks, choose_anchors(keys, exact=exact), classes)
    scores, pca, chance = scorer.score([picture, *_beside(working, picture)], threads=default_count())
    return ScoredEmbedding(len(picture), scores, None, taken, pca, chance)


def _beside(matrix: np.ndarray, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a score is worth beside: the first axes of PCA, and the same coordinates in an order of chance.

    Rows are in canonical order here, so that neither depends on that of the files.
    """
    centred = matrix - matrix.mean(axis=0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    axes = left[:, : picture.shape[1]] * scale[: picture.shape[1]]
    shuffled = picture[np.random.default_rng(0).permutation(len(picture))]
    return np.ascontiguousarray(axes, dtype=picture.dtype), np.ascontiguousarray(shuffled)


def _read_embedding(path: Path, latents: Latents) -> tuple[np.ndarray, str]:
    """Return the coordinates in the order of the latent vectors, and what was taken of both files."""
    rows = len(latents.matrix)
    file = open_data_file(path)
    with reading(path):
        decided = decide_roles(file, Asked(picture=True))
        matrix, columns = file.matrix(decided.latents)
        mine, theirs = latents.keys or RowKeys(""), read_keys(file, latents.keys)
        join = join_rows(mine, theirs)
        order = join.order
    if matrix.ndim != 2 or matrix.shape[1] not in (2, 3) or matrix.dtype.kind not in "fiu":
        raise InputError(
            f"shape {matrix.shape}, dtype {matrix.dtype}",
            file=path,
            rule="an embedding has 2 or 3 columns of numbers",
            remedy="save its coordinates alone, or name the columns x and y",
        )
    if order is None and len(matrix) != rows:
        raise InputError(
            f"{len(matrix)} rows for {rows} latent vectors",
            file=path,
            rule="a row per latent vector, in the same order",
            remedy="save both from the same batch of inputs, or with ids in both",
        )
    picture = matrix.astype(np.float64) if order is None else matrix[order].astype(np.float64)
    check_finite(picture, columns or COORDINATES, path)
    joined = join.told
    return picture, f"{latents.taken}; {matrix.shape[1]} coordinates {decided.vectors} of {path.name}, {joined}"
