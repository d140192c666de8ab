"""A sheet of paper that is filled from the top: axes and text placed in inches, and text that wraps.

What figures and the PDF are drawn on. Text from the user is drawn as text: no mathematics, one line, printable
characters only. Without pyplot, whose figures are global state, and without a layout engine, which takes seconds for a
grid of forty.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Bbox

from steadymap.reports.wording import NARROW_SPACE

PAGE_WIDTH = 8.27
EDGE = 0.5
TEXT_WIDTH = PAGE_WIDTH - 2 * EDGE
"""Figures are as wide as the text of an A4 page, so that their type has its size in the PDF and in a paper."""

MARGIN = 0.1
"""What figures keep of the edge."""

DOTS_PER_INCH = 200
SALT = "steadymap"
"""What matplotlib makes the identifiers of an SVG from; by default a random number."""

POINT = 1 / 72
LEADING = 1.35
"""Height of a line in sizes of its type."""

INK, QUIET, RULE = "#1c1f24", "#565c66", "#cccccc"


class Sheet:
    """A figure of a size in inches; places are measured from its top left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes at a place."""
        low = self.height - top - height
        return self.figure.add_axes((left / self.width, low / self.height, width / self.width, height / self.height))

    def write(self, left: float, top: float, text: str, size: float = 7.0, **style: Any) -> None:
        """Write a line whose top is at a place."""
        style = {"ha": "left", "va": "top", "color": INK, **style}
        at = (left / self.width, 1 - top / self.height)
        self.figure.text(*at, printable(text), fontsize=size, parse_math=False, **style)

    def write_lines(self, left: float, top: float, lines: Sequence[str], size: float = 7.0, **style: Any) -> float:
        """Write lines below each other, and return where the next one would start."""
        for line in lines:
            self.write(left, top, line, size, **style)
            top += line_height(size)
        return top

    def rule(self, top: float, left: float = EDGE, right: float = EDGE) -> None:
        """Draw a thin line across."""
        y = 1 - top / self.height
        across = (left / self.width, 1 - right / self.width)
        self.figure.add_artist(Line2D(across, (y, y), color=RULE, linewidth=0.6))

    def mark(self, left: float, top: float, colour: str, marker: str = "o", size: float = 4.0) -> None:
        """Draw a mark whose middle is at a place."""
        at = ([left / self.width], [1 - top / self.height])
        self.figure.add_artist(Line2D(*at, marker=marker, markersize=size, color=colour, linestyle=""))


def printable(text: str) -> str:
    """Return one line without control characters: an SVG could not hold them, and nobody could read them."""
    visible = (
        " " if one.isspace() and one != NARROW_SPACE else one for one in text if one.isspace() or one.isprintable()
    )
    return " ".join(part for part in "".join(visible).split(" ") if part)


def line_height(size: float) -> float:
    """Return the height of a line in inches."""
    return size * POINT * LEADING


def wrap(text: str, width: float, size: float = 7.0, most: int | None = None, weight: str = "normal") -> list[str]:
    """Break text into lines of a width in inches; a word that is wider is broken, too.

    Beyond ``most`` lines the last one ends in an ellipsis.
    """
    lines, line = [], ""
    for word in _pieces(printable(text), width, size, weight):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size, weight) > width:
            lines.append(line)
            longer = word
        line = longer
        if most is not None and len(lines) > most:
            break
    lines.append(line)
    if most is not None and len(lines) > most:
        return [*lines[: most - 1], shorten(f"{lines[most - 1]} …", width, size, weight)]
    return lines


def shorten(text: str, width: float, size: float = 7.0, weight: str = "normal") -> str:
    """Return text that fits a width, cut with an ellipsis where it does not."""
    text = printable(text)
    if text_width(text, size, weight) <= width:
        return text
    kept = text.removesuffix("…").rstrip()
    return kept[: _fitting(kept, width - text_width("…", size, weight), size, weight)].rstrip() + "…"


def _pieces(text: str, width: float, size: float, weight: str) -> Iterator[str]:
    # Of a text of megabytes no page shows more.
    for word in text[:20_000].split(" "):
        rest = word
        while text_width(rest, size, weight) > width and len(rest) > 1:
            cut = max(1, _fitting(rest, width, size, weight))
            cut = rest.rfind("-", 1, cut) + 1 or cut
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


def _fitting(text: str, width: float, size: float, weight: str) -> int:
    """Return how many characters fit a width."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle], size, weight) <= width else (low, middle - 1)
    return low


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of a text in inches."""
    return sum(_advance(character, weight) for character in text) * size * POINT


@cache
def _advance(character: str, weight: str) -> float:
    """Return the width of a character in sizes of the type; kerning is less than a hair."""
    font = FontProperties(weight=weight, size=100)
    with any_script():
        if character.isspace():
            return _measured("x x", font) - _measured("xx", font)
        return _measured(character, font)


def _measured(text: str, font: FontProperties) -> float:
    width: float = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    return width / 100


@contextmanager
def any_script() -> Iterator[None]:
    """Let a name in a script that the font lacks show as boxes: no reason to lose the figure."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support")
        yield


