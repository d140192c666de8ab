"""t-SNE's joint probabilities, once per perplexity for all seeds."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from openTSNE.affinity import joint_probabilities_nn

from steadymap.tasks.numerics.geometry.neighbours import Neighbours


def neighbours_for(perplexity: float, rows: int) -> int:
    """Return how many neighbours a perplexity looks at: three times as many, at most all."""
    return min(rows - 1, int(3 * perplexity))


def joint_probabilities(neighbours: Neighbours, perplexity: float) -> scipy.sparse.csr_matrix:
    """Return P, symmetric, summing to 1, float64, shape (n, n) sparse.

    Source: van der Maaten & Hinton 2008; entropies by openTSNE, on the neighbours given.
    """
    nearest = neighbours.first(neighbours_for(perplexity, len(neighbours.indices)))
    joint = joint_probabilities_nn(
        nearest.indices.astype(np.int64),
        nearest.distances.astype(np.float64),
        [perplexity],
        symmetrize=True,
        n_jobs=1,
    )
    joint.sort_indices()
    return scipy.sparse.csr_matrix(joint)
