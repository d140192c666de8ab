"""UMAP's layout for several pictures of one graph side by side: every seed and every min_dist is a lane.

The schedule of edges depends on the graph alone, so one pass over it serves all lanes. A lane has its own start, its
own random rows and its own gradients; arithmetic is lane by lane (``lane_vectors``), so that a picture's bytes depend
on nothing but the graph, its own settings and its seed.

What differs from umap-learn: gradient factors are read from a table over the leading bits of the squared distance (the
seven bits of mantissa that are kept leave 0.4 % at most), coordinates are single precision throughout, and a random row
comes from a generator of the lane's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from steadymap.tasks.numerics.arrays import Float32, Float64, Int32
from steadymap.tasks.numerics.geometry.fuzzy_graph import default_epochs
from steadymap.tasks.numerics.geometry.umap_curve import curve_parameters
from steadymap.tasks.numerics.randomness import stream
from steadymap.tasks.numerics.reducers.interface import LANES, Material, Settings
from steadymap.tasks.numerics.reducers.lane_vectors import (
    add,
    draw_below,
    fill,
    larger,
    load,
    load_rows,
    look_up,
    multiply,
    scramble,
    smaller,
    store,
    subtract,
)

START_EXTENT = 10.0
START_NOISE = 1e-4
NEGATIVE_SAMPLES = 5
LARGEST_GRADIENT = 4.0
"""umap-learn's own."""

MANTISSA = 7
LOWEST, HIGHEST = -20, 14
"""Squared distances from 2⁻²⁰ to 2¹⁴ are told apart; at 10⁻³ and below a gradient is clipped or constant, and no
picture of UMAP is 128 wide at the distances where factors still move anything."""

FIRST = (127 + LOWEST) << MANTISSA
ENTRIES = (HIGHEST - LOWEST) << MANTISSA
SHIFT = 23 - MANTISSA

Kernel = Callable[..., None]
UInt32 = NDArray[np.uint32]


def reduce(material: Material, settings: Settings) -> Float64:
    """Return a UMAP picture, shape (n, dimension), drawn alone; see ``reduce_lanes``."""
    return reduce_lanes(material, [settings])[0]


def reduce_lanes(material: Material, settings: Sequence[Settings]) -> list[Float64]:
    """Return UMAP pictures of one graph, each of shape (n, dimension).

    Parameters
    ----------
    material
        The graph, and the base that those start from whose init is not ``random``.
    settings
        At most ``LANES``; dimension and init in common.

    Source: McInnes, Healy & Melville 2018, arXiv:1802.03426; schedule, learning rate, negative samples and clipping
    as umap-learn has them.
    """
    assert material.fuzzy_graph is not None and len(settings) <= LANES
    rows, dimension = len(material.working), settings[0].dimension
    width = LANES if len(settings) > LANES // 2 else LANES // 2
    lanes = [*settings, *[settings[-1]] * (width - len(settings))]
    starts = [_start(material, one) for one in settings]
    coordinates = np.stack([*starts, *[starts[-1]] * (width - len(starts))], axis=-1).astype(np.float32)
    flat = np.ascontiguousarray(coordinates).reshape(-1)
    head, tail, period, epochs = schedule(material.fuzzy_graph)
    distances = list(dict.fromkeys(float(one.parameters["min_dist"]) for one in lanes))
    attraction, repulsion = _tables(distances)
    tables = np.array([distances.index(float(one.parameters["min_dist"])) * ENTRIES for one in lanes], dtype=np.uint32)
    states = np.array([_random_state(one) for one in lanes], dtype=np.uint32)
    advance = layout_kernel(width, dimension)
    advance(flat, rows, head, tail, period, epochs, attraction, repulsion, tables, states)
    pictures = flat.reshape(rows, dimension, width)
    return [pictures[:, :, lane].astype(np.float64) for lane in range(len(settings))]


def schedule(graph: scipy.sparse.csr_matrix) -> tuple[Int32, Int32, Float64, int]:
    """Return both ends of every edge, the epochs from one use to the next, and the number of epochs.

    Edges that would not be used once are left out.
    """
    epochs = default_epochs(graph.shape[0])
    edges = graph.tocoo()
    strong = edges.data >= edges.data.max() / epochs
    period = edges.data.max() / edges.data[strong].astype(np.float64)
    return edges.row[strong].astype(np.int32), edges.col[strong].astype(np.int32), period, epochs


def _start(material: Material, settings: Settings) -> Float64:
    """Return where a lane starts: the base, or random, moved by the seed's noise and scaled to 10 a side."""
    assert settings.seed is not None
    random_state = np.random.RandomState(settings.seed)
    rows = len(material.working)
    if settings.parameters["init"] == "random":
        start = random_state.uniform(low=-START_EXTENT, high=START_EXTENT, size=(rows, settings.dimension))
    else:
        assert material.base is not None
        base = np.array(material.base[:, : settings.dimension], dtype=np.float64)
        noise = random_state.normal(scale=START_NOISE, size=base.shape)
        start = START_EXTENT / np.abs(base).max() * base + noise
    low, high = start.min(axis=0), start.max(axis=0)
    return np.asarray(START_EXTENT * (start - low) / (high - low))


