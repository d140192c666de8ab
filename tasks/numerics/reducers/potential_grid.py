"""The repulsion of t-SNE from one potential on two grids.

With φ(y) = Σⱼ 1/(1 + |y − yⱼ|²) the repulsion Σⱼ wᵢⱼ² (yᵢ − yⱼ) is −∇φ(yᵢ)/2, and Z = Σᵢ φ(yᵢ) − n. So one charge
a row and one kernel do, where interpolation of the force (Linderman et al. 2019, doi:10.1038/s41592-018-0308-4)
convolves four charges with the squared kernel.

Charges are spread with cubic B-splines, convolved by FFT, and potential and force are read off the smooth spline; the
kernel's transform is divided by that of both splines. The kernel is split (Ewald 1921): what is left of it within
``REACH`` goes to the fine grid, which then needs no padding beyond that reach; the rest is smooth and goes to a grid
with ``COARSER`` times the spacing. Two small transforms stand in for one of four times the cells, at the same error.
"""

from __future__ import annotations

import functools

import numba
import numpy as np
import scipy.fft

from steadymap.tasks.numerics.arrays import Float32, Float64
from steadymap.tasks.numerics.reducers.lane_vectors import add, fill, load, multiply, store

SPLIT = 0.2
"""Share exp(−SPLIT (1 + r²)) of the kernel is short-ranged: at ``REACH`` one thousandth is left."""

REACH = 5.5
COARSER = 4
TAPS = 4
"""Grid points on which a cubic B-spline is not 0, along each axis."""

FEW_CELLS = 10
"""A picture that is no wider gets a grid four times finer, which costs nothing: its rows share few cells, so that what
is wrong in one does not average out."""

MARGIN = 10
"""Grid points between what holds charge and where a periodic kernel turns, which a spline feels some points away."""

ONE_GRID_UP_TO = 48
"""Cells along an axis: of a picture that is no wider, one padded grid costs less than two."""

GROWTH = 1.04
"""A grid grows in such steps, so that few kernels are needed while a picture grows."""


def grid_repulsion(coordinates: Float32, spacing: float, force: Float32) -> float:
    """Fill the repulsion of every row, without the factor 1/Z, and return Z.

    Parameters
    ----------
    coordinates
        The picture, shape (n, 2 or 3).
    spacing
        Spacing of the fine grid. Against all pairs the force of a spread-out picture is off by .012 at .35, .02 at .4,
        .05 at .5 (root mean square, relative).
    force
        Filled with Σⱼ wᵢⱼ² (yᵢ − yⱼ), shape (n, 2 or 3).
    """
    low, high = _bounds(coordinates)
    extent = float((high - low).max())
    force[:] = 0
    if extent < FEW_CELLS * spacing:
        spacing /= 4
    cells = _cells(extent, spacing)
    if cells <= ONE_GRID_UP_TO:
        total = _add("whole", coordinates, low, spacing, cells, 2 * (cells + MARGIN), force)
    else:
        total = _add("near", coordinates, low, spacing, cells, cells + int(np.ceil(REACH / spacing)), force)
        wide = COARSER * spacing
        coarse = _cells(extent, wide)
        total += _add("far", coordinates, low, wide, coarse, 2 * (coarse + MARGIN), force)
    # What pairs do to each other adds up to nothing; what is left over is the grid's, the same for rows in one cell.
    _centre(force)
    return total - len(coordinates)


def _cells(extent: float, spacing: float) -> int:
    """Return the grid points along an axis that hold charge."""
    return int(extent / spacing) + TAPS + 1


def _add(
    part: str, coordinates: Float32, low: Float32, spacing: float, cells: int, least: int, force: Float32
) -> float:
    """Add a part of the kernel to the force, and return the sum of its potential over all rows."""
    dimension, size = coordinates.shape[1], _roomy(least)
    grid = np.zeros((*(cells,) * (dimension - 1), size), dtype=np.float32)
    spread, read_off = (_spread_flat, _read_flat) if dimension == 2 else (_spread_deep, _read_deep)
    per = np.float32(1 / spacing)
    spread(coordinates, low, per, grid.reshape(-1), cells, size)
    potential = _convolve(grid, size, kernel_transform(part, size, spacing, dimension))
    return float(read_off(coordinates, low, per, potential.reshape(-1), cells, size, force))


def _convolve(grid: Float32, size: int, transform: Float32) -> Float32:
    """Convolve with a periodic kernel; only lines that hold charge are transformed, and only those come back."""
    across = range(grid.ndim - 1)
    wave = scipy.fft.rfft(grid, axis=-1)
    for axis in reversed(across):
        wave = scipy.fft.fft(wave, n=size, axis=axis, overwrite_x=True)
    wave *= transform
    for axis in across:
        wave = scipy.fft.ifft(wave, axis=axis, overwrite_x=True)
        wave = wave[tuple(slice(grid.shape[0]) if one == axis else slice(None) for one in range(grid.ndim))]
    return np.ascontiguousarray(scipy.fft.irfft(wave, n=size, axis=-1))