@contextmanager
def plain_drawing() -> Iterator[None]:
    """Draw alike everywhere: matplotlib's own defaults, whatever the user's, and the same identifiers each time.

    TrueType in a PDF is what journals ask for, and can be searched.
    """
    settings = {**mpl.rcParamsDefault, "svg.hashsalt": SALT, "pdf.fonttype": 42}
    with any_script(), mpl.rc_context({name: value for name, value in settings.items() if name != "backend"}):
        yield


def save_png(sheet: Sheet, path: Path) -> None:
    """Write a figure as PNG."""
    FigureCanvasAgg(sheet.figure)
    with plain_drawing():
        sheet.figure.savefig(path, dpi=DOTS_PER_INCH, format="png", bbox_inches=_content(sheet))


def save_svg(sheet: Sheet, path: Path) -> None:
    """Write a figure as SVG: type as outlines, so that it looks alike everywhere; points as pictures."""
    FigureCanvasSVG(sheet.figure)
    with plain_drawing(), points_as_images(sheet.figure, DOTS_PER_INCH):
        sheet.figure.savefig(
            path, dpi=DOTS_PER_INCH, format="svg", metadata={"Date": None}, bbox_inches=_content(sheet)
        )


@contextmanager
def points_as_images(figure: Figure, dots_per_inch: float) -> Iterator[None]:
    """Let rasterized points be images as large as their axes while a figure is written as vectors.

    matplotlib draws each set of points on an empty page of its own: with forty pictures that is most of the time.
    """
    drawn = [
        (axes, points)
        for axes in figure.axes
        for points in axes.collections
        if isinstance(points, PathCollection) and points.get_rasterized()
    ]
    alone: dict[tuple[float, float], Axes] = {}  # axes take longer to make than points to draw
    images = []
    for axes, points in drawn:
        axes.apply_aspect()  # the limits that a drawing would choose
        size = _size_of(axes, figure)
        if size not in alone:
            alone[size] = _bare_axes(size, dots_per_inch)
        image = _ImageAsItIs(axes, _draw_alone(points, axes, alone[size]), zorder=points.get_zorder())
        image.set_clip_path(axes.patch)
        axes.add_image(image)
        images.append(image)
        points.set(visible=False, rasterized=False)
    try:
        yield
    finally:
        for image in images:
            image.remove()
        for _, points in drawn:
            points.set(visible=True, rasterized=True)


class _ImageAsItIs(AxesImage):
    """An image that fills its axes, made at the resolution of what it is written to: not resampled."""

    def __init__(self, axes: Axes, pixels: npt.NDArray[np.uint8], **properties: Any) -> None:
        super().__init__(axes, **properties)
        self.set_data(pixels)
        self._place, self._pixels = axes.bbox, pixels

    def make_image(
        self, renderer: RendererBase, magnification: float = 1.0, unsampled: bool = False
    ) -> tuple[npt.NDArray[np.uint8], float, float, Affine2D]:
        """Return the pixels from the lowest line up, as matplotlib's renderers take them, and their lower left."""
        return self._pixels[::-1], float(self._place.x0), float(self._place.y0), Affine2D()


def _size_of(axes: Axes, figure: Figure) -> tuple[float, float]:
    """Return the size of axes in inches; those that differ by rounding are of one size."""
    box = axes.get_position()
    return round(box.width * figure.get_figwidth(), 6), round(box.height * figure.get_figheight(), 6)


def _bare_axes(size: tuple[float, float], dots_per_inch: float) -> Axes:
    """Return axes that fill a figure without a ground."""
    figure = Figure(figsize=size, dpi=dots_per_inch, facecolor="none")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return axes


def _draw_alone(points: PathCollection, axes: Axes, alone: Axes) -> npt.NDArray[np.uint8]:
    """Draw points on bare axes that have the limits of their own, (height, width, 4)."""
    x, y = np.asarray(points.get_offsets()).T
    copied = alone.scatter(x, y, s=points.get_sizes(), c=points.get_facecolor(), linewidth=0)
    alone.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    canvas: Any = alone.figure.canvas  # matplotlib leaves it untyped
    canvas.draw()
    copied.remove()
    return np.array(canvas.buffer_rgba())


def _content(sheet: Sheet) -> Bbox:
    """Return a sheet without most of its margin."""
    cut = EDGE - MARGIN
    return Bbox.from_extents(cut, cut, sheet.width - cut, sheet.height - cut)
