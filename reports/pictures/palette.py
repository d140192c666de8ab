"""Colours of the pictures, on light and on dark ground; never the only way to tell (names and legend say it, too).

One language: the hues of the palette are for clusters; verdicts have a mark and a calm colour; amounts go from pale to
deep in one hue; islands of reference data, which are no clusters, have tones of grey.

Each ten were searched (simulated annealing in OKLab) for the largest smallest distance between any two of them and
the grey of noise, as seen with normal vision and with simulated protanopia, deuteranopia and tritanopia (Machado,
Oliveira & Fernandes 2009, severity 1), at 2.5 : 1 or more against their ground. That is measured again in
``tests/reports/pictures/test_palette.py``. The usual lists are not like that: two colours of Tableau 10 differ by 0.007
for a protanope.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.integer]

TEN_ON_LIGHT = (
    "#002b88",
    "#b79002",
    "#921502",
    "#207b90",
    "#630d53",
    "#976dc8",
    "#5f469a",
    "#b1486b",
    "#7f6104",
    "#29a66f",
)
TEN_ON_DARK = (
    "#328eeb",
    "#d7e561",
    "#fab8a9",
    "#47e1ef",
    "#f87dba",
    "#a358b6",
    "#b29efd",
    "#cd5051",
    "#b8920b",
    "#62c969",
)

GREY = "#9aa0a8"
"""Noise, no label, values beyond the palette, on light ground."""


class Theme(TypedDict):
    """Colours that the page's script paints with; ``page.css`` has the same ground and ink."""

    palette: list[str]
    scale: list[str]
    verdicts: list[str]
    neutral: list[str]
    lost: str
    grey: str
    paper: str
    ink: str


def _tone(colour: str, toward: str, share: float) -> str:
    """Mix a colour with another in sRGB."""
    pairs = zip(_channels(colour), _channels(toward), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


LIGHT = (*TEN_ON_LIGHT, *(_tone(colour, "#ffffff", 0.4) for colour in TEN_ON_LIGHT))
DARK = (*TEN_ON_DARK, *(_tone(colour, "#1b1e24", 0.4) for colour in TEN_ON_DARK))
"""From the 11th on the ten come again, paler. Twenty colours cannot all differ for everyone: from there on names and
the legend have to help."""

LEVELS = 10
"""Steps of a scale for numbers from 0 to 1."""

PALE_TO_DEEP_ON_LIGHT = ("#d5deea", "#7ba4d0", "#2a5f9e", "#0a2a5c")
PALE_TO_DEEP_ON_DARK = ("#3a4553", "#4a719f", "#74a8e6", "#d3e6ff")
"""Ends and bends of the scale for amounts, one hue from pale to deep: what is little stays near the ground, and what is
much stands out. No middle has a meaning, so none has a colour of its own."""

VERDICTS_ON_LIGHT = ("#1c6b58", "#3d6494", "#85652f", "#666d78")
VERDICTS_ON_DARK = ("#6fc7ae", "#8db8e8", "#d1b27a", "#a9b0bb")
"""Calm colours of REAL, HIDDEN, ARTEFACT and UNCERTAIN, each beside its mark: hues as strong as a cluster's would be
read as clusters, and a red REAL as an alarm."""


NEUTRAL_ON_LIGHT = ("#23262b", "#6a6f77", "#43474e", "#83888f")
NEUTRAL_ON_DARK = ("#f1f1ee", "#a8adb5", "#cfd2d6", "#8d929a")
"""Tones of islands of reference data: what lies beside each other mostly differs, and none looks like a cluster."""

LOST_ON_LIGHT, LOST_ON_DARK = "#b3400f", "#ffb27a"
"""Lines to latent neighbours that a picture has lost; dashed as well."""


def _scale(stops: Sequence[str]) -> list[str]:
    """Walk from stop to stop in so many steps."""
    found = []
    for level in range(LEVELS):
        at = level * (len(stops) - 1) / (LEVELS - 1)
        left = min(int(at), len(stops) - 2)
        found.append(_tone(stops[left], stops[left + 1], at - left))
    return found


THEMES: dict[str, Theme] = {
    "light": {
        "palette": list(LIGHT),
        "scale": _scale(PALE_TO_DEEP_ON_LIGHT),
        "verdicts": list(VERDICTS_ON_LIGHT),
        "neutral": list(NEUTRAL_ON_LIGHT),
        "lost": LOST_ON_LIGHT,
        "grey": GREY,
        "paper": "#ffffff",
        "ink": "#1c1f24",
    },
    "dark": {
        "palette": list(DARK),
        "scale": _scale(PALE_TO_DEEP_ON_DARK),
        "verdicts": list(VERDICTS_ON_DARK),
        "neutral": list(NEUTRAL_ON_DARK),
        "lost": LOST_ON_DARK,
        "grey": "#7d838d",
        "paper": "#1b1e24",
        "ink": "#e8e8e4",
    },
}


def colour_slots(counts: Sequence[int]) -> dict[int, int]:
    """Give label values, by their code, a place in the palette.

    Of more values than colours only the most frequent get one: colours that repeat would lie.
    """
    return {code: slot for slot, code in enumerate(sorted(_most_frequent(counts)))}


def borrowed_slots(
    codes: Codes, counts: Sequence[int], clusters: Codes, cluster_slots: Mapping[int, int]
) -> dict[int, int]:
    """Give label values or islands, by their code, the place in the palette of the cluster they go with.

    The most frequent first, each that of the cluster that most of its points are in, if that is free; then the others,
    what is left. ``script/colours.js`` does the same, so that a name has one hue on the page and on paper.

    Parameters
    ----------
    codes, clusters
        A code per point, shape (n,); negative is none. Without clusters ``clusters`` are all negative.
    counts
        How often each code occurs.
    cluster_slots
        Places of the clusters.
    """
    slots = (cluster_slots.get(int(cluster)) for cluster in clusters)
    together: dict[int, Counter[int]] = {}
    for code, slot in zip(codes.tolist(), slots, strict=True):
        if code >= 0 and slot is not None:
            together.setdefault(code, Counter())[slot] += 1
    found: dict[int, int] = {}
    frequent = _most_frequent(counts)
    for code in frequent:
        own = together[code].most_common(1)[0][0] if code in together else None
        if own is not None and own not in found.values():
            found[code] = own
    free = (slot for slot in range(len(LIGHT)) if slot not in found.values())
    late = dict(zip((code for code in frequent if code not in found), list(free), strict=False))
    return dict(sorted({**found, **late}.items()))


def _most_frequent(counts: Sequence[int]) -> list[int]:
    """Return the codes that get a colour, the most frequent first."""
    return sorted(range(len(counts)), key=lambda code: (-counts[code], code))[: len(LIGHT)]
