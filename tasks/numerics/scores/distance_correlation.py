"""Do far things look far? Spearman's correlation of pair distances, the number behind a Shepard diagram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from steadymap.tasks.numerics.arrays import AnyFloat, Float64
from steadymap.tasks.numerics.scores.radix import rank_distances

SAMPLE_ROWS = 1_000
"""499,500 pairs (Kobak & Berens 2019); a sample of pairs of all rows would have the same error and no structure."""


@dataclass(frozen=True)
class Correlation:
    """Spearman's ρ and its standard error over the draw of the rows."""

    value: float
    stderr: float


def ranked_distances(points: AnyFloat) -> Float64:
    """Return the standardised ranks of all pair distances, upper triangle, shape (m (m − 1) / 2,)."""
    ranks = rank_distances(pdist(np.asarray(points, dtype=np.float64)))
    centred = ranks - ranks.mean()
    spread = centred.std()
    return np.asarray(centred / spread if spread > 0 else centred)


def distance_correlation(latent: Float64, picture: Float64, rows: int) -> Correlation:
    """Correlate two sets of standardised ranks (``ranked_distances``) of the same rows, in [−1, 1], higher is better.

    The standard error is that of a U-statistic, twice the spread over rows of the mean influence of a row's pairs:
    a b − ρ (a² + b²) / 2.

    Source: Shepard 1962; Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x ("CPD").
    """
    value = float(np.mean(latent * picture))
    influence = latent * picture - value / 2 * (latent**2 + picture**2)
    first, second = np.triu_indices(rows, 1)
    per_row = np.bincount(first, influence, rows) + np.bincount(second, influence, rows)
    return Correlation(value, float(2 * (per_row / (rows - 1)).std(ddof=1) / np.sqrt(rows)))
