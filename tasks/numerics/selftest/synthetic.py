"""Data with known truth: families in which nothing is a cluster, and families in which everything is.

A cluster is real where a valley of the density separates it from its neighbours. Separations are in σ: the distance
between adjacent means over the standard deviation along it.

Families of low intrinsic dimension are drawn in a unit of about one standard deviation, turned at random into the given
dimensions, and blurred by isotropic Gaussian noise of standard deviation 0.05 in each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from steadymap.tasks.numerics.arrays import Float32, Float64, Int64
from steadymap.tasks.numerics.randomness import stream

BLUR = 0.05
SESSIONS = 40
RARE_SHARE = 0.05
TUTORIAL_CLASSES, TUTORIAL_REACH, TUTORIAL_SPREAD, TUTORIAL_APART = 4, 10.0, 1.5, 8.0
"""The example of many tutorials: classes with centres anywhere in ± 10 and standard deviations of 1.5, here at least
8 of these apart."""
BRIDGE_SHARE, BRIDGE_LENGTH = 0.3, 7.0
"""35 % in either blob and 30 % evenly between them, 7 σ long: density 0.3/7 in the middle, 0.35 φ(0) + 0.15/7 at the
peaks, so that the valley's depth is 0.27."""


@dataclass(frozen=True)
class Synthetic:
    """Vectors with what is known about them.

    Attributes
    ----------
    vectors
        Shape (n, d).
    truth
        Real cluster of every row, from 0; all 0 where nothing is real. Shape (n,).
    groups
        Session of every row, shape (n,), or None.
    """

    vectors: Float32
    truth: Int64
    groups: Int64 | None


_Drawn = tuple[Float64, Int64]


@dataclass(frozen=True)
class Family:
    """How a family is drawn, whether anything in it is real, and the fewest dimensions it needs."""

    draw: Callable[[np.random.Generator, int, int], _Drawn]
    real: bool
    fewest_dimensions: int = 1


def generate(family: str, rows: int, dimensions: int, seed: int) -> Synthetic:
    """Draw one data set; the same arguments give the same bytes.

    Raises
    ------
    ValueError
        There is no such family, or it needs more dimensions.
    """
    if family not in FAMILIES:
        raise ValueError(f"family {family!r}; there are {', '.join(FAMILIES)}")
    fewest = FAMILIES[family].fewest_dimensions
    if dimensions < fewest:
        raise ValueError(f"{family} in {dimensions} dimensions; it needs {fewest}")
    points, truth = FAMILIES[family].draw(stream("synthetic", family, rows, dimensions, seed), rows, dimensions)
    vectors = points.astype(np.float32)
    if family == "grouped":
        return Synthetic(vectors, np.zeros(rows, dtype=np.int64), truth)
    return Synthetic(vectors, truth, None)


def _one(points: Float64) -> _Drawn:
    return points, np.zeros(len(points), dtype=np.int64)


def _turn(generator: np.random.Generator, dimensions: int) -> Float64:
    """Return a random orthogonal matrix, shape (d, d)."""
    q, r = np.linalg.qr(generator.standard_normal((dimensions, dimensions)))
    return np.asarray(q * np.sign(np.diag(r)))


def _embedded(generator: np.random.Generator, shape: Float64, dimensions: int) -> Float64:
    """Turn a shape of low dimension, (n, i), into (n, d) and blur it."""
    noise = BLUR * generator.standard_normal((len(shape), dimensions))
    return np.asarray(shape @ _turn(generator, dimensions)[: shape.shape[1]] + noise)


