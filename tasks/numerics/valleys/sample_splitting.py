"""Two halves of the data: one in which clusters are sought, and one that only the test sees.

Nothing that is learnt from the held-out half enters the choice of candidates, bridges or axes; that is what makes the
p-values honest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from steadymap.tasks.numerics.arrays import Float32, Int64, UInt64
from steadymap.tasks.numerics.geometry.neighbours import squared_distances
from steadymap.tasks.numerics.geometry.projection import project
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.valleys.jitter import jitter_columns, resolutions

MOST_DIMENSIONS = 50
CANDIDATES = 4
"""Rows measured again in float64 to find the nearest one, so that rounding in the fast search does not decide."""


@dataclass(frozen=True)
class SampleSplit:
    """Distinct, jittered, reduced rows of both halves.

    Attributes
    ----------
    discovery, held_out
        Vectors, shapes (n₁, p) and (n₂, p).
    discovery_keys, held_out_keys
        One 64-bit hash per row.
    copies
        Which of the distinct discovery rows every given discovery row equals.
    kept
        The given discovery rows that stand for their copies, ascending; shape (n₁,).
    nearest
        The discovery row nearest to every held-out row; shape (n₂,).
    given
        Rows given in both halves, repeated ones included.
    """

    discovery: Float32
    held_out: Float32
    discovery_keys: UInt64
    held_out_keys: UInt64
    copies: Int64
    kept: Int64
    nearest: Int64
    given: int

    @property
    def held_out_counts(self) -> Int64:
        """Number of held-out rows to which every discovery row is the nearest, shape (n₁,)."""
        return np.bincount(self.nearest, minlength=len(self.discovery))


def split_sample(discovery: Float32, held_out: Float32, discovery_keys: UInt64, held_out_keys: UInt64) -> SampleSplit:
    """Merge equal rows, jitter lattices, reduce to 50 dimensions; everything is fitted on the discovery half.

    Of equal rows one is kept, in the discovery half if it has one: a copy in the other half would confirm itself.

    Raises
    ------
    ValueError
        A half is empty once copies are gone.
    """
    content = row_keys(discovery)
    _, kept, copies = np.unique(content, return_index=True, return_inverse=True)
    in_order = np.argsort(kept)
    rank = np.empty_like(in_order)
    rank[in_order] = np.arange(len(in_order))
    kept, copies = kept[in_order], rank[copies]
    other = row_keys(held_out)
    new = np.sort(np.unique(other, return_index=True)[1])
    new = new[~np.isin(other[new], content)]
    if len(kept) == 0 or len(new) == 0:
        raise ValueError(f"{len(kept)} different rows for discovery and {len(new)} held out; both need some")
    gaps = resolutions(discovery[kept])
    first = jitter_columns(discovery[kept], gaps, discovery_keys[kept])
    second = jitter_columns(held_out[new], gaps, held_out_keys[new])
    first, second = _reduce(first, second)
    nearest = _nearest(first, second)
    given = len(discovery) + len(held_out)
    return SampleSplit(first, second, discovery_keys[kept], held_out_keys[new], copies, kept, nearest, given)


def _reduce(discovery: Float32, held_out: Float32) -> tuple[Float32, Float32]:
    """Keep at most 50 principal components of the discovery half."""
    rows, dimensions = discovery.shape
    components = min(MOST_DIMENSIONS, rows)
    if dimensions <= components:
        return discovery, held_out
    solver = "covariance_eigh" if dimensions <= rows else "full"
    with threadpool_limits(1):
        pca = PCA(components, svd_solver=solver).fit(discovery.astype(np.float64))
    first, second = (project(half - pca.mean_, pca.components_) for half in (discovery, held_out))
    return first.astype(np.float32), second.astype(np.float32)


def _nearest(discovery: Float32, held_out: Float32) -> Int64:
    search = NearestNeighbors(n_neighbors=min(CANDIDATES, len(discovery)), algorithm="brute").fit(discovery)
    with threadpool_limits(1):
        candidates = np.sort(search.kneighbors(held_out, return_distance=False), axis=1)
    best = squared_distances(held_out, discovery, candidates).argmin(axis=1)
    return np.asarray(candidates[np.arange(len(held_out)), best])