def _random_state(settings: Settings) -> int:
    """Return where a lane's generator starts: the seed's own place, the same for every min_dist; never 0."""
    assert settings.seed is not None
    return int(stream("umap negative samples", settings.seed).integers(1, 2**32))


def factors(squared: Float64, min_dist: float) -> tuple[Float64, Float64]:
    """Return the factors of attraction and repulsion by which UMAP moves two rows along their difference.

    −2ab d^(2b−2) / (1 + a d^(2b)) and 2b / ((0.001 + d²)(1 + a d^(2b))); shape (m,).
    """
    a, b = curve_parameters(min_dist)
    attraction = -2 * a * b * squared ** (b - 1) / (1 + a * squared**b)
    return attraction, 2 * b / ((0.001 + squared) * (1 + a * squared**b))


def _tables(distances: Sequence[float]) -> tuple[Float32, Float32]:
    """Tabulate the factors of every min_dist over the middles of the ranges that leading bits tell apart."""
    leading = np.arange(FIRST, FIRST + ENTRIES, dtype=np.uint32)
    middles = ((leading << SHIFT) + (1 << (SHIFT - 1))).astype(np.uint32).view(np.float32).astype(np.float64)
    both = [factors(middles, min_dist) for min_dist in distances]
    return (
        np.concatenate([attraction for attraction, _ in both]).astype(np.float32),
        np.concatenate([repulsion for _, repulsion in both]).astype(np.float32),
    )


@numba.njit(cache=True, error_model="numpy")
def _clipped(factor: Any, along: Any, least: Any, most: Any, rate: Any) -> Any:
    """Return the step along one axis: the gradient, clipped, times the learning rate."""
    return multiply(smaller(larger(multiply(factor, along), least), most), rate)


@functools.cache
def layout_kernel(width: int, dimension: int) -> Kernel:
    """Compile the layout for so many lanes and dimensions, or read it from numba's cache on disk."""
    deep, stride, third = dimension == 3, dimension * width, 2 * width

    @numba.njit(cache=True, error_model="numpy")
    def advance(
        places: Float32,
        rows: int,
        head: Int32,
        tail: Int32,
        period: Float64,
        epochs: int,
        attraction: Float32,
        repulsion: Float32,
        tables: UInt32,
        states: UInt32,
    ) -> None:
        """Move all lanes of flat coordinates (row, dimension, lane) through every epoch, in place."""
        due, negative_period = period.copy(), period / NEGATIVE_SAMPLES
        negative_due = negative_period.copy()
        random, table, count = load(states, 0, width), load(tables, 0, width), np.uint64(rows)
        low, high = fill(np.float32(-LARGEST_GRADIENT), width), fill(np.float32(LARGEST_GRADIENT), width)
        least, most = fill(np.float32(2.0**LOWEST), width), fill(np.float32((1 - 2.0**-24) * 2.0**HIGHEST), width)
        for epoch in range(epochs):
            rate = fill(np.float32(1.0 - epoch / epochs), width)
            for edge in range(len(period)):
                if due[edge] > epoch:
                    continue
                one, other = np.int64(head[edge]) * stride, np.int64(tail[edge]) * stride
                x, y = load(places, one, width), load(places, one + width, width)
                other_x, other_y = load(places, other, width), load(places, other + width, width)
                along_x, along_y = subtract(x, other_x), subtract(y, other_y)
                squared = add(multiply(along_x, along_x), multiply(along_y, along_y))
                if deep:
                    z, other_z = load(places, one + third, width), load(places, other + third, width)
                    along_z = subtract(z, other_z)
                    squared = add(squared, multiply(along_z, along_z))
                factor = look_up(attraction, smaller(larger(squared, least), most), table, SHIFT, FIRST)
                move_x, move_y = _clipped(factor, along_x, low, high, rate), _clipped(factor, along_y, low, high, rate)
                x, y = add(x, move_x), add(y, move_y)
                store(places, other, subtract(other_x, move_x))
                store(places, other + width, subtract(other_y, move_y))
                if deep:
                    move_z = _clipped(factor, along_z, low, high, rate)
                    z = add(z, move_z)
                    store(places, other + third, subtract(other_z, move_z))
                due[edge] += period[edge]
                samples = int((epoch - negative_due[edge]) / negative_period[edge])
                for _ in range(samples):
                    random = scramble(random)
                    drawn = draw_below(random, count)
                    along_x = subtract(x, load_rows(places, drawn, stride, 0))
                    along_y = subtract(y, load_rows(places, drawn, stride, width))
                    squared = add(multiply(along_x, along_x), multiply(along_y, along_y))
                    if deep:
                        along_z = subtract(z, load_rows(places, drawn, stride, third))
                        squared = add(squared, multiply(along_z, along_z))
                    factor = look_up(repulsion, smaller(larger(squared, least), most), table, SHIFT, FIRST)
                    x, y = (
                        add(x, _clipped(factor, along_x, low, high, rate)),
                        add(y, _clipped(factor, along_y, low, high, rate)),
                    )
                    if deep:
                        z = add(z, _clipped(factor, along_z, low, high, rate))
                negative_due[edge] += samples * negative_period[edge]
                store(places, one, x)
                store(places, one + width, y)
                if deep:
                    store(places, one + third, z)

    compiled: Kernel = advance
    return compiled