def _gauss_iso(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    return _one(generator.standard_normal((rows, dimensions)))


def _gauss_aniso(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Draw standard deviations 1, 1/√2, 1/√3, … along random axes."""
    scales = np.arange(1, dimensions + 1) ** -0.5
    return _one((generator.standard_normal((rows, dimensions)) * scales) @ _turn(generator, dimensions))


def _gauss_elong(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Ten times longer along one random axis than along the others."""
    scales = np.r_[10, np.ones(dimensions - 1)]
    return _one((generator.standard_normal((rows, dimensions)) * scales) @ _turn(generator, dimensions))


def _t5(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Spherical t with 5 degrees of freedom: heavy tails."""
    tails = np.sqrt(generator.chisquare(5, rows) / 5)
    return _one(generator.standard_normal((rows, dimensions)) / tails[:, None])


def _lognormal(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Independent exp(N(0, 0.75²)) coordinates: skew."""
    return _one(np.exp(0.75 * generator.standard_normal((rows, dimensions))))


def _cube(sides: int, generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    return _one(_embedded(generator, np.sqrt(12) * generator.uniform(size=(rows, sides)), dimensions))


def _swiss(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Uniform sheet rolled up one and a half times; turns are 2π/5 apart."""
    first, last = 1.5 * np.pi, 4.5 * np.pi
    # Arc length grows about as the square of the angle, so this is uniform on the sheet.
    angle = np.sqrt(generator.uniform(first**2, last**2, rows))
    sheet = np.column_stack([angle * np.cos(angle), generator.uniform(0, 21, rows), angle * np.sin(angle)])
    return _one(_embedded(generator, sheet / 5, dimensions))


def _circle(turn: float, generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Uniform on a circle of radius 2, or on the given share of it."""
    angle = 2 * np.pi * turn * generator.uniform(size=rows)
    return _one(_embedded(generator, 2 * np.column_stack([np.cos(angle), np.sin(angle)]), dimensions))


def _ybranch(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Three branches of length 3 that meet in a point, uniform along each."""
    angle = 2 * np.pi / 3 * generator.integers(0, 3, rows)
    along = 3 * generator.uniform(size=rows)
    return _one(_embedded(generator, along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), dimensions))


def _step(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Uniform square, four times denser in its left half: a step, no valley."""
    square = generator.uniform(size=(rows, 2))
    square[:, 0] = (square[:, 0] + (generator.uniform(size=rows) < 0.2)) / 2
    return _one(_embedded(generator, np.sqrt(12) * square, dimensions))


def _concentric(scales: tuple[float, ...], generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Gaussians of different width around one centre, equally likely."""
    scale = np.array(scales)[generator.integers(0, len(scales), rows)]
    return _one(scale[:, None] * generator.standard_normal((rows, dimensions)))


def _blobs(sigmas: float, count: int, generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Equal round blobs at the corners of a regular simplex."""
    truth = generator.integers(0, count, rows)
    centres = _simplex(count) * sigmas @ _turn(generator, dimensions)[: count - 1]
    return centres[truth] + generator.standard_normal((rows, dimensions)), truth


def _simplex(corners: int) -> Float64:
    """Return corners at distance 1 from each other, shape (c, c − 1)."""
    centred = np.eye(corners) / np.sqrt(2) - 1 / (corners * np.sqrt(2))
    axes = np.linalg.svd(centred)[2][: corners - 1]
    return np.asarray(centred @ axes.T)


def _rare(share: float, sigmas: float, generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Draw a blob of few of the rows, at a distance from the rest."""
    truth = np.zeros(rows, dtype=np.int64)
    truth[: round(share * rows)] = 1
    generator.shuffle(truth)
    offset = sigmas * _turn(generator, dimensions)[0]
    return truth[:, None] * offset + generator.standard_normal((rows, dimensions)), truth


def _tutorial(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Four classes of equal size around centres that are drawn until they are far enough apart."""
    while True:
        centres = generator.uniform(-TUTORIAL_REACH, TUTORIAL_REACH, (TUTORIAL_CLASSES, dimensions))
        apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)[np.triu_indices(TUTORIAL_CLASSES, 1)]
        if apart.min() >= TUTORIAL_APART * TUTORIAL_SPREAD:
            break
    truth = generator.permutation(np.arange(rows) % TUTORIAL_CLASSES)
    return centres[truth] + TUTORIAL_SPREAD * generator.standard_normal((rows, dimensions)), truth


def _moons(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Two half circles of radius 2, one turned over and moved into the other; 0.9 apart where they are nearest."""
    truth = generator.integers(0, 2, rows)
    angle = np.pi * generator.uniform(size=rows)
    upper = 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    shape = np.where(truth[:, None] == 0, upper, [2, 1] - upper)
    return _embedded(generator, shape, dimensions), truth


def _uneven(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Blobs of 50, 30 and 20 % of the rows with σ 1, 2 and 0.5, each pair 8 mean σ apart."""
    truth = generator.choice(3, rows, p=[0.5, 0.3, 0.2])
    scale = np.array([1, 2, 0.5])
    # Sides 8 · (σᵢ + σⱼ)/2 of the triangle: 12 between 0 and 1, 6 between 0 and 2, 10 between 1 and 2.
    x = (12**2 + 6**2 - 10**2) / (2 * 12)
    triangle = np.array([[0, 0], [12, 0], [x, np.sqrt(6**2 - x**2)]])
    centres = triangle @ _turn(generator, dimensions)[:2]
    return centres[truth] + scale[truth][:, None] * generator.standard_normal((rows, dimensions)), truth


def _bridge(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """Two blobs with a bridge of 30 % of the rows between them; the truth is the nearer blob."""
    on_bridge = generator.uniform(size=rows) < BRIDGE_SHARE
    along = np.where(on_bridge, generator.uniform(size=rows), generator.integers(0, 2, rows))
    axis = _turn(generator, dimensions)[0]
    points = BRIDGE_LENGTH * along[:, None] * axis + generator.standard_normal((rows, dimensions))
    return points, (along > 0.5).astype(np.int64)


def _grouped(generator: np.random.Generator, rows: int, dimensions: int) -> _Drawn:
    """40 sessions of a round Gaussian, each with an offset of its own as wide as the Gaussian; returns the sessions."""
    session = generator.integers(0, SESSIONS, rows)
    offsets = generator.standard_normal((SESSIONS, dimensions))
    return offsets[session] + generator.standard_normal((rows, dimensions)), session


FAMILIES: dict[str, Family] = {
    "gauss_iso": Family(_gauss_iso, False),
    "gauss_aniso": Family(_gauss_aniso, False),
    "gauss_elong": Family(_gauss_elong, False),
    "t5": Family(_t5, False),
    "lognormal": Family(_lognormal, False),
    "unif_cube2": Family(partial(_cube, 2), False, 2),
    "unif_cube10": Family(partial(_cube, 10), False, 10),
    "swiss": Family(_swiss, False, 3),
    "arc": Family(partial(_circle, 0.75), False, 2),
    "ring": Family(partial(_circle, 1.0), False, 2),
    "ybranch": Family(_ybranch, False, 2),
    "step": Family(_step, False, 2),
    "halo": Family(partial(_concentric, (1.0, 3.0)), False),
    "nested": Family(partial(_concentric, (0.5, 1.0, 2.0)), False),
    "grouped": Family(_grouped, False),
    "two_4": Family(partial(_blobs, 4, 2), True),
    "two_5": Family(partial(_blobs, 5, 2), True),
    "blobs5_5": Family(partial(_blobs, 5, 5), True, 4),
    "blobs5_6": Family(partial(_blobs, 6, 5), True, 4),
    "blobs5_8": Family(partial(_blobs, 8, 5), True, 4),
    "ten_8": Family(partial(_blobs, 8, 10), True, 9),
    "rare": Family(partial(_rare, RARE_SHARE, 8), True),
    "rare_10": Family(partial(_rare, RARE_SHARE, 10), True),
    "rare1_10": Family(partial(_rare, 0.01, 10), True),
    "tutorial": Family(_tutorial, True, 3),
    "moons": Family(_moons, True, 2),
    "uneven": Family(_uneven, True, 2),
    "bridge": Family(_bridge, True),
}
"""The hard case is ``bridge``: its valley is real but shallow, and few tests of 1,000 rows a half see it."""
