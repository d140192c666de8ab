"""UMAP's curve: how near two rows of a picture are, as a share between 0 and 1."""

from __future__ import annotations

import functools

import numpy as np
from scipy.optimize import curve_fit


@functools.lru_cache(maxsize=64)
def curve_parameters(min_dist: float, spread: float = 1.0) -> tuple[float, float]:
    """Return a and b of UMAP's curve 1 / (1 + a d²ᵇ).

    They fit it to 1 up to min_dist and e^(−(d − min_dist)/spread) beyond: what ``umap.umap_.find_ab_params`` does,
    which would cost the import of all of umap-learn.
    """
    distance = np.linspace(0, 3 * spread, 300)
    wanted = np.where(distance < min_dist, 1.0, np.exp(-(distance - min_dist) / spread))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), distance, wanted)
    return float(a), float(b)
