"""How well rows are reconstructed, which clusters are worse off, and where a decoded mean lands when encoded again."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from scipy.spatial.distance import cdist

from steadymap.tasks.numerics.arrays import Float32, Float64, Int64

LANDING_LEVEL = 0.01
"""A mean whose way there and back is longer than that of 99 % of the rows has not come from where rows are."""

LANDING_NEIGHBOURS = 5
"""Rows whose cluster says in which one a place lies."""

WORSE_BY = 1.2
"""A cluster is named when its error is that many times the others', and more than chance makes it."""


@dataclass(frozen=True)
class Moments:
    """Sums over all values of reconstructions d and inputs x, which tell whether the two have one scale.

    Attributes
    ----------
    count
        Values.
    d, x, dd, xx, dx
        Sums of each, of their squares and of their products.
    """

    count: int
    d: float
    x: float
    dd: float
    xx: float
    dx: float

    @property
    def sums(self) -> tuple[float, ...]:
        """All of them, the count first."""
        return (self.count, self.d, self.x, self.dd, self.xx, self.dx)

    def __add__(self, other: Moments) -> Moments:
        """Return the sums over both."""
        count, *sums = (one + two for one, two in zip(self.sums, other.sums, strict=True))
        return Moments(int(count), *sums)

    @property
    def explained(self) -> float:
        """Share of the inputs' variance that reconstructions explain as they are; negative where they are no good."""
        residual = self.dd - 2 * self.dx + self.xx
        return 1 - residual / max(self.xx - self.x**2 / self.count, np.finfo(float).tiny)

    @property
    def explained_at_best(self) -> float:
        """The same after the best shift and factor, 0 to 1: the squared correlation."""
        covariance = self.dx - self.d * self.x / self.count
        variances = (self.dd - self.d**2 / self.count) * (self.xx - self.x**2 / self.count)
        return covariance**2 / variances if variances > 0 else 0.0

    @property
    def another_scale(self) -> bool:
        """Whether reconstructions follow the inputs, but on another scale: squared differences would be of that."""
        best = self.explained_at_best
        return best > ANOTHER_SCALE and best - self.explained > ANOTHER_SCALE


ANOTHER_SCALE = 0.25
"""Share of the variance that a mere shift and factor explains, above which scales differ."""


def moments(reconstructions: Float64, inputs: Float64) -> Moments:
    """Return the sums over the values of two matrices of one shape."""
    d, x = reconstructions, inputs
    return Moments(d.size, *(float(np.sum(one)) for one in (d, x, d * d, x * x, d * x)))


def row_errors(reconstructions: Float64, inputs: Float64) -> Float64:
    """Return the mean squared difference of every row, in squared units of the inputs; shape (n,)."""
    return np.asarray(np.mean((reconstructions - inputs) ** 2, axis=1))


@dataclass(frozen=True)
class ClusterError:
    """How a cluster is reconstructed, beside all other rows.

    Attributes
    ----------
    mean, stderr
        Its mean error and the standard error of that.
    rest
        Mean error of all other rows; nan where there are none.
    p
        One-sided p-value of its mean being no larger (Welch's z, not corrected); 1 where it cannot be told.
    """

    mean: float
    stderr: float
    rest: float
    p: float

    @property
    def ratio(self) -> float:
        """Its error over that of the others."""
        return self.mean / self.rest if self.rest > 0 else float("nan")


def cluster_error(errors: Float64, own: np.ndarray) -> ClusterError:
    """Compare the errors of some rows with those of all others.

    Parameters
    ----------
    errors
        Of every row, shape (n,).
    own
        Which rows are the cluster's, booleans of shape (n,).
    """
    inside, outside = errors[own], errors[~own]
    mean, error = float(inside.mean()), _standard_error(inside)
    if len(inside) < 2 or len(outside) < 2:
        return ClusterError(mean, error, float(outside.mean()) if len(outside) else float("nan"), 1.0)
    rest, spread = float(outside.mean()), sqrt(error**2 + _standard_error(outside) ** 2)
    p = 0.5 * erfc((mean - rest) / (spread * sqrt(2))) if spread > 0 else 1.0
    return ClusterError(mean, error, rest, p)


def _standard_error(values: Float64) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


@dataclass(frozen=True)
class Landing:
    """Where a decoded place lands when it is encoded again.

    Attributes
    ----------
    distance
        From where it started, in the latent space.
    p
        Share of rows whose own way is at least as long, (1 + rows) / (1 + n).
    cluster
        Where it lands: the cluster of most of its five nearest rows.
    """

    distance: float
    p: float
    cluster: int

    def off_manifold(self, own: int) -> bool:
        """Whether it has landed elsewhere: in another cluster, or farther off than 99 % of the rows."""
        return self.cluster != own or self.p <= LANDING_LEVEL


def landing(start: Float64, end: Float64, of_rows: Float64, rows: Float32, clusters: Int64) -> Landing:
    """Judge where a place has landed.

    Parameters
    ----------
    start, end
        Before and after, shape (d,).
    of_rows
        The same distance of rows, shape (m,).
    rows, clusters
        All rows, shape (n, d), and the cluster of each, −1 for none.
    """
    distance = float(np.linalg.norm(end - start))
    p = (1 + int(np.sum(of_rows >= distance))) / (1 + len(of_rows))
    away = cdist(end[None], rows.astype(np.float64))[0]
    nearest = clusters[np.argsort(away, kind="stable")[:LANDING_NEIGHBOURS]]
    found, counts = np.unique(nearest, return_counts=True)
    return Landing(distance, p, int(found[counts.argmax()]))
