"""Static figures, for papers and for places where no script runs: the comparison grid and the scores."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from configs.cards import CARD_OF
from reports.palette import colours
from reports.run_folder import Run
from reports.summary import Summary

PANEL_INCHES = 1.5
DOTS_PER_INCH = 110
SMALLEST_POINT, LARGEST_POINT = 0.15, 6.0
MOST_CATEGORIES = 20


def draw_comparison_grid(run: Run, summary: Summary, path: Path) -> None:
    """Draw configurations by seeds, aligned, coloured by the first label, else by island."""
    rows = summary.rows
    columns = max((len(row.panels) for row in rows), default=1)
    figure = Figure(figsize=(PANEL_INCHES * columns + 2.0, PANEL_INCHES * len(rows) + 0.3), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    pictures = {str(cell): part for cell, part in run.embeddings.groupby("cell", observed=True)}
    labels = run.points.set_index("row")["label"]
    for row, line in zip(rows, axes, strict=True):
        line[0].set_ylabel(row.configuration.replace(" ", "\n"), rotation=0, ha="right", va="center", fontsize=7)
        for place, axis in enumerate(line):
            _bare(axis)
            if place >= len(row.panels):
                axis.set_visible(False)
                continue
            panel = row.panels[place]
            picture = pictures.get(panel.cell)
            if picture is None:
                axis.text(0.5, 0.5, panel.status, ha="center", va="center", fontsize=7, transform=axis.transAxes)
                continue
            if panel.seed is not None:
                axis.set_title(f"seed {panel.seed}", fontsize=6, pad=2)
            kinds = labels.loc[picture["row"]].to_numpy() if summary.labels else picture["island"].to_numpy()
            axis.scatter(
                picture["x"],
                picture["y"],
                s=float(np.clip(1800 / max(1, len(picture)), SMALLEST_POINT, LARGEST_POINT)),
                c=_point_colours(kinds),
                linewidths=0,
                rasterized=True,
            )
            axis.set_aspect("equal", adjustable="datalim")
    _save(figure, path)


def draw_scores(run: Run, path: Path) -> None:
    """Draw every cell score over configurations and k as seaborn heat maps, means over seeds."""
    joined = run.scores.merge(run.cells[["cell", "configuration"]], on="cell")
    names = list(dict.fromkeys(joined["score"]))
    order = list(dict.fromkeys(run.drawn["configuration"]))
    figure = Figure(figsize=(2.6 * max(1, len(names)) + 2.2, 0.28 * len(order) + 1.1), layout="constrained")
    axes = figure.subplots(1, max(1, len(names)), squeeze=False)[0]
    with mpl.rc_context({"font.size": 7}):
        for name, axis in zip(names, axes, strict=False):
            values = joined[joined["score"] == name].pivot_table("value", "configuration", "k").loc[order]
            sns.heatmap(
                values,
                ax=axis,
                annot=True,
                fmt=".3f",
                cmap="cividis",
                cbar=False,
                yticklabels=order if axis is axes[0] else False,
                annot_kws={"fontsize": 6},
            )
            axis.set_title(CARD_OF[name].title if name in CARD_OF else name, fontsize=8)
            axis.set_ylabel("")
            axis.tick_params(labelsize=6.5, length=0)
    _save(figure, path)


def _point_colours(kinds: np.ndarray) -> list[str]:
    """Return a colour per point; noise, missing labels and values beyond the palette are grey."""
    values = pd.Series(kinds).astype("string")
    counts = values[values != "-1"].value_counts()
    known = sorted(counts.index[:MOST_CATEGORIES])
    chosen = dict(zip(known, colours(len(known)), strict=True))
    return [chosen.get(value, "#9a9a9a") if isinstance(value, str) else "#9a9a9a" for value in values]


def _bare(axis: object) -> None:
    axis.set_xticks([])  # type: ignore[attr-defined]  # matplotlib's axes are untyped here
    axis.set_yticks([])  # type: ignore[attr-defined]
    for spine in axis.spines.values():  # type: ignore[attr-defined]
        spine.set_color("#cccccc")


def _save(figure: Figure, path: Path) -> None:
    """Write a PNG without pyplot, whose figures are global state."""
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DOTS_PER_INCH, format="png")
