"""Text on paper: it fits its width, long or strange as it may be."""

from __future__ import annotations

import pytest

from steadymap.reports.paper.sheet import printable, shorten, text_width, wrap

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
