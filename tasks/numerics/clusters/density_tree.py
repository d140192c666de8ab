"""The density tree of a picture: everything that some level of density sets apart, not only what one cut takes.

A flat clustering takes one level of density for each island; where another level would part or join what it shows is
chance. The tree has every level: a branch is a set of rows that stay together while the density rises, until it parts
in two branches that both have the rows of a cluster, or thins out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from steadymap.tasks.numerics.arrays import AnyFloat, Float32, Float64, Int64, Integers
from steadymap.tasks.numerics.clusters.linkage import link

CORE_NEIGHBOURS = 5
"""Neighbours that the density of a row of the latent space is told by: few, so that small clusters have branches."""


@dataclass(frozen=True)
class Branches:
    """Branches from the root (0) on, every one after the one that it parts from.

    Attributes
    ----------
    parent
        Branch from which each parts, −1 for the root; shape (b,).
    of_row
        The last branch that every row is in, before it is noise or the branch ends; shape (n,).
    """

    parent: Int64
    of_row: Int64

    def members(self, groups: Int64, count: int) -> Float64:
        """Return how many rows of every group each branch has when it parts off, shape (b, count).

        Parameters
        ----------
        groups
            Group of every row, from 0; shape (n,).
        count
            Groups in all.
        """
        table = np.zeros((len(self.parent), count))
        np.add.at(table, (self.of_row, groups), 1)
        for branch in range(len(self.parent) - 1, 0, -1):
            table[self.parent[branch]] += table[branch]
        return table

    def rows_of(self, branch: int) -> Int64:
        """Return the rows of a branch, ascending."""
        below = np.zeros(len(self.parent), dtype=np.bool_)
        below[branch] = True
        for at in range(branch + 1, len(self.parent)):
            below[at] = below[self.parent[at]]
        return np.flatnonzero(below[self.of_row])


def picture_branches(coordinates: Float32, min_cluster_size: int) -> Branches:
    """Return the branches of a picture, by the densities of ``find_islands``.

    Parameters
    ----------
    coordinates
        The picture, shape (n, 2 or 3), finite.
    min_cluster_size
        Fewest rows of a branch; densities are smoothed over as many neighbours, at most 100.

    Source: see ``link``.
    """
    if len(coordinates) < 2:
        return Branches(np.array([-1]), np.zeros(len(coordinates), dtype=np.int64))
    linked = link(coordinates, min_cluster_size)
    return condense(linked.merges, linked.heights, min_cluster_size)


def graph_branches(indices: Integers, lengths: AnyFloat, smallest: int) -> Branches:
    """Return the branches of a neighbour graph; parts that no edge joins part at the root, all at once.

    Parameters
    ----------
    indices, lengths
        Nearest rows of every row, nearest first, and how far they are; shape (n, k).
    smallest
        Fewest rows of a branch.
    """
    rows, k = indices.shape
    core = lengths[:, min(CORE_NEIGHBOURS, k) - 1].astype(np.float64)
    ends = np.column_stack([np.repeat(np.arange(rows), k), indices.ravel()]).astype(np.int64)
    reachability = np.maximum(lengths.ravel(), np.maximum(core[ends[:, 0]], core[ends[:, 1]]))
    low, high = ends.min(axis=1), ends.max(axis=1)
    order = np.lexsort((high, low, reachability))
    merges, heights = _join(low[order], high[order], reachability[order], rows)
    return condense(merges, heights, smallest)


def leaves_of(branches: Branches) -> Int64:
    """Return the leaf that every row is in, from 0, and −1 for rows in none; shape (n,)."""
    ends = np.setdiff1d(np.arange(len(branches.parent)), branches.parent)
    name = np.full(len(branches.parent), -1)
    name[ends] = np.arange(len(ends))
    return np.asarray(name[branches.of_row])


def condense(merges: Int64, heights: Float64, smallest: int) -> Branches:
    """Keep of a single-linkage tree the splits that leave both sides a cluster.

    Merges at one height are one event: whatever joins there parts there, all at once, so that ties (equal rows, a
    lattice) do not make branches of their own that depend on the order of the rows.

    Parameters
    ----------
    merges
        The two nodes that each merge joins: rows are 0 to n − 1, the ith merge makes node n + i; shape (n − 1, 2).
    heights
        At which distance they join, never falling, shape (n − 1,).
    smallest
        Fewest rows of a branch.
    """
    parent, of_row = _condense(merges, heights, smallest)
    return Branches(parent, of_row)


@njit(cache=True)
def _join(low: Int64, high: Int64, heights: Float64, rows: int) -> tuple[Int64, Float64]:
    """Join rows along edges of rising height (Kruskal); what stays apart joins at an infinite one."""
    above = np.arange(2 * rows - 1)
    merges, at_height = np.empty((rows - 1, 2), np.int64), np.full(rows - 1, np.inf)
    count = 0
    for edge in range(len(low)):
        first, second = _root(above, low[edge]), _root(above, high[edge])
        if first != second:
            merges[count, 0], merges[count, 1], at_height[count] = first, second, heights[edge]
            above[first] = above[second] = rows + count
            count += 1
    last = _root(above, 0)
    for row in range(1, rows):
        other = _root(above, row)
        if other != last:
            merges[count, 0], merges[count, 1] = last, other
            above[last] = above[other] = rows + count
            last = rows + count
            count += 1
    return merges, at_height


@njit(cache=True)
def _root(above: Int64, node: int) -> int:
    """Return the node that is above all, and shorten the way to it."""
    while above[node] != node:
        above[node] = above[above[node]]
        node = above[node]
    return node


@njit(cache=True)
def _condense(merges: Int64, heights: Float64, smallest: int) -> tuple[Int64, Int64]:
    rows = len(merges) + 1
    size = np.ones(2 * rows - 1, np.int64)
    for at in range(rows - 1):
        size[rows + at] = size[merges[at, 0]] + size[merges[at, 1]]
    branch_of = np.zeros(2 * rows - 1, np.int64)
    parent = np.full(2 * rows, -1, np.int64)
    count = 1
    parts = np.empty(rows, np.int64)
    waiting = np.empty(2 * rows, np.int64)
    # From the root down, a node is looked at after the one it was part of.
    for node in range(2 * rows - 2, rows - 1, -1):
        if branch_of[node] < 0:
            continue  # part of an event that has been looked at
        branch, height = branch_of[node], heights[node - rows]
        found, left = 0, 1
        waiting[0] = node
        while left > 0:
            left -= 1
            one = waiting[left]
            if one >= rows and heights[one - rows] == height:
                for side in range(2):
                    waiting[left] = merges[one - rows, side]
                    left += 1
                branch_of[one] = -1
            else:
                parts[found] = one
                found += 1
        large = 0
        for at in range(found):
            large += size[parts[at]] >= smallest
        for at in range(found):
            part = parts[at]
            if size[part] >= smallest and large > 1:
                parent[count] = branch
                branch_of[part] = count
                count += 1
            else:
                branch_of[part] = branch
    return parent[:count], branch_of[:rows]
