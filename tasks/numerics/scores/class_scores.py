"""What labels show of a picture: whether classes are kept together, apart, and in their places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.spatial.distance import pdist
from scipy.stats import kendalltau, spearmanr

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64
from steadymap.tasks.numerics.scores.ranks import RankedBlock

NO_LABEL = -1
FEWEST_CLASSES, MOST_CLASSES = 3, 1_000
"""Distances between centroids can be compared from three classes on; above a thousand (ids taken for labels, say) there
are too many of them, and they say nothing that distances between rows do not."""


def neighbourhood_hit(block: RankedBlock, k: int, labels: Int64) -> Float64:
    """Return each labelled anchor's share of its k neighbours in the picture with its label, in [0, 1].

    Higher is better. Rows without a label count as other classes; anchors without one give NaN. Source:
    Paulovich et al. 2008, doi:10.1109/TVCG.2007.70443.
    """
    own = labels[block.anchors]
    hits = np.mean(labels[block.picture_nearest[:, :k]] == own[:, None], axis=1)
    return np.where(own == NO_LABEL, np.nan, hits)


def silhouette(block: RankedBlock, labels: Int64) -> Float64:
    """Return each labelled anchor's silhouette (b − a) / max(a, b) in the picture, in [−1, 1], higher is better.

    a is the mean distance to its own class, b to the nearest other one; NaN without a label, 0 where it is alone.
    Source: Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7; equals ``sklearn.metrics.silhouette_samples``.
    """
    labelled = labels != NO_LABEL
    classes, codes, sizes = np.unique(labels[labelled], return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return np.full(len(block.anchors), np.nan)
    class_of = np.full(len(labels), NO_LABEL, dtype=np.int64)
    class_of[labelled] = codes
    sums = _sum_by_class(block.squared, class_of, len(classes))
    own = labels[block.anchors]
    has_label = own != NO_LABEL
    at = np.searchsorted(classes, np.where(has_label, own, classes[0]))
    line = np.arange(len(own))
    within = sums[line, at] / np.maximum(sizes[at] - 1, 1)
    means = sums / sizes
    means[line, at] = np.inf
    between = means.min(axis=1)
    larger = np.maximum(within, between)
    values = np.divide(between - within, larger, out=np.zeros(len(own)), where=larger > 0)
    values[sizes[at] == 1] = 0
    return np.where(has_label, values, np.nan)


@njit(cache=True, nogil=True)
def _sum_by_class(squared: Float64, class_of: Int64, classes: int) -> Float64:
    """Sum every line's distances to the rows of each class; shape (b, classes)."""
    sums = np.zeros((len(squared), classes))
    for line in range(len(squared)):
        for row in range(len(class_of)):
            if class_of[row] >= 0:
                sums[line, class_of[row]] += np.sqrt(squared[line, row])
    return sums


@dataclass(frozen=True)
class CentroidAgreement:
    """How well a picture keeps the distances between classes.

    Attributes
    ----------
    agreement
        Share of pairs of distances between class means with the same order in both spaces, in [0, 1]; .5 is chance.
    spearman
        Spearman's correlation of those distances, in [−1, 1].
    """

    agreement: float
    spearman: float


def centroid_agreement(latent: AnyFloat, picture: AnyFloat, labels: Int64) -> CentroidAgreement | None:
    """Compare distances between class means in both spaces; None below 3 and above 1,000 classes.

    Source: Wang et al. 2021 (PaCMAP), jmlr.org/papers/v22/20-1061.html; Kobak & Berens 2019,
    doi:10.1038/s41467-019-13056-x.
    """
    classes = np.unique(labels[labels != NO_LABEL])
    if not FEWEST_CLASSES <= len(classes) <= MOST_CLASSES:
        return None
    high, low = pdist(class_means(latent, labels)), pdist(class_means(picture, labels))
    if np.ptp(high) == 0 or np.ptp(low) == 0:
        return CentroidAgreement(0.5, 0.0)
    return CentroidAgreement(_same_order(high, low), float(spearmanr(high, low).statistic))


def class_means(points: AnyFloat, labels: Int64) -> Float64:
    """Return the mean of every class in the order of its number, shape (classes, dimensions)."""
    labelled = np.flatnonzero(labels != NO_LABEL)
    by_class = labelled[np.argsort(labels[labelled], kind="stable")]
    _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
    sums = np.add.reduceat(points[by_class].astype(np.float64), starts, axis=0)
    return np.asarray(sums / sizes[:, None])


def _same_order(first: Float64, second: Float64) -> float:
    """Return the share of pairs of values in the same order in both, ties counting half: (1 + τ_a) / 2.

    SciPy has τ_b, which divides by the pairs that are not tied, in O(n log n).
    """
    pairs = len(first) * (len(first) - 1) / 2
    untied = [pairs - np.sum(counts * (counts - 1)) / 2 for counts in map(_multiplicities, (first, second))]
    if 0 in untied:
        return 0.5
    tau_b = float(kendalltau(first, second).statistic)
    return 0.5 + 0.5 * tau_b * float(np.sqrt(untied[0] * untied[1])) / pairs


def _multiplicities(values: Float64) -> Int64:
    return np.asarray(np.unique(values, return_counts=True)[1])
