"""Matching of clusters: every fate by an example small enough to count on the fingers."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.reports.compare.match_clusters import Matching, match_clusters


def matched(table: dict[tuple[int, int], int]) -> Matching:
    """Match clusters by how many rows lie in which pair of them."""
    before = np.repeat([a for a, _ in table], list(table.values()))
    after = np.repeat([b for _, b in table], list(table.values()))
    return match_clusters(before, after)


def test_a_partition_matches_itself_whatever_its_numbers() -> None:
    found = matched({(0, 2): 5, (1, 0): 4, (2, 1): 3})
    assert found.kept == {0: 2, 1: 0, 2: 1}
    assert [found.jaccard(a, b) for a, b in found.kept.items()] == [1.0, 1.0, 1.0]
    assert (found.split, found.reshaped, found.merged, found.vanished) == ({}, {}, {}, ())
    assert (found.split_off, found.appeared) == ({}, ())


def test_a_jaccard_index_of_one_half_is_not_enough() -> None:
    # 2 of 4 rows in either: 2/4, and with one row more 3/4... the bound itself does not count.
    assert matched({(0, 0): 2, (0, 1): 1, (1, 0): 1, (1, 1): 5}).kept == {1: 1}
    found = matched({(0, 0): 3, (0, 1): 1, (1, 0): 1, (1, 1): 5})
    assert found.kept == {0: 0, 1: 1}
    assert found.jaccard(0, 0) == 3 / 5
    assert found.jaccard(1, 1) == 5 / 7


def test_a_cluster_that_falls_into_two_is_split() -> None:
    found = matched({(0, 0): 5, (0, 1): 5})
    assert found.split == {0: (0, 1)}
    assert (found.share(0, 0), found.share(0, 1)) == (0.5, 0.5)
    assert (found.split_off, found.appeared, found.vanished) == ({}, (), ())


def test_parts_that_hold_no_more_than_half_are_no_split() -> None:
    # Two pure parts of 2 rows each of 12; the other 8 rows are swallowed by clusters that are mostly others'.
    found = matched({(0, 0): 2, (0, 1): 2, (0, 2): 4, (0, 3): 4, (1, 2): 20, (2, 3): 20})
    assert found.split == {}
    assert found.vanished == (0,)
    assert found.split_off == {0: 0, 1: 0}
    assert found.kept == {1: 2, 2: 3}


def test_two_clusters_become_one() -> None:
    found = matched({(0, 0): 5, (1, 0): 5})
    assert found.merged == {0: 0, 1: 0}
    assert (found.appeared, found.split_off) == ((), {})
    assert found.share_of_after(0, 0) == 0.5


def test_a_small_cluster_is_swallowed_by_one_that_stays() -> None:
    found = matched({(0, 0): 10, (1, 0): 3})
    assert found.kept == {0: 0}
    assert found.merged == {1: 0}


def test_a_part_splits_off_from_a_cluster_that_stays() -> None:
    found = matched({(0, 0): 10, (0, 1): 3})
    assert found.kept == {0: 0}
    assert found.split_off == {1: 0}


def test_a_cluster_that_exchanges_half_of_its_rows_is_reshaped() -> None:
    # 6 of 10 before and 6 of 10 after are the same rows: most of either, but 6 of 14 together.
    found = matched({(0, 0): 6, (0, 1): 4, (1, 0): 4, (1, 1): 30})
    assert found.reshaped == {0: 0}
    assert found.kept == {1: 1}
    assert (found.merged, found.appeared, found.vanished) == ({}, (), ())


def test_scattered_rows_vanish_and_gathered_ones_appear() -> None:
    found = matched({(0, 1): 2, (0, 2): 2, (1, 1): 9, (2, 2): 9, (1, 0): 2, (2, 0): 2})
    assert found.vanished == (0,)
    assert found.appeared == (0,)
    assert found.kept == {1: 1, 2: 2}


def test_rows_in_no_cluster_belong_to_none() -> None:
    found = matched({(0, -1): 4, (-1, 0): 3, (1, 1): 2})
    assert found.vanished == (0,)
    assert found.appeared == (0,)
    assert found.kept == {1: 1}
    assert found.before == {0: 4, 1: 2}
    assert match_clusters(np.empty(0, int), np.empty(0, int)).kept == {}


@pytest.mark.parametrize("seed", range(20))
def test_every_cluster_has_one_fate_and_the_order_of_rows_has_no_say(seed: int) -> None:
    generator = np.random.default_rng(seed)
    before = generator.integers(-1, 6, 60)
    # Mostly the same with other numbers, so that every fate comes up.
    after = np.where(generator.random(60) < 0.6, (before + 2) % 6, generator.integers(-1, 5, 60))
    found = match_clusters(before, after)
    fates = [*found.kept, *found.split, *found.reshaped, *found.merged, *found.vanished]
    assert sorted(fates) == sorted(found.before)
    origins = {*found.kept.values(), *(b for parts in found.split.values() for b in parts)}
    origins |= {*found.reshaped.values(), *found.merged.values()}
    assert origins.isdisjoint({*found.split_off, *found.appeared})
    assert {*origins, *found.split_off, *found.appeared} == {*found.after}
    assert len({*found.kept.values()}) == len(found.kept)
    shuffled = generator.permutation(60)
    assert match_clusters(before[shuffled], after[shuffled]) == found
