"""kNN recall: the share of the nearest neighbours that a picture keeps."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.scores.ranks import RankedBlock


def knn_recall(block: RankedBlock, k: int) -> Float64:
    """Return |N_k(i) ∩ V_k(i)| / k of each anchor, shape (anchors,), in [0, 1], higher is better.

    A random picture has k / (n − 1). The mean is Q_NX(k). Source: Kobak & Berens 2019,
    doi:10.1038/s41467-019-13056-x.
    """
    return np.asarray(np.sum(block.places_of_picture[:, :k] < k, axis=1) / k)
