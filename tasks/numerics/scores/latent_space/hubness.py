"""Hubs: rows that are a neighbour of very many others, as happens in many dimensions."""

from __future__ import annotations

import numpy as np
from scipy.stats import skew

from steadymap.tasks.numerics.arrays import Integers


def hubness(indices: Integers) -> float:
    """Return the skewness of how often each row is among the k neighbours of another, shape (n, k).

    About 0 where every row is as often a neighbour as any other; 2 and more where a few hubs serve everybody, which
    weakens neighbour graphs. Source: Radovanović et al. 2010, jmlr.org/papers/v11/radovanovic10a.html.
    """
    occurrences = np.bincount(indices.ravel(), minlength=len(indices))
    return float(skew(occurrences)) if np.ptp(occurrences) > 0 else 0.0
