"""Do two pictures show the same islands? ARI and AMI, with noise handled by one stated rule.

Rows are compared where both pictures put them into an island; the share of such rows is reported beside the
value. A picture without any island counts as one island that holds every row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from steadymap.tasks.numerics.arrays import Booleans, Int32
from steadymap.tasks.numerics.clusters.islands import NOISE


@dataclass(frozen=True)
class Agreement:
    """ARI and AMI of two partitions, and the share of rows that were compared."""

    ari: float
    ami: float
    shared: float


def island_agreement(first: Int32, second: Int32) -> Agreement:
    """Compare the islands (noise −1) of two pictures of the same rows, each of shape (n,).

    Source: Hubert & Arabie 1985, doi:10.1007/BF01908075; Vinh et al. 2010. Both are 1 for equal partitions and 0
    for chance; where no row is in an island of both, they are 0.
    """
    a, b = _clustered(first), _clustered(second)
    both = a & b
    if not both.any():
        return Agreement(0.0, 0.0, 0.0)
    left, right = first[both], second[both]
    return Agreement(
        ari=float(adjusted_rand_score(left, right)),
        ami=float(adjusted_mutual_info_score(left, right)),
        shared=float(both.mean()),
    )


def _clustered(labels: Int32) -> Booleans:
    inside = labels != NOISE
    return inside if inside.any() else np.ones(len(labels), dtype=np.bool_)
