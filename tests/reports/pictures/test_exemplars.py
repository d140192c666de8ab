"""Typical and borderline members, by memberships written down here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from steadymap.reports.pictures.exemplars import MOST, Exemplars, find_exemplars
from steadymap.reports.run.run_folder import Run
from tests.reports.run_folder_fixture import ROWS, clusters


def exemplars_of(run: Run, membership: dict[int, float], cluster: int = 0) -> Exemplars:
    """Return those of a cluster whose members are the rows named here."""
    rows = np.array(sorted(membership))
    points = run.points.assign(
        cluster=[cluster if row in membership else None for row in run.points["row"]],
        membership=[membership.get(row) for row in run.points["row"]],
    )
    return find_exemplars(replace(run, points=points), rows)[cluster]


def test_the_firmest_and_the_loosest_are_named_in_that_order(run: Run) -> None:
    found = exemplars_of(run, {row: row / 100 for row in range(20, 40)})
    assert [one.row for one in found.typical] == [39, 38, 37, 36, 35]
    assert [one.row for one in found.borderline] == [20, 21, 22, 23, 24]
    assert (found.typical[0].name, found.typical[0].membership, found.typical[0].place) == ("39", 0.39, 19)


def test_equal_members_come_in_the_order_of_the_file(run: Run) -> None:
    found = exemplars_of(run, {row: 0.5 if row < 30 else 0.9 for row in range(20, 40)})
    assert [one.row for one in found.typical] == [30, 31, 32, 33, 34]
    assert [one.row for one in found.borderline] == [20, 21, 22, 23, 24]


def test_nobody_is_both_typical_and_borderline(run: Run) -> None:
    for size in range(1, 2 * MOST + 2):
        found = exemplars_of(run, {row: 0.1 + row / 1000 for row in range(size)})
        typical, borderline = ({one.row for one in listed} for listed in (found.typical, found.borderline))
        assert not typical & borderline
        assert typical
        assert len(typical) + len(borderline) == min(size, 2 * MOST)


def test_where_all_are_alike_nobody_is_borderline(run: Run) -> None:
    found = exemplars_of(run, dict.fromkeys(range(20), 1.0))
    assert (len(found.typical), found.borderline) == (MOST, ())


def test_only_drawn_rows_are_named_and_places_are_theirs(run: Run) -> None:
    drawn = np.array([7, 3, 4, 10])  # rows 7, 4 and 10 are of cluster 1, row 3 of cluster 0
    found = find_exemplars(run, drawn)
    assert {number: [(one.row, one.place) for one in own.typical] for number, own in found.items()} == {
        0: [(3, 1)],
        1: [(4, 2), (7, 0)],
    }


def test_rows_without_a_cluster_belong_to_nobody(run: Run) -> None:
    nobody = run.points.assign(cluster=pd.array([None] * ROWS, dtype="Int32"))
    assert find_exemplars(replace(run, points=nobody), np.arange(ROWS)) == {}
    assert set(find_exemplars(run, np.arange(ROWS))) == set(clusters().tolist())
