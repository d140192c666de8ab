"""The report on paper: an A4 PDF made without a browser, the same bytes for the same run.

Verdicts, comparison grids, scores, tracks, provenance. It holds what can be read without a pointer; the page has more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages

from steadymap.reports.clusters.cluster_cards import ClusterCard
from steadymap.reports.paper.grid_figure import (
    Colouring,
    cluster_colouring,
    comparison_colouring,
    draw_legend,
    draw_picture,
    draw_rows,
    lay_out,
    legend_height,
)
from steadymap.reports.paper.score_figure import FOOT, HEADING, LINE, draw_maps, maps_height, score_lines
from steadymap.reports.paper.sheet import (
    EDGE,
    INK,
    PAGE_WIDTH,
    QUIET,
    RULE,
    TEXT_WIDTH,
    Sheet,
    line_height,
    plain_drawing,
    points_as_images,
    printable,
    shorten,
    wrap,
)
from steadymap.reports.paper.track_figure import draw_track_rows, track_rows, tracks_height
from steadymap.reports.run.run_folder import Run
from steadymap.reports.summary.summary import GridRow, Summary

PAGE_HEIGHT = 11.69
TOP, BOTTOM = EDGE + 0.1, PAGE_HEIGHT - EDGE - 0.25
"""Between them is what a page holds; below is its number."""

SIZE, SMALL, HEADING_SIZE, TITLE_SIZE = 8.5, 7.0, 12.0, 18.0
DOTS_PER_INCH = 300
MOST_LINES = 60
"""Of one text; what is longer is no sentence."""

COLUMNS = (
    ("Cluster", 1.87),
    ("Verdict", 1.0),
    ("Rows", 0.65),
    ("p", 0.65),
    ("Depth of the valley", 1.9),
    ("Recurrence", 1.2),
)
"""Columns of the table of clusters and their widths in inches."""

NAME_WIDTH = 1.4
MAP, BESIDE_MAP = 3.1, 0.2
"""Side of the first page's picture, and the room on its left."""


@dataclass
class Pages:
    """Pages that are filled from the top; what does not fit starts a new one."""

    sheets: list[Sheet] = field(default_factory=list)
    top: float = BOTTOM

    @property
    def sheet(self) -> Sheet:
        """The page that is being filled."""
        return self.sheets[-1]

    @property
    def room(self) -> float:
        """What is left of it."""
        return BOTTOM - self.top

    def turn(self) -> None:
        """Begin a page."""
        self.sheets.append(Sheet(PAGE_WIDTH, PAGE_HEIGHT))
        self.top = TOP

    def need(self, height: float) -> None:
        """Begin a page where a height does not fit; a page that is empty has to do."""
        if self.room < height and (not self.sheets or self.top > TOP):
            self.turn()

    def heading(self, text: str, size: float = HEADING_SIZE) -> None:
        """Write a heading."""
        for line in wrap(text, TEXT_WIDTH, size, 3, "bold"):
            self.need(line_height(size))
            self.sheet.write(EDGE, self.top, line, size, weight="bold")
            self.top += line_height(size)
        self.top += 0.08

    def paragraph(self, text: str, size: float = SIZE, colour: str = INK, width: float = TEXT_WIDTH) -> None:
        """Write a text in lines of a width; nothing where it is empty."""
        if not text:
            return
        left, lines = EDGE, wrap(text, width, size, MOST_LINES)
        if len(lines) * line_height(size) < (BOTTOM - TOP) / 3:
            self.need(len(lines) * line_height(size))  # so that no paragraph of a few lines is torn
        for line in lines:
            self.need(line_height(size))
            self.sheet.write(left, self.top, line, size, color=colour)
            self.top += line_height(size)
        self.top += 0.05

    def table_row(self, cells: Sequence[tuple[str, float]], size: float = SMALL, weight: str = "normal") -> None:
        """Write texts beside each other, each wrapped to its width, with a thin line below."""
        wrapped = [wrap(text, width - 0.08, size, MOST_LINES, weight) for text, width in cells]
        height = max(len(lines) for lines in wrapped) * line_height(size) + 0.06
        self.need(height)
        left = EDGE
        for lines, (_, width) in zip(wrapped, cells, strict=True):
            self.sheet.write_lines(left, self.top, lines, size, weight=weight)
            left += width
        self.top += height
        self.sheet.rule(self.top - 0.03)


