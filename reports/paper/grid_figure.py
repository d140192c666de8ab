"""The comparison grid on paper: settings by seeds, aligned, coloured by label, cluster or island.

Points are drawn as pictures also in SVG and PDF, which keeps 36 panels of 10,000 points at a few megabytes; frames and
type stay lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from steadymap.reports.clusters.cluster_cards import ClusterCard
from steadymap.reports.paper.sheet import (
    EDGE,
    QUIET,
    RULE,
    TEXT_WIDTH,
    Sheet,
    line_height,
    printable,
    shorten,
    text_width,
    wrap,
)
from steadymap.reports.pictures.label_codes import NO_CODE, LabelCodes, encode_labels
from steadymap.reports.pictures.palette import GREY, LIGHT, borrowed_slots, colour_slots
from steadymap.reports.pictures.panels import Panel
from steadymap.reports.pictures.picture_data import (
    drawn_clusters,
    drawn_labels,
    drawn_rows,
    matched_islands,
    pictures_by_cell,
    reference_cell,
)
from steadymap.reports.run.run_folder import Run
from steadymap.reports.summary.summary import GridRow, Summary

PANEL, WIDEST = 1.1, 2.3
"""Side of a picture in inches where several stand in a row, and where one or two do."""
GAP, BETWEEN_BLOCKS = 0.06, 0.16
LEAST_SHARE = 0.75
"""Pictures shrink to no less than this to fit a page."""
NAME_SIZE, SEED_SIZE, LEGEND_SIZE = 7.0, 6.0, 6.5
MOST_NAME_LINES = 3
FEWEST_LEGEND_COLUMNS, MOST_LEGEND_COLUMNS = 4, 10
SMALLEST_POINT, LARGEST_POINT = 0.12, 5.0

Colours = npt.NDArray[np.float32]
"""A row of red, green and blue per point: names of colours would be parsed point by point."""


@dataclass(frozen=True)
class Colouring:
    """Pictures with the colours of their points.

    Attributes
    ----------
    title
        What the colours tell.
    legend
        Its marks: colour and name.
    pictures, by_cell
        Points of every drawn cell, and their colours.
    """

    title: str
    legend: tuple[tuple[str, str], ...]
    pictures: dict[str, pd.DataFrame]
    by_cell: dict[str, Colours]

    @property
    def legend_columns(self) -> int:
        """How many marks of the legend stand beside each other: long names get more room."""
        widest = max((text_width(printable(name)[:80], LEGEND_SIZE) for _, name in self.legend), default=0.0)
        return max(FEWEST_LEGEND_COLUMNS, min(MOST_LEGEND_COLUMNS, int(TEXT_WIDTH / (widest + 0.25))))


@dataclass(frozen=True)
class GridLayout:
    """How rows of pictures share a width: so many blocks beside each other, each as many pictures wide as seeds."""

    columns: int
    name_lines: int
    largest: float = WIDEST

    @property
    def panel(self) -> float:
        """Side of a picture in inches."""
        wanted = min(self.largest, max(PANEL, WIDEST / self.columns))
        return min(wanted, (TEXT_WIDTH - GAP * (self.columns - 1)) / self.columns)

    @property
    def block(self) -> float:
        """Width of a row of pictures."""
        return self.columns * self.panel + (self.columns - 1) * GAP

    @property
    def blocks(self) -> int:
        """How many settings stand beside each other."""
        return max(1, int((TEXT_WIDTH + BETWEEN_BLOCKS + 1e-9) // (self.block + BETWEEN_BLOCKS)))

    @property
    def heading(self) -> float:
        """Height of a setting's name and its seeds."""
        return self.name_lines * line_height(NAME_SIZE) + line_height(SEED_SIZE)

    @property
    def row(self) -> float:
        """Height of a row with its heading and the room below it."""
        return self.heading + self.panel + BETWEEN_BLOCKS

    def fitted(self, rows: int, height: float) -> GridLayout:
        """Return a layout with pictures a little smaller, where that saves rows a second page."""
        lines = -(-rows // self.blocks)
        panel = height / lines - self.heading - BETWEEN_BLOCKS
        return replace(self, largest=panel) if LEAST_SHARE * self.panel <= panel < self.panel else self

    def rows_in(self, height: float) -> int:
        """Return how many settings fit a height, at least as many as stand beside each other."""
        return max(1, int(height / self.row + 1e-6)) * self.blocks


def comparison_colouring(run: Run, summary: Summary) -> Colouring:
    """Colour by the first label, else by cluster, else by island."""
    pictures = pictures_by_cell(run)
    rows = drawn_rows(pictures)
    label = next(iter(drawn_labels(run, rows).items()), None)
    if label is not None:
        title, codes = label
        slots = borrowed_slots(codes.codes, codes.counts, *_hues_of_clusters(run, rows))
        return _by_codes(title, codes, codes.names, pictures, slots)
    return cluster_colouring(run, summary) or _by_islands(run, pictures)


def _hues_of_clusters(run: Run, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int16], dict[int, int]]:
    """Return the code of every point's cluster, and places in the palette by code."""
    clusters = encode_labels(drawn_clusters(run, rows))
    return clusters.codes, colour_slots(clusters.counts)


