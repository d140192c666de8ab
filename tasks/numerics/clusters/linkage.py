"""Single linkage of a picture by mutual reachability: what islands are a cut of, and what its density tree tells.

Linked once, a picture gives both; the search for it is most of what either takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Float32, Float64, Int64

MOST_SMOOTHING = 100
"""Most neighbours that a density is smoothed over: more would not make it steadier, and as many a row are held."""

FAST_FROM_ROWS = 20_000
"""From here on fast_hdbscan, below scikit-learn: at 10,000 rows both take half a second, at 70,000 1.5 and 26, but the
fast one compiles for half a minute on a new machine."""


@dataclass(frozen=True)
class Linkage:
    """Rows joined one by one.

    Attributes
    ----------
    labels
        HDBSCAN's cut: a number of each row's cluster, noise −1; shape (n,).
    merges
        The two nodes that each merge joins: rows are 0 to n − 1, the ith merge makes node n + i; shape (n − 1, 2).
    heights
        At which distance they join, never falling, shape (n − 1,).
    """

    labels: Int64
    merges: Int64
    heights: Float64


def link(coordinates: Float32, min_cluster_size: int) -> Linkage:
    """Link the rows of a picture, shape (n, 2 or 3), finite.

    Parameters
    ----------
    min_cluster_size
        Smallest cluster of the cut, in rows; densities are smoothed over as many neighbours, at most 100.

    Source: Campello, Moulavi & Sander 2013, doi:10.1007/978-3-642-37456-2_14; scikit-learn's HDBSCAN, for many rows
    fast_hdbscan (McInnes & Healy 2017, doi:10.1109/ICDMW.2017.12).
    """
    smoothing = min(min_cluster_size, MOST_SMOOTHING, len(coordinates))
    linked = link_few if len(coordinates) < FAST_FROM_ROWS else link_many
    return linked(coordinates.astype(np.float64), max(2, min_cluster_size), smoothing)


def link_few(coordinates: Float64, min_cluster_size: int, smoothing: int) -> Linkage:
    """Link with scikit-learn: quadratic in the rows, and nothing to compile."""
    from sklearn.cluster import HDBSCAN

    fitted = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=smoothing, copy=True).fit(coordinates)
    linkage = fitted._single_linkage_tree_
    merges = np.column_stack([linkage["left_node"], linkage["right_node"]]).astype(np.int64)
    return Linkage(np.asarray(fitted.labels_, dtype=np.int64), merges, linkage["value"].astype(np.float64))


def link_many(coordinates: Float64, min_cluster_size: int, smoothing: int) -> Linkage:
    """Link with fast_hdbscan: a spanning tree from a k-d tree, O(n log n)."""
    from fast_hdbscan.hdbscan import fast_hdbscan

    labels, _, linkage, *_ = fast_hdbscan(
        coordinates,
        min_cluster_size=min_cluster_size,
        min_samples=max(1, smoothing - 1),  # a row itself is not counted there
        reproducible=True,
        return_trees=True,
    )
    return Linkage(
        np.asarray(labels, dtype=np.int64), linkage[:, :2].astype(np.int64), linkage[:, 2].astype(np.float64)
    )
