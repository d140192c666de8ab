"""Do two encoders arrange the same inputs in the same way? Linear CKA, Procrustes, neighbours, and rows that moved.

None of it changes when either space is turned, mirrored, moved or scaled. Clusters are not looked at here: two spaces
can agree in all of this and differ in a small cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Float64, Int64
from steadymap.tasks.numerics.stability.neighbour_overlap import compared_neighbours

BLOCKS = 20
"""Groups of rows that the standard errors leave out in turn."""

WIDEST_WITH_ERRORS = 512
"""Dimensions up to which there are standard errors: each takes 20 more singular value decompositions, O(d³)."""

COMPARED_ROWS = 2_000
"""Rows whose neighbours are sought among all; of more, so many are spread evenly over them."""

AT_ONCE = 256
"""Rows whose distances to all others are held at a time."""


@dataclass(frozen=True)
class Agreement:
    """One number of two spaces, its standard error (None where there is none), and what unrelated spaces give."""

    value: float
    stderr: float | None
    chance: float | None


@dataclass(frozen=True)
class LatentAgreement:
    """How far two spaces agree over the same rows.

    Attributes
    ----------
    cka
        Linear CKA, 0 to 1.
    disparity
        Share of variance that the best turn, mirroring and scale leave, 0 to 1; 0 is the same shape.
    kept
        Mean share of a row's k nearest rows that are among its k nearest in the other space.
    k
        How many neighbours.
    rows
        Rows of which ``shares`` speaks, shape (m,).
    shares
        Share of kept neighbours of each, shape (m,).
    """

    cka: Agreement
    disparity: Agreement
    kept: Agreement
    k: int
    rows: Int64
    shares: Float64

    def most_moved(self, count: int) -> Int64:
        """Return the places in ``rows`` of those that keep the fewest neighbours, the fewest first, ties by row."""
        return np.argsort(self.shares, kind="stable")[:count]


def compare_latents(first: AnyFloat, second: AnyFloat) -> LatentAgreement:
    """Compare two spaces, shapes (n, p) and (n, q), the same n ≥ 4 rows in the same order.

    Standard errors of CKA and disparity are a jackknife over twenty groups of rows; that of kept neighbours is over
    rows as if they were independent. Work: O(n (p + q)²) and O(m n (p + q)) for neighbours.
    Source: Kornblith et al. 2019, arXiv:1905.00414 (CKA); Gower 1975, doi:10.1007/BF02291478 (Procrustes).
    """
    moments = _cross_moments(first, second)
    rows, k = len(first), compared_neighbours(len(first))
    chosen = np.arange(rows) if rows <= COMPARED_ROWS else np.linspace(0, rows - 1, COMPARED_ROWS).astype(np.int64)
    shares = kept_shares(nearest(first, chosen, k), nearest(second, chosen, k))
    return LatentAgreement(
        cka=_agreement(moments, cka, chance_cka(moments.total, rows)),
        disparity=_agreement(moments, procrustes, None),
        kept=Agreement(float(shares.mean()), float(shares.std(ddof=1) / np.sqrt(len(shares))), k / (rows - 1)),
        k=k,
        rows=chosen,
        shares=shares,
    )


@dataclass(frozen=True)
class Scatter:
    """Sums of products of two centred spaces: AᵀA (p, p), BᵀB (q, q), AᵀB (p, q)."""

    first: Float64
    second: Float64
    cross: Float64


def cka(scatter: Scatter) -> float:
    """Return linear CKA, ‖AᵀB‖² / (‖AᵀA‖ ‖BᵀB‖) in Frobenius norms; 0 where a space has no variation."""
    scale = np.linalg.norm(scatter.first) * np.linalg.norm(scatter.second)
    return float(np.linalg.norm(scatter.cross) ** 2 / scale) if scale > 0 else 0.0


def chance_cka(scatter: Scatter, rows: int) -> float:
    """Return the mean of linear CKA over all ways to shuffle the rows of one space.

    ‖AᵀB‖² is tr AᵀA tr BᵀB / (n − 1) on average: the mean of a centred kernel over permutations.
    """
    scale = np.linalg.norm(scatter.first) * np.linalg.norm(scatter.second)
    return float(np.trace(scatter.first) * np.trace(scatter.second) / ((rows - 1) * scale)) if scale > 0 else 0.0


def procrustes(scatter: Scatter) -> float:
    """Return the Procrustes disparity, 1 − (Σ singular values of AᵀB)² / (tr AᵀA tr BᵀB)."""
    scale = float(np.trace(scatter.first) * np.trace(scatter.second))
    overlap = float(np.linalg.svd(scatter.cross, compute_uv=False).sum())
    return float(np.clip(1 - overlap**2 / scale, 0, 1)) if scale > 0 else 1.0


def nearest(vectors: AnyFloat, rows: Int64, k: int) -> Int64:
    """Return the k nearest other rows of chosen rows in ascending order of rows, shape (m, k)."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    lengths = np.einsum("ij,ij->i", centred, centred)
    found = []
    for at in range(0, len(rows), AT_ONCE):
        chosen = rows[at : at + AT_ONCE]
        squared = lengths - 2 * centred[chosen] @ centred.T
        squared[np.arange(len(chosen)), chosen] = np.inf
        found.append(np.sort(np.argpartition(squared, k - 1, axis=1)[:, :k], axis=1))
    return np.concatenate(found)


