"""The palette: what its docstring says, measured.

Colour vision is simulated in linear RGB by the matrices of Machado, Oliveira & Fernandes 2009
(doi:10.1109/TVCG.2009.113, table 1, severity 1); distances are Euclidean in OKLab (Ottosson 2020); contrast is
that of WCAG 2.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from steadymap.reports.html import rendering
from steadymap.reports.pictures.label_codes import NO_CODE
from steadymap.reports.pictures.palette import (
    DARK,
    LIGHT,
    TEN_ON_DARK,
    TEN_ON_LIGHT,
    THEMES,
    borrowed_slots,
    colour_slots,
)

FLOOR = 0.077
"""Measured: 0.0782 on light (deuteranopia, the green and the grey), 0.0795 on dark (protanopia, blue and lavender)."""

LEAST_CONTRAST = 2.5
"""Measured: 2.64 on light (the grey), 3.68 on dark."""

TABLEAU = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"]

VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}

TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])

TENS = {"light": TEN_ON_LIGHT, "dark": TEN_ON_DARK}


def linear(colour: str) -> npt.NDArray[np.float64]:
    """Return linear RGB."""
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return OKLab coordinates of linear RGB."""
    return TO_LAB @ np.cbrt(TO_CONES @ rgb)


def smallest_distance(colours: list[str], vision: str) -> float:
    """Return the smallest OKLab distance between any two colours as seen with a kind of vision."""
    seen = [oklab(np.clip(VISION[vision] @ linear(colour), 0, 1)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


def contrast(a: str, b: str) -> float:
    """Return the WCAG contrast ratio."""
    dark, light = sorted(float(LUMINANCE @ linear(colour)) for colour in (a, b))
    return (light + 0.05) / (dark + 0.05)


def grounds() -> dict[str, dict[str, str]]:
    """Return the custom properties that page.css sets: the first block is light, the second dark."""
    css = (rendering.TEMPLATES / "page.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)[:2]
    found = [dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block)) for block in (light, dark)]
    return dict(zip(("light", "dark"), found, strict=True))


def test_the_measure_is_right_at_known_values() -> None:
    # White is (1, 0, 0) in OKLab and 21 : 1 against black; a grey stays what it is with every vision.
    assert oklab(linear("#ffffff")) == pytest.approx([1, 0, 0], abs=1e-6)
    assert oklab(linear("#ff0000")) == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-4)
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    for matrix in VISION.values():
        assert matrix @ linear("#808080") == pytest.approx(linear("#808080"), abs=1e-5)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", THEMES)
def test_ten_colours_and_the_grey_differ_with_every_vision(theme: str, vision: str) -> None:
    assert smallest_distance([*TENS[theme], THEMES[theme]["grey"]], vision) >= FLOOR


@pytest.mark.parametrize("theme", THEMES)
def test_colours_and_grey_stand_out_from_their_ground(theme: str) -> None:
    # Pictures lie on the paper, the legend on the page's ground.
    for ground in (grounds()[theme]["paper"], grounds()[theme]["ground"]):
        assert min(contrast(colour, ground) for colour in (*TENS[theme], THEMES[theme]["grey"])) >= LEAST_CONTRAST


def test_tableau_10_fails_both() -> None:
    # The negative control, and the figure in the docstring: 0.007 between orange and green for a protanope.
    assert round(smallest_distance(TABLEAU, "protanopia"), 3) == 0.007
    assert all(smallest_distance(TABLEAU, vision) < FLOOR for vision in ("protanopia", "deuteranopia", "tritanopia"))
    assert min(contrast(colour, "#ffffff") for colour in TABLEAU) < LEAST_CONTRAST


@pytest.mark.parametrize("theme", THEMES)
def test_script_and_style_sheet_have_the_same_ground_and_ink(theme: str) -> None:
    assert {name: grounds()[theme][name] for name in ("paper", "ink")} == {
        "paper": THEMES[theme]["paper"],
        "ink": THEMES[theme]["ink"],
    }


def test_there_are_twenty_different_colours_on_each_ground() -> None:
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        assert THEMES[theme]["palette"] == list(colours)
        assert len({*colours, THEMES[theme]["grey"]}) == 21
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)


def test_the_second_ten_are_paler_towards_their_ground() -> None:
    # Linear in sRGB: 0.6 of the colour and 0.4 of white; #002b88 gives 102, 0.6·43 + 102 = 128, 0.6·136 + 102 = 184.
    assert LIGHT[10] == "#6680b8"


def test_values_take_colours_in_their_order() -> None:
    assert colour_slots([5, 1, 3]) == {0: 0, 1: 1, 2: 2}


def test_of_more_values_than_colours_only_the_most_frequent_get_one() -> None:
    counts = [1, *([2] * 19), 9, 1]  # 22 values for 20 colours: the first and the last are the rarest
    slots = colour_slots(counts)
    assert list(slots) == list(range(1, 21))
    assert list(slots.values()) == list(range(20))


def test_the_docstring_names_this_file() -> None:
    from steadymap.reports.pictures import palette

    assert f"tests/reports/pictures/{Path(__file__).name}" in (palette.__doc__ or "")


def test_a_value_borrows_the_hue_of_its_cluster_and_what_is_left_goes_to_the_others() -> None:
    clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2, NO_CODE, 3])
    labels = np.array([2, 2, 0, 0, 0, 1, 1, 1, 3, NO_CODE])
    # 2 lies in cluster 0, 0 in 1, 1 in 2; 3 in none; cluster 3, of slot 7, has no label.
    slots = {0: 5, 1: 0, 2: 1, 3: 7}
    assert borrowed_slots(labels, [3, 3, 2, 1], clusters, slots) == {0: 0, 1: 1, 2: 5, 3: 2}
    # Two values of one cluster: the more frequent has its hue, the other one the first that is free.
    assert borrowed_slots(np.array([0, 1, 1, 1]), [1, 3], np.zeros(4, int), {0: 4}) == {0: 0, 1: 4}
    # A cluster beyond the palette has no hue to lend; without clusters the most frequent comes first.
    assert borrowed_slots(np.array([0, 1, 1]), [1, 2], np.array([9, 9, 9]), slots) == {0: 1, 1: 0}
    # Of more values than colours the rarest have none.
    many = borrowed_slots(np.arange(30), [2, *[1] * 28, 2], np.full(30, NO_CODE), {})
    assert (len(many), many[0], many[29], 19 in many) == (len(LIGHT), 0, 1, False)