@functools.cache
def _sizes() -> tuple[int, ...]:
    """Return even sizes whose transforms are fast, each about 4 % above the one before."""
    sizes = [16]
    while sizes[-1] < 100_000:
        half = scipy.fft.next_fast_len(int(np.ceil(sizes[-1] * GROWTH / 2)), real=True)
        sizes.append(2 * max(half, sizes[-1] // 2 + 1))
    return tuple(sizes)


def _roomy(least: int) -> int:
    return next(size for size in _sizes() if size >= least)


@functools.lru_cache(maxsize=64)
def kernel_transform(part: str, size: int, spacing: float, dimension: int) -> Float32:
    """Return the transform of a part of 1/(1 + r²) on a periodic grid, divided by that of both splines.

    Parameters
    ----------
    part
        ``whole``, or of its split ``near`` (times exp(−SPLIT (1 + r²))) or ``far`` (the rest).
    size
        Grid points along each axis, even.

    Shape (size, …, size // 2 + 1).
    """
    half = size // 2
    squared: Float64 = np.zeros((1,) * dimension)
    spline: Float64 = np.ones((1,) * dimension)
    for axis in range(dimension):
        shape = [-1 if one == axis else 1 for one in range(dimension)]
        squared = squared + ((np.arange(half + 1) * spacing) ** 2).reshape(shape)
        spline = spline * (np.sinc(np.arange(half + 1) / size) ** (2 * TAPS)).reshape(shape)
    near = np.exp(-SPLIT * (1 + squared))
    share = {"whole": np.ones_like(near), "near": near, "far": 1 - near}[part]
    # The transform of an even sequence is the cosine transform of its first half.
    quarter = scipy.fft.dctn(share / (1 + squared), type=1) / spline
    mirrored = np.minimum(np.arange(size), size - np.arange(size))
    places = np.ix_(*[mirrored] * (dimension - 1), np.arange(half + 1))
    return np.ascontiguousarray(quarter[places], dtype=np.float32)


@numba.njit(cache=True, error_model="numpy")
def _bounds(coordinates: Float32) -> tuple[Float32, Float32]:
    """Return the lowest and highest coordinate along each axis; NumPy takes ten times as long over two columns."""
    low, high = coordinates[0].copy(), coordinates[0].copy()
    for row in range(1, len(coordinates)):
        for axis in range(len(low)):
            low[axis] = min(low[axis], coordinates[row, axis])
            high[axis] = max(high[axis], coordinates[row, axis])
    return low, high


@numba.njit(cache=True, error_model="numpy")
def _centre(force: Float32) -> None:
    """Take the mean of every column from it."""
    total = np.zeros(force.shape[1])
    for row in range(len(force)):
        for axis in range(len(total)):
            total[axis] += force[row, axis]
    mean = (total / len(force)).astype(np.float32)
    for row in range(len(force)):
        for axis in range(len(total)):
            force[row, axis] -= mean[axis]


@numba.njit(cache=True, error_model="numpy")
def _spline(t: np.float32, value: Float32) -> None:
    """Fill the four values of the cubic B-spline at a place t in [0, 1) of a cell."""
    u = np.float32(1) - t
    sixth, two_thirds = np.float32(1 / 6), np.float32(2 / 3)
    value[0] = sixth * u * u * u
    value[1] = np.float32(0.5) * t * t * t - t * t + two_thirds
    value[2] = np.float32(0.5) * u * u * u - u * u + two_thirds
    value[3] = sixth * t * t * t


@numba.njit(cache=True, error_model="numpy")
def _slope(t: np.float32, value: Float32) -> None:
    """Fill the slopes of the same four."""
    u, half = np.float32(1) - t, np.float32(0.5)
    value[0] = -half * u * u
    value[1] = np.float32(1.5) * t * t - np.float32(2) * t
    value[2] = np.float32(2) * u - np.float32(1.5) * u * u
    value[3] = half * t * t


@numba.njit(cache=True, error_model="numpy")
def _spread_flat(coordinates: Float32, low: Float32, per: np.float32, grid: Float32, cells: int, size: int) -> None:
    """Add a charge of 1 a row to a flat grid of lines of ``size``."""
    along, across = np.empty(TAPS, np.float32), np.empty(TAPS, np.float32)
    for row in range(len(coordinates)):
        x, y = (coordinates[row, 0] - low[0]) * per, (coordinates[row, 1] - low[1]) * per
        a, b = np.int64(x), np.int64(y)
        _spline(x - np.float32(a), along)
        _spline(y - np.float32(b), across)
        weights = load(across, 0, TAPS)
        for p in range(TAPS):
            place = (a + p) * size + b
            store(grid, place, add(load(grid, place, TAPS), multiply(fill(along[p], TAPS), weights)))


@numba.njit(cache=True, error_model="numpy")
def _read_flat(
    coordinates: Float32, low: Float32, per: np.float32, potential: Float32, cells: int, size: int, force: Float32
) -> float:
    """Add −∇φ/2 to the force and return Σ φ."""
    along, across = np.empty(TAPS, np.float32), np.empty(TAPS, np.float32)
    slope_x, slope_y = np.empty(TAPS, np.float32), np.empty(TAPS, np.float32)
    values, slopes = np.empty(TAPS, np.float32), np.empty(TAPS, np.float32)
    total, scale = np.float64(0), np.float32(-0.5) * per
    for row in range(len(coordinates)):
        x, y = (coordinates[row, 0] - low[0]) * per, (coordinates[row, 1] - low[1]) * per
        a, b = np.int64(x), np.int64(y)
        _spline(x - np.float32(a), along)
        _spline(y - np.float32(b), across)
        _slope(x - np.float32(a), slope_x)
        _slope(y - np.float32(b), slope_y)
        value, slope = fill(np.float32(0), TAPS), fill(np.float32(0), TAPS)
        for p in range(TAPS):
            line = load(potential, (a + p) * size + b, TAPS)
            value = add(value, multiply(fill(along[p], TAPS), line))
            slope = add(slope, multiply(fill(slope_x[p], TAPS), line))
        store(values, 0, value)
        store(slopes, 0, slope)
        phi, by_x, by_y = np.float32(0), np.float32(0), np.float32(0)
        for q in range(TAPS):
            phi += values[q] * across[q]
            by_x += slopes[q] * across[q]
            by_y += values[q] * slope_y[q]
        total += phi
        force[row, 0] += scale * by_x
        force[row, 1] += scale * by_y
    return float(total)


@numba.njit(cache=True, error_model="numpy")
def _spread_deep(coordinates: Float32, low: Float32, per: np.float32, grid: Float32, cells: int, size: int) -> None:
    """Add a charge of 1 a row to a grid of ``cells`` planes and lines of ``size``."""
    weights = np.empty((3, TAPS), np.float32)
    corner = np.empty(3, np.int64)
    for row in range(len(coordinates)):
        for axis in range(3):
            place = (coordinates[row, axis] - low[axis]) * per
            corner[axis] = np.int64(place)
            _spline(place - np.float32(corner[axis]), weights[axis])
        last = load(weights[2], 0, TAPS)
        for p in range(TAPS):
            for q in range(TAPS):
                at = ((corner[0] + p) * cells + corner[1] + q) * size + corner[2]
                both = fill(weights[0, p] * weights[1, q], TAPS)
                store(grid, at, add(load(grid, at, TAPS), multiply(both, last)))


@numba.njit(cache=True, error_model="numpy")
def _read_deep(
    coordinates: Float32, low: Float32, per: np.float32, potential: Float32, cells: int, size: int, force: Float32
) -> float:
    """Add −∇φ/2 to the force and return Σ φ."""
    weights, slopes = np.empty((3, TAPS), np.float32), np.empty((3, TAPS), np.float32)
    corner, lines = np.empty(3, np.int64), np.empty((3, TAPS), np.float32)
    total, scale = np.float64(0), np.float32(-0.5) * per
    for row in range(len(coordinates)):
        for axis in range(3):
            place = (coordinates[row, axis] - low[axis]) * per
            corner[axis] = np.int64(place)
            _spline(place - np.float32(corner[axis]), weights[axis])
            _slope(place - np.float32(corner[axis]), slopes[axis])
        value, by_x, by_y = fill(np.float32(0), TAPS), fill(np.float32(0), TAPS), fill(np.float32(0), TAPS)
        for p in range(TAPS):
            for q in range(TAPS):
                line = load(potential, ((corner[0] + p) * cells + corner[1] + q) * size + corner[2], TAPS)
                value = add(value, multiply(fill(weights[0, p] * weights[1, q], TAPS), line))
                by_x = add(by_x, multiply(fill(slopes[0, p] * weights[1, q], TAPS), line))
                by_y = add(by_y, multiply(fill(weights[0, p] * slopes[1, q], TAPS), line))
        store(lines[0], 0, value)
        store(lines[1], 0, by_x)
        store(lines[2], 0, by_y)
        for q in range(TAPS):
            total += lines[0, q] * weights[2, q]
            force[row, 0] += scale * lines[1, q] * weights[2, q]
            force[row, 1] += scale * lines[2, q] * weights[2, q]
            force[row, 2] += scale * lines[0, q] * slopes[2, q]
    return float(total)
