"""Colours that most colour-blind readers can tell apart; never the only way to tell."""

from __future__ import annotations

TWELVE = (
    "#1f77b4",
    "#e6550d",
    "#2a9d57",
    "#c51b8a",
    "#8c6d31",
    "#17a2b8",
    "#756bb1",
    "#d4a017",
    "#7f1d1d",
    "#5b8c00",
    "#e78ac3",
    "#4a5568",
)
"""Hues alternate in lightness, so that neighbours in the list differ without hue, too."""


def colours(count: int) -> list[str]:
    """Return so many colours; from the 13th on they repeat, which the legend's text makes up for."""
    return [TWELVE[place % len(TWELVE)] for place in range(count)]


def shade(share: float) -> tuple[str, str]:
    """Return background and text colour of a heat map's cell, from pale (0) to deep blue (1).

    Text is black or white, whichever has the larger contrast; it is at least 4.5 : 1 everywhere on the scale.
    """
    share = min(1.0, max(0.0, share))
    pale, deep = (240, 244, 250), (20, 66, 120)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(pale, deep, strict=True))
    dark_text = _luminance(red, green, blue) > TEXT_TURNS
    return f"#{red:02x}{green:02x}{blue:02x}", "#000000" if dark_text else "#ffffff"


TEXT_TURNS = 0.179
"""Relative luminance at which black and white have the same contrast (WCAG 2.2)."""


def _luminance(*channels: int) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
