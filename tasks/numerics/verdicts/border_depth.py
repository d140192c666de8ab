"""The ground around clusters that pictures show: whether the density sinks towards their borders at all.

A cluster that has no peak of its own, only a flank of something denser, is drawn by the picture. Borders are those of
all rows, held-out ones included. That can make valleys look deeper, never shallower, so it is no evidence for a
cluster; but where even so there is none, there is none.

As in the test, a valley has to be there in a patch that reaches equally far on both sides, too: with as many rows on
either, a step of the density looks .4 to .8 deep, with no valley there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from steadymap.tasks.numerics.arrays import Int64
from steadymap.tasks.numerics.valleys.bridges import find_bridges
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph, latent_graph
from steadymap.tasks.numerics.valleys.merge_tree import PATCH_ROWS
from steadymap.tasks.numerics.valleys.sample_splitting import SampleSplit
from steadymap.tasks.numerics.valleys.valley import EVEN_SHARE, PatchView, missing_rows, view_evenly, view_patch
from steadymap.tasks.numerics.valleys.valley_depth import Depth
from steadymap.tasks.numerics.verdicts.given_partition import without_strays

PATCH_SHARE = 0.4
"""Share of the discovery rows that a patch may have on either side. The test asks for a valley and looks closely; to
say that there is none takes more rows, and the whole width that a valley may have: with .2, half of a blob of the
half, the flat middle of a bridge looked even."""

NO_HINT = 0.1
"""From this p-value on, a border is one of even ground; valleys that the test cannot confirm lie below."""

SHRINK = 0.7
SMALLEST_PATCH = 35


@dataclass(frozen=True)
class BorderDepth:
    """What one half says of the ground around a cluster.

    Attributes
    ----------
    depth
        At the easiest bridge to anything else; the first side is the cluster. None where it was not seen.
    p
        Of Hartigan's dip of the same held-out rows, or that of the depth in a patch of even reach, whichever is larger:
        small where there is a hint of a valley. No test of the cluster, since its border was drawn with these rows,
        too. None where ``depth`` is, or where the ground is bent or the rows are few, so that a depth is all that can
        be told.
    rows_needed
        Rows in all (both halves) at which a valley of usual depth would be seen; None where there were enough.
    neighbour
        The cluster at the other end of the bridge.
    """

    depth: Depth | None
    p: float | None
    rows_needed: int | None
    neighbour: int | None = None


def border_depths(
    halves: SampleSplit, labels: Int64, count: int, *, graph: LatentGraph | None = None
) -> tuple[BorderDepth | None, ...]:
    """Look across the easiest bridge between every cluster and all the rest.

    Parameters
    ----------
    halves
        From ``split_sample``.
    labels
        Cluster of every discovery row as given, 0 to ``count`` − 1, shape (n₁,).
    graph
        Of ``halves.discovery``, if it is at hand.

    Returns
    -------
    An entry per cluster, None where it has no rows in the discovery half, or there are no others.
    """
    graph = latent_graph(halves.discovery) if graph is None else graph
    own = labels[halves.kept]
    bridging = without_strays(graph, own)
    return tuple(_around(halves, graph, own, bridging, cluster) for cluster in range(count))


def _around(halves: SampleSplit, graph: LatentGraph, own: Int64, bridging: Int64, cluster: int) -> BorderDepth | None:
    ends = np.where(bridging == cluster, 0, np.where(bridging < 0, -1, 1))
    bridge = find_bridges(graph, ends).get((0, 1))
    if bridge is None:
        return None
    sides = np.where(own == cluster, 0, 1)
    size = max(PATCH_ROWS, int(PATCH_SHARE * len(own)))
    look = first = view_patch(halves, graph, sides, bridge, size)
    while len(look.patch[0]) * SHRINK >= SMALLEST_PATCH:
        smaller = view_patch(halves, graph, sides, bridge, int(len(look.patch[0]) * SHRINK))
        if look.straight and smaller.straight and look.depth is not None:
            break
        look = smaller
    depth, hint = look.depth, look.p if look.testable and look.straight else None
    if depth is not None and hint is not None and look is first:
        most = min(size, ceil(EVEN_SHARE * np.bincount(sides).min()))
        depth, hint = _even_out(depth, hint, view_evenly(halves, graph, sides, bridge, most))
    return BorderDepth(depth, None if depth is None else hint, _rows_needed(halves, look), int(own[bridge.end]))


def _even_out(depth: Depth, hint: float, even: PatchView) -> tuple[Depth, float]:
    """Return depth and p of a patch of even reach where that shows no valley; otherwise what was seen before.

    This is for straight ground: on a bend an even reach goes round it, and hides the gap between two moons.
    """
    if even.depth is None or not even.straight:
        return depth, hint
    hint = max(hint, even.depth.p)
    return (even.depth if hint >= NO_HINT else depth), hint


def _rows_needed(halves: SampleSplit, look: PatchView) -> int | None:
    return missing_rows(halves.given, (len(look.patch[0]), len(look.patch[1])), look.held_out)[1]
