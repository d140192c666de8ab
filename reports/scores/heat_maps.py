"""Scores laid out over the parameters of a reducer: perplexity by k, n_neighbors by min_dist.

Whatever else a sweep varies (metric, exaggeration, size of islands …) gives maps of its own, so that no cell averages
over settings; a cell averages over seeds only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd

from steadymap.configs.cards import CARD_OF
from steadymap.configs.grid import CONTROLS
from steadymap.reports.scores.null_scores import NullScores
from steadymap.reports.wording import Estimate, spell_number, spell_reducer

AXES: dict[str, tuple[str, str | None]] = {"tsne": ("perplexity", None), "umap": ("min_dist", "n_neighbors")}
"""Columns and rows of a reducer's maps; t-SNE has one main parameter, so its rows are the ks."""

FURTHER = (
    "metric",
    "dimension",
    "engine",
    "method",
    "exaggeration",
    "learning_rate",
    "init",
    "min_cluster_size",
)
"""What else may vary; each combination of what does has a map of its own."""


@dataclass(frozen=True)
class HeatCell:
    """Mean over seeds with its standard error, and where it stands between the lowest (0) and highest (1) value.

    Values are compared at the same k, over all settings but the controls, which would flatten the scale. A loss
    has another scale at every setting, so it has no shade.
    """

    estimate: Estimate
    shade: float | None


@dataclass(frozen=True)
class HeatMap:
    """One map: title, rows and columns, cells (None where nothing was drawn), and what controls and noise reach."""

    score: str
    reducer: str
    title: str
    column_name: str
    columns: tuple[str, ...]
    row_name: str
    rows: tuple[tuple[str, tuple[HeatCell | None, ...]], ...]
    references: tuple[str, ...]

    @property
    def is_line(self) -> bool:
        """Whether there is nothing downwards: the score of a whole picture has no k."""
        return [name for name, _ in self.rows] == [ALL]


ALL = "all"
"""The row of a score that has no k."""


def heat_maps(cells: pd.DataFrame, scores: pd.DataFrame, noise: NullScores | None = None) -> tuple[HeatMap, ...]:
    """Lay out every score of the drawn cells, beside what controls and reference data reach."""
    joined = scores.merge(cells, on="cell")
    maps: list[HeatMap] = []
    for score, reducer in product(dict.fromkeys(joined["score"]), AXES):
        layout = _Layout(str(score), reducer, joined[joined["score"] == score], noise)
        maps += layout.maps()
    return tuple(maps)


