"""Text on paper fits its width, long or strange as it may be; points become images where they lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.ndimage import gaussian_filter

from steadymap.reports.paper.grid_figure import draw_picture
from steadymap.reports.paper.sheet import Sheet, points_as_images, printable, save_svg, shorten, text_width, wrap

SIZE = 7.0


def test_widths_add_up_and_grow_with_the_type() -> None:
    assert text_width("", SIZE) == 0
    assert text_width("ii", SIZE) == pytest.approx(2 * text_width("i", SIZE))
    assert text_width("W", 2 * SIZE) == pytest.approx(2 * text_width("W", SIZE))
    assert text_width("W", SIZE, "bold") > text_width("W", SIZE) > text_width("i", SIZE)
    # DejaVu Sans: a figure is 0.636 of the size wide.
    assert text_width("0" * 10, 72.0) == pytest.approx(6.36, rel=0.01)


@pytest.mark.parametrize(
    "text", ["a plain sentence of some words", "x" * 400, "漢字" * 100, "a-b-c" * 50, "$\\frac{" * 40]
)
def test_wrapped_text_fits_and_loses_nothing(text: str) -> None:
    lines = wrap(text, 1.0, SIZE)
    assert all(text_width(line, SIZE) <= 1.0 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_wide_word_breaks_at_its_hyphen() -> None:
    assert wrap("Random-triplet accuracy", 0.65, 6.5) == ["Random-", "triplet", "accuracy"]


def test_what_is_cut_ends_in_an_ellipsis_and_fits() -> None:
    lines = wrap("word " * 100, 1.0, SIZE, most=3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert text_width(lines[-1], SIZE) <= 1.0
    assert wrap("two words", 5.0, SIZE, most=1) == ["two words"]
    assert shorten("short", 5.0, SIZE) == "short"
    assert text_width(shorten("y" * 300, 1.0, SIZE), SIZE) <= 1.0


def test_a_letter_wider_than_the_room_is_a_line_of_its_own() -> None:
    assert wrap("WW", 0.01, SIZE) == ["W", "W"]


def test_control_characters_and_line_ends_are_no_text() -> None:
    assert printable("a\nb\t\x00\x1b[31mc\u202ed\u2028e") == "a b [31mcd e"
    assert printable("  5\u00a0%  of ") == "5\u00a0% of"  # what belongs together stays so
    assert wrap("", 1.0, SIZE) == [""]


def test_an_endless_text_ends() -> None:
    assert len(wrap("word " * 1_000_000, 2.0, SIZE, most=60)) == 60


def a_page_of_points() -> Sheet:
    generator = np.random.default_rng(0)
    sheet = Sheet(4.0, 3.0)
    for left, width in ((0.5, 1.2), (2.0, 1.2), (3.4, 0.5)):
        axes = sheet.axes(left, 0.5, width, width)
        axes.set(xticks=[], yticks=[])
        points = pd.DataFrame(generator.standard_normal((200, 2)) * (1, 3), columns=["x", "y"])
        draw_picture(axes, points, generator.random((200, 3)).astype(np.float32), width)
    return sheet


def seen(sheet: Sheet, dpi: int) -> npt.NDArray[np.float64]:
    sheet.figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(sheet.figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(float) / 255


def test_points_as_images_lie_where_the_points_lie_and_are_points_again_afterwards() -> None:
    sheet = a_page_of_points()
    before = seen(sheet, 100)
    with points_as_images(sheet.figure, 100):
        assert [len(axes.images) for axes in sheet.figure.axes] == [1, 1, 1]
        image = seen(sheet, 100)
    # An image falls on other dots than its points by less than a dot: seen from a little farther off they are the same.
    assert np.abs(blurred(before) - blurred(image)).max() < 0.03
    for axis in (0, 1):
        one_dot_off = np.roll(image, 1, axis=axis)
        assert np.abs(blurred(before) - blurred(one_dot_off)).max() > 0.05
    np.testing.assert_array_equal(seen(sheet, 100), before)
    assert all(axes.collections[0].get_rasterized() for axes in sheet.figure.axes)


def blurred(picture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(gaussian_filter(picture, (3, 3, 0)))


def test_an_svg_has_one_image_for_each_picture_no_larger_than_it(tmp_path: Path) -> None:
    save_svg(a_page_of_points(), tmp_path / "page.svg")
    images = re.findall(r"<image .*?/>", (tmp_path / "page.svg").read_text(), re.DOTALL)
    sizes = sorted(float(re.search(r' width="([\d.]+)"', one)[1]) for one in images)  # type: ignore[index]
    # In points, 72 an inch.
    assert sizes == pytest.approx([0.5 * 72, 1.2 * 72, 1.2 * 72], abs=1.5)
