"""Neighbour stability (NESS) of every setting over its runs, with a jackknife error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.stability.pairs import Drawn


def measure_ness(configurations: Sequence[str], loaded: list[Drawn], rows: int) -> list[dict[str, object]]:
    """Return NESS of configurations: over their seeds, over all other configurations, over their resamples."""
    data = [one for one in loaded if one.cell.kind == "data" and not one.cell.configuration.control]
    parts = [one for one in loaded if one.cell.kind == "resample"]
    found: list[dict[str, object]] = []
    for configuration in configurations:
        own = [one for one in data if one.configuration == configuration]
        resampled = [one for one in parts if one.configuration == configuration]
        for between, runs in (("seeds", own), ("resamples", resampled)):
            if len(runs) > 1:
                value, stderr = _jackknifed(runs, rows)
                found.append(_ness_row(own[0].cell, between, value, stderr, len(runs)))
        others = [one for one in data if one.configuration != configuration]
        if others:
            found.append(_ness_row(own[0].cell, "configurations", _kept_by_others(own, others), None, len(others)))
    return found


def _jackknifed(runs: list[Drawn], rows: int) -> tuple[float, float | None]:
    """Return the mean over rows, and its standard error over runs; None below 3 runs and above 20."""
    value = _mean_neighbour_stability(runs, rows)
    if not 3 <= len(runs) <= MOST_LEFT_OUT:
        return value, None
    without = [_mean_neighbour_stability([*runs[:at], *runs[at + 1 :]], rows) for at in range(len(runs))]
    return value, float(np.sqrt((len(runs) - 1) * np.var(without)))


MOST_LEFT_OUT = 20
"""Runs up to which each is left out once for a standard error; with more the error is small and the work is not."""


def _mean_neighbour_stability(runs: list[Drawn], rows: int) -> float:
    from steadymap.tasks.numerics.stability.ness import NeighbourCounts

    counts = NeighbourCounts(rows)
    for run in runs:
        counts.add(run.neighbours, run.positions)
    return float(np.nanmean(counts.stability()))


def _kept_by_others(own: list[Drawn], others: list[Drawn]) -> float:
    """Return how often the neighbours that a configuration draws are neighbours in the others' pictures."""
    from steadymap.tasks.numerics.stability.ness import kept_share

    kept = [
        kept_share(one.neighbours, [other.neighbours for other in others if other.cell.seed == one.cell.seed])
        for one in own
    ]
    return float(np.mean(kept))


def _ness_row(cell: Cell, between: str, value: float, stderr: float | None, runs: int) -> dict[str, object]:
    return {
        "configuration": cell.configuration.name,
        "reducer": cell.configuration.reducer,
        "between": between,
        "score": "ness",
        "value": value,
        "stderr": stderr,
        "runs": runs,
        "pairs": runs * (runs - 1) // 2,
    }
