"""A binary tree over candidates: the least separated neighbours are merged first.

Built from the discovery half only. It says in which order splits are tested, not which of them are real.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from steadymap.tasks.numerics.arrays import Float32, Int64
from steadymap.tasks.numerics.geometry.projection import positions_on
from steadymap.tasks.numerics.valleys.bridges import (
    Bridge,
    find_bridges,
    nearest_along_graph,
    reach_along_graph,
    within_reach,
)
from steadymap.tasks.numerics.valleys.dip import dip
from steadymap.tasks.numerics.valleys.discriminant_axis import discriminant_axis
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph, fragments

PATCH_ROWS = 200
"""Most rows a side around a bridge: small against the curvature of the data."""

MOST_TIMES = 12
"""A patch that reaches equally far on both sides has at most so many times the rows of one with equal numbers."""

FEWEST_DISCOVERY_ROWS = 10
"""Smaller sides show no shape."""

FEWEST_HELD_OUT_ROWS = 12
"""A side on which fewer held-out rows fall is merged before any other: a node that cannot be tested says
nothing. A few more than the test needs, since of the larger side it sees only a patch."""


@dataclass(frozen=True)
class Merge:
    """Two neighbouring nodes that become one.

    Attributes
    ----------
    left, right
        Nodes: fragments are 0 to f − 1, the ith merge makes node f + i.
    rows, held_out
        Discovery rows of either, and held-out rows that are nearest to one of these.
    bridge
        Where they come closest; it starts in ``left``.
    separation
        In-sample statistic by which the order was chosen, 0 where a side is too small.
    """

    left: int
    right: int
    rows: tuple[int, int]
    held_out: tuple[int, int]
    bridge: Bridge
    separation: float


@dataclass(frozen=True)
class MergeTree:
    """The tree; its root is the last merge, or the only fragment.

    Attributes
    ----------
    fragments
        Fragment of every row: the connected parts of the candidates, numbered by first row; shape (n,).
    merges
        In the order in which they were made, f − 1 of them.
    """

    fragments: Int64
    merges: tuple[Merge, ...]

    def sides(self, merge: Merge) -> Int64:
        """Return 0 for the rows below ``left``, 1 for those below ``right``, −1 for all others; shape (n,)."""
        side_of = np.full(len(self.merges) + 1, -1)
        for side, node in enumerate((merge.left, merge.right)):
            side_of[self.fragments_below(node)] = side
        return np.asarray(side_of[self.fragments])

    def fragments_below(self, node: int) -> list[int]:
        """Return the fragments that a node consists of."""
        found, waiting, leaves = [], [node], len(self.merges) + 1
        while waiting:
            at = waiting.pop()
            if at < leaves:
                found.append(at)
            else:
                waiting += [self.merges[at - leaves].left, self.merges[at - leaves].right]
        return sorted(found)


def merge_tree(points: Float32, graph: LatentGraph, candidates: Int64, held_out: Int64) -> MergeTree:
    """Merge touching fragments of the candidates until one is left.

    Sides with fewer than 10 rows, or fewer than 12 held-out ones, go first, the nearest in mutual reachability before
    others; then the pair with the smallest ``separation``. Ties are decided by the bridge.

    Parameters
    ----------
    points
        Discovery rows, shape (n, p).
    graph
        Of these rows; joined, so that everything can be merged.
    candidates
        Candidate of every row, whatever its name; shape (n,).
    held_out
        Number of held-out rows to which every row is the nearest, shape (n,): all that the tree learns of them is how
        many there are, never where they lie.
    """
    parts = fragments(graph, candidates)
    return MergeTree(parts, tuple(_Merging(points, graph, parts, held_out).run()))


def separation(points: Float32, patch: tuple[Int64, Int64]) -> float:
    """Return the cross-fitted √n · dip of a patch: the axis from one half of it, the dip of the other, averaged.

    An axis fitted to the rows it is looked at with separates any small set in many dimensions; small candidates would
    then seem better separated than large clusters. Rows are in canonical order, so every second one is a random half.
    """
    total = 0.0
    for fold in (0, 1):
        fitted, seen = ([points[side[at::2]] for side in patch] for at in (fold, 1 - fold))
        positions = positions_on(np.concatenate(seen), discriminant_axis(*fitted))
        total += float(np.sqrt(len(positions))) * dip(positions)
    return total / 2


def bridge_patch(graph: LatentGraph, labels: Int64, bridge: Bridge, most: int = PATCH_ROWS) -> tuple[Int64, Int64]:
    """Return as many rows from either side of a bridge, nearest to its ends along the graph within each label.

    At most 200, at most the smaller side; fewer where the side is not connected.
    """
    ends = (bridge.start, bridge.end)
    count = min(most, *(int(np.sum(labels == labels[row])) for row in ends))
    start, end = (nearest_along_graph(graph, labels, row, count) for row in ends)
    if len(start) == len(end):
        return start, end
    return bridge_patch(graph, labels, bridge, min(len(start), len(end)))


def even_patch(
    graph: LatentGraph, labels: Int64, bridge: Bridge, count: int, *, farther: bool = True
) -> tuple[Int64, Int64]:
    """Return rows from either side of a bridge that reach equally far: as far as ``count`` rows of one of them do.

    Parameters
    ----------
    farther
        Whether as far as those of the sparser side, or as those of the denser.
    """
    ends = (bridge.start, bridge.end)
    reaches = [reach_along_graph(graph, labels, row, count) for row in ends]
    reach = max(reaches) if farther else min(reaches)
    start, end = (within_reach(graph, labels, row, reach, MOST_TIMES * count) for row in ends)
    return start, end


class _Merging:
    """The state of the merging. A merged node goes on under the number of its larger part, so that little is moved."""

    def __init__(self, points: Float32, graph: LatentGraph, parts: Int64, held_out: Int64) -> None:
        self.points = points
        self.graph = graph
        self.label = parts.copy()
        order = np.argsort(parts, kind="stable")
        self.members = dict(enumerate(np.split(order, np.cumsum(np.bincount(parts))[:-1])))
        self.held_out = dict(enumerate(np.bincount(parts, held_out).astype(int).tolist()))
        self.name = dict(zip(self.members, self.members, strict=True))
        self.beside: dict[int, dict[int, Bridge]] = {part: {} for part in self.members}
        self.leaves = len(self.members)
        self.separation: dict[tuple[int, int], float] = {}
        self.waiting: list[tuple[Bridge, int, int]] = []
        for (first, second), bridge in find_bridges(graph, parts).items():
            self._join(first, second, bridge)

    def run(self) -> list[Merge]:
        merges: list[Merge] = []
        while len(self.members) > 1:
            pair = self._next_small() or self._least_separated()
            merges.append(self._merge(pair, self.leaves + len(merges)))
        return merges

    def _join(self, first: int, second: int, bridge: Bridge) -> None:
        """Put a bridge from the first to the second node, and in the queue if one of them is small."""
        self.beside[first][second] = bridge
        self.beside[second][first] = bridge.reversed()
        if self._is_small(first) or self._is_small(second):
            low, high = sorted((first, second))
            heapq.heappush(self.waiting, (self.beside[low][high], low, high))

    def _is_small(self, node: int) -> bool:
        return len(self.members[node]) < FEWEST_DISCOVERY_ROWS or self.held_out[node] < FEWEST_HELD_OUT_ROWS

    def _next_small(self) -> tuple[int, int] | None:
        while self.waiting:
            bridge, first, second = heapq.heappop(self.waiting)
            current = self.beside.get(first, {}).get(second) == bridge
            if current and (self._is_small(first) or self._is_small(second)):
                return first, second
        return None

    def _least_separated(self) -> tuple[int, int]:
        """Return the pair that comes first; measured only now, since patches change while small sides are merged."""
        pairs = [(first, second) for first, others in self.beside.items() for second in others if first < second]
        for pair in pairs:
            if pair not in self.separation:
                patch = bridge_patch(self.graph, self.label, self.beside[pair[0]][pair[1]])
                self.separation[pair] = separation(self.points, patch)
        return min(pairs, key=lambda pair: (self.separation[pair], self.beside[pair[0]][pair[1]]))

    def _merge(self, pair: tuple[int, int], made: int) -> Merge:
        left, right = pair
        rows = (len(self.members[left]), len(self.members[right]))
        held_out = (self.held_out[left], self.held_out[right])
        names = (self.name[left], self.name[right])
        merge = Merge(*names, rows, held_out, self.beside[left][right], self.separation.get(pair, 0.0))
        kept, gone = pair if rows[0] >= rows[1] else (right, left)
        self._absorb(kept, gone)
        self.name[kept] = made
        self.separation = {at: value for at, value in self.separation.items() if not set(at) & {left, right}}
        return merge

    def _absorb(self, kept: int, gone: int) -> None:
        rows = self.members.pop(gone)
        self.label[rows] = kept
        self.members[kept] = np.concatenate([self.members[kept], rows])
        self.held_out[kept] += self.held_out.pop(gone)
        for other, bridge in self.beside.pop(gone).items():
            del self.beside[other][gone]
            if other != kept:
                self._join(kept, other, min(bridge, self.beside[kept].get(other, bridge)))
