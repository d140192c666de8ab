"""Every score of every picture, from one pass over ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.numerics.arrays import AnyFloat, Float64, Int64, UInt64
from tasks.numerics.knn_recall import knn_recall
from tasks.numerics.randomness import sample_rows
from tasks.numerics.ranks import ANCHORS, EXACT_UP_TO, RankedBlock, rank_blocks
from tasks.numerics.trustworthiness import continuity, trustworthiness

SCORES: dict[str, Callable[[RankedBlock, int], Float64]] = {
    "trustworthiness": trustworthiness,
    "continuity": continuity,
    "knn_recall": knn_recall,
}


@dataclass(frozen=True)
class Score:
    """One value: the score's name, its k, the value, and its standard error (0 where every row was scored)."""

    score: str
    k: int
    value: float
    stderr: float


def choose_anchors(keys: UInt64, *, exact: bool) -> Int64:
    """Choose the rows that scores look from: all up to 5,000 rows or where asked, else 2,000 of them."""
    everything = exact or len(keys) <= EXACT_UP_TO
    return sample_rows(keys, len(keys) if everything else ANCHORS, "rank scores")


def score_pictures(
    working: AnyFloat,
    pictures: Sequence[AnyFloat],
    anchors: Int64,
    ks: Sequence[int],
    *,
    threads: int = 1,
    on_anchors: Callable[[int], None] | None = None,
) -> list[list[Score]]:
    """Score pictures of the same vectors.

    Parameters
    ----------
    working
        Preprocessed vectors, shape (n, d).
    pictures
        Coordinates, each of shape (n, 2 or 3).
    anchors
        Rows to look from, shape (m,).
    ks
        Neighbourhood sizes, each below n / 2.
    on_anchors
        Called with the number of anchors finished since the last call.

    Raises
    ------
    ValueError
        A k is not below n / 2, where trustworthiness is not defined.
    """
    if max(ks) >= len(working) / 2:
        raise ValueError(f"k = {max(ks)} must be below half of the {len(working)} rows")
    per_anchor: list[dict[tuple[str, int], list[Float64]]] = [{} for _ in pictures]
    for blocks in rank_blocks(working, pictures, anchors, max(ks), threads=threads):
        for block, collected in zip(blocks, per_anchor, strict=True):
            for name, score in SCORES.items():
                for k in ks:
                    collected.setdefault((name, k), []).append(score(block, k))
        if on_anchors is not None and blocks:
            on_anchors(len(blocks[0].latent_nearest))
    return [
        [_summarise(name, k, np.concatenate(values), len(working)) for (name, k), values in collected.items()]
        for collected in per_anchor
    ]


def _summarise(name: str, k: int, values: Float64, rows: int) -> Score:
    """Average over anchors; the standard error counts that anchors are drawn without replacement."""
    anchors = len(values)
    spread = float(values.std(ddof=1)) if anchors > 1 else 0.0
    stderr = spread / np.sqrt(anchors) * np.sqrt(1 - anchors / rows)
    return Score(name, k, float(values.mean()), float(stderr))
