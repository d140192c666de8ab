"""Means over seeds: of a score by configuration, and the best that any setting of a reducer reaches."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.heat_maps import mean_over_seeds
from steadymap.reports.wording import Estimate


def middle_k(scores: pd.DataFrame) -> int | None:
    """Return the middle k, the one that recommendations are made at."""
    ks = sorted(scores["k"].dropna().unique())
    return int(ks[len(ks) // 2]) if ks else None


def average_by_configuration(run: Run, score: str) -> dict[str, Estimate]:
    """Average a score at the middle k over the seeds of every configuration."""
    values = run.scores[run.scores["score"] == score]
    k = middle_k(values)
    joined = (values if k is None else values[values["k"] == k]).merge(run.cells[["cell", "configuration"]], on="cell")
    return {str(name): mean_over_seeds(group) for name, group in joined.groupby("configuration", sort=False)}


def best_by_reducer(run: Run, score: str) -> dict[str, Estimate]:
    """Return the highest mean over seeds that any setting of each reducer reaches."""
    reducers = dict(zip(run.cells["configuration"], run.cells["reducer"], strict=True))
    best: dict[str, Estimate] = {}
    for name, estimate in average_by_configuration(run, score).items():
        reducer = reducers[name]
        if reducer not in best or estimate.value > best[reducer].value:
            best[reducer] = estimate
    return best


def mean_by(table: pd.DataFrame, first: str, second: str) -> dict[tuple[Any, Any], float]:
    """Average a table's values over everything but two of its columns."""
    means = table.groupby([first, second], sort=False, dropna=False, observed=True)["value"].mean()
    return cast("dict[tuple[Any, Any], float]", means.to_dict())
