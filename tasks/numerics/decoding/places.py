"""Where in the latent space a cluster is decoded: its medoid, the way to its neighbour, the dimensions between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from steadymap.tasks.numerics.arrays import Float32, Float64, Int64
from steadymap.tasks.numerics.valleys.discriminant_axis import discriminant_axis
from steadymap.tasks.numerics.valleys.valley_depth import kernel_width

MOST_MEMBERS = 1000
"""Members that distances are taken to, spread evenly over a cluster: its medoid of 1,000 is that of all, nearly."""

FEWEST = 4
"""Rows of a cluster; of fewer, no half can choose an axis for the other."""

FINER = 10
"""Times finer the density along a path is looked at than places on it are decoded."""

BLOCK = 20_000
"""Members whose distances are held at a time."""


def medoid(members: Float32) -> int:
    """Return which member has the least mean Euclidean distance to the members; shape (m, d), the first of equals.

    Of more than 1,000 members distances are taken to 1,000 of them.
    """
    told = members[_spread(len(members))].astype(np.float64)
    mean = np.concatenate(
        [cdist(members[at : at + BLOCK].astype(np.float64), told).mean(axis=1) for at in range(0, len(members), BLOCK)]
    )
    return int(mean.argmin())


def path_between(start: Float64, end: Float64, steps: int) -> Float64:
    """Return evenly spaced places on the straight line from start to end, both included; shape (steps, d)."""
    share = np.linspace(0, 1, steps)[:, None]
    return np.asarray((1 - share) * start + share * end)


def density_along(path: Float64, first: Float32, second: Float32) -> tuple[Float64, float]:
    """Return the density of two clusters' rows along a path from one to the other, and the lowest between its places.

    The rows are projected on Fisher's axis between the two, and a Gaussian kernel estimate of where they lie is taken
    with the bandwidth of the held-out valley test. Every second row chooses the axis and the others are projected, and
    the other way round: rows that had chosen their own axis would show a valley where there is none. The density is
    told over the lower of its peaks in the two halves of the path, so that 1 is no valley and 0 empty ground.

    Parameters
    ----------
    path
        Evenly spaced places on a straight line, shape (steps, d).
    first, second
        Rows of the cluster at its start and of the one at its end, shapes (m, d) and (l, d).

    Returns
    -------
    At each place, shape (steps,) and at most 1; and the lowest of a finer look.
    """
    if min(len(first), len(second)) < FEWEST:
        return np.ones(len(path)), 1.0
    fine = path_between(path[0], path[-1], FINER * (len(path) - 1) + 1)
    density = np.zeros(len(fine))
    for fold in (0, 1):
        axis = discriminant_axis(first[fold::2], second[fold::2])
        density += _projected(fine @ axis, [rows[1 - fold :: 2].astype(np.float64) @ axis for rows in (first, second)])
    middle = len(fine) // 2
    peak = min(density[: middle + 1].max(), density[middle:].max())
    relative = np.minimum(1.0, density / peak) if peak > 0 else np.ones(len(fine))
    return np.asarray(relative[::FINER]), float(relative.min())


def _projected(at: Float64, sides: list[Float64]) -> Float64:
    """Return the density of values at some places; even where they do not spread."""
    width = kernel_width(sides)
    if width == 0:
        return np.ones(len(at))
    kernels = np.exp(-0.5 * ((at[:, None] - np.concatenate(sides)) / width) ** 2)
    return np.asarray(kernels.mean(axis=1) / width)


@dataclass(frozen=True)
class SeparatingDimension:
    """A dimension in which two clusters differ.

    Attributes
    ----------
    dimension
        Its number.
    auc
        Chance that a row of the first lies on its own side of a row of the second, ties half, .5 to 1.
    first, second
        Medians of the two clusters.
    """

    dimension: int
    auc: float
    first: float
    second: float


def separating_dimensions(first: Float32, second: Float32, most: int) -> tuple[SeparatingDimension, ...]:
    """Return the dimensions that tell two clusters apart best, the best first.

    By the area under the ROC curve of every dimension alone, over up to 1,000 rows of either (Mann & Whitney 1947).

    Parameters
    ----------
    first, second
        Rows of the two, shapes (m, d) and (l, d).
    most
        So many at most; dimensions that say nothing (an area of .5) are left out.
    """
    a, b = (rows[_spread(len(rows))].astype(np.float64) for rows in (first, second))
    ranks = rankdata(np.concatenate([a, b]), axis=0)
    area = (ranks[: len(a)].sum(axis=0) - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))
    apart = np.maximum(area, 1 - area)
    best = np.argsort(-apart, kind="stable")[:most]
    medians = np.median(a, axis=0), np.median(b, axis=0)
    return tuple(
        SeparatingDimension(int(one), float(apart[one]), float(medians[0][one]), float(medians[1][one]))
        for one in best
        if apart[one] > 0.5
    )


def moved_along(place: Float64, dimension: SeparatingDimension, steps: int) -> Float64:
    """Return a place with one dimension led from the first cluster's median to the second's; shape (steps, d)."""
    moved = np.repeat(place[None], steps, axis=0)
    moved[:, dimension.dimension] = np.linspace(dimension.first, dimension.second, steps)
    return moved


def _spread(count: int) -> Int64:
    """Return up to 1,000 places, evenly spread over so many."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_MEMBERS)).round().astype(np.int64))
