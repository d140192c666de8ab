"""Scores laid out over the parameters of a reducer: perplexity by k, n_neighbors by min_dist."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

AXES = {"tsne": ("perplexity", None), "umap": ("min_dist", "n_neighbors")}
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
    """Mean over seeds with its standard error, and where it stands between the lowest (0) and highest (1) value."""

    value: float
    stderr: float | None
    shade: float


@dataclass(frozen=True)
class HeatMap:
    """One map: title, names of rows and columns, and cells (None where nothing was drawn)."""

    score: str
    reducer: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell | None, ...]], ...]
    column_name: str
    row_name: str
    reference: str


def heat_maps(cells: pd.DataFrame, scores: pd.DataFrame) -> tuple[HeatMap, ...]:
    """Lay out every score of the drawn cells."""
    joined = scores.merge(cells, on="cell")
    maps: list[HeatMap] = []
    for score, reducer in product(dict.fromkeys(scores["score"]), AXES):
        values = joined[(joined["score"] == score) & (joined["reducer"] == reducer)]
        for further, group in _split(values):
            maps += _maps_of(str(score), reducer, further, group, joined[joined["score"] == score])
    return tuple(maps)


def _split(values: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split by what varies beside the axes, with the combination in words."""
    varying = [name for name in FURTHER if values[name].nunique(dropna=False) > 1]
    if not varying:
        return [("", values)] if len(values) else []
    groups = values.groupby(varying, dropna=False, observed=True, sort=False)
    return [
        (", ".join(f"{name} {_plain(value)}" for name, value in zip(varying, key, strict=True)), group)
        for key, group in groups
    ]


def _maps_of(
    score: str, reducer: str, further: str, group: pd.DataFrame, everything: pd.DataFrame
) -> list[HeatMap]:
    column, row = AXES[reducer]
    suffix = f" ({further})" if further else ""
    if row is None:
        name = "t-SNE" + suffix
        return [_map(score, reducer, name, group, (column, "k"), everything)]
    return [
        _map(score, reducer, f"UMAP, k = {k}{suffix}", group[group["k"] == k], (column, row), everything)
        for k in sorted(group["k"].unique())
    ]


def _map(
    score: str, reducer: str, title: str, group: pd.DataFrame, axes: tuple[str, str], everything: pd.DataFrame
) -> HeatMap:
    column, row = axes
    columns, rows = sorted(group[column].unique()), sorted(group[row].unique())
    compared = everything[everything["reducer"] != "pca"]
    grouped = {key: part["value"].to_numpy() for key, part in group.groupby([row, column], observed=True)}
    bounds = {k: (part["value"].min(), part["value"].max()) for k, part in compared.groupby("k")}

    def cell(at_row: float, at_column: float) -> HeatCell | None:
        values = grouped.get((at_row, at_column))
        if values is None:
            return None
        low, high = bounds[at_row if row == "k" else group["k"].iloc[0]]
        mean = float(values.mean())
        shade = (mean - low) / (high - low) if high > low else 1.0
        stderr = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
        return HeatCell(mean, stderr, float(shade))

    return HeatMap(
        score=score,
        reducer=reducer,
        title=title,
        columns=tuple(_plain(value) for value in columns),
        rows=tuple((_plain(r), tuple(cell(r, c) for c in columns)) for r in rows),
        column_name=column,
        row_name=row,
        reference=_reference(everything, None if row == "k" else int(group["k"].iloc[0])),
    )


def _reference(everything: pd.DataFrame, k: int | None) -> str:
    """Say what PCA reaches, at one k or at each."""
    linear = everything[everything["reducer"] == "pca"]
    if k is not None:
        linear = linear[linear["k"] == k]
    means = linear.groupby("k")["value"].mean()
    if means.empty:
        return ""
    if k is not None:
        return f"PCA: {means.iloc[0]:.3f}"
    return "PCA: " + ", ".join(f"{value:.3f} (k = {at})" for at, value in means.items())


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
