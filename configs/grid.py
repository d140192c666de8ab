"""Expand a sweep config into configurations, once the number of rows is known.

Pure and ordered: the same config and row count give the same configurations in the same order,
and every configuration has a stable name that people can read. Which of them are drawn again on resamples and
on reference data is decided here, too: a cell is a configuration, a seed and a resample.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from steadymap.configs.sweep import Metric, PcaGrid, ReducerGrid, SweepConfig, TsneGrid, UmapGrid

Value = float | int | str

GRID_FROM_ROWS = 2_500
"""From here on t-SNE's repulsion from a grid costs less than that of all pairs (at 1,797 rows 1.3 CPU-s a picture
against 0.6; at 10,000 rows 4 against 20)."""

FFT_FROM_ROWS = 10_000
"""The same of openTSNE's FFT; below, all pairs cost less than Barnes-Hut."""

CONTROLS = ("pca", "random_projection", "shuffled")
"""Reducers that are drawn for comparison: they are scored, never recommended, and say nothing about clusters."""

_USUAL: dict[str, Value] = {
    "exaggeration": 1.0,
    "learning_rate": "auto",
    "init": "pca",
}
_USUAL_UMAP_INIT = "spectral"


@dataclass(frozen=True)
class Configuration:
    """A reducer with its parameters: everything about a cell but data, seed and resample.

    Attributes
    ----------
    reducer, engine, method
        ``tsne`` with ``steadymap``, ``openTSNE`` or ``sklearn`` and its repulsion method; ``umap`` with ``steadymap``
        or ``umap-learn``; ``pca``.
    metric
        Distance in the latent space.
    dimension
        2 or 3 dimensions of the picture.
    min_cluster_size
        Smallest island, in rows.
    parameters
        The reducer's own parameters, by name.
    unusable
        Why the data cannot carry this configuration, or None.
    name
        Readable and unique within a sweep, such as ``umap n_neighbors=15 min_dist=0.1``.
    """

    reducer: str
    engine: str
    method: str
    metric: Metric
    dimension: int
    min_cluster_size: int
    parameters: tuple[tuple[str, Value], ...]
    name: str
    unusable: str | None = None

    @property
    def seeded(self) -> bool:
        """Whether another seed gives another picture."""
        return self.reducer != "pca"

    @property
    def control(self) -> bool:
        """Whether it is drawn for comparison only."""
        return self.reducer in CONTROLS

    @property
    def shows_clusters(self) -> bool:
        """Whether its pictures count when clusters are sought: those in 2 dimensions that are no control."""
        return self.dimension == 2 and not self.control

    def parameter(self, name: str) -> Value:
        """Return one of the reducer's parameters.

        Raises
        ------
        KeyError
            The reducer has no such parameter.
        """
        return dict(self.parameters)[name]


@dataclass(frozen=True)
class Grid:
    """A sweep laid out over so many rows.

    Attributes
    ----------
    configurations, seeds
        What is drawn of all rows.
    reducers
        The reducers behind them, filled in where the config names none.
    pairs, resampled
        Pairs of complementary halves, and the names of the configurations drawn on every resample.
    on_nulls
        Names of the configurations drawn on reference data.
    warnings
        What had to be changed to fit the data.
    """

    configurations: tuple[Configuration, ...]
    seeds: tuple[int, ...]
    reducers: tuple[ReducerGrid, ...]
    pairs: int
    resampled: tuple[str, ...]
    on_nulls: tuple[str, ...]
    warnings: tuple[str, ...]


