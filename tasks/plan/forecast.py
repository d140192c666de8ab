"""Forecast what a sweep takes, from costs measured per reducer. Good to about a factor of two.

Figures: one core of a 2-core server; digits (1,797 × 16) and Fashion-MNIST (10,000 × 50), rows scaled by each
method's order of growth. Pictures that this machine has drawn before correct them, by their median.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steadymap.configs.grid import CONTROLS, Configuration, Grid, expand_reducers
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.numerics.geometry.inverted_lists import EXACT_UP_TO
from steadymap.tasks.plan.measured_costs import CostOfCell, Costs

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
    measured
        Pictures that this machine has drawn before, by whose cost it is corrected; of other kinds it is not.
    """

    shares: dict[str, Share]
    seconds: float
    memory_gb: float
    measured: int = 0

    @property
    def cells(self) -> int:
        """Pictures of every kind."""
        return sum(share.cells for share in self.shares.values())

    @property
    def cpu_seconds(self) -> float:
        """Core-seconds of everything."""
        return sum(share.cpu_seconds for share in self.shares.values())


@dataclass(frozen=True)
class Machine:
    """How this machine's costs compare with the figures here.

    Attributes
    ----------
    time, memory
        By reducer, engine and method: typical CPU-seconds, and most memory, of a picture over what is expected.
    pictures
        How many of a kind were measured.
    """

    time: Mapping[Kind, float]
    memory: Mapping[Kind, float]
    pictures: Mapping[Kind, int]


Kind = tuple[str, str, str]

FEWEST_PICTURES = 3
"""Fewer pictures of a kind correct nothing."""

SIMILAR_ROWS = 3.0
"""Pictures of up to so many times more or fewer rows count alone where there are enough: others stretch the growth."""


def compare_machine(costs: Costs, rows: int) -> Machine:
    """Compare what pictures took here with what is expected of them, for a forecast over so many rows."""
    kinds: dict[Kind, list[CostOfCell]] = {}
    for one in costs.drawn:
        kinds.setdefault(_kind(one.configuration), []).append(one)
    near = {kind: _of_similar_size(drawn, rows) for kind, drawn in kinds.items() if len(drawn) >= FEWEST_PICTURES}
    time = {
        kind: statistics.median(one.cpu_seconds / _cell_seconds(one.configuration, one.rows) for one in drawn)
        for kind, drawn in near.items()
    }
    memory = {
        kind: max(
            one.memory_gb / (WORKER_BASE_GB + _cell_gigabytes(one.configuration, one.rows, one.dimensions))
            for one in drawn
        )
        for kind, drawn in near.items()
    }
    return Machine(time, memory, {kind: len(drawn) for kind, drawn in near.items()})


def _of_similar_size(drawn: list[CostOfCell], rows: int) -> list[CostOfCell]:
    similar = [one for one in drawn if 1 / SIMILAR_ROWS <= one.rows / rows <= SIMILAR_ROWS]
    return similar if len(similar) >= FEWEST_PICTURES else drawn


def _kind(configuration: Configuration) -> Kind:
    """Return what pictures are compared by: their costs grow alike."""
    return configuration.reducer, configuration.engine, configuration.method


AS_MEASURED_ELSEWHERE = Machine({}, {}, {})


def forecast(
    config: SweepConfig, grid: Grid, size: tuple[int, int], workers: int, machine: Machine = AS_MEASURED_ELSEWHERE
) -> Forecast:
    """Forecast a sweep over data of so many rows and dimensions (``size``), none of it cached."""
    rows, dimensions = size
    pictures = [
        (configuration, len(grid.seeds) if configuration.seeded else 1)
        for configuration in grid.configurations
        if configuration.unusable is None
    ]
    costing = _Costing(config, grid, dimensions, machine)
    shares = {
        "pictures": costing.share(pictures, rows, scored=True),
        "resamples": costing.resamples(rows),
        "nulls": costing.nulls(rows),
    }
    cpu_seconds = sum(share.cpu_seconds for share in shares.values())
    most = max((costing.gigabytes(configuration, rows) for configuration, _ in pictures), default=WORKER_BASE_GB)
    drawn = {_kind(configuration) for configuration, _ in pictures}
    measured = sum(machine.pictures[kind] for kind in drawn & set(machine.time) if kind[0] not in CONTROLS)
    return Forecast(shares, START_SECONDS + cpu_seconds / workers, workers * most, measured)


BOOTSTRAP_SHARE = 1 - math.exp(-1)
"""Share of the rows that a bootstrap hits."""


