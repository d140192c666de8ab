"""Which scores of two runs differ by more than chance: means over seeds, against how much seeds differ.

Welch's t-test on what a run keeps of every setting (mean, standard error, number of pictures), corrected after Holm for
the number of comparisons, so that the noise of many settings is not called a change. What it cannot see: rows are the
same in both runs, or not; that another draw of rows would have given other scores is no part of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from scipy import stats

from steadymap.configs.cards import CARD_OF
from steadymap.configs.grid import CONTROLS
from steadymap.holm import holm
from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.heat_maps import mean_over_seeds
from steadymap.reports.wording import Estimate, spell_configuration

LEVEL = 0.05
"""Chance of calling any of the differences a change when seeds alone have made them all."""

SAME = 1e-12
"""Differences below this are of rounding, not of pictures."""

PICTURE_SCORES = ("trustworthiness", "auc_ln_k")
"""Scores of pictures that recommendations are made by; the third is the stability between seeds."""

STABILITY = "ari"

SCORES_OF_VECTORS = ("label_purity", "input_trustworthiness", "input_continuity")
"""Facts about the vectors of which less is worse."""

Finding = Literal["the same", "within chance", "beyond chance", "not known"]


@dataclass(frozen=True)
class Sample:
    """A mean with its standard error, and over how many pictures (None: of rows, many)."""

    estimate: Estimate
    pictures: int | None


@dataclass(frozen=True)
class ScoreChange:
    """One score of one setting in two runs.

    Attributes
    ----------
    configuration
        The setting, empty for a fact about the latent vectors.
    score, k
        What was measured, at how many neighbours.
    before, after
        Its means with their standard errors.
    p
        Welch's p-value after Holm's correction, None where no spread is known.
    differs
        What that says.
    recommended
        Whether either run recommends the setting.
    """

    configuration: str
    score: str
    k: int | None
    before: Estimate
    after: Estimate
    p: float | None
    differs: Finding
    recommended: bool

    @property
    def title(self) -> str:
        """The score in words."""
        name = "ARI between seeds" if self.score == STABILITY else _title(self.score)
        return name if self.k is None else f"{name} at k = {self.k}"

    @property
    def setting(self) -> str:
        """The setting in words."""
        return spell_configuration(self.configuration) if self.configuration else "the latent space itself"

    @property
    def may_drop(self) -> bool:
        """Whether less of it is worse: so it is with every score of pictures, and with some facts about the vectors."""
        return bool(self.configuration) or self.score in SCORES_OF_VECTORS

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after.value - self.before.value


@dataclass(frozen=True)
class _Compared:
    configuration: str
    score: str
    k: int | None
    before: Sample
    after: Sample


def compare_scores(before: Run, after: Run) -> tuple[ScoreChange, ...]:
    """Compare what recommendations are made by, and the facts about the vectors, wherever both runs have it."""
    compared = [
        *(one for score in PICTURE_SCORES for one in _pictures(before, after, score)),
        *_stability(before, after),
        *_latent_space(before, after),
    ]
    raw = [welch_p(one.before, one.after) for one in compared]
    corrected = iter(holm([p for p in raw if p is not None]))
    ps = [None if p is None else next(corrected) for p in raw]
    recommended = _recommended(before) | _recommended(after)
    return tuple(
        ScoreChange(
            configuration=one.configuration,
            score=one.score,
            k=one.k,
            before=one.before.estimate,
            after=one.after.estimate,
            p=p,
            differs=_judge(one, p),
            recommended=one.configuration in recommended,
        )
        for one, p in zip(compared, ps, strict=True)
    )


def welch_p(a: Sample, b: Sample) -> float | None:
    """Return the two-sided p-value of Welch's t-test, None where a sample has no spread to compare with.

    t = (x̄_b − x̄_a) / √(s_a² + s_b²), s the standard errors; degrees of freedom after Welch and Satterthwaite.
    """
    errors = [one.estimate.stderr for one in (a, b)]
    if any(error is None or math.isnan(error) for error in errors) or 1 in (a.pictures, b.pictures):
        return None
    variances = [float(error or 0.0) ** 2 for error in errors]
    difference, total = b.estimate.value - a.estimate.value, sum(variances)
    if total == 0:
        return 1.0 if abs(difference) < SAME else 0.0
    freedom = [
        variance**2 / (one.pictures - 1)
        for variance, one in zip(variances, (a, b), strict=True)
        if one.pictures is not None
    ]
    degrees = total**2 / sum(freedom) if sum(freedom) else math.inf
    return float(2 * stats.t.sf(abs(difference) / math.sqrt(total), degrees))


def _judge(one: _Compared, p: float | None) -> Finding:
    if abs(one.after.estimate.value - one.before.estimate.value) < SAME:
        return "the same"
    if p is None:
        return "not known"
    return "beyond chance" if p < LEVEL else "within chance"


def _pictures(before: Run, after: Run, score: str) -> list[_Compared]:
    k = _common_k(before, after, score)
    samples = [_by_configuration(run, score, k) for run in (before, after)]
    return [_Compared(name, score, k, one, samples[1][name]) for name, one in samples[0].items() if name in samples[1]]


def _common_k(before: Run, after: Run, score: str) -> int | None:
    """Return the middle of the k that both runs have: values at different k cannot be compared."""
    ks = [set(run.scores.loc[run.scores["score"] == score, "k"].dropna()) for run in (before, after)]
    common = sorted(ks[0] & ks[1])
    return int(common[len(common) // 2]) if common else None


def _by_configuration(run: Run, score: str, k: int | None) -> dict[str, Sample]:
    of_score = run.scores[run.scores["score"] == score]
    values = of_score[of_score["k"].isna()] if k is None else of_score[of_score["k"] == k]
    joined = values.merge(run.drawn.loc[~run.drawn["reducer"].isin(CONTROLS), ["cell", "configuration"]], on="cell")
    return {
        str(name): Sample(mean_over_seeds(group), len(group))
        for name, group in joined.groupby("configuration", sort=False)
    }


def _stability(before: Run, after: Run) -> list[_Compared]:
    samples = [_between_seeds(run) for run in (before, after)]
    return [
        _Compared(name, STABILITY, None, one, samples[1][name])
        for name, one in samples[0].items()
        if name in samples[1]
    ]


def _between_seeds(run: Run) -> dict[str, Sample]:
    own = run.stability[(run.stability["between"] == "seeds") & (run.stability["score"] == STABILITY)]
    return {str(row["configuration"]): Sample(_estimate(row), int(row["runs"])) for _, row in own.iterrows()}


def _latent_space(before: Run, after: Run) -> list[_Compared]:
    samples = [
        {(str(row["score"]), int(row["k"])): Sample(_estimate(row), None) for _, row in run.latent_space.iterrows()}
        for run in (before, after)
    ]
    return [
        _Compared("", score, k or None, one, samples[1][score, k])
        for (score, k), one in samples[0].items()
        if (score, k) in samples[1] and score in CARD_OF
    ]


def _estimate(row: pd.Series) -> Estimate:
    return Estimate(float(row["value"]), None if pd.isna(row["stderr"]) else float(row["stderr"]))


def _recommended(run: Run) -> set[str]:
    return set(run.recommendations.loc[run.recommendations["recommended"], "configuration"])


def _title(score: str) -> str:
    return CARD_OF[score].title if score in CARD_OF else score
