"""Forecast what a sweep takes, from costs measured per reducer. Good to about a factor of two.

Figures: one core of a 2-core server; digits (1,797 × 16) and Fashion-MNIST (10,000 × 50), rows scaled by each
method's order of growth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from configs.grid import Configuration, Grid, expand_reducers
from configs.sweep import SweepConfig

START_SECONDS = 25
"""Server, imports, compilation, report."""

WORKER_BASE_GB = 0.45
"""Resident memory of a warm worker without data."""


@dataclass(frozen=True)
class Share:
    """What one axis of a sweep adds: its pictures, and the core-seconds they take."""

    cells: int
    cpu_seconds: float


@dataclass(frozen=True)
class Forecast:
    """What a sweep takes with nothing cached.

    Attributes
    ----------
    shares
        By axis: ``pictures`` of all rows, ``resamples``, ``nulls``.
    seconds
        On the clock.
    memory_gb
        Of all workers together.
    """

    shares: dict[str, Share]
    seconds: float
    memory_gb: float

    @property
    def cells(self) -> int:
        """Pictures of every kind."""
        return sum(share.cells for share in self.shares.values())

    @property
    def cpu_seconds(self) -> float:
        """Core-seconds of everything."""
        return sum(share.cpu_seconds for share in self.shares.values())


def forecast(config: SweepConfig, grid: Grid, rows: int, dimensions: int, workers: int) -> Forecast:
    """Forecast a sweep over data of so many rows and dimensions, none of it cached."""
    pictures = [
        (configuration, len(grid.seeds) if configuration.seeded else 1)
        for configuration in grid.configurations
        if configuration.unusable is None
    ]
    shares = {
        "pictures": _share(pictures, rows, dimensions, scored=True),
        "resamples": _resamples(config, grid, rows, dimensions),
        "nulls": _nulls(config, grid, rows, dimensions),
    }
    cpu_seconds = sum(share.cpu_seconds for share in shares.values())
    most = max((_cell_gigabytes(configuration, rows, dimensions) for configuration, _ in pictures), default=0.0)
    return Forecast(shares, START_SECONDS + cpu_seconds / workers, workers * (WORKER_BASE_GB + most))


def _resamples(config: SweepConfig, grid: Grid, rows: int, dimensions: int) -> Share:
    asked = config.resamples
    parts = [(2 * grid.pairs, rows // 2)]
    if not config.fast:
        parts += [(asked.subsamples, int(asked.share * rows)), (asked.bootstraps, int(BOOTSTRAP_SHARE * rows))]
    return _axis(
        config, grid, names=grid.resampled, parts=parts, seeds=len(asked.seeds), dimensions=dimensions, scored=False
    )


def _nulls(config: SweepConfig, grid: Grid, rows: int, dimensions: int) -> Share:
    parts = [(config.nulls.gaussian + config.nulls.copula, rows)]
    return _axis(
        config,
        grid,
        names=grid.on_nulls,
        parts=parts,
        seeds=len(config.nulls.seeds),
        dimensions=dimensions,
        scored=True,
    )


BOOTSTRAP_SHARE = 1 - math.exp(-1)
"""Share of the rows that a bootstrap hits."""


def _axis(
    config: SweepConfig,
    grid: Grid,
    *,
    names: Sequence[str],
    parts: Sequence[tuple[int, int]],
    seeds: int,
    dimensions: int,
    scored: bool,
) -> Share:
    """Add up so many sets of vectors of so many rows each, on which the named configurations are drawn."""
    cells, cpu_seconds = 0, 0.0
    for many, rows in parts:
        if many and rows and names:
            on_it = [one for one in expand_reducers(grid.reducers, config, rows)[0] if one.name in names]
            one = _share([(configuration, seeds) for configuration in on_it], rows, dimensions, scored=scored)
            cells += many * one.cells
            cpu_seconds += many * one.cpu_seconds
    return Share(cells, cpu_seconds)


def _share(cells: Sequence[tuple[Configuration, int]], rows: int, dimensions: int, *, scored: bool) -> Share:
    drawing = sum(_cell_seconds(configuration, rows) * count for configuration, count in cells)
    count = sum(number for _, number in cells)
    scoring = count * 1.4 * (min(rows, 2000 if rows > 5000 else rows) * rows / 2e7) if scored else 0.0
    searching = 1.6e-10 * rows**2 * dimensions + 1 if count else 0.0
    return Share(count, drawing + scoring + searching)


def _cell_seconds(configuration: Configuration, rows: int) -> float:
    if configuration.control:
        return 0.05
    if configuration.reducer == "umap":
        epochs = 500 if rows <= 10_000 else 200
        return 5.5e-5 * rows * min(30.0, float(configuration.parameter("n_neighbors"))) * epochs / 500
    if configuration.engine == "sklearn":
        return 4.3e-4 * rows * math.log2(rows)
    if configuration.method == "fft":
        return 10 + 4e-4 * rows
    if configuration.method == "exact":
        return 0.3 + 2e-4 * rows + 1.1e-7 * rows**2
    return 2.3e-4 * rows * math.log2(rows)


def _cell_gigabytes(configuration: Configuration, rows: int, dimensions: int) -> float:
    edges = 0.0
    if configuration.reducer == "tsne":
        edges = 1.6 * 3 * float(configuration.parameter("perplexity"))
    elif configuration.reducer == "umap":
        edges = 1.6 * float(configuration.parameter("n_neighbors"))
    bytes_per_edge = 12 * 3  # value and column, and two copies while the engine prepares them
    return rows * (edges * bytes_per_edge + dimensions * 8) / 1e9