@dataclass(frozen=True)
class _Costing:
    """Adds up what parts of a sweep cost on a machine."""

    config: SweepConfig
    grid: Grid
    dimensions: int
    machine: Machine

    def resamples(self, rows: int) -> Share:
        asked = self.config.resamples
        parts = [(2 * self.grid.pairs, rows // 2)]
        if not self.config.fast:
            parts += [(asked.subsamples, int(asked.share * rows)), (asked.bootstraps, int(BOOTSTRAP_SHARE * rows))]
        return self._axis(self.grid.resampled, parts, len(asked.seeds), scored=False)

    def nulls(self, rows: int) -> Share:
        asked = self.config.nulls
        return self._axis(self.grid.on_nulls, [(asked.gaussian + asked.copula, rows)], len(asked.seeds), scored=True)

    def _axis(self, names: Sequence[str], parts: Sequence[tuple[int, int]], seeds: int, *, scored: bool) -> Share:
        """Add up so many sets of vectors of so many rows each, on which the named configurations are drawn."""
        cells, cpu_seconds = 0, 0.0
        for many, rows in parts:
            if many and rows and names:
                on_it = [one for one in expand_reducers(self.grid.reducers, self.config, rows)[0] if one.name in names]
                one = self.share([(configuration, seeds) for configuration in on_it], rows, scored=scored)
                cells += many * one.cells
                cpu_seconds += many * one.cpu_seconds
        return Share(cells, cpu_seconds)

    def share(self, cells: Sequence[tuple[Configuration, int]], rows: int, *, scored: bool) -> Share:
        """Add up pictures of so many rows, so many of each configuration, and what comes with them."""
        drawing = sum(self._seconds(configuration, rows) * count for configuration, count in cells)
        count = sum(number for _, number in cells)
        scoring = count * 1.4 * (min(rows, 2000 if rows > 5000 else rows) * rows / 2e7) if scored else 0.0
        searching = _search_seconds(rows, self.dimensions) if count else 0.0
        return Share(count, drawing + scoring + searching)

    def _seconds(self, configuration: Configuration, rows: int) -> float:
        return _cell_seconds(configuration, rows) * self.machine.time.get(_kind(configuration), 1.0)

    def gigabytes(self, configuration: Configuration, rows: int) -> float:
        """Return what a worker takes that draws this."""
        expected = WORKER_BASE_GB + _cell_gigabytes(configuration, rows, self.dimensions)
        return expected * self.machine.memory.get(_kind(configuration), 1.0)


def _search_seconds(rows: int, dimensions: int) -> float:
    """Return what the search for neighbours takes: of all rows, or of those in the cells around each."""
    if rows <= EXACT_UP_TO:
        return 1.6e-10 * rows**2 * dimensions + 1
    return 1.2e-8 * rows * math.sqrt(rows) * dimensions + 1


def _cell_seconds(configuration: Configuration, rows: int) -> float:
    if configuration.control:
        return 0.05
    if configuration.engine == "steadymap":
        return _lane_seconds(configuration, rows)
    if configuration.reducer == "umap":
        epochs = 500 if rows <= 10_000 else 200
        return 5.5e-5 * rows * min(30.0, float(configuration.parameter("n_neighbors"))) * epochs / 500
    if configuration.engine == "sklearn":
        return 4.3e-4 * rows * math.log2(rows)
    by_method = {"fft": 10 + 4e-4 * rows, "exact": 0.3 + 2e-4 * rows + 1.1e-7 * rows**2}
    return by_method.get(configuration.method, 2.3e-4 * rows * math.log2(rows))


def _lane_seconds(configuration: Configuration, rows: int) -> float:
    """Return what a picture takes of which several are drawn side by side."""
    if configuration.reducer == "umap":
        epochs = 500 if rows <= 10_000 else 200
        return 6e-6 * rows * min(30.0, float(configuration.parameter("n_neighbors"))) * epochs / 500
    if configuration.method == "exact":
        return 0.1 + 2e-7 * rows**2
    edges = 3 * float(configuration.parameter("perplexity")) * rows
    return 0.3 + 2.2e-4 * rows + 5e-7 * edges


def _cell_gigabytes(configuration: Configuration, rows: int, dimensions: int) -> float:
    edges = 0.0
    if configuration.reducer == "tsne":
        edges = 1.6 * 3 * float(configuration.parameter("perplexity"))
    elif configuration.reducer == "umap":
        edges = 1.6 * float(configuration.parameter("n_neighbors"))
    bytes_per_edge = 12 * 3  # value and column, and two copies while the engine prepares them
    return rows * (edges * bytes_per_edge + dimensions * 8) / 1e9