@dataclass(frozen=True)
class _Layout:
    """The values of one score, and the reducer whose maps are wanted."""

    score: str
    reducer: str
    everything: pd.DataFrame
    noise: NullScores | None

    @property
    def is_loss(self) -> bool:
        return is_loss(self.score)

    def maps(self) -> list[HeatMap]:
        values = self.everything[self.everything["reducer"] == self.reducer]
        return [one for further, group in _split(values) for one in self._maps_of(further, group)]

    def _maps_of(self, further: str, group: pd.DataFrame) -> list[HeatMap]:
        column, row = AXES[self.reducer]
        name = spell_reducer(self.reducer)
        suffix = f", {further}" if further else ""
        if row is None:
            return [self._map(name + suffix, group, column, "k")]
        return [
            self._map(f"{name}{_at(k)}{suffix}", group[_same_k(group, k)], column, row)
            for k in sorted(group["k"].unique(), key=_nulls_first)
        ]

    def _map(self, title: str, group: pd.DataFrame, column: str, row: str) -> HeatMap:
        columns = sorted(group[column].unique(), key=_nulls_first)
        rows = sorted(group[row].unique(), key=_nulls_first)
        places = _by(group, [row, column])
        return HeatMap(
            score=self.score,
            reducer=self.reducer,
            title=title,
            column_name=column,
            columns=tuple(spell_number(value) for value in columns),
            row_name=row,
            rows=tuple(
                (
                    ALL if pd.isna(at_row) else spell_number(at_row),
                    tuple(self._cell(places.get((_known(at_row), _known(at)))) for at in columns),
                )
                for at_row in rows
            ),
            references=() if self.is_loss else tuple(self._references(group)),
        )

    @cached_property
    def bounds(self) -> dict[float | None, tuple[float, float]]:
        """Lowest and highest value at every k, controls left out."""
        compared = self.everything[~self.everything["reducer"].isin(CONTROLS)]
        return {
            k: (float(values["value"].min()), float(values["value"].max()))
            for (k,), values in _by(compared, ["k"]).items()
        }

    def _cell(self, over_seeds: pd.DataFrame | None) -> HeatCell | None:
        if over_seeds is None:
            return None
        estimate = mean_over_seeds(over_seeds)
        if self.is_loss:
            return HeatCell(estimate, None)
        low, high = self.bounds[_known(over_seeds["k"].iloc[0])]
        shade = (estimate.value - low) / (high - low) if high > low else 1.0
        return HeatCell(estimate, min(1.0, max(0.0, shade)))

    def _references(self, group: pd.DataFrame) -> Iterator[str]:
        """Say what each control reaches at the ks of a map, and what noise does at its settings."""
        ks = sorted(group["k"].unique().tolist(), key=_nulls_first)
        for control in CONTROLS:
            values = self.everything[self.everything["reducer"] == control]
            at_k = [(k, values[_same_k(values, k)]["value"]) for k in ks]
            yield from _line(spell_reducer(control), [(k, f"{one.mean():.3f}") for k, one in at_k if len(one)], ks)
        if self.noise is not None:
            at_each = [(k, self.noise.beside(self.score, group[_same_k(group, k)])) for k in ks]
            yield from _line("noise", [(k, told) for k, told in at_each if told], ks)


def is_loss(score: str) -> bool:
    """Say whether a score is what a reducer minimises: its scale is another at every setting."""
    return score in CARD_OF and CARD_OF[score].scope == "loss"


def _line(name: str, told: list[tuple[float, str]], ks: list[float]) -> Iterator[str]:
    """Tell a value at one k or at each; nothing where there is none."""
    if told and len(ks) == 1:
        yield f"{name} {told[0][1]}"
    elif told:
        yield f"{name} " + ", ".join(f"{value} at k = {k:g}" for k, value in told)


def mean_over_seeds(values: pd.DataFrame) -> Estimate:
    """Average one score of one configuration; with one seed its own standard error (of the scored rows) remains."""
    mean = float(values["value"].mean())
    if len(values) > 1:
        return Estimate(mean, float(values["value"].std(ddof=1) / np.sqrt(len(values))))
    own = float(values["stderr"].iloc[0])
    return Estimate(mean, own if own > 0 else None)


def _split(values: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split by what varies beside the axes, with the combination in words."""
    if values.empty:
        return []
    varying = [name for name in FURTHER if len(values[name].drop_duplicates()) > 1]
    if not varying:
        return [("", values)]
    groups = values.groupby(varying, dropna=False, observed=True, sort=False)
    return [
        (", ".join(f"{name} {spell_number(value)}" for name, value in zip(varying, key, strict=True)), group)
        for key, group in groups
    ]


def _same_k(values: pd.DataFrame, k: float) -> pd.Series:
    return _is(values["k"], k)


def _is(column: pd.Series, value: float) -> pd.Series:
    """Compare so that null equals null: a score of the whole picture has no k."""
    return column.isna() if pd.isna(value) else column == value


def _by(values: pd.DataFrame, columns: list[str]) -> dict[tuple[float | None, ...], pd.DataFrame]:
    """Split by the values of columns, null among them."""
    groups = values.groupby(columns, dropna=False, observed=True, sort=False)
    return {tuple(_known(one) for one in key): group for key, group in groups}


def _known(value: float) -> float | None:
    return None if pd.isna(value) else value


def _nulls_first(value: float) -> float:
    return -np.inf if pd.isna(value) else value


def _at(k: float) -> str:
    return "" if pd.isna(k) else f", k = {k:g}"
