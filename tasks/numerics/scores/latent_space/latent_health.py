"""Is the latent space in order? Dimensions that carry nothing, or the same twice, and how many directions are used.

Everything is asked of the vectors as the encoder gave them, before scaling, neighbours or any picture. What the file
cannot see: a dimension that varies and means nothing (noise) is as active as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from steadymap.tasks.numerics.arrays import AnyFloat, Booleans, Float64, Int64

State = Literal["active", "dead", "constant", "collapsed", "duplicated", "negligible"]

STATES: tuple[State, ...] = ("active", "dead", "constant", "collapsed", "duplicated", "negligible")

ROUNDING = 1e-6
"""Float32 keeps seven digits: a column that spreads over less than this share of its values, or of the widest column's
spread, is constant but for rounding."""

ACTIVE_VARIANCE = 0.01
"""Of the mean of a VAE's posterior, whose prior has variance 1 (Burda et al. 2016)."""

COLLAPSED_KL = 0.01
"""Nats a row; below it the posterior is the prior, whatever the input."""

SAME = 1e-4
"""Share of a column's variance that another one leaves unexplained: below it the two are the same dimension."""

NEGLIGIBLE = 1e-3
"""Of the widest column's variance; a column below it moves no distance."""

SINGULAR = 1e-6
"""Of the correlation matrix' mean eigenvalue 1: a direction below it is a linear combination of others."""

BLOCKS = 20
"""Groups of rows that the standard errors leave out in turn."""

WIDEST_WITH_ERRORS = 512
"""Dimensions up to which there are standard errors: each takes 20 more eigendecompositions, O(d³)."""

COMPONENTS = (1, 2, 5)
"""Principal components whose share of the variance is told."""


@dataclass(frozen=True)
class Measured:
    """A number with its standard error, None where there is none."""

    value: float
    stderr: float | None


@dataclass(frozen=True)
class LatentHealth:
    """What is known of every dimension and of all together; arrays have shape (d,).

    Attributes
    ----------
    mean, variance
        Of the column, over rows.
    zero_share
        Share of rows in which it is exactly 0: what a ReLU switches off.
    kl
        Mean over rows of KL(N(μ, σ²) ‖ N(0, 1)) in nats, None without the posterior's variance.
    twin
        The earlier dimension that it repeats, −1 where it repeats none.
    states
        ``dead``: 0 in every row; ``constant``: the same value in every row; ``collapsed``: posterior equal to the
        prior; ``duplicated``: an earlier dimension, up to sign, scale and shift; ``negligible``: below a thousandth of
        the widest column's variance; else ``active``.
    effective_rank
        1 to d, 0 where nothing varies.
    variance_shares
        Number of principal components, and the share of variance along them.
    dependent
        Directions beyond those dimensions that are linear combinations of others; 0 with fewer than 2 d rows, which
        cannot tell.
    """

    mean: Float64
    variance: Float64
    zero_share: Float64
    kl: Float64 | None
    twin: Int64
    states: tuple[State, ...]
    effective_rank: Measured
    variance_shares: tuple[tuple[int, Measured], ...]
    dependent: int

    def count(self, state: State) -> int:
        """Return how many dimensions are in a state."""
        return self.states.count(state)


def examine(latents: AnyFloat, log_variance: AnyFloat | None = None) -> LatentHealth:
    """Examine latent vectors, shape (n, d); those of a VAE are its means, with log σ² of the same shape.

    Work: O(n d²) + O(d³); a twentieth of the rows at a time is held in float64.
    Source: Burda et al. 2016, arXiv:1509.00519 (active units); Lucas et al. 2019, arXiv:1911.02469 (collapse); Roy &
    Vetterli 2007, EUSIPCO, pp. 606-610 (effective rank).
    """
    moments = _block_moments(latents)
    covariance = moments.total
    variance = np.diag(covariance)
    kl = None if log_variance is None else prior_divergence(latents, log_variance)
    zero_share = np.mean(latents == 0, axis=0)
    constant = _find_constant(latents, variance)
    twin = find_twins(covariance, constant)
    states = _states(variance, zero_share, constant, kl, twin)
    kept = np.flatnonzero([state not in ("dead", "constant", "duplicated") for state in states])
    spectra = moments.spectra()
    return LatentHealth(
        mean=moments.centre,
        variance=variance,
        zero_share=zero_share,
        kl=kl,
        twin=twin,
        states=states,
        effective_rank=_jackknifed([effective_rank(spectrum) for spectrum in spectra]),
        variance_shares=tuple(
            (k, _jackknifed([variance_share(spectrum, k) for spectrum in spectra]))
            for k in COMPONENTS
            if k < latents.shape[1]
        ),
        dependent=_count_dependent(covariance, kept, len(latents)),
    )


def prior_divergence(mean: AnyFloat, log_variance: AnyFloat) -> Float64:
    """Return each dimension's mean KL(N(μ, σ²) ‖ N(0, 1)) = ½ (μ² + σ² − 1 − log σ²) in nats, shape (n, d) to (d,)."""
    total = np.zeros(mean.shape[1])
    for block in range(BLOCKS):
        m, v = mean[block::BLOCKS].astype(np.float64), log_variance[block::BLOCKS].astype(np.float64)
        total += 0.5 * (m**2 + np.exp(v) - 1 - v).sum(axis=0)
    return np.asarray(total / len(mean))


def effective_rank(spectrum: Float64) -> float:
    """Return exp(−Σ pᵢ log pᵢ), pᵢ = σᵢ / Σ σ, of singular values σ = √eigenvalue of the covariance, shape (d,).

    1 where everything lies along one line, d where all directions are alike, 0 where nothing varies.
    """
    singular = np.sqrt(spectrum)
    total = singular.sum()
    if total == 0:
        return 0.0
    shares = singular[singular > 0] / total
    return float(np.exp(-np.sum(shares * np.log(shares))))


