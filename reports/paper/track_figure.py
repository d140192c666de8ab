"""Clusters through the settings on paper: what each setting does to each cluster, and how well it is found again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import seaborn as sns

from steadymap.reports.clusters.tracks import SYMBOLS, Track
from steadymap.reports.paper.score_figure import BLUES, SIZE
from steadymap.reports.paper.sheet import EDGE, QUIET, TEXT_WIDTH, Sheet, line_height, printable, shorten, wrap
from steadymap.reports.summary.summary import Summary
from steadymap.reports.wording import count

MOST_CLUSTERS = 14
"""The largest clusters are shown; more do not fit a page, and the tables have all."""

NAMES, WIDEST, LINE = 1.9, 0.7, 0.2
HEADING_LINES = 3
HEADING = HEADING_LINES * line_height(SIZE) + 0.03
FOOT = 3 * line_height(SIZE) + 0.1
KEY = (
    f"{SYMBOLS['kept']} kept, ⋔ split (parts), {SYMBOLS['merged']} merged (with cluster), "
    f"{SYMBOLS['lost']} lost; number and shade: recurrence (mean Jaccard similarity to the most similar island)"
)
FORK = "⋔"
"""The symbol of ``split`` that matplotlib's own font has."""

Row = tuple[str, tuple[Track | None, ...]]


def track_rows(summary: Summary) -> list[Row]:
    """Return settings with their tracks by cluster."""
    return [] if summary.tracks is None else [row for group in summary.tracks.groups for row in group.rows]


def draw_tracks(summary: Summary) -> Sheet | None:
    """Draw all settings on one sheet; None without clusters."""
    rows = track_rows(summary)
    if not rows:
        return None
    sheet = Sheet(TEXT_WIDTH + 2 * EDGE, 2 * EDGE + tracks_height(len(rows)))
    draw_track_rows(sheet, EDGE, rows, summary)
    return sheet


def tracks_height(rows: int) -> float:
    """Return the height of so many settings with heading and key."""
    return HEADING + rows * LINE + FOOT


def draw_track_rows(sheet: Sheet, top: float, rows: Sequence[Row], summary: Summary) -> None:
    """Draw settings by clusters as a heat map of recurrence, with what happens in every place."""
    cards = summary.clusters[:MOST_CLUSTERS]
    width = min(WIDEST, (TEXT_WIDTH - NAMES) / len(cards))
    left = EDGE + NAMES
    for number, (name, _) in enumerate(rows):
        middle = top + HEADING + (number + 0.5) * LINE
        sheet.write(left - 0.06, middle, shorten(name, NAMES - 0.08, SIZE), SIZE, ha="right", va="center")
    for number, card in enumerate(cards):
        verdict = "" if card.verdict is None else card.verdict.shape
        lines = [
            f"{verdict} {card.name.short}".strip(),
            f"{card.size:,}",
            "" if card.verdict is None else card.verdict.word,
        ]
        middle = left + (number + 0.5) * width
        for place, line in enumerate(lines):
            size = SIZE if place < 2 else SIZE - 1.5
            told = shorten(line, width, size)
            sheet.write(middle, top + place * line_height(SIZE), told, size, ha="center", color=INKS[place])
    tracks = [[*own[: len(cards)]] for _, own in rows]
    sns.heatmap(
        pd.DataFrame([[np.nan if one is None else one.recurrence for one in row] for row in tracks]),
        ax=(axes := sheet.axes(left, top + HEADING, len(cards) * width, len(rows) * LINE)),
        annot=np.array([[_told(one, width) for one in row] for row in tracks], dtype=object),
        fmt="",
        cmap=BLUES,
        cbar=False,
        linewidths=1,
        vmin=0,
        vmax=1,
        xticklabels=False,
        yticklabels=False,
        annot_kws={"fontsize": 6, "color": "black"},
    )
    axes.set(xlabel="", ylabel="")
    below = top + HEADING + len(rows) * LINE + 0.05
    for note in _notes(summary):
        below = sheet.write_lines(EDGE, below, wrap(note, TEXT_WIDTH, SIZE), SIZE, color=QUIET)


INKS = ("#1c1f24", QUIET, QUIET)


def _told(track: Track | None, width: float) -> str:
    if track is None:
        return ""
    short = track.short if len(track.short) <= (3 if width < 0.5 else 8) else ""
    return f"{SYMBOLS.get(track.fate, FORK)}{printable(short)} {f'{track.recurrence:.2f}'.removeprefix('0')}"


def _notes(summary: Summary) -> Iterator[str]:
    yield KEY
    more = len(summary.clusters) - MOST_CLUSTERS
    if more > 0:
        yield f"{count(more, 'smaller cluster')} not shown; tracks.parquet has all."
