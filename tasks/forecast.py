"""Forecast what a sweep takes, from costs measured per reducer. Good to about a factor of two.

Figures: one core of a 2-core server; digits (1,797 × 16) and Fashion-MNIST (10,000 × 50), rows scaled by each
method's order of growth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from configs.grid import Configuration

START_SECONDS = 25
"""Server, imports, compilation, report."""

WORKER_BASE_GB = 0.45
"""Resident memory of a warm worker without data."""


@dataclass(frozen=True)
class Forecast:
    """Core-seconds of all cells, seconds on the clock, and gigabytes that all workers take together."""

    cpu_seconds: float
    seconds: float
    memory_gb: float


def forecast(configurations: Sequence[Configuration], seeds: int, rows: int, dimensions: int, workers: int) -> Forecast:
    """Forecast the usable cells of a grid, none of them cached."""
    usable = [configuration for configuration in configurations if configuration.unusable is None]
    cells = [(configuration, seeds if configuration.seeded else 1) for configuration in usable]
    drawing = sum(_cell_seconds(configuration, rows) * count for configuration, count in cells)
    count = sum(number for _, number in cells)
    scoring = count * 1.4 * (min(rows, 2000 if rows > 5000 else rows) * rows / 2e7)
    searching = 1.6e-10 * rows**2 * dimensions + 1
    cpu_seconds = drawing + scoring + searching
    most = max((_cell_gigabytes(configuration, rows, dimensions) for configuration in usable), default=0.0)
    return Forecast(cpu_seconds, START_SECONDS + cpu_seconds / workers, workers * (WORKER_BASE_GB + most))


def _cell_seconds(configuration: Configuration, rows: int) -> float:
    if configuration.reducer == "pca":
        return 0.05
    if configuration.reducer == "umap":
        epochs = 500 if rows <= 10_000 else 200
        return 5.5e-5 * rows * min(30.0, float(configuration.parameter("n_neighbors"))) * epochs / 500
    if configuration.engine == "sklearn":
        return 4.3e-4 * rows * math.log2(rows)
    if configuration.method == "fft":
        return 10 + 4e-4 * rows
    return 2.3e-4 * rows * math.log2(rows)


def _cell_gigabytes(configuration: Configuration, rows: int, dimensions: int) -> float:
    edges = 0.0
    if configuration.reducer == "tsne":
        edges = 1.6 * 3 * float(configuration.parameter("perplexity"))
    elif configuration.reducer == "umap":
        edges = 1.6 * float(configuration.parameter("n_neighbors"))
    bytes_per_edge = 12 * 3  # value and column, and two copies while the engine prepares them
    return rows * (edges * bytes_per_edge + dimensions * 8) / 1e9
