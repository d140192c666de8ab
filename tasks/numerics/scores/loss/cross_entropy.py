"""The loss that UMAP minimises, on the fuzzy graph that it was given."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from scipy.special import rel_entr

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64
from steadymap.tasks.numerics.scores.loss.sampled_sum import Loss, squared_lengths, sum_over_unjoined

LEAST_APART = 1e-4
"""Lower bound of 1 − w, umap-learn's own in its parametric loss. Two rows on one spot have w = 1, and a single such
pair without an edge would make the loss infinite; so it costs at most 9.2."""


def cross_entropy(graph: scipy.sparse.csr_matrix, picture: AnyFloat, a: float, b: float, sample: Int64) -> Loss:
    """Return UMAP's fuzzy set cross-entropy per row in nats, at least 0, lower is better.

    (1/n) Σ_{i ≠ j} v log(v / w) + (1 − v) log((1 − v) / (1 − w)), w = 1 / (1 + a d²ᵇ), over ordered pairs: every
    unordered pair counts twice. 1 − w is bounded below by 10⁻⁴. Edges are summed exactly, pairs without one (v = 0)
    from the sampled rows. It is the loss of the publication; what the optimiser really follows, with its 5 negative
    samples an edge, weighs repulsion less (Damrich & Hamprecht 2021), so that a picture can improve while this grows.

    Parameters
    ----------
    graph
        Memberships v in (0, 1], symmetric, nothing stored on its diagonal; shape (n, n).
    picture
        Coordinates, shape (n, p).
    a, b
        The curve that min_dist and spread give, see ``umap_curve``.
    sample
        Rows to look from, at least 2 and none twice, shape (m,).

    Source: McInnes, Healy & Melville 2018, arXiv:1802.03426.
    """

    def apart(squared: Float64) -> Float64:
        """1 − w, without cancellation."""
        stretched = a * squared**b
        return np.asarray(np.maximum(stretched / (1 + stretched), LEAST_APART))

    def repulsion(squared: Float64) -> Float64:
        return -np.log(apart(squared))

    rows = len(picture)
    squared = squared_lengths(graph, picture, np.arange(rows))
    membership = np.minimum(graph.data.astype(np.float64), 1)  # a union in float32 can exceed 1 by rounding
    together = rel_entr(membership, 1 / (1 + a * squared**b))
    edges = float(np.sum(together + rel_entr(1 - membership, apart(squared))))
    far = sum_over_unjoined(repulsion, picture, graph, sample)
    return Loss((edges + far.value) / rows, far.stderr / rows)
