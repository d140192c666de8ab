"""Which pictures to look at first, and why.

A configuration is on the Pareto front when no other is at least as good in trustworthiness, AUC_lnK and stability
and better in one. Of each reducer, the front's member with the best mean rank over the three is
recommended. This says which picture is most faithful and steady, not which clusters are real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Booleans, Float64


@dataclass(frozen=True)
class Candidate:
    """A configuration with its means over seeds; ``stability`` is the mean ARI between seeds, None with one seed."""

    configuration: str
    reducer: str
    trustworthiness: float
    auc_ln_k: float
    stability: float | None


@dataclass(frozen=True)
class Recommendation:
    """A candidate, whether it is on the front, whether it is recommended, and the reason in words."""

    candidate: Candidate
    on_front: bool
    recommended: bool
    reason: str


REFERENCES = {"pca", "random_projection", "shuffled"}
"""Reducers that are drawn for comparison and never recommended."""


def recommend(candidates: Sequence[Candidate], k: int) -> list[Recommendation]:
    """Judge every candidate; ``k`` is the neighbourhood size its scores were taken at."""
    contenders = [c for c in candidates if c.reducer not in REFERENCES]
    front = dict(zip(contenders, _pareto_front(_matrix(contenders)), strict=True)) if contenders else {}
    ranks = dict(zip(contenders, _mean_ranks(_matrix(contenders)), strict=True)) if contenders else {}
    best: dict[str, Candidate] = {}
    for contender in contenders:
        incumbent = best.get(contender.reducer)
        standing = (not front[contender], ranks[contender])
        if incumbent is None or standing < (not front[incumbent], ranks[incumbent]):
            best[contender.reducer] = contender
    return [
        Recommendation(
            candidate,
            on_front=bool(front.get(candidate, False)),
            recommended=best.get(candidate.reducer) is candidate,
            reason=_reason(candidate, candidates, front, best, k),
        )
        for candidate in candidates
    ]


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
    front: dict[Candidate, bool],
    best: dict[str, Candidate],
    k: int,
) -> str:
    if candidate.reducer in REFERENCES:
        return "drawn for comparison, never recommended"
    numbers = f"trustworthiness {candidate.trustworthiness:.3f} at k = {k}, AUC of R_NX {candidate.auc_ln_k:.3f}"
    if candidate.stability is not None:
        numbers += f", ARI {candidate.stability:.2f} between its seeds"
    if best[candidate.reducer] is not candidate:
        if front[candidate]:
            return f"no other setting beats it in everything, but others rank better on average: {numbers}"
        return f"another setting is at least as good in everything: {numbers}"
    others = sum(other.reducer == candidate.reducer for other in candidates)
    place = f"best mean rank of the {others} {candidate.reducer} settings" if others > 1 else "the only setting"
    standing = "" if front[candidate] else "; a setting of another reducer is at least as good in everything"
    return f"{place}: {numbers}{standing}"
