"""Static figures, for papers and for places where no script runs: the comparison grid and the scores.

Drawn without pyplot, whose figures are global state. Axes are placed by hand: a layout engine takes seconds for a
grid of forty.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from configs.cards import CARD_OF
from configs.grid import CONTROLS
from reports.label_codes import NO_CODE, LabelCodes
from reports.palette import GREY, LIGHT, colour_slots
from reports.panels import Panel
from reports.picture_data import drawn_labels, drawn_rows, matched_islands, pictures_by_cell
from reports.run_folder import Run
from reports.summary import GridRow, Summary
from reports.wording import spell_configuration

PANEL_INCHES = 1.5
GAP_INCHES = 0.2
NAME_INCHES = 1.7
EDGE_INCHES = 0.15
DOTS_PER_INCH = 110
MOST_IN_A_LINE = 5
SMALLEST_POINT, LARGEST_POINT = 0.15, 6.0
MAIN_SCORES = ("trustworthiness", "continuity", "knn_recall", "auc_ln_k", "distance_correlation", "triplet_accuracy")
"""The figure shows these: the page has all."""

BLUES = LinearSegmentedColormap.from_list("pale to blue", ["#f3f6fa", "#84b3e0"])
"""As on the page: pale enough that black text is readable everywhere."""

Colours = npt.NDArray[np.str_]


def draw_comparison_grid(run: Run, summary: Summary, path: Path) -> None:
    """Draw configurations by seeds, aligned, coloured by the first label, else by island."""
    rows = summary.rows
    columns = max((len(row.panels) for row in rows), default=1)
    pictures = pictures_by_cell(run)
    label = next(iter(drawn_labels(run, drawn_rows(pictures)).items()), None)
    legend_lines = 0 if label is None else 1 + len(colour_slots(label[1].counts)) // MOST_IN_A_LINE
    sheet = _Sheet(columns, len(rows), bottom=0.25 * legend_lines + EDGE_INCHES)
    colours = _colours_of_pictures(run, pictures, None if label is None else label[1])
    for number, row in enumerate(rows):
        _draw_row(sheet, number, row, pictures, colours)
    if label is not None:
        _draw_legend(sheet.figure, *label)
    _save(sheet.figure, path)


class _Sheet:
    """A figure of square axes in rows and columns, with room for names on the left and a legend at the bottom."""

    def __init__(self, columns: int, rows: int, bottom: float) -> None:
        self.step = PANEL_INCHES + GAP_INCHES
        self.width = NAME_INCHES + columns * self.step + EDGE_INCHES
        self.height = rows * self.step + bottom + EDGE_INCHES
        self.figure = Figure(figsize=(self.width, self.height))

    def place(self, row: int, column: int) -> Axes:
        """Return axes for one picture."""
        left = NAME_INCHES + column * self.step
        low = self.height - EDGE_INCHES - (row + 1) * self.step
        size = (PANEL_INCHES / self.width, PANEL_INCHES / self.height)
        axes = self.figure.add_axes((left / self.width, low / self.height, *size))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color("#cccccc")
        return axes

    def name(self, row: int, text: str) -> None:
        """Write a configuration's name beside its pictures."""
        middle = self.height - EDGE_INCHES - (row + 1) * self.step + PANEL_INCHES / 2
        at = ((NAME_INCHES - 0.1) / self.width, middle / self.height)
        self.figure.text(*at, text, ha="right", va="center", fontsize=7, parse_math=False)


def _draw_row(
    sheet: _Sheet, number: int, row: GridRow, pictures: dict[str, pd.DataFrame], colours: dict[str, Colours]
) -> None:
    sheet.name(number, row.title.replace(", ", "\n"))
    for column, panel in enumerate(row.panels):
        axes = sheet.place(number, column)
        if panel.seed is not None:
            axes.set_title(f"seed {panel.seed}", fontsize=6, pad=2)
        if panel.cell in pictures:
            _draw_picture(axes, pictures[panel.cell], colours[panel.cell])
        else:
            _say_why(axes, panel)


def _draw_picture(axes: Axes, picture: pd.DataFrame, colours: Colours) -> None:
    # Shuffled as on the page: in the file's order the last label would lie on top.
    order = np.random.default_rng(0).permutation(len(picture))
    axes.scatter(
        picture["x"].to_numpy()[order],
        picture["y"].to_numpy()[order],
        s=float(np.clip(1800 / max(1, len(picture)), SMALLEST_POINT, LARGEST_POINT)),
        c=colours[order].tolist(),
        linewidths=0,
        rasterized=True,
    )
    axes.set_aspect("equal", adjustable="datalim")


