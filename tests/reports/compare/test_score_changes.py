"""Differences of scores: Welch's p against scipy's own test, Holm's correction by hand, and noise that is no change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from steadymap.holm import holm
from steadymap.reports.compare.score_changes import Sample, ScoreChange, compare_scores, welch_p
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import Estimate
from tests.reports.run_folder_fixture import PCA, PER_SEED, T5, T30, U5A, U15A, U15B


def sample(values: list[float]) -> Sample:
    return Sample(Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / len(values) ** 0.5)), len(values))


def shifted(run: Run, score: str, by: float) -> Run:
    values = run.scores["value"] + by * (run.scores["score"] == score)
    return replace(run, scores=run.scores.assign(value=values))


def found(changes: tuple[ScoreChange, ...], score: str) -> dict[str, ScoreChange]:
    return {one.configuration: one for one in changes if one.score == score}


def test_the_p_value_is_that_of_welchs_test() -> None:
    a, b = [0.90, 0.91, 0.93], [0.95, 0.99, 0.96, 0.97]
    expected = stats.ttest_ind(a, b, equal_var=False).pvalue
    assert welch_p(sample(a), sample(b)) == pytest.approx(expected, rel=1e-12)
    assert welch_p(sample(b), sample(a)) == pytest.approx(expected, rel=1e-12)


def test_of_many_rows_it_is_that_of_the_normal_distribution() -> None:
    a, b = Sample(Estimate(0.5, 0.03), None), Sample(Estimate(0.6, 0.04), None)
    assert welch_p(a, b) == pytest.approx(2 * stats.norm.sf(2.0), rel=1e-12)


def test_without_spread_there_is_no_p_value() -> None:
    known = Sample(Estimate(0.5, 0.1), 3)
    for unknown in (Sample(Estimate(0.9), 3), Sample(Estimate(0.9, float("nan")), 3), Sample(Estimate(0.9, 0.1), 1)):
        assert welch_p(known, unknown) is None
        assert welch_p(unknown, known) is None


def test_where_seeds_never_differ_any_difference_counts() -> None:
    a, b = Sample(Estimate(0.5, 0.0), 3), Sample(Estimate(0.6, 0.0), 3)
    assert (welch_p(a, a), welch_p(a, b)) == (1.0, 0.0)


def test_a_run_and_itself_have_the_same_scores(run: Run) -> None:
    assert {one.differs for one in compare_scores(run, run)} == {"the same"}


def test_a_shift_within_the_seeds_is_no_change_and_a_large_one_is(run: Run) -> None:
    # Two seeds with a standard error of .01 in either run: one degree of freedom or two, so much has to happen.
    small = found(compare_scores(run, shifted(run, "trustworthiness", PER_SEED / 2)), "trustworthiness")
    assert {small[name].differs for name in (T5, T30, U5A, U15A)} == {"within chance"}
    large = found(compare_scores(run, shifted(run, "trustworthiness", 100)), "trustworthiness")
    assert {large[name].differs for name in (T5, T30, U5A, U15A)} == {"beyond chance"}
    assert large[T5].difference == pytest.approx(100)
    # One picture only, so nobody knows what chance does.
    assert large[U15B].differs == "not known"
    assert PCA not in large  # a control
    assert [name for name, one in large.items() if one.recommended] == [T30, U15A]
    assert large[T5].title == "Trustworthiness at k = 10"


def test_only_scores_at_the_same_k_are_compared(run: Run) -> None:
    fewer = replace(run, scores=run.scores[run.scores["k"] != 10])
    assert found(compare_scores(run, fewer), "trustworthiness")[T5].k == 20
    none = replace(run, scores=run.scores[run.scores["k"].isna()])
    assert found(compare_scores(run, none), "trustworthiness") == {}
    assert T5 in found(compare_scores(run, none), "auc_ln_k")


def test_what_only_one_run_has_is_not_compared(run: Run) -> None:
    fewer = replace(run, cells=run.cells[run.cells["configuration"] != T5])
    assert T5 not in found(compare_scores(run, fewer), "auc_ln_k")
    assert T5 not in found(compare_scores(fewer, run), "auc_ln_k")


def test_facts_about_the_vectors_are_compared_too(run: Run) -> None:
    moved = run.latent_space.assign(
        value=run.latent_space["value"] + 0.1 * (run.latent_space["score"] == "label_purity")
    )
    changes = compare_scores(run, replace(run, latent_space=moved))
    (purity,) = found(changes, "label_purity").values()
    assert (purity.differs, purity.setting) == ("beyond chance", "the latent space itself")  # 0.1 against ±0.014
    (dimension,) = found(changes, "intrinsic_dimension").values()
    assert dimension.differs == "the same"


def test_noise_of_many_settings_is_seldom_called_a_change(run: Run) -> None:
    """Of 200 pairs of runs that differ by their seeds alone at most about 5 % may have any change; 19 is p < .01."""
    generator = np.random.default_rng(0)
    names = [f"tsne perplexity={number}" for number in range(2, 22)]
    pairs = 0
    for _ in range(200):
        ps = [welch_p(sample(list(generator.normal(size=3))), sample(list(generator.normal(size=3)))) for _ in names]
        pairs += min(holm([p for p in ps if p is not None])) < 0.05
    assert pairs < 19