def cluster_colouring(run: Run, summary: Summary) -> Colouring | None:
    """Colour by consensus cluster, the verdicts in the legend; None without clusters."""
    if not summary.clusters:
        return None
    pictures = pictures_by_cell(run)
    codes = encode_labels(drawn_clusters(run, drawn_rows(pictures)))
    cards = {str(card.number): card for card in summary.clusters}
    names = [_name_cluster(cards.get(name), name) for name in codes.names]
    return _by_codes("cluster", codes, names, pictures, colour_slots(codes.counts))


def _name_cluster(card: ClusterCard | None, number: str) -> str:
    if card is None:
        return number
    verdict = "" if card.verdict is None else f" {card.verdict.shape} {card.verdict.word}"
    return f"{card.name.short}{verdict}, {card.size:,} rows"


def _by_codes(
    title: str, codes: LabelCodes, names: Sequence[str], pictures: dict[str, pd.DataFrame], slots: dict[int, int]
) -> Colouring:
    legend = [(LIGHT[slot], names[code]) for code, slot in slots.items()]
    if len(slots) < len(codes.names):
        legend.append((GREY, f"{len(codes.names) - len(slots):,} more, or none"))
    elif (codes.codes == NO_CODE).any():
        legend.append((GREY, "none"))
    colours = _colours(codes.codes.astype(np.int64), slots)
    return Colouring(title, tuple(legend), pictures, dict.fromkeys(pictures, colours))


def _by_islands(run: Run, pictures: dict[str, pd.DataFrame]) -> Colouring:
    matched, reference = matched_islands(run, pictures), reference_cell(run, pictures)
    places: dict[int, int] = {}
    if reference is not None:
        numbers = np.array([*matched[reference], NO_CODE])
        own = numbers[pictures[reference]["island"].to_numpy(np.int64)]  # noise, −1, is the last
        counts = np.bincount(own[own >= 0]).tolist()
        places = borrowed_slots(own, counts, *_hues_of_clusters(run, drawn_rows(pictures)))
    found = {}
    for cell, picture in pictures.items():
        slots = {island: places.get(number, number % len(LIGHT)) for island, number in enumerate(matched[cell])}
        found[cell] = _colours(picture["island"].to_numpy(np.int64), slots)
    return Colouring("island", (), pictures, found)


def _colours(codes: npt.NDArray[np.int64], slots: dict[int, int]) -> Colours:
    """Return a colour per point; noise, missing labels and values beyond the palette are grey."""
    table = np.tile(np.asarray(to_rgb(GREY), np.float32), (int(codes.max(initial=0)) + 2, 1))
    for code, slot in slots.items():
        if code < len(table) - 1:
            table[code] = to_rgb(LIGHT[slot])
    return table[codes]  # NO_CODE is the last


# --- drawing ------------------------------------------------------------------------------------------------------