def expand(config: SweepConfig, rows: int) -> Grid:
    """Lay out the grid of a sweep over data of so many rows.

    A value asked for that the data cannot carry stays in the grid with its reason (``unusable``);
    the values of the default grid are clamped to the data instead, with a warning.
    """
    warnings: list[str] = []
    if config.reducers is None:
        reducers, clamped = default_reducers(rows)
        warnings.extend(clamped)
    else:
        reducers = config.reducers
    configurations, repeated = expand_reducers(reducers, config, rows)
    warnings += [f"{name} is asked for twice; it is computed once" for name in repeated]
    seeds = config.seeds if config.seeds is not None else default_seeds(rows)
    whole = [one for one in configurations if _shows_clusters(one)]
    # What half of the rows can carry is drawn on every resample.
    half = [one for one in expand_reducers(reducers, config, max(1, rows // 2))[0] if _shows_clusters(one)]
    pairs, many = _resampling(config, len(half), len(whole) * len(seeds))
    return Grid(
        configurations=configurations,
        seeds=seeds,
        reducers=reducers,
        pairs=pairs,
        resampled=spread_over(half, many if pairs + _further_parts(config) else 0),
        on_nulls=spread_over(whole, _settings_on_nulls(config)),
        warnings=tuple(warnings),
    )


def expand_reducers(
    reducers: tuple[ReducerGrid, ...], config: SweepConfig, rows: int
) -> tuple[tuple[Configuration, ...], list[str]]:
    """Lay reducers out over so many rows; returns the configurations and the names that were asked for twice."""
    sizes = config.islands.min_cluster_size or (max(10, rows // 100),)
    configurations: dict[str, Configuration] = {}
    repeated: list[str] = []
    for grid in reducers:
        for configuration in _expand_reducer(grid, config, rows, sizes):
            if configuration.name in configurations:
                repeated.append(configuration.name)
            configurations[configuration.name] = configuration
    return tuple(configurations.values()), repeated


def _shows_clusters(configuration: Configuration) -> bool:
    """Say whether a configuration speaks about clusters: drawn, flat, and no control."""
    return configuration.unusable is None and configuration.shows_clusters


def _resampling(config: SweepConfig, eligible: int, pictures: int) -> tuple[int, int]:
    """Return pairs of halves and settings drawn on each: together at most the cost of the sweep's own pictures.

    A picture of half of the rows costs about half, and a pair of halves has two of them.
    """
    if config.fast:
        return min(1, FAST_PAIRS if config.resamples.pairs is None else config.resamples.pairs), FAST_SETTINGS
    many = config.resamples.configurations or max(2, min(MOST_SETTINGS, pictures // MOST_PAIRS))
    many = min(many, eligible)
    pairs = config.resamples.pairs
    if pairs is None:
        pairs = max(1, min(MOST_PAIRS, pictures // max(1, many)))
    return pairs, many


def _further_parts(config: SweepConfig) -> int:
    """Return how many subsamples and bootstraps there are beside the halves."""
    return 0 if config.fast else config.resamples.subsamples + config.resamples.bootstraps


def _settings_on_nulls(config: SweepConfig) -> int:
    if config.fast or config.nulls.gaussian + config.nulls.copula == 0:
        return 0
    return config.nulls.configurations or FEW_ON_NULLS


MOST_PAIRS, MOST_SETTINGS = 5, 6
"""Pairs of halves, and settings drawn on each, of a sweep that has pictures enough to pay for them."""

FEW_ON_NULLS = 2
"""Settings drawn on reference data by default, one of each reducer: enough to look at. Nights may ask for more."""

FAST_PAIRS, FAST_SETTINGS = 1, 2


def spread_over(configurations: Sequence[Configuration], count: int) -> tuple[str, ...]:
    """Choose so many configurations, as evenly over reducers as they allow, and of each evenly over its grid.

    Of nine UMAP settings three are the first, the middle and the last: every n_neighbors and min_dist is met once.
    """
    by_reducer: dict[str, list[str]] = {}
    for one in configurations:
        by_reducer.setdefault(one.reducer, []).append(one.name)
    shares = dict.fromkeys(by_reducer, 0)
    for _ in range(min(count, len(configurations))):
        open_ones = [reducer for reducer in shares if shares[reducer] < len(by_reducer[reducer])]
        shares[min(open_ones, key=lambda reducer: shares[reducer])] += 1
    chosen = {name for reducer, share in shares.items() for name in _evenly(by_reducer[reducer], share)}
    return tuple(one.name for one in configurations if one.name in chosen)


def _evenly(names: list[str], count: int) -> list[str]:
    if count < 2:
        return names[len(names) // 2 :][:count]
    return [names[round(at * (len(names) - 1) / (count - 1))] for at in range(count)]


def default_seeds(rows: int) -> tuple[int, ...]:
    """Return the seeds of a sweep that names none: 3, above 20,000 rows 2, above 200,000 rows 1."""
    if rows > 200_000:
        return (0,)
    return (0, 1) if rows > 20_000 else (0, 1, 2)


def default_reducers(rows: int) -> tuple[tuple[ReducerGrid, ...], list[str]]:
    """Return the grid for data of so many rows, clamped to what the data can carry, and the warnings."""
    perplexities, neighbors, distances = _default_values(rows)
    warnings: list[str] = []
    fitting_perplexities = _clamp(perplexities, (rows - 1) // 3, "perplexity", rows, warnings)
    fitting_neighbors = _clamp(neighbors, rows - 1, "n_neighbors", rows, warnings)
    return (
        TsneGrid(reducer="tsne", perplexity=tuple(float(p) for p in fitting_perplexities)),
        UmapGrid(reducer="umap", n_neighbors=fitting_neighbors, min_dist=distances),
        PcaGrid(reducer="pca"),
    ), warnings


def _default_values(rows: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
    if rows < 200:
        return (5, 15), (5, 15), (0.1,)
    if rows <= 20_000:
        return (5, 30, max(50, rows // 100)), (5, 15, 50), (0.0, 0.1, 0.5)
    if rows <= 100_000:
        return (30, rows // 100), (15, 50), (0.1,)
    return (30,), (15,), (0.1,)


def _clamp(values: tuple[int, ...], largest: int, name: str, rows: int, warnings: list[str]) -> tuple[int, ...]:
    clamped = tuple(dict.fromkeys(min(value, largest) for value in values))
    if clamped != values:
        warnings.append(
            f"{name} of the default grid lowered from {list(values)} to {list(clamped)}: "
            f"{rows} rows carry at most {largest}"
        )
    return clamped


def _expand_reducer(
    grid: ReducerGrid, config: SweepConfig, rows: int, sizes: tuple[int, ...]
) -> Iterator[Configuration]:
    metrics = grid.metric or (config.preprocess.metric,)
    axes = _axes(grid)
    names = list(axes)
    for metric, dimension, size in itertools.product(metrics, grid.dimension, sizes):
        departures: dict[str, Value | None] = {
            "engine": _engine(grid) if isinstance(grid, TsneGrid | UmapGrid) and grid.engine != "steadymap" else None,
            "method": grid.method if isinstance(grid, TsneGrid) and grid.method != "auto" else None,
            "metric": metric if metric != config.preprocess.metric else None,
            "dimension": dimension if dimension != 2 else None,
            "min_cluster_size": size if len(sizes) > 1 else None,
        }
        for values in itertools.product(*axes.values()):
            parameters = tuple(zip(names, values, strict=True))
            method = _method(grid, rows, dimension)
            yield Configuration(
                reducer=grid.reducer,
                engine=_engine(grid),
                method=method,
                metric=metric,
                dimension=dimension,
                min_cluster_size=size,
                parameters=parameters,
                name=_name(grid, parameters, departures),
                unusable=_unusable(grid, dict(parameters), rows, size, method),
            )


_ENGINES = {"pca": "scikit-learn", "random_projection": "numpy", "shuffled": "scikit-learn"}


def _engine(grid: ReducerGrid) -> str:
    return grid.engine if isinstance(grid, TsneGrid | UmapGrid) else _ENGINES[grid.reducer]


def _axes(grid: ReducerGrid) -> dict[str, tuple[Value, ...]]:
    if isinstance(grid, TsneGrid):
        return {
            "perplexity": grid.perplexity,
            "exaggeration": grid.exaggeration,
            "learning_rate": grid.learning_rate,
            "init": grid.init,
        }
    if isinstance(grid, UmapGrid):
        return {"n_neighbors": grid.n_neighbors, "min_dist": grid.min_dist, "init": grid.init}
    return {}


def _method(grid: ReducerGrid, rows: int, dimension: int) -> str:
    if not isinstance(grid, TsneGrid):
        return "sgd" if isinstance(grid, UmapGrid) else "exact"
    if grid.method != "auto":
        return grid.method
    if grid.engine == "steadymap":
        return "grid" if rows >= GRID_FROM_ROWS else "exact"
    if grid.engine != "openTSNE" or dimension != 2:
        return "barnes-hut"
    return "fft" if rows >= FFT_FROM_ROWS else "exact"


def _name(grid: ReducerGrid, parameters: tuple[tuple[str, Value], ...], departures: dict[str, Value | None]) -> str:
    """Name the reducer, its main parameters, and whatever departs from the usual (None does not)."""
    usual = _USUAL | ({"init": _USUAL_UMAP_INIT} if isinstance(grid, UmapGrid) else {})
    told = {name: value for name, value in parameters if usual.get(name) != value}
    told |= {name: value for name, value in departures.items() if value is not None}
    return " ".join([grid.reducer, *(f"{name}={_spell(value)}" for name, value in told.items())])


def _spell(value: Value) -> str:
    """Write 30.0 as 30, and every digit where rounding would make two settings look the same."""
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def _unusable(grid: ReducerGrid, parameters: dict[str, Value], rows: int, size: int, method: str) -> str | None:
    if isinstance(grid, TsneGrid):
        perplexity = float(parameters["perplexity"])
        if rows - 1 < 3 * perplexity:
            return f"perplexity {perplexity:g} needs more than {3 * perplexity:g} rows, the data has {rows}"
        if grid.engine == "sklearn" and method in ("fft", "exact"):
            return f"scikit-learn's t-SNE is drawn by Barnes-Hut here, not by {method}"
    if isinstance(grid, UmapGrid) and int(parameters["n_neighbors"]) > rows - 1:
        return f"n_neighbors {parameters['n_neighbors']} needs more rows than the {rows} of the data"
    if size > rows:
        return f"min_cluster_size {size} is more than the {rows} rows of the data"
    return None
