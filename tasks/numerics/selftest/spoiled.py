"""What real files do to vectors: rows that come twice, values that were rounded, rows far from everything."""

from __future__ import annotations

from typing import Literal

import numpy as np

from steadymap.tasks.numerics.randomness import stream
from steadymap.tasks.numerics.selftest.synthetic import Synthetic

Spoiled = Literal["copies", "integers", "outliers"]

COPIED_SHARE = 0.05
OUTLIERS, OUTLYING = 3, 1000.0
"""Rows far from everything, and how many times the spread of the data they are away."""


def spoil(drawn: Synthetic, how: Spoiled, seed: int) -> Synthetic:
    """Return the data with a twentieth of the rows twice, or rounded to integers, or with three rows far away."""
    generator = stream("spoiled", how, seed)
    if how == "integers":
        return Synthetic(np.round(drawn.vectors), drawn.truth, drawn.groups)
    if how == "outliers":
        vectors = drawn.vectors.copy()
        rows = generator.choice(len(vectors), OUTLIERS, replace=False)
        away = generator.standard_normal((OUTLIERS, vectors.shape[1]))
        away *= OUTLYING * vectors.std() / np.linalg.norm(away, axis=1, keepdims=True)
        vectors[rows] = away.astype(np.float32)
        return Synthetic(vectors, drawn.truth, drawn.groups)
    again = generator.choice(len(drawn.vectors), round(COPIED_SHARE * len(drawn.vectors)), replace=False)
    rows = np.concatenate([np.arange(len(drawn.vectors)), again])
    return Synthetic(drawn.vectors[rows], drawn.truth[rows], None if drawn.groups is None else drawn.groups[rows])