def draw_comparison_grid(rows: Sequence[GridRow], colouring: Colouring) -> Sheet:
    """Draw all rows on one sheet, as high as they need."""
    layout = lay_out(rows)
    height = legend_height(colouring) + -(-len(rows) // layout.blocks) * layout.row + 2 * EDGE
    sheet = Sheet(TEXT_WIDTH + 2 * EDGE, height)
    top = draw_legend(sheet, EDGE, colouring)
    draw_rows(sheet, top, rows, layout, colouring)
    return sheet


def lay_out(rows: Sequence[GridRow]) -> GridLayout:
    """Choose the layout for rows of a grid."""
    columns = max((len(row.panels) for row in rows), default=1)
    width = GridLayout(columns, 1).block
    lines = max((len(wrap(row.title, width, NAME_SIZE, MOST_NAME_LINES, "bold")) for row in rows), default=1)
    return GridLayout(columns, lines)


def draw_rows(
    sheet: Sheet,
    top: float,
    rows: Sequence[GridRow],
    layout: GridLayout,
    colouring: Colouring,
) -> None:
    """Draw rows of pictures in blocks beside each other, from left to right."""
    for number, row in enumerate(rows):
        down, across = divmod(number, layout.blocks)
        left = EDGE + across * (layout.block + BETWEEN_BLOCKS)
        _draw_row(sheet, (left, top + down * layout.row), row, layout, colouring)


def _draw_row(sheet: Sheet, place: tuple[float, float], row: GridRow, layout: GridLayout, colouring: Colouring) -> None:
    left, top = place
    title = wrap(row.title, layout.block, NAME_SIZE, MOST_NAME_LINES, "bold")
    # Names of fewer lines stand directly above their pictures.
    above = (layout.name_lines - len(title)) * line_height(NAME_SIZE)
    seeds = sheet.write_lines(left, top + above, title, NAME_SIZE, weight="bold")
    for column, panel in enumerate(row.panels):
        at = left + column * (layout.panel + GAP)
        told = ", ".join(
            part for part in (None if panel.seed is None else f"seed {panel.seed}", panel.resample) if part
        )
        sheet.write(at, seeds, shorten(told, layout.panel, SEED_SIZE), SEED_SIZE, color=QUIET)
        axes = sheet.axes(at, top + layout.heading, layout.panel, layout.panel)
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=RULE, linewidth=0.6)
        if panel.cell in colouring.pictures:
            draw_picture(axes, colouring.pictures[panel.cell], colouring.by_cell[panel.cell], layout.panel)
        else:
            _say_why(axes, panel, layout.panel)


def draw_picture(axes: Axes, picture: pd.DataFrame, colours: Colours, side: float) -> None:
    """Scatter a picture's points, so small that they fill no more of it than they must."""
    # Shuffled as on the page: in the file's order the last label would lie on top.
    order = np.random.default_rng(0).permutation(len(picture))
    axes.scatter(
        picture["x"].to_numpy()[order],
        picture["y"].to_numpy()[order],
        s=float(np.clip(1100 * side**2 / max(1, len(picture)), SMALLEST_POINT, LARGEST_POINT)),
        c=colours[order],
        linewidth=0,
        rasterized=True,
    )
    axes.set_aspect("equal", adjustable="datalim")


def _say_why(axes: Axes, panel: Panel, side: float) -> None:
    """Write why there is no picture."""
    size = 5.5
    lines = [panel.status.replace("_", " "), *wrap(panel.reason or "", 0.9 * side, size, most=6)]
    axes.text(
        0.5,
        0.5,
        "\n".join(printable(line) for line in lines),
        ha="center",
        va="center",
        fontsize=size,
        color="#8a3b00",
        transform=axes.transAxes,
        parse_math=False,
    )


def legend_height(colouring: Colouring) -> float:
    """Return the height of a legend with the room below it."""
    lines = 1 + -(-len(colouring.legend) // colouring.legend_columns)
    return lines * line_height(LEGEND_SIZE) + BETWEEN_BLOCKS


def draw_legend(sheet: Sheet, top: float, colouring: Colouring) -> float:
    """Draw what the colours mean, and return where the legend ends."""
    told = f"Colour: {printable(colouring.title)}"
    sheet.write(EDGE, top, shorten(told, TEXT_WIDTH, LEGEND_SIZE, "bold"), LEGEND_SIZE, weight="bold")
    columns, line = colouring.legend_columns, line_height(LEGEND_SIZE)
    step = TEXT_WIDTH / columns
    for number, (colour, name) in enumerate(colouring.legend):
        down, across = divmod(number, columns)
        left, below = EDGE + across * step, top + (1 + down) * line
        sheet.mark(left + 0.04, below + 0.4 * line, colour)
        sheet.write(left + 0.12, below, shorten(name, step - 0.2, LEGEND_SIZE) or "(empty)", LEGEND_SIZE)
    return top + legend_height(colouring)