def _say_why(axes: Axes, panel: Panel) -> None:
    reason = textwrap.shorten(panel.reason or "", 120, placeholder=" …")
    words = "\n".join([panel.status.replace("_", " "), *textwrap.wrap(reason, 26)])
    axes.text(
        0.5,
        0.5,
        words,
        ha="center",
        va="center",
        fontsize=5.5,
        color="#8a3b00",
        transform=axes.transAxes,
        parse_math=False,
    )


def _colours_of_pictures(run: Run, pictures: dict[str, pd.DataFrame], label: LabelCodes | None) -> dict[str, Colours]:
    if label is not None:
        shared = _colours(label.codes.astype(np.int64), colour_slots(label.counts))
        return dict.fromkeys(pictures, shared)
    matched = matched_islands(run, pictures)
    found = {}
    for cell, picture in pictures.items():
        slots = {island: number % len(LIGHT) for island, number in enumerate(matched[cell])}
        found[cell] = _colours(picture["island"].to_numpy(np.int64), slots)
    return found


def _colours(codes: npt.NDArray[np.int64], slots: dict[int, int]) -> Colours:
    """Return a colour per point; noise, missing labels and values beyond the palette are grey."""
    table = np.full(int(codes.max(initial=0)) + 2, GREY)
    for code, slot in slots.items():
        if code < len(table) - 1:
            table[code] = LIGHT[slot]
    table[NO_CODE] = GREY
    return table[codes]


def _draw_legend(figure: Figure, name: str, label: LabelCodes) -> None:
    slots = colour_slots(label.counts)
    marks = [Line2D([], [], marker="o", linestyle="", markersize=4, color=LIGHT[slot]) for slot in slots.values()]
    names = [textwrap.shorten(label.names[code], 30, placeholder="…") or "(empty)" for code in slots]
    if len(slots) < len(label.names):
        marks.append(Line2D([], [], marker="o", linestyle="", markersize=4, color=GREY))
        names.append(f"{len(label.names) - len(slots)} more values")
    legend = figure.legend(
        marks,
        names,
        title=textwrap.shorten(name, 60, placeholder="…"),
        loc="lower center",
        ncols=MOST_IN_A_LINE,
        fontsize=6,
        title_fontsize=6.5,
        frameon=False,
        handletextpad=0.1,
        columnspacing=1.0,
    )
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)


def draw_scores(run: Run, path: Path) -> None:
    """Draw the main scores over configurations and k as seaborn heat maps, means over seeds."""
    shown = run.scores[run.scores["score"].isin(MAIN_SCORES)]
    joined = shown.merge(run.cells[["cell", "configuration"]], on="cell")
    names = list(dict.fromkeys(joined["score"]))
    order = list(dict.fromkeys(run.drawn["configuration"]))
    width, height = 2.6 + 2.1 * max(1, len(names)), 0.75 + 0.27 * len(order)
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(1, max(1, len(names)), squeeze=False)[0]
    figure.subplots_adjust(
        left=2.4 / width, right=1 - 0.1 / width, top=1 - 0.3 / height, bottom=0.4 / height, wspace=0.08
    )
    for name, one in zip(names, axes, strict=False):
        values = joined[joined["score"] == name].assign(k=lambda table: table["k"].fillna(0).astype(int))
        means = values.pivot_table("value", "configuration", "k").reindex(order)
        sns.heatmap(
            means,
            ax=one,
            annot=True,
            fmt=".3f",
            cmap=BLUES,
            cbar=False,
            linewidths=1,
            vmin=_lowest(means, run),
            yticklabels=[spell_configuration(configuration) for configuration in order] if one is axes[0] else False,
            annot_kws={"fontsize": 6, "color": "black"},
        )
        one.set_title(CARD_OF[name].title if name in CARD_OF else name, fontsize=8)
        one.set_ylabel("")
        one.set_xlabel("" if values["k"].eq(0).all() else "k", fontsize=6.5)
        if values["k"].eq(0).all():
            one.set_xticks([])
        one.tick_params(labelsize=6.5, length=0)
    _save(figure, path)


def _lowest(means: pd.DataFrame, run: Run) -> float | None:
    """Return where the scale starts: below it lie the controls, which would flatten all differences."""
    nonlinear = run.drawn.loc[~run.drawn["reducer"].isin(CONTROLS), "configuration"]
    values = means[means.index.isin(nonlinear)].to_numpy(dtype=float)
    return float(np.nanmin(values)) if values.size else None


def _save(figure: Figure, path: Path) -> None:
    """Write a PNG."""
    FigureCanvasAgg(figure)
    with _any_script(), mpl.rc_context({"text.usetex": False}):
        figure.savefig(path, dpi=DOTS_PER_INCH, format="png")


@contextmanager
def _any_script() -> Iterator[None]:
    """Let a name in a script that the font lacks show as boxes: no reason to lose the figure."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support")
        yield
