"""Whether neighbours in the latent space carry the same label."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64, Int64, Integers
from steadymap.tasks.numerics.scores.class_scores import NO_LABEL


def label_purity(indices: Integers, labels: Int64) -> Float64:
    """Return the share of each labelled row's neighbours, shape (n, k), with its label, in [0, 1]; shape (labelled,).

    Neighbours without a label count as others.
    """
    labelled = labels != NO_LABEL
    return np.asarray(np.mean(labels[indices[labelled]] == labels[labelled, None], axis=1))


def chance_purity(labels: Int64) -> float:
    """Return the mean share that random neighbours would have: the chance that another row has a row's label."""
    _, counts = np.unique(labels[labels != NO_LABEL], return_counts=True)
    return float(np.sum(counts * (counts - 1)) / (counts.sum() * (len(labels) - 1)))
