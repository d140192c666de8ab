"""Consensus clusters: what most pictures keep together.

Two rows belong together as often as pictures put them into one island. Neighbours in the latent space that no picture
parts form atoms; the two touching groups whose rows are together in the largest share of all pictures are merged, as
long as that share is at least one half (average linkage). Islands of a group are counted per picture, so the mean over
all pairs of rows is exact, and nothing of size n × n is held: memory is groups × islands of all pictures.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from steadymap.tasks.numerics.arrays import Float64, Int32, Int64, Integers
from steadymap.tasks.numerics.clusters.largest_first import largest_first
from steadymap.tasks.numerics.randomness import stream

TOGETHER = 0.5
"""Groups are merged while their rows are together in at least this share of the pictures: the majority decides."""

PAIRS = 1_000_000
"""Pairs of rows that a share of ambiguous pairs is estimated from: its standard error is then below .001."""

CLEARLY_APART, CLEARLY_TOGETHER = 0.1, 0.9


def consensus_clusters(
    islands: Sequence[Int32], neighbours: Integers, smallest: int, *, together: float = TOGETHER
) -> Int64:
    """Return the consensus cluster of every row, largest first, shape (n,).

    Parameters
    ----------
    islands
        Filled islands of every picture (every row in one, from 0), each of shape (n,).
    neighbours
        Nearest rows in the latent space, shape (n, k): where groups touch.
    smallest
        Smaller groups go to the touching group that they are most often together with.
    together
        Least share of pictures that keeps two groups together; higher values split more finely.

    Source: Monti et al. 2003, doi:10.1023/A:1023949509487 (consensus by co-assignment), average linkage along the
    edges of the neighbour graph instead of all pairs.
    """
    signatures = np.column_stack(islands).astype(np.int64)
    atoms = _atoms(signatures, neighbours)
    groups = _Groups(signatures, atoms, _touching(atoms, neighbours))
    groups.merge(together)
    groups.absorb(smallest)
    return largest_first(groups.labels()[atoms])


def co_assignment(islands: Sequence[Int32], first: Int64, second: Int64) -> Float64:
    """Return the share of pictures that put rows ``first`` and ``second`` into one island, shape of ``first``."""
    shared = np.zeros(len(first))
    for labels in islands:
        shared += labels[first] == labels[second]
    return np.asarray(shared / len(islands))


@dataclass(frozen=True)
class AmbiguousPairs:
    """PAC: the share of pairs of rows that pictures neither keep together nor keep apart, and its standard error."""

    share: float
    stderr: float
    pairs: int


def ambiguous_pairs(islands: Sequence[Int32]) -> AmbiguousPairs:
    """Return the share of pairs whose co-assignment is between .1 and .9; lower is steadier, in [0, 1].

    All pairs up to about 1,400 rows, a seeded million of them above. Source: Șenbabaoğlu et al. 2014,
    doi:10.1038/srep06207.
    """
    rows = len(islands[0])
    every = rows * (rows - 1) // 2
    if every <= PAIRS:
        first, second = np.triu_indices(rows, 1)
    else:
        generator = stream("ambiguous pairs", rows)
        first = generator.integers(0, rows, PAIRS)
        second = (first + generator.integers(1, rows, PAIRS)) % rows
    shared = co_assignment(islands, first, second)
    share = float(np.mean((shared > CLEARLY_APART) & (shared < CLEARLY_TOGETHER)))
    stderr = 0.0 if every <= PAIRS else float(np.sqrt(share * (1 - share) / PAIRS))
    return AmbiguousPairs(share, stderr, min(every, PAIRS))


def _atoms(signatures: Int64, neighbours: Integers) -> Int64:
    """Join neighbours that are together in every picture; atoms are numbered by their first row."""
    rows, k = neighbours.shape
    row = np.repeat(np.arange(rows), k)
    near = neighbours.ravel()
    same = np.ones(rows * k, dtype=np.bool_)
    for picture in signatures.T:
        same &= picture[row] == picture[near]
    graph = scipy.sparse.coo_matrix((np.ones(same.sum()), (row[same], near[same])), shape=(rows, rows))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _touching(atoms: Int64, neighbours: Integers) -> Int64:
    """Return the pairs of atoms with neighbours in each other, shape (pairs, 2), smaller first."""
    ends = np.stack([np.repeat(atoms, neighbours.shape[1]), atoms[neighbours].ravel()])
    low, high = ends.min(axis=0), ends.max(axis=0)
    return np.unique(np.column_stack([low, high])[low != high], axis=0)


class _Groups:
    """Groups of atoms under merging: how many of their rows lie in each island of each picture."""

    def __init__(self, signatures: Int64, atoms: Int64, touching: Int64) -> None:
        self.pictures = signatures.shape[1]
        offsets = np.concatenate([[0], np.cumsum(signatures.max(axis=0) + 1)])
        count = int(atoms.max()) + 1
        self.size = np.bincount(atoms, minlength=count).astype(np.float64)
        # One row of every atom tells the islands of all its rows.
        islands = signatures[np.unique(atoms, return_index=True)[1]] + offsets[:-1]
        self.members: list[Float64 | None] = [None] * count
        self._islands = islands
        self._width = int(offsets[-1])
        self.parent = np.arange(count)
        self.touching: list[set[int]] = [set() for _ in range(count)]
        for a, b in touching.tolist():
            self.touching[a].add(b)
            self.touching[b].add(a)

    def merge(self, together: float) -> None:
        """Merge the pair with the largest share, until none reaches the bound; ties by the numbers of the groups."""
        waiting = [(-self._share(a, b), a, b) for a in range(len(self.parent)) for b in self.touching[a] if a < b]
        heapq.heapify(waiting)
        while waiting:
            negative, a, b = heapq.heappop(waiting)
            if -negative < together - ROUNDING:
                break
            if self.parent[a] != a or self.parent[b] != b or b not in self.touching[a]:
                continue
            if -negative > self._share(a, b) + ROUNDING:
                continue  # one of them has grown since; its new share waits further down
            self._join(a, b)
            for other in self.touching[a]:
                low, high = min(a, other), max(a, other)
                heapq.heappush(waiting, (-self._share(low, high), low, high))

    def absorb(self, smallest: int) -> None:
        """Give every group that is too small to the touching group it is most often together with."""
        for small in np.argsort(self.size, kind="stable").tolist():
            if self.parent[small] != small or self.size[small] >= smallest or not self.touching[small]:
                continue
            best = max(sorted(self.touching[small]), key=lambda other: self._share(small, other))
            self._join(best, small)

    def labels(self) -> Int64:
        """Return the group of every atom."""
        for atom in range(len(self.parent)):
            root = atom
            while self.parent[root] != root:
                root = self.parent[root]
            self.parent[atom] = root
        return self.parent.astype(np.int64)

    def _join(self, keeper: int, other: int) -> None:
        self.members[keeper] = self._counts(keeper) + self._counts(other)
        self.members[other] = None
        self.size[keeper] += self.size[other]
        self.parent[other] = keeper
        for neighbour in self.touching[other]:
            self.touching[neighbour].discard(other)
            if neighbour != keeper:
                self.touching[neighbour].add(keeper)
                self.touching[keeper].add(neighbour)
        self.touching[keeper].discard(other)
        self.touching[other] = set()

    def _share(self, a: int, b: int) -> float:
        """Return the mean share of pictures in which a row of a and a row of b are together."""
        if self.members[a] is None and self.members[b] is None:
            return float(np.mean(self._islands[a] == self._islands[b]))
        if self.members[b] is None:
            a, b = b, a
        if self.members[a] is None:
            counts = self.members[b]
            assert counts is not None
            return float(counts[self._islands[a]].sum() / (self.size[b] * self.pictures))
        return float(self._counts(a) @ self._counts(b) / (self.size[a] * self.size[b] * self.pictures))

    def _counts(self, group: int) -> Float64:
        """Return the rows of a group in every island of every picture; an atom's are made when they are needed."""
        known = self.members[group]
        if known is None:
            known = np.zeros(self._width)
            known[self._islands[group]] = self.size[group]
        return known


ROUNDING = 1e-9
"""Shares are sums of whole numbers divided once; what differs less is equal."""
