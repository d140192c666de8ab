"""Clusters of several encoders are one if they share most of their rows; a lack is told by where the rows are."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.reports.encoders.follow_clusters import Line, follow_clusters

ROWS = 400
FOUR = np.repeat(np.arange(4), ROWS // 4)


def fates(line: Line) -> list[str]:
    return [one.fate for one in line.through]


def test_the_same_partition_under_other_numbers_is_found_everywhere() -> None:
    lines = follow_clusters([FOUR, 3 - FOUR, (FOUR + 1) % 4])
    assert [fates(line) for line in lines] == [["found"] * 3] * 4
    assert [one.clusters for one in lines[0].through] == [(0,), (3,), (1,)]
    assert {one.jaccard for line in lines for one in line.through} == {1.0}
    assert all(line.rows.sum() == ROWS // 4 for line in lines)


def test_two_clusters_that_one_encoder_merges_are_merged_there_and_found_elsewhere() -> None:
    merged = np.where(FOUR == 3, 2, FOUR)
    lines = follow_clusters([FOUR, merged, FOUR])
    assert [fates(line) for line in lines[:2]] == [["found"] * 3] * 2
    of_two = [line for line in lines if fates(line) == ["found", "merged", "found"]]
    assert [line.through[1].clusters for line in of_two] == [(2,), (2,)]
    both = next(line for line in lines if fates(line) == ["split", "found", "split"])
    assert both.through[0].clusters == (2, 3)
    assert both.rows.sum() == ROWS // 2


def test_a_cluster_that_the_first_encoder_lacks_is_followed_from_the_second() -> None:
    lacking = np.where(FOUR == 1, np.arange(ROWS) % 2 * 2 - 1, FOUR)  # half of it in no cluster, half in the third
    lacking[lacking == 1] = 2
    lines = follow_clusters([lacking, FOUR, FOUR])
    line = next(line for line in lines if line.through[1].clusters == (1,))
    assert fates(line) == ["missing", "found", "found"]


def test_an_encoder_without_clusters_misses_all() -> None:
    lines = follow_clusters([FOUR, np.full(ROWS, -1)])
    assert [fates(line) for line in lines] == [["found", "missing"]] * 4
    assert follow_clusters([np.full(ROWS, -1)] * 3) == ()


def window(begin: int, end: int, number: int = 0) -> np.ndarray:
    return np.where((np.arange(ROWS) >= begin) & (np.arange(ROWS) < end), number, -1)


def test_no_encoder_is_in_a_line_twice_however_a_cluster_drifts() -> None:
    """A window that moves by a quarter is one cluster from step to step, until it is another of the first."""
    both = np.maximum(window(0, 100), window(100, 200, 1))
    lines = follow_clusters([both, window(25, 125), window(50, 150), window(75, 175)])
    found = [[one.clusters for one in line.through if one.fate == "found"] for line in lines]
    assert sorted(found[at][0] for at in range(2)) == [(0,), (1,)]  # both of the first encoder, in lines of their own
    assert sum(map(len, found)) == 5


def test_the_best_pairs_are_joined_first() -> None:
    """Each of two wide clusters is nearer to its own half of the third encoder than to the other wide one."""
    halves = np.maximum(window(0, 100), window(100, 200, 1))
    lines = follow_clusters([window(0, 152), window(48, 200), halves])
    assert sorted(tuple(fates(line)) for line in lines) == [("found", "merged", "found"), ("merged", "found", "found")]


def test_rows_of_a_line_are_those_that_most_of_its_encoders_put_into_it() -> None:
    (line,) = follow_clusters([window(0, 100), window(0, 100), window(0, 120)])
    assert line.rows.sum() == 100
    assert line.through[2].jaccard == pytest.approx(100 / 120)
    assert line.through[2].share == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_what_is_one_cluster_does_not_depend_on_the_order_of_encoders(order: tuple[int, ...]) -> None:
    merged = np.where(FOUR == 3, 2, FOUR)
    partitions = [FOUR, merged, (FOUR + 2) % 4]
    rows = {line.rows.tobytes() for line in follow_clusters(partitions)}
    assert {line.rows.tobytes() for line in follow_clusters([partitions[at] for at in order])} == rows
