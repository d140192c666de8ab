"""Whether the held-out rows show a valley of the density between two sides that the discovery rows suggest.

A cluster is real when a valley separates it from every neighbour (Hartigan 1975). Where to look is chosen on the
discovery half; whether there is a valley is asked of the held-out half alone, by Hartigan's dip test on the axis across
the easiest bridge. The error rate holds for independent rows (or groups that are kept whole) and for patches small
against the curvature of the data. It does not find valleys that the candidates do not follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from steadymap.tasks.numerics.arrays import Booleans, Float64, Int64
from steadymap.tasks.numerics.valleys.bridges import Bridge
from steadymap.tasks.numerics.valleys.curved_axis import CurvedAxis, curved_axis
from steadymap.tasks.numerics.valleys.dip import dip, dip_p_value
from steadymap.tasks.numerics.valleys.jitter import untie
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph
from steadymap.tasks.numerics.valleys.merge_tree import FEWEST_DISCOVERY_ROWS, bridge_patch, even_patch
from steadymap.tasks.numerics.valleys.sample_splitting import SampleSplit
from steadymap.tasks.numerics.valleys.valley_depth import Depth, valley_depth

LARGEST_PATCH = 400
"""Most rows a side of a patch: with 200 a bridge between two blobs of a thousand rows looked even, since a patch saw
next to nothing but the bridge."""

SMALLER_PATCHES = (280, 200, 140, 100, 70, 50, 35, 25)
"""Rows a side of the patches that are tried where the largest is bent, each about 0.7 of the one before."""

EVEN_REACH = 0.05
"""What p-value a valley has to have in a patch that reaches equally far on both sides, for the test to count."""

EVEN_SHARE = 0.7
"""Most of the smaller side that such a patch takes: its far end is beyond its peak, and as far off on the other side
lie other clusters (five blobs at 5 σ, 32 dimensions: 36 of 40 found in eight halves with all of it, 37 with this)."""

MOST_TURNING = 90.0
"""Degrees a patch may be bent. Above, its ends run away from the axis and a quadratic curve no longer follows it."""

FEWEST_HELD_OUT_ROWS = 8
"""Below, a side is not tested. The dip's p-value is exact for any number of rows, and what is this small has to be far
off to have a small one."""

ENOUGH_HELD_OUT_ROWS = 50
"""Below, a test may reject, but sees only deep valleys: that it does not reject says next to nothing."""


@dataclass(frozen=True)
class Valley:
    """What the held-out rows say about the ground between two sides.

    Attributes
    ----------
    rows
        Discovery rows on either side.
    patch
        Those around the bridge.
    held_out
        Held-out rows nearest to one of these, on either side.
    dip, depth
        Dip statistic and depth of the valley on the axis of the patch; None where not tested.
    p
        p-value of "no valley", the larger of two patches' (of three, where a patch of even reach shows none); 1 where
        not tested.
    too_few
        Why not tested, or why a valley of usual depth may have been overlooked; None where rows were enough.
    rows_needed
        Rows in all (both halves) at which they would be enough; None where they were.
    """

    rows: tuple[int, int]
    patch: tuple[int, int]
    held_out: tuple[int, int]
    dip: float | None
    depth: Depth | None
    p: float
    too_few: str | None
    rows_needed: int | None


@dataclass(frozen=True)
class PatchView:
    """What one patch shows.

    Attributes
    ----------
    patch
        Its discovery rows on either side.
    axis
        Fitted to them.
    discovered
        Where they lie on it, those of the first side before those of the second.
    inside
        The held-out rows nearest to one of them.
    second, values
        Whether these are on the second side, and where they lie.
    """

    patch: tuple[Int64, Int64]
    axis: CurvedAxis
    discovered: Float64
    inside: Int64
    second: Booleans
    values: Float64

    @property
    def held_out(self) -> tuple[int, int]:
        """Held-out rows on either side."""
        return int(np.sum(~self.second)), int(np.sum(self.second))

    @property
    def testable(self) -> bool:
        """Whether both sides have the rows for a test."""
        return len(self.patch[0]) >= FEWEST_DISCOVERY_ROWS and min(self.held_out) >= FEWEST_HELD_OUT_ROWS

    @property
    def straight(self) -> bool:
        """Whether it is bent by no more than a quadratic curve can follow."""
        return self.axis.turning <= MOST_TURNING

    @property
    def depth(self) -> Depth | None:
        """Depth of the valley, None where it cannot be seen."""
        second = np.arange(len(self.discovered)) >= len(self.patch[0])
        return valley_depth(self.discovered, second, self.values)

    @property
    def p(self) -> float:
        """Chance of such a dip without a valley."""
        return dip_p_value(dip(self.values), len(self.values))


def find_valley(halves: SampleSplit, graph: LatentGraph, sides: Int64, bridge: Bridge) -> Valley:
    """Test for a valley across a bridge.

    The patch is the largest that is not bent by more than a quarter turn. The test is repeated on the next smaller one,
    and the larger p-value counts: what is left of the curvature vanishes as the patch shrinks, a valley does not.

    As many rows reach less far where they are denser. Where the density is a step, and the border lies in the thinner
    ground beside it, a patch is narrow from the dense rows to the border and wide beyond, and that shows a valley where
    there is none (measured: 2 of 10 halves of 8,000 rows). So a valley has to be there in a patch that reaches equally
    far on both sides, too. The dip of unequal numbers sees little; there the depth is asked.

    Parameters
    ----------
    halves
        Both halves; patches and axes come from the discovery rows, the dip is that of held-out rows.
    graph
        Of the discovery rows.
    sides
        0 or 1 for the discovery rows of the two sides, −1 for all others; shape (n₁,).
    bridge
        Starts in side 0 and ends in side 1.
    """
    largest, smaller = _views(halves, graph, sides, bridge)
    rows = (int(np.sum(sides == 0)), int(np.sum(sides == 1)))
    sizes = (rows, (len(largest.patch[0]), len(largest.patch[1])), largest.held_out)
    short = missing_rows(halves.given, *sizes[1:])
    if not largest.testable:
        return Valley(*sizes, None, None, 1.0, *short)
    p = max(largest.p, smaller.p) if smaller.testable else largest.p
    if p <= EVEN_REACH:
        even = view_evenly(halves, graph, sides, bridge, min(sizes[1][0], ceil(EVEN_SHARE * min(rows)))).depth
        p = p if even is None or even.p <= EVEN_REACH else max(p, even.p)
    return Valley(*sizes, dip(largest.values), largest.depth, p, *short)


def _views(halves: SampleSplit, graph: LatentGraph, sides: Int64, bridge: Bridge) -> tuple[PatchView, PatchView]:
    """Return the look at the largest patch that is straight enough (or the smallest there is), and the next smaller.

    Straight enough is what is so in its smaller patch, too: one that goes round a whole turn of a roll looks straight
    again (measured: 38 % false rejections on a Swiss roll of 600 rows a half).
    """
    look = view_patch(halves, graph, sides, bridge, LARGEST_PATCH)
    for size in [size for size in SMALLER_PATCHES if size < len(look.patch[0])]:
        smaller = view_patch(halves, graph, sides, bridge, size)
        if look.straight and smaller.straight:
            return look, smaller
        look = smaller if smaller.testable else look
    return look, look


def view_evenly(halves: SampleSplit, graph: LatentGraph, sides: Int64, bridge: Bridge, size: int) -> PatchView:
    """Look as far on the denser side as on the other; where that is bent too much, no farther than on the denser."""
    look = _view(halves, sides, even_patch(graph, sides, bridge, size))
    return look if look.straight else _view(halves, sides, even_patch(graph, sides, bridge, size, farther=False))


def view_patch(halves: SampleSplit, graph: LatentGraph, sides: Int64, bridge: Bridge, size: int) -> PatchView:
    """Take a patch of at most ``size`` rows a side, fit its axis, and put the held-out rows near it on that."""
    return _view(halves, sides, bridge_patch(graph, sides, bridge, size))


def _view(halves: SampleSplit, sides: Int64, patch: tuple[Int64, Int64]) -> PatchView:
    axis = curved_axis(halves.discovery[patch[0]], halves.discovery[patch[1]])
    side_of = np.full(len(sides), -1)
    side_of[patch[0]], side_of[patch[1]] = 0, 1
    inside = np.flatnonzero(side_of[halves.nearest] >= 0)
    values = axis.positions(halves.held_out[inside]) if len(inside) else np.empty(0)
    values = untie(values, halves.held_out_keys[inside])
    discovered = np.concatenate([axis.positions(halves.discovery[side]) for side in patch])
    return PatchView(patch, axis, discovered, inside, side_of[halves.nearest[inside]] == 1, values)


def missing_rows(given: int, patch: tuple[int, int], held_out: tuple[int, int]) -> tuple[str | None, int | None]:
    """Return what there is too little of, and how many rows in all would be enough."""
    factor = max(FEWEST_DISCOVERY_ROWS / min(patch), ENOUGH_HELD_OUT_ROWS / max(1, min(held_out)))
    if factor <= 1:
        return None, None
    few = (
        f"{min(patch)} discovery rows on the smaller side, {FEWEST_DISCOVERY_ROWS} are needed"
        if min(patch) < FEWEST_DISCOVERY_ROWS
        else f"{min(held_out)} held-out rows on the smaller side, {ENOUGH_HELD_OUT_ROWS} are needed"
    )
    return few, ceil(factor * given)