def write_pdf(run: Run, summary: Summary, path: Path) -> None:
    """Write the report of a run as PDF."""
    with plain_drawing():
        pages = compose_pages(run, summary)
        # No date: the same run gives the same bytes.
        metadata = {"Title": printable(summary.title)[:200], "CreationDate": None}
        with PdfPages(path, metadata=metadata) as pdf:
            for number, sheet in enumerate(pages.sheets, 1):
                _number(sheet, summary.run, number, len(pages.sheets))
                with points_as_images(sheet.figure, DOTS_PER_INCH):
                    pdf.savefig(sheet.figure, dpi=DOTS_PER_INCH)


def compose_pages(run: Run, summary: Summary) -> Pages:
    """Lay out every page of a run's report."""
    pages = Pages()
    _answer(pages, run, summary)
    if len(run.drawn):
        _grids(pages, run, summary)
        _scores(pages, run)
        _tracks(pages, summary)
    _origin(pages, summary)
    return pages


def _number(sheet: Sheet, run: str, number: int, total: int) -> None:
    at = PAGE_HEIGHT - EDGE
    sheet.write(EDGE, at, shorten(run, TEXT_WIDTH - 1, SMALL), SMALL, color=QUIET)
    sheet.write(PAGE_WIDTH - EDGE, at, f"{number} of {total}", SMALL, color=QUIET, ha="right")


# --- what the pages hold --------------------------------------------------------------------------------------------


def _answer(pages: Pages, run: Run, summary: Summary) -> None:
    """Say what is there beside the picture of the best setting; then the facts of every cluster, and what else."""
    pages.heading(summary.title, TITLE_SIZE)
    pages.paragraph(" · ".join(summary.facts), SMALL, QUIET)
    pages.paragraph(summary.notice)
    headline, *more = summary.findings
    pages.heading(headline)
    below = _map(pages, run, summary)
    beside = TEXT_WIDTH - (MAP + BESIDE_MAP if below else 0)
    page = len(pages.sheets)
    for line in summary.answer.lines:
        pages.paragraph(line, width=beside)
    if len(pages.sheets) == page:
        pages.top = max(pages.top, below)
    if summary.clusters:
        _clusters(pages, summary.clusters)
    for finding in more:
        pages.paragraph(finding)
    for one in summary.recommended:
        pages.paragraph(f"Look first at {one.panel.title}: {one.reason}.")
    if summary.smallest:
        pages.paragraph(summary.smallest.sentence)
    pages.paragraph(summary.limit)
    pages.paragraph(summary.selftest)
    _reasons(pages, summary.clusters)


def _map(pages: Pages, run: Run, summary: Summary) -> float:
    """Draw the picture of the setting to use, its clusters named, and return where it ends; 0 without one."""
    use, colouring = summary.answer.use, cluster_colouring(run, summary) or comparison_colouring(run, summary)
    if use is None or use.panel.cell not in colouring.pictures:
        return 0.0
    pages.need(MAP + 0.4)
    left = PAGE_WIDTH - EDGE - MAP
    axes = pages.sheet.axes(left, pages.top, MAP, MAP)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=RULE, linewidth=0.6)
    picture = colouring.pictures[use.panel.cell]
    draw_picture(axes, picture, colouring.by_cell[use.panel.cell], MAP)
    of_row = run.points.set_index("row")["cluster"]
    middles = picture.assign(cluster=picture["row"].map(of_row)).groupby("cluster")[["x", "y"]].median()
    for card in summary.clusters:
        if card.number in middles.index:
            mark = f"{card.verdict.shape} " if card.verdict else ""
            name = printable(shorten(mark + card.name.short, 1.0, SMALL, "bold"))
            middle = middles.loc[card.number]
            axes.text(
                float(middle["x"]),
                float(middle["y"]),
                name,
                ha="center",
                va="center",
                fontsize=SMALL,
                weight="bold",
                color=INK,
                parse_math=False,
                clip_on=True,
                bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "boxstyle": "square,pad=0.1"},
            )
    pages.sheet.write(left, pages.top + MAP + 0.04, shorten(use.panel.title, MAP, SMALL), SMALL, color=QUIET)
    return pages.top + MAP + 0.3


