"""t-SNE for several pictures of one perplexity side by side: every seed, and every exaggeration, is a lane.

One pass over the affinities serves all lanes; the repulsion is a lane's own: of all pairs where there are few rows,
else from one potential on two grids (``potential_grid``). Arithmetic is lane by lane, so that a picture's bytes depend
on nothing but the affinities, its own settings and its seed.

The optimiser is openTSNE's: gains, momentum .8 throughout, learning rate rows / exaggeration, steps of at most 5.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numba
import numpy as np
import scipy.sparse

from steadymap.tasks.numerics.arrays import Float32, Float64, Int32
from steadymap.tasks.numerics.geometry.initialisation import tsne_start
from steadymap.tasks.numerics.reducers.exact_repulsion import exact_repulsion
from steadymap.tasks.numerics.reducers.interface import LANES, Material, Settings
from steadymap.tasks.numerics.reducers.lane_vectors import add, divide, fill, load, multiply, store, subtract
from steadymap.tasks.numerics.reducers.potential_grid import grid_repulsion

EARLY_EXAGGERATION = 12.0
EARLY_ITERATIONS = 250
ITERATIONS = 500
MOMENTUM = 0.8
LONGEST_STEP = 5.0
SMALLEST_GAIN = 0.01

SPACING = 0.35
"""Of the grid. Loss of 10,000 rows (Fashion-MNIST, perplexity 30): 1.515, at .4 1.529, at .5 1.545; openTSNE's FFT
1.53. The time is about the same."""

SMALLEST_TOTAL = 1e-12
"""Where all rows are on one spot there is no repulsion to divide by."""

Kernel = Callable[..., None]


def reduce(material: Material, settings: Settings) -> Float64:
    """Return a t-SNE picture, shape (n, dimension), drawn alone; see ``reduce_lanes``."""
    return reduce_lanes(material, [settings])[0]


def reduce_lanes(material: Material, settings: Sequence[Settings]) -> list[Float64]:
    """Return t-SNE pictures of the same affinities, each of shape (n, dimension).

    Parameters
    ----------
    material
        Joint probabilities and principal components.
    settings
        At most ``LANES``; dimension and method (``exact`` or ``grid``) in common.

    Source: van der Maaten & Hinton 2008; Linderman et al. 2019, doi:10.1038/s41592-018-0308-4; openTSNE (Poličar et
    al. 2024, doi:10.18637/jss.v109.i03) for the optimiser and its defaults.
    """
    optimiser, lanes = _begin(material, settings)
    late = [float(one.parameters["exaggeration"]) for one in lanes]
    early = [max(EARLY_EXAGGERATION, factor) for factor in late]
    rows = len(optimiser.pictures)
    optimiser.run(EARLY_ITERATIONS, early, _rates(lanes, early, rows))
    optimiser.run(ITERATIONS, late, _rates(lanes, late, rows))
    return [optimiser.pictures[:, :, lane].astype(np.float64) for lane in range(len(settings))]


def rehearse(material: Material, settings: Sequence[Settings]) -> None:
    """Take one step, so that all of it is compiled, or read from numba's cache."""
    optimiser, lanes = _begin(material, settings)
    optimiser.run(1, [1.0] * len(lanes), [1.0] * len(lanes))


def _begin(material: Material, settings: Sequence[Settings]) -> tuple[_Optimiser, list[Settings]]:
    """Put all lanes at their start; returns them, filled up to the width of a vector, and their settings."""
    assert material.affinities is not None and material.base is not None and len(settings) <= LANES
    width = LANES if len(settings) > LANES // 2 else LANES // 2
    lanes = [*settings, *[settings[-1]] * (width - len(settings))]
    base = np.asarray(material.base, dtype=np.float64)
    starts = [_start(base, one) for one in settings]
    starts += [starts[-1]] * (width - len(settings))
    pictures = np.ascontiguousarray(np.stack(starts, axis=-1), dtype=np.float32)
    return _Optimiser(pictures, len(settings), material.affinities, settings[0].method), lanes


def _start(base: Float64, settings: Settings) -> Float64:
    assert settings.seed is not None
    return tsne_start(base, settings.seed, init=str(settings.parameters["init"]), dimension=settings.dimension)


def _rates(lanes: Sequence[Settings], exaggerations: Sequence[float], rows: int) -> list[float]:
    """Return every lane's learning rate: as asked for, or rows / exaggeration (Belkina et al. 2019)."""
    asked = [one.parameters["learning_rate"] for one in lanes]
    return [rows / factor if rate == "auto" else float(rate) for rate, factor in zip(asked, exaggerations, strict=True)]


