"""Standard errors of averages over pairs of runs.

Pairs that share a run are not independent, so the jackknife leaves out whole runs, not pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def jackknife_over_runs(pairs: Sequence[tuple[str, str, float]]) -> float | None:
    """Return the standard error of the mean over pairs (run, run, value), or None with fewer than 3 runs.

    √((R − 1)/R Σ (m₋ᵣ − m̄)²), m₋ᵣ the mean over the pairs without run r (Efron & Tibshirani 1993, ch. 11).
    """
    runs = sorted({run for first, second, _ in pairs for run in (first, second)})
    if len(runs) < 3:
        return None
    means = []
    for left_out in runs:
        kept = [value for first, second, value in pairs if left_out not in (first, second)]
        if not kept:
            return None
        means.append(float(np.mean(kept)))
    count = len(means)
    return float(np.sqrt((count - 1) / count * np.sum((np.array(means) - np.mean(means)) ** 2)))
