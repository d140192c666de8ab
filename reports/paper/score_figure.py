"""The main scores over settings and k, as seaborn heat maps that fit a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import LinearSegmentedColormap

from steadymap.configs.cards import CARD_OF
from steadymap.configs.grid import CONTROLS
from steadymap.reports.paper.sheet import EDGE, TEXT_WIDTH, Sheet, line_height, shorten, wrap
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import spell_configuration

MAIN_SCORES = ("trustworthiness", "continuity", "knn_recall", "auc_ln_k", "distance_correlation", "triplet_accuracy")
"""The figure shows these: the page has all."""

BLUES = LinearSegmentedColormap.from_list("pale to blue", ["#f3f6fa", "#84b3e0"])
"""As on the page: pale enough that black text is readable everywhere."""

NAMES, CELL, NARROW, LINE = 1.75, 0.37, 0.55, 0.19
"""Widths of the settings' names, of a column, and of a column that stands alone; height of a setting."""
GAP = 0.1
SIZE, HEADING_SIZE = 6.5, 6.5
HEADING_LINES = 3
HEADING = HEADING_LINES * line_height(HEADING_SIZE) + 0.04
FOOT = 0.32


@dataclass(frozen=True)
class ScoreMap:
    """One score: its title, means over seeds (settings by k), and where its scale starts and ends."""

    title: str
    means: pd.DataFrame
    low: float | None
    high: float | None
    has_k: bool

    @property
    def width(self) -> float:
        """Width in inches."""
        return max(NARROW, CELL * len(self.means.columns))


def score_maps(run: Run) -> list[ScoreMap]:
    """Average the main scores over seeds."""
    joined = run.scores[run.scores["score"].isin(MAIN_SCORES)].merge(run.drawn[["cell", "configuration"]], on="cell")
    order = list(dict.fromkeys(run.drawn["configuration"]))
    return [_score_map(run, name, joined[joined["score"] == name], order) for name in dict.fromkeys(joined["score"])]


def _score_map(run: Run, name: str, values: pd.DataFrame, order: list[str]) -> ScoreMap:
    at_k = values.assign(k=values["k"].fillna(0).astype(int))
    means = at_k.pivot_table("value", "configuration", "k").reindex(order)
    # Below the others lie the controls, which would flatten all differences.
    nonlinear = run.drawn.loc[~run.drawn["reducer"].isin(CONTROLS), "configuration"]
    compared = means[means.index.isin(nonlinear)].to_numpy(dtype=float)
    low, high = (float(np.nanmin(compared)), float(np.nanmax(compared))) if compared.size else (None, None)
    return ScoreMap(CARD_OF[name].title if name in CARD_OF else name, means, low, high, bool((at_k["k"] > 0).any()))


def draw_scores(run: Run) -> Sheet | None:
    """Draw all maps on one sheet; None without scores."""
    lines = list(_lines(score_maps(run)))
    if not lines:
        return None
    sheet = Sheet(TEXT_WIDTH + 2 * EDGE, 2 * EDGE + len(lines) * maps_height(lines[0]))
    top = EDGE
    for line in lines:
        top = draw_maps(sheet, top, line)
    return sheet


def maps_height(line: Sequence[ScoreMap]) -> float:
    """Return the height of maps beside each other."""
    return HEADING + LINE * len(line[0].means) + FOOT


def score_lines(run: Run, most: int) -> Iterator[list[ScoreMap]]:
    """Return maps that stand beside each other, with at most so many settings each."""
    for line in _lines(score_maps(run)):
        for first in range(0, len(line[0].means), most):
            yield [
                ScoreMap(one.title, one.means.iloc[first : first + most], one.low, one.high, one.has_k) for one in line
            ]


def _lines(maps: Sequence[ScoreMap]) -> Iterator[list[ScoreMap]]:
    """Break maps into lines of the width of a page."""
    line: list[ScoreMap] = []
    used = NAMES
    for one in maps:
        if line and used + one.width > TEXT_WIDTH:
            yield line
            line, used = [], NAMES
        line.append(one)
        used += one.width + GAP
    if line:
        yield line


def draw_maps(sheet: Sheet, top: float, line: Sequence[ScoreMap]) -> float:
    """Draw maps beside each other, and return where they end."""
    left, height = EDGE + NAMES, LINE * len(line[0].means)
    for number, name in enumerate(line[0].means.index):
        told = shorten(spell_configuration(str(name)), NAMES - 0.08, SIZE)
        sheet.write(left - 0.06, top + HEADING + (number + 0.5) * LINE, told, SIZE, ha="right", va="center")
    for one in line:
        width = min(one.width, EDGE + TEXT_WIDTH - left)
        axes = sheet.axes(left, top + HEADING, width, height)
        sns.heatmap(
            one.means,
            ax=axes,
            annot=True,
            fmt=".3f" if width / len(one.means.columns) >= CELL - 0.01 else ".2f",
            cmap=BLUES,
            cbar=False,
            linewidths=1,
            vmin=one.low,
            vmax=one.high,
            xticklabels=one.has_k,
            yticklabels=False,
            annot_kws={"fontsize": 6, "color": "black"},
        )
        axes.set(ylabel="", xlabel="")
        axes.tick_params(labelsize=SIZE, length=0, labelrotation=0)
        if one.has_k:
            axes.set_xlabel("k", fontsize=SIZE, labelpad=1)
        title = wrap(one.title, width + GAP, HEADING_SIZE, HEADING_LINES)
        sheet.write_lines(left, top + (HEADING_LINES - len(title)) * line_height(HEADING_SIZE), title, HEADING_SIZE)
        left += width + GAP
    return top + HEADING + height + FOOT
