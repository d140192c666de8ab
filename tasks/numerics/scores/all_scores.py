"""Every score of every picture: the rank scores from one pass over anchors, the others from seeded samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64, UInt64
from steadymap.tasks.numerics.randomness import sample_rows
from steadymap.tasks.numerics.scores.class_scores import NO_LABEL, centroid_agreement, neighbourhood_hit, silhouette
from steadymap.tasks.numerics.scores.co_ranking import GROUPS, WorseRanks, auc_ln_k, lcmc, local_global, r_nx
from steadymap.tasks.numerics.scores.distance_correlation import SAMPLE_ROWS, distance_correlation, ranked_distances
from steadymap.tasks.numerics.scores.knn_recall import knn_recall
from steadymap.tasks.numerics.scores.mrre import mrre_false, mrre_missing
from steadymap.tasks.numerics.scores.ranks import ANCHORS, EXACT_UP_TO, RankedBlock, rank_blocks
from steadymap.tasks.numerics.scores.scdeed import reliability
from steadymap.tasks.numerics.scores.triplets import MOST_ROWS, draw_triplets, nearer_first, triplet_accuracy
from steadymap.tasks.numerics.scores.trustworthiness import continuity, trustworthiness

AT_K: dict[str, Callable[[RankedBlock, int], Float64]] = {
    "trustworthiness": trustworthiness,
    "continuity": continuity,
    "knn_recall": knn_recall,
    "mrre_false": mrre_false,
    "mrre_missing": mrre_missing,
}
"""Rank scores that are a mean over anchors, at each k."""

CURVE_SIZES = (2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700)
"""Neighbourhood sizes of the R_NX curve below 1,000; above, those from 2 on times 1,000. A first neighbour alone is
kept too rarely for its share, or the error of it, to be estimated from a sample."""


@dataclass(frozen=True)
class Score:
    """One value: the score's name, its k (None where it has none), the value, and its standard error.

    The standard error is that of sampling rows, 0 where every row was looked at.
    """

    score: str
    k: int | None
    value: float
    stderr: float


@dataclass(frozen=True)
class ScoredPicture:
    """The scores of a picture, and the reliability of every anchor, shape (m,)."""

    scores: list[Score]
    reliability: Float64


@dataclass(frozen=True)
class Labels:
    """A label per row as a number, −1 where there is none; shape (n,)."""

    codes: Int64


def choose_anchors(keys: UInt64, *, exact: bool) -> Int64:
    """Choose the rows that scores look from: all up to 5,000 rows or where asked, else 2,000 of them."""
    everything = exact or len(keys) <= EXACT_UP_TO
    return sample_rows(keys, len(keys) if everything else ANCHORS, "rank scores")


class Scorer:
    """Scores pictures of one set of vectors; what the latent space alone says is computed once.

    Parameters
    ----------
    working
        Preprocessed vectors in canonical order, shape (n, d).
    keys
        A hash per row, from which samples are drawn, shape (n,).
    ks
        Neighbourhood sizes, each below n / 2.
    anchors
        Rows that rank scores look from, shape (m,); see ``choose_anchors``.
    labels
        Classes, or None.

    Raises
    ------
    ValueError
        A k is not below n / 2, where trustworthiness is not defined.
    """

    def __init__(
        self,
        working: AnyFloat,
        keys: UInt64,
        ks: Sequence[int],
        anchors: Int64,
        labels: Labels | None = None,
    ) -> None:
        if max(ks) >= len(working) / 2:
            raise ValueError(f"k = {max(ks)} must be below half of the {len(working)} rows")
        self.working = working
        self.ks = tuple(ks)
        self.labels = labels
        self.anchors = anchors
        self._sample = sample_rows(keys, SAMPLE_ROWS, "pair distances")
        self._latent_distances = ranked_distances(working[self._sample])
        self._triplet_rows = sample_rows(keys, MOST_ROWS, "triplets")
        self._triplets = draw_triplets(self._triplet_rows, len(working))
        self._latent_triplets = nearer_first(working, self._triplet_rows, self._triplets)

    def score(
        self,
        pictures: Sequence[AnyFloat],
        *,
        threads: int = 1,
        on_anchors: Callable[[int], None] | None = None,
    ) -> list[list[Score]]:
        """Score pictures of the vectors, each of shape (n, 2 or 3).

        ``on_anchors`` is called with the number of anchors finished since the last call.
        """
        scored = self.score_with_rows(pictures, threads=threads, on_anchors=on_anchors)
        return [one.scores for one in scored]

    def score_with_rows(
        self,
        pictures: Sequence[AnyFloat],
        *,
        threads: int = 1,
        on_anchors: Callable[[int], None] | None = None,
    ) -> list[ScoredPicture]:
        """Score pictures and keep what is said of every anchor, too; see ``score``."""
        collected = [_Collected(self, len(self.working)) for _ in pictures]
        for blocks in rank_blocks(self.working, pictures, self.anchors, max(self.ks), threads=threads):
            for block, one in zip(blocks, collected, strict=True):
                one.add(block)
            if on_anchors is not None and blocks:
                on_anchors(len(blocks[0].anchors))
        return [
            ScoredPicture([*one.scores(), *self._global(picture)], one.of_anchors("reliability"))
            for picture, one in zip(pictures, collected, strict=True)
        ]

    def _global(self, picture: AnyFloat) -> list[Score]:
        drawn = ranked_distances(picture[self._sample])
        correlation = distance_correlation(self._latent_distances, drawn, len(self._sample))
        # Where the sample is every row, all pairs were looked at.
        stderr = correlation.stderr if len(self._sample) < len(self.working) else 0.0
        nearer = nearer_first(picture, self._triplet_rows, self._triplets)
        per_row = triplet_accuracy(self._latent_triplets, nearer)
        found = [
            Score("distance_correlation", None, correlation.value, stderr),
            # Two other rows are drawn at random, so that even with every row looked from there is an error left.
            Score("triplet_accuracy", None, float(per_row.mean()), float(per_row.std(ddof=1) / np.sqrt(len(per_row)))),
        ]
        centroids = None if self.labels is None else centroid_agreement(self.working, picture, self.labels.codes)
        if centroids is not None:
            found.append(Score("centroid_agreement", None, centroids.agreement, 0.0))
            found.append(Score("centroid_correlation", None, centroids.spearman, 0.0))
        return found


class _Collected:
    """What the anchor pass has found of one picture so far."""

    def __init__(self, scorer: Scorer, rows: int) -> None:
        self.scorer = scorer
        self.rows = rows
        self.values: dict[tuple[str, int | None], list[Float64]] = {}
        self.worse = WorseRanks(rows)

    def add(self, block: RankedBlock) -> None:
        for name, score in AT_K.items():
            for k in self.scorer.ks:
                self._keep(name, k, score(block, k))
        self._keep("auc_ln_k", None, auc_ln_k(block))
        self._keep("reliability", None, reliability(block))
        self.worse.add(block)
        labels = self.scorer.labels
        if labels is not None:
            for k in self.scorer.ks:
                self._keep("neighbourhood_hit", k, neighbourhood_hit(block, k, labels.codes))
            self._keep("silhouette", None, silhouette(block, labels.codes))

    def _keep(self, name: str, k: int | None, values: Float64) -> None:
        self.values.setdefault((name, k), []).append(values)

    def of_anchors(self, name: str) -> Float64:
        return np.concatenate(self.values[name, None])

    def scores(self) -> list[Score]:
        found = []
        for (name, k), parts in self.values.items():
            values = np.concatenate(parts)
            values = values[~np.isnan(values)]
            if len(values):
                found.append(Score(name, k, float(values.mean()), self._stderr(values)))
        return [*found, *self._curve()]

    def _stderr(self, values: Float64) -> float:
        """Return the standard error of a mean over anchors, which are drawn without replacement."""
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        return float(spread / np.sqrt(len(values)) * self._rest)

    @property
    def _rest(self) -> float:
        return float(np.sqrt(1 - len(self.scorer.anchors) / self.rows))

    def _curve(self) -> list[Score]:
        sizes = curve_sizes(self.rows)
        whole = self._on_curve(self.worse.quality(), sizes)
        if self._rest == 0:
            return [Score(name, k, value, 0.0) for (name, k), value in whole.items()]
        redrawn = [self._on_curve(quality, sizes) for quality in self.worse.redrawn_qualities()]
        # Groups drawn with replacement spread by a factor of (GROUPS − 1) / GROUPS in variance too little.
        widen = np.sqrt(GROUPS / (GROUPS - 1)) * self._rest
        return [
            Score(name, k, value, float(widen * np.std([one[name, k] for one in redrawn], ddof=1)))
            for (name, k), value in whole.items()
        ]

    def _on_curve(self, quality: Float64, sizes: Sequence[int]) -> dict[tuple[str, int | None], float]:
        parts = local_global(quality)
        curve, beyond = r_nx(quality), lcmc(quality)
        found: dict[tuple[str, int | None], float] = {
            ("q_local", None): parts.q_local,
            ("q_global", None): parts.q_global,
        }
        found |= {("lcmc", k): float(beyond[k - 1]) for k in self.scorer.ks}
        found |= {("r_nx", k): float(curve[k - 1]) for k in sizes}
        return found


def curve_sizes(rows: int) -> tuple[int, ...]:
    """Return the neighbourhood sizes at which the R_NX curve is kept: about 6 a decade, up to n − 2 or 700,000."""
    decades = (1, 1_000)
    sizes = dict.fromkeys(size * decade for decade in decades for size in CURVE_SIZES)
    return tuple(size for size in sizes if size <= rows - 2)


def encode_classes(labels: Sequence[str | None]) -> Labels:
    """Give labels numbers by alphabet; rows without one get −1."""
    names = {name: code for code, name in enumerate(sorted({label for label in labels if label is not None}))}
    return Labels(np.array([NO_LABEL if label is None else names[label] for label in labels], dtype=np.int64))
