"""kNN recall: the share of the nearest neighbours that a picture keeps."""

from __future__ import annotations

import numpy as np

from tasks.numerics.arrays import Float64
from tasks.numerics.ranks import RankedBlock


def knn_recall(block: RankedBlock, k: int) -> Float64:
    """Return |N_k(i) ∩ V_k(i)| / k of each anchor, shape (anchors,), in [0, 1], higher is better.

    A random picture has k / (n − 1). Source: Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x.
    """
    both = np.sort(np.hstack([block.latent_nearest[:, :k], block.picture_nearest[:, :k]]), axis=1)
    # A row that is in both lists appears twice in the merged, sorted list.
    return np.asarray(np.sum(both[:, 1:] == both[:, :-1], axis=1) / k)