def _clusters(pages: Pages, clusters: Sequence[ClusterCard]) -> None:
    names, widths = zip(*COLUMNS, strict=True)
    pages.table_row(COLUMNS, weight="bold")
    for card in clusters:
        page = len(pages.sheets)
        before = pages.top
        pages.table_row(list(zip(_cells(card), widths, strict=True)))
        if len(pages.sheets) > page and before > TOP:
            pages.sheet.write(EDGE, TOP - 0.16, f"Clusters, continued: {', '.join(names)}", SMALL - 1, color=QUIET)
    pages.top += 0.1


def _cells(card: ClusterCard) -> tuple[str, ...]:
    verdict, p, depth = ("not tested", "", "")
    if card.verdict is not None:
        verdict = f"{card.verdict.shape} {card.verdict.word}"
        p, depth = card.verdict.p.removeprefix("p").removeprefix(" = ").strip(), card.verdict.depth
    name = shorten(card.name.full, 1.75, SMALL)
    return name, verdict, f"{card.size:,}", p, depth, f"{card.recurrence}"


def _reasons(pages: Pages, clusters: Sequence[ClusterCard]) -> None:
    """Tell of every cluster why it has its verdict, where it was found again, and what it is made of."""
    if not clusters:
        return
    pages.need(1.0)
    pages.top += 0.12
    pages.heading("Cluster by cluster")
    for card in clusters:
        reason = card.verdict.reason.strip().rstrip(".") if card.verdict else ""
        told = [f"{reason}." if reason else "", f"{card.found_again.capitalize()}."]
        told += [f"Mostly {card.label}."] if card.label else []
        name = shorten(card.name.full, NAME_WIDTH - 0.1, SMALL)
        pages.table_row(((name, NAME_WIDTH), (" ".join(filter(None, told)), TEXT_WIDTH - NAME_WIDTH)))


def _grids(pages: Pages, run: Run, summary: Summary) -> None:
    colourings = [comparison_colouring(run, summary)]
    clusters = cluster_colouring(run, summary) if summary.labels else None
    for colouring in [*colourings, *([clusters] if clusters else [])]:
        _grid(pages, summary.rows, colouring)


def _grid(pages: Pages, rows: Sequence[GridRow], colouring: Colouring) -> None:
    layout, rest = lay_out(rows), list(rows)
    while rest:
        pages.turn()
        pages.heading(shorten(f"All pictures by {printable(colouring.title)}", TEXT_WIDTH, HEADING_SIZE, "bold"))
        room = pages.room - legend_height(colouring)
        layout = layout.fitted(len(rest), room)
        most = layout.rows_in(room)
        top = draw_legend(pages.sheet, pages.top, colouring)
        draw_rows(pages.sheet, top, rest[:most], layout, colouring)
        pages.top = BOTTOM
        rest = rest[most:]


def _scores(pages: Pages, run: Run) -> None:
    most = int((BOTTOM - TOP - 0.5 - HEADING - FOOT) // LINE)
    for number, line in enumerate(score_lines(run, most)):
        if number == 0:
            pages.turn()
            pages.heading("Scores, means over seeds")
        pages.need(maps_height(line))
        pages.top = draw_maps(pages.sheet, pages.top, line)


def _tracks(pages: Pages, summary: Summary) -> None:
    rows = track_rows(summary)
    most = int((BOTTOM - TOP - 0.5 - tracks_height(0)) // LINE)
    for first in range(0, len(rows), most):
        part = rows[first : first + most]
        pages.need(tracks_height(len(part)) + 0.5)
        pages.heading("Clusters through the settings")
        draw_track_rows(pages.sheet, pages.top, part, summary)
        pages.top += tracks_height(len(part))


def _origin(pages: Pages, summary: Summary) -> None:
    pages.need(2.0)
    pages.heading("Where the numbers come from")
    for name, value in summary.provenance:
        pages.table_row(((name, 1.8), (value, TEXT_WIDTH - 1.8)))
    pages.table_row((("To repeat it", 1.8), (summary.reproduce, TEXT_WIDTH - 1.8)))
    _listed(pages, "Warnings", summary.warnings)
    _listed(pages, "Without a picture", [f"{one.title}: {one.status}: {one.reason or ''}" for one in summary.lost])


def _listed(pages: Pages, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    pages.need(1.0)
    pages.top += 0.12
    pages.heading(title)
    for line in lines:
        pages.paragraph(line, SMALL)