def variance_share(spectrum: Float64, k: int) -> float:
    """Return the share of the variance along the first k of the principal components, spectrum descending."""
    total = float(spectrum.sum())
    return float(spectrum[:k].sum()) / total if total > 0 else 0.0


def find_twins(covariance: Float64, constant: Booleans) -> Int64:
    """Return for each column the first earlier one that explains all but 10⁻⁴ of its variance, else −1; shape (d,)."""
    spread = np.sqrt(np.diag(covariance))
    usable = ~constant & (spread > 0)
    scale = np.where(usable, spread, 1.0)
    twin = np.full(len(spread), -1, dtype=np.int64)
    for column in np.flatnonzero(usable):
        before = np.flatnonzero(usable[:column] & (twin[:column] < 0))
        correlation = covariance[before, column] / (scale[before] * scale[column])
        same = before[1 - correlation**2 < SAME]
        if len(same):
            twin[column] = same[0]
    return twin


def _find_constant(latents: AnyFloat, variance: Float64) -> Booleans:
    spread = np.sqrt(variance)
    largest = np.maximum(np.abs(latents.max(axis=0)), np.abs(latents.min(axis=0)))
    return np.asarray((spread <= ROUNDING * largest) | (spread <= ROUNDING * float(spread.max(initial=0.0))))


def _states(
    variance: Float64, zero_share: Float64, constant: Booleans, kl: Float64 | None, twin: Int64
) -> tuple[State, ...]:
    narrow = variance < NEGLIGIBLE * float(variance.max(initial=0.0))
    collapsed = np.zeros(len(variance), bool) if kl is None else (kl < COLLAPSED_KL) & (variance < ACTIVE_VARIANCE)
    rules: list[tuple[Booleans, State]] = [
        (collapsed, "collapsed"),  # first: a mean that is 0 for every input is what collapse looks like
        (zero_share == 1, "dead"),
        (constant, "constant"),
        (twin >= 0, "duplicated"),
        (narrow, "negligible"),
    ]
    return tuple(
        next((state for holds, state in rules if holds[dimension]), "active") for dimension in range(len(variance))
    )


@dataclass(frozen=True)
class _Moments:
    """The mean, and of blocks of rows around it: rows (b,), sums (b, d), sums of products (b, d, d)."""

    centre: Float64
    rows: Int64
    sums: Float64
    products: Float64

    @property
    def total(self) -> Float64:
        """The covariance of all rows."""
        return _covariance(self.rows.sum(), self.sums.sum(axis=0), self.products.sum(axis=0))

    def spectra(self) -> list[Float64]:
        """Return eigenvalues, descending: of all rows, then without each block."""
        total = (self.rows.sum(), self.sums.sum(axis=0), self.products.sum(axis=0))
        without = [] if len(self.rows) == 1 else range(len(self.rows))
        left_out = [(total[0] - self.rows[b], total[1] - self.sums[b], total[2] - self.products[b]) for b in without]
        return [_spectrum(_covariance(*part)) for part in (total, *left_out)]


def _block_moments(latents: AnyFloat) -> _Moments:
    """Sum up blocks of every 20th row, around the common mean, so that little is lost to cancellation.

    Where blocks will not be left out in turn, they are added up at once.
    """
    rows, width = latents.shape
    apart = rows >= 2 * BLOCKS and width <= WIDEST_WITH_ERRORS
    centre = latents.mean(axis=0, dtype=np.float64)
    found: list[tuple[int, Float64, Float64]] = []
    for block in range(min(BLOCKS, rows)):
        part = latents[block::BLOCKS].astype(np.float64) - centre
        moments = (len(part), part.sum(axis=0), part.T @ part)
        if apart or not found:
            found.append(moments)
        else:
            found[0] = (found[0][0] + moments[0], found[0][1] + moments[1], found[0][2] + moments[2])
    counts, sums, products = zip(*found, strict=True)
    return _Moments(centre, np.array(counts), np.array(sums), np.array(products))


def _covariance(rows: np.int64, sums: Float64, products: Float64) -> Float64:
    mean = sums / rows
    covariance: Float64 = products / rows - np.outer(mean, mean)
    return covariance


def _spectrum(covariance: Float64) -> Float64:
    """Return eigenvalues, descending; what rounding leaves of a direction without variance is 0."""
    values = np.linalg.eigvalsh(covariance)[::-1]
    floor = float(values.max(initial=0.0)) * len(values) * np.finfo(np.float64).eps
    return np.where(values > floor, values, 0.0)


def _jackknifed(values: list[float]) -> Measured:
    """Take the first value and, from those without a block each, √((B − 1)/B Σ (v₋ᵦ − v̄)²)."""
    left_out = np.array(values[1:])
    if len(left_out) < 2:
        return Measured(values[0], None)
    blocks = len(left_out)
    return Measured(values[0], float(np.sqrt((blocks - 1) / blocks * np.sum((left_out - left_out.mean()) ** 2))))


def _count_dependent(covariance: Float64, kept: Int64, rows: int) -> int:
    if len(kept) < 2 or rows < 2 * len(kept):
        return 0
    chosen = covariance[np.ix_(kept, kept)]
    spread = np.sqrt(np.diag(chosen))
    if np.any(spread == 0):
        return 0
    return int(np.sum(np.linalg.eigvalsh(chosen / np.outer(spread, spread)) < SINGULAR))
