"""Reference data: which pictures are shown beside which real one, and what noise reaches at a score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.null_scores import ENOUGH, NullScores, empirical_p
from steadymap.reports.summary.summary import Summary
from tests.reports.run_folder_fixture import T5, T30, U5A, cell_id

T30_TOLD = "t-SNE, perplexity\u00a030"


def test_a_row_has_the_real_picture_and_one_of_each_kind(summary: Summary) -> None:
    first, second = summary.noise
    assert (first.title, second.title) == ("t-SNE, perplexity\u00a05", T30_TOLD)
    assert second.real is not None
    assert second.real.cell == cell_id(T30, 0)
    assert [one.cell for one in second.pictures] == [cell_id(f"{kind} {T30}", 0) for kind in ("gaussian", "copula")]
    assert (first.islands, second.islands) == ("islands: 6 / 0 / 2", "islands: 3 / 0 / 2")
    assert second.pictures[1].caption == "copula · 2 islands · two seeds agree: ARI 0.25"


def values_at(values: dict[str, float], k: float = 10) -> pd.DataFrame:
    return pd.DataFrame({"configuration": list(values), "k": k, "value": list(values.values())})


def test_few_values_of_noise_are_told_as_a_range_over_the_same_settings_and_k(run: Run) -> None:
    noise = NullScores(run.nulls)
    assert noise.beside("trustworthiness", values_at({T5: 0.9, T30: 0.95})) == "0.60 to 0.75"
    assert noise.beside("trustworthiness", values_at({T5: 0.9})) == "0.60 to 0.64"
    assert noise.beside("trustworthiness", values_at({U5A: 0.9})) == ""
    assert noise.beside("trustworthiness", values_at({T5: 0.9}, k=5)) == ""
    assert noise.beside("continuity", values_at({T5: 0.9})) == ""


def many(score: str = "trustworthiness", count: int = ENOUGH) -> NullScores:
    """Return noise of two settings with values 1 to ``count`` hundredths, the second with one value only."""
    values = [(T30, one / 100) for one in range(1, count + 1)] + [(T5, 0.99)]
    return NullScores(pd.DataFrame(values, columns=["configuration", "value"]).assign(score=score, k=10.0))


def test_many_values_of_noise_are_told_as_quantiles_with_a_p(run: Run) -> None:
    # 0.01 to 0.19: the 5 % quantile is 0.01 + 0.05 * 0.18 = 0.019, the 95 % one 0.181; two are at least 0.175.
    told = many().beside("trustworthiness", values_at({T30: 0.175, T5: 0.3}))
    assert told == f"0.02 to 0.18 (5 % to 95 %) with {T30_TOLD}: p = .15"  # (1 + 2) / 20
    assert many().beside("trustworthiness", values_at({T30: 0.5})).endswith(": p = .050")
    assert many(count=ENOUGH - 1).beside("trustworthiness", values_at({T30: 0.5})) == "0.01 to 0.18"


def test_where_lower_is_better_noise_as_low_counts() -> None:
    assert many("procrustes").beside("procrustes", values_at({T30: 0.02})).endswith(": p = .15")


def test_empirical_p_by_hand() -> None:
    null = np.array([0.1, 0.2, 0.3])
    assert empirical_p(null, 0.2) == pytest.approx(3 / 4)
    assert empirical_p(null, 0.4) == pytest.approx(1 / 4)
    assert empirical_p(null, 0.2, lower_is_better=True) == pytest.approx(3 / 4)
    assert empirical_p(null, 0.0, lower_is_better=True) == pytest.approx(1 / 4)