def kept_shares(first: Int64, second: Int64) -> Float64:
    """Return |A ∩ B| / k of each line of two tables of neighbours in ascending order, shape (m, k) to (m,)."""
    merged = np.sort(np.hstack([first, second]), axis=1)
    return np.asarray(np.sum(merged[:, 1:] == merged[:, :-1], axis=1) / first.shape[1])


# --- sums of products, in blocks of rows --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Moments:
    """Rows (b,), sums (b, p + q) and sums of products (b, p + q, p + q) of blocks, around the common mean."""

    width: int
    rows: Int64
    sums: Float64
    products: Float64

    @property
    def total(self) -> Scatter:
        """The scatter of all rows."""
        return self._scatter(self.rows.sum(), self.sums.sum(axis=0), self.products.sum(axis=0))

    def without_each(self) -> list[Scatter]:
        """Return the scatter without each block; nothing where there is one block only."""
        rows, sums, products = self.rows.sum(), self.sums.sum(axis=0), self.products.sum(axis=0)
        blocks = range(len(self.rows)) if len(self.rows) > 1 else ()
        return [self._scatter(rows - self.rows[b], sums - self.sums[b], products - self.products[b]) for b in blocks]

    def _scatter(self, rows: np.int64, sums: Float64, products: Float64) -> Scatter:
        scatter = products - np.outer(sums, sums) / rows
        p = self.width
        return Scatter(scatter[:p, :p], scatter[p:, p:], scatter[:p, p:])


def _cross_moments(first: AnyFloat, second: AnyFloat) -> _Moments:
    """Sum up blocks of every 20th row; where none will be left out, all at once."""
    apart = len(first) >= 2 * BLOCKS and max(first.shape[1], second.shape[1]) <= WIDEST_WITH_ERRORS
    centres = first.mean(axis=0, dtype=np.float64), second.mean(axis=0, dtype=np.float64)
    found: list[tuple[int, Float64, Float64]] = []
    for block in range(min(BLOCKS, len(first))):
        both = np.hstack(
            [space[block::BLOCKS] - centre for space, centre in zip((first, second), centres, strict=True)]
        )
        moments = (len(both), both.sum(axis=0), both.T @ both)
        if apart or not found:
            found.append(moments)
        else:
            found[0] = (found[0][0] + moments[0], found[0][1] + moments[1], found[0][2] + moments[2])
    rows, sums, products = zip(*found, strict=True)
    return _Moments(first.shape[1], np.array(rows), np.array(sums), np.array(products))


def _agreement(moments: _Moments, measure: Callable[[Scatter], float], chance: float | None) -> Agreement:
    left_out = np.array([measure(scatter) for scatter in moments.without_each()])
    blocks = len(left_out)
    stderr = float(np.sqrt((blocks - 1) / blocks * np.sum((left_out - left_out.mean()) ** 2))) if blocks else None
    return Agreement(measure(moments.total), stderr, chance)