class _Optimiser:
    """Pictures on their way, in place, with gains and momentum.

    Parameters
    ----------
    pictures
        Coordinates, shape (n, dimension, lanes), the lanes beyond the ``wanted`` ones only there to fill vectors.
    wanted
        How many lanes are wanted.
    affinities
        Joint probabilities, shape (n, n).
    method
        ``exact`` or ``grid``.
    """

    def __init__(self, pictures: Float32, wanted: int, affinities: scipy.sparse.csr_matrix, method: str) -> None:
        self.pictures = pictures
        self.wanted = wanted
        self.exact = method == "exact"
        self.edges = (affinities.indptr, affinities.indices, affinities.data.astype(np.float32))
        self.attraction = np.empty_like(pictures)
        self.repulsion = np.zeros_like(pictures)
        self.update = np.zeros_like(pictures)
        self.gains = np.ones_like(pictures)
        self.totals = np.ones(pictures.shape[2])

    def run(self, iterations: int, exaggerations: Sequence[float], rates: Sequence[float]) -> None:
        """Take so many steps, each lane with its own exaggeration and learning rate."""
        _, dimension, width = self.pictures.shape
        attract = attraction_kernel(width, dimension)
        factors, steps = np.array(exaggerations, dtype=np.float32), np.array(rates, dtype=np.float32)
        for _ in range(iterations):
            attract(self.pictures.reshape(-1), *self.edges, self.attraction.reshape(-1))
            self._repel()
            _step(
                self.pictures,
                self.attraction,
                self.repulsion,
                self.totals,
                self.update,
                self.gains,
                factors,
                steps,
                self.wanted,
            )

    def _repel(self) -> None:
        force = np.empty(self.pictures.shape[:2], dtype=np.float32)
        for lane in range(self.wanted):
            picture = np.ascontiguousarray(self.pictures[:, :, lane])
            total = exact_repulsion(picture, force) if self.exact else grid_repulsion(picture, SPACING, force)
            self.repulsion[:, :, lane] = force
            self.totals[lane] = max(total, SMALLEST_TOTAL)


@functools.cache
def attraction_kernel(width: int, dimension: int) -> Kernel:
    """Compile the attraction for so many lanes and dimensions, or read it from numba's cache on disk."""
    deep, stride, third = dimension == 3, dimension * width, 2 * width

    @numba.njit(cache=True, error_model="numpy")
    def attract(pictures: Float32, indptr: Int32, indices: Int32, weights: Float32, force: Float32) -> None:
        """Fill Σⱼ pᵢⱼ wᵢⱼ (yᵢ − yⱼ) of every lane; flat arrays of (row, dimension, lane)."""
        one, zero = fill(np.float32(1), width), fill(np.float32(0), width)
        for row in range(len(indptr) - 1):
            here = row * stride
            x, y = load(pictures, here, width), load(pictures, here + width, width)
            force_x, force_y = zero, zero
            if deep:
                z, force_z = load(pictures, here + third, width), zero
            for edge in range(indptr[row], indptr[row + 1]):
                there = np.int64(indices[edge]) * stride
                along_x = subtract(x, load(pictures, there, width))
                along_y = subtract(y, load(pictures, there + width, width))
                apart = add(one, add(multiply(along_x, along_x), multiply(along_y, along_y)))
                if deep:
                    along_z = subtract(z, load(pictures, there + third, width))
                    apart = add(apart, multiply(along_z, along_z))
                pull = divide(fill(weights[edge], width), apart)
                force_x, force_y = add(force_x, multiply(pull, along_x)), add(force_y, multiply(pull, along_y))
                if deep:
                    force_z = add(force_z, multiply(pull, along_z))
            store(force, here, force_x)
            store(force, here + width, force_y)
            if deep:
                store(force, here + third, force_z)

    compiled: Kernel = attract
    return compiled


@numba.njit(cache=True, error_model="numpy")
def _step(
    pictures: Float32,
    attraction: Float32,
    repulsion: Float32,
    totals: Float64,
    update: Float32,
    gains: Float32,
    exaggerations: Float32,
    rates: Float32,
    wanted: int,
) -> None:
    """Take one step of openTSNE's optimiser in every wanted lane, and put each picture's mean at the origin."""
    rows, dimension, _ = pictures.shape
    faster, slower, least = np.float32(0.2), np.float32(0.8), np.float32(SMALLEST_GAIN)
    momentum, longest = np.float32(MOMENTUM), np.float32(LONGEST_STEP)
    means = np.zeros((dimension, wanted))
    for row in range(rows):
        for lane in range(wanted):
            length = np.float32(0)
            share = np.float32(1 / totals[lane])
            for axis in range(dimension):
                pull, push = attraction[row, axis, lane], repulsion[row, axis, lane]
                gradient = exaggerations[lane] * pull - share * push
                before, gain = update[row, axis, lane], gains[row, axis, lane]
                onward = np.sign(before) != np.sign(gradient)
                gain = gain + faster if onward else gain * slower + least
                now = momentum * before - rates[lane] * gain * gradient
                gains[row, axis, lane], update[row, axis, lane] = gain, now
                length += now * now
            short = np.float32(1) if length <= longest * longest else longest / np.sqrt(length)
            for axis in range(dimension):
                now = update[row, axis, lane] * short
                update[row, axis, lane] = now
                pictures[row, axis, lane] += now
                means[axis, lane] += pictures[row, axis, lane]
    for row in range(rows):
        for axis in range(dimension):
            for lane in range(wanted):
                pictures[row, axis, lane] -= np.float32(means[axis, lane] / rows)
