"""Element-centric similarity: of every row, how alike are the two islands it lies in."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64, Int32


def element_centric_similarity(first: Int32, second: Int32) -> Float64:
    """Return ECS of every row for two flat partitions (labels from 0), shape (n,), in [0, 1]; 1 is the same island.

    ECSᵢ(A, B) = 1 − (1/2α) Σⱼ |pᴬᵢⱼ − pᴮᵢⱼ|, which for flat partitions is |Aᵢ ∩ Bᵢ| / max(|Aᵢ|, |Bᵢ|), whatever α.

    Source: Gates et al. 2019, doi:10.1038/s41598-019-44892-y.
    """
    shared = np.zeros((int(first.max()) + 1, int(second.max()) + 1))
    np.add.at(shared, (first, second), 1)
    sizes_a, sizes_b = shared.sum(axis=1), shared.sum(axis=0)
    return np.asarray(shared[first, second] / np.maximum(sizes_a[first], sizes_b[second]))
