"""What a picture's own reducer minimises, on the graph that it was given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse

from steadymap.tasks.numerics.geometry.umap_curve import curve_parameters
from steadymap.tasks.numerics.randomness import sample_rows
from steadymap.tasks.numerics.scores.all_scores import Score
from steadymap.tasks.numerics.scores.loss.cross_entropy import cross_entropy
from steadymap.tasks.numerics.scores.loss.kl_divergence import kl_divergence

LOSS_ROWS = 1_000
"""Rows from which the repulsion in a loss is summed; all rows up to so many. Its standard error is stated beside it."""


def picture_loss(
    reducer: str,
    parameters: Mapping[str, float | int | str],
    graph: scipy.sparse.csr_matrix,
    picture: np.ndarray,
    keys: np.ndarray,
) -> Score:
    """Return the KL divergence of a t-SNE picture, the cross-entropy of a UMAP picture.

    Parameters
    ----------
    graph
        Joint probabilities of t-SNE, or the fuzzy graph of UMAP, shape (n, n), sparse.
    picture
        Coordinates, shape (n, 2) or (n, 3).
    keys
        Hash of every row; the rows of which repulsion is summed are drawn from them.
    """
    sample = sample_rows(keys, LOSS_ROWS, "losses")
    if reducer == "tsne":
        loss = kl_divergence(graph, picture, sample)
        return Score("kl_divergence", None, loss.value, loss.stderr)
    a, b = curve_parameters(float(parameters["min_dist"]))
    loss = cross_entropy(graph, picture, a, b, sample)
    return Score("cross_entropy", None, loss.value, loss.stderr)
