"""How many directions the vectors really use: the maximum-likelihood intrinsic dimension."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float64


def inverse_dimensions(distances: AnyFloat) -> Float64:
    """Return each row's estimate of 1 / dimension from its k neighbours' distances, shape (n, k) to (rows used,).

    1/(k − 1) Σ_{j<k} ln(T_k / T_j), T_j the distance to the j-th neighbour. Rows with a neighbour at distance 0
    (duplicates) say nothing and are left out. The dimension is 1 / mean, which is less biased than the mean of
    the rows' own dimensions.

    Source: Levina & Bickel 2004; MacKay & Ghahramani 2005 for the mean of inverses.
    """
    used = distances[distances[:, 0] > 0].astype(np.float64)
    return np.asarray(np.mean(np.log(used[:, -1:] / used[:, :-1]), axis=1))
