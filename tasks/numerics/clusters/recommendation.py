"""Which setting to use, and why: the one rule that tables, report, terminal and comparisons follow.

First the clusters that a setting keeps (the REAL ones; all, where none is REAL), then how faithful it is (the mean of
its ranks in trustworthiness and in the AUC of R_NX), then how steady it is. A picture that merges what held-out rows
show to be apart misleads, however faithful it is on average; so the clusters come first. Of each reducer the best rank
is recommended. References (PCA, random projection, shuffled rows) have no rank; a setting whose clusters were not
followed (three dimensions) comes last.

The Pareto front over trustworthiness, AUC and stability is told beside it: no other setting is at least as good in all
three and better in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Booleans, Float64


@dataclass(frozen=True)
class Candidate:
    """A configuration with its means over seeds.

    ``stability`` is the mean ARI between seeds, None with one seed; ``kept`` counts the wanted clusters that most of
    its pictures keep, None where that is not known.
    """

    configuration: str
    reducer: str
    trustworthiness: float
    auc_ln_k: float
    stability: float | None
    kept: int | None = None


@dataclass(frozen=True)
class Wanted:
    """The clusters that a good setting keeps: how many, and what one of them is called."""

    count: int = 0
    name: str = "cluster"


@dataclass(frozen=True)
class Recommendation:
    """A candidate, its rank from 1 (None for references), whether it is on the front and recommended, and why."""

    candidate: Candidate
    rank: int | None
    on_front: bool
    recommended: bool
    reason: str


REFERENCES = {"pca", "random_projection", "shuffled"}
"""Reducers that are drawn for comparison and never recommended."""


def recommend(candidates: Sequence[Candidate], k: int, wanted: Wanted = Wanted()) -> list[Recommendation]:
    """Judge every candidate; ``k`` is the neighbourhood size its scores were taken at. Equal ones stay in order."""
    contenders = [c for c in candidates if c.reducer not in REFERENCES]
    front = dict(zip(contenders, _pareto_front(_matrix(contenders)), strict=True)) if contenders else {}
    faithful = dict(zip(contenders, _mean_ranks(_matrix(contenders)[:, :2]), strict=True)) if contenders else {}
    ordered = sorted(contenders, key=lambda c: _standing(c, float(faithful[c])))
    ranks = {candidate: rank for rank, candidate in enumerate(ordered, start=1)}
    best: dict[str, Candidate] = {}
    for candidate in ordered:
        best.setdefault(candidate.reducer, candidate)
    return [
        Recommendation(
            candidate,
            rank=ranks.get(candidate),
            on_front=bool(front.get(candidate, False)),
            recommended=best.get(candidate.reducer) is candidate,
            reason=_reason(candidate, candidates, best, faithful, (k, wanted)),
        )
        for candidate in candidates
    ]


def _standing(candidate: Candidate, faithful: float) -> tuple[bool, int, float, float]:
    """Return what candidates are sorted by, the least first."""
    return candidate.kept is None, -(candidate.kept or 0), faithful, -(candidate.stability or 0.0)


def _matrix(candidates: Sequence[Candidate]) -> Float64:
    """Return the numbers compared, higher is better, shape (candidates, 3); an unknown stability counts as 0."""
    return np.array([[c.trustworthiness, c.auc_ln_k, c.stability or 0.0] for c in candidates])


def _pareto_front(values: Float64) -> Booleans:
    as_good = np.all(values[:, None, :] >= values[None, :, :], axis=2)
    better = np.any(values[:, None, :] > values[None, :, :], axis=2)
    return np.asarray(~np.any(as_good & better, axis=0))


def _mean_ranks(values: Float64) -> Float64:
    """Rank every column (0 is best, ties share the best rank) and average."""
    above = np.sum(values[None, :, :] > values[:, None, :], axis=1)
    return np.asarray(above.mean(axis=1))


def _reason(
    candidate: Candidate,
    candidates: Sequence[Candidate],
    best: dict[str, Candidate],
    faithful: dict[Candidate, float],
    at: tuple[int, Wanted],
) -> str:
    if candidate.reducer in REFERENCES:
        return "drawn for comparison, never recommended"
    k, wanted = at
    numbers = f"trustworthiness {candidate.trustworthiness:.3f} at k = {k}, AUC of R_NX {candidate.auc_ln_k:.3f}"
    if candidate.kept is not None and wanted.count:
        several = "" if wanted.count == 1 else "s"
        numbers = f"keeps {candidate.kept} of {wanted.count} {wanted.name}{several}, {numbers}"
    if candidate.stability is not None:
        numbers += f", ARI {candidate.stability:.2f} between its seeds"
    first = best[candidate.reducer]
    if first is not candidate:
        return f"another setting {_why_better(first, candidate, faithful)}: {numbers}"
    others = sum(other.reducer == candidate.reducer for other in candidates)
    place = f"the best of the {others} {candidate.reducer} settings" if others > 1 else "the only setting"
    return f"{place}: {numbers}"


def _why_better(first: Candidate, other: Candidate, faithful: dict[Candidate, float]) -> str:
    """Say in which of the three steps of the rule one setting passes another."""
    if (first.kept or 0) > (other.kept or 0) or (first.kept is None) < (other.kept is None):
        return "keeps more clusters"
    as_many = "keeps as many clusters and " if first.kept else ""
    if faithful[first] < faithful[other]:
        return f"{as_many}is more faithful"
    return f"{as_many}is as faithful and as steady or steadier"
