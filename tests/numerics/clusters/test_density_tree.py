"""The density tree of a picture: branches by hand, against HDBSCAN's own tree, and whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score

from steadymap.tasks.numerics.clusters.density_tree import Branches, condense, picture_branches
from steadymap.tasks.numerics.clusters.islands import find_islands
from steadymap.tasks.numerics.clusters.linkage import MOST_SMOOTHING, Linkage, link_few, link_many
from steadymap.tasks.numerics.clusters.recurrence import recover_clusters


def three_levels(rows: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Return two blobs close to each other and a third far off, each of so many rows, and which row is in which."""
    generator = np.random.default_rng(4)
    centres = np.array([[0, 0], [5, 0], [60, 0]])
    blob = np.repeat(np.arange(3), rows)
    return (centres[blob] + generator.standard_normal((3 * rows, 2))).astype(np.float32), blob


def test_branches_of_a_small_tree_by_hand() -> None:
    # Rows 0, 1, 2 join at heights 1 and 2, rows 3, 4 at 1, row 5 is far; both groups join at 10, row 5 at 20.
    merges = np.array([[0, 1], [3, 4], [6, 2], [8, 7], [9, 5]])
    found = condense(merges, np.array([1.0, 1, 2, 10, 20]), 2)
    assert found.parent.tolist() == [-1, 0, 0]
    assert len(set(found.of_row[:3].tolist())) == 1
    assert len(set(found.of_row[3:5].tolist())) == 1
    assert found.of_row[5] == 0  # it leaves the root before the root parts
    assert sorted(found.members(np.zeros(6, np.int64), 1)[:, 0].tolist()) == [2, 3, 6]
    assert condense(merges, np.array([1.0, 1, 2, 10, 20]), 3).parent.tolist() == [-1]


def test_what_joins_at_one_height_parts_at_once() -> None:
    # Three pairs join at height 5, in two merges: neither pair is closer to one than to the other.
    merges = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [9, 8]])
    assert condense(merges, np.array([1.0, 1, 1, 5, 5]), 2).parent.tolist() == [-1, 0, 0, 0]
    assert condense(merges, np.array([1.0, 1, 1, 5, 6]), 2).parent.tolist() == [-1, 0, 0, 2, 2]


def test_a_branch_shows_what_every_cut_merges_or_splits() -> None:
    points, blob = three_levels()
    branches = picture_branches(points, 20)
    counts = branches.members(blob, 3)
    # Some branch is each blob, and some branch the two that are close together.
    for wanted in ([1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]):
        shared = counts @ np.array(wanted)
        union = 100 * sum(wanted) + counts.sum(axis=1) - shared
        assert (shared / union).max() > 0.75
    # A cut that takes the close pair for one island hides both, and the tree does not.
    cut = np.where(blob == 2, 1, 0).astype(np.int32)
    flat, deep = recover_clusters(blob, cut, 3), recover_clusters(blob, cut, 3, branches)
    assert flat.fates == ("merged", "merged", "kept")
    assert deep.fates == ("kept", "kept", "kept")
    assert np.array_equal(deep.by_cut, flat.jaccard)


def test_leaves_are_the_islands_that_hdbscan_takes_where_they_are_clear() -> None:
    points, _ = three_levels()
    branches = picture_branches(points, 20)
    leaves = np.setdiff1d(np.arange(len(branches.parent)), branches.parent)
    labels = HDBSCAN(min_cluster_size=20, min_samples=20, cluster_selection_method="leaf", copy=True).fit_predict(
        points
    )
    assert len(leaves) == labels.max() + 1
    for island in range(labels.max() + 1):
        own = np.flatnonzero(labels == island)
        assert any(np.isin(own, branches.rows_of(leaf)).all() for leaf in leaves)


def test_order_of_rows_and_size_of_the_picture_do_not_matter() -> None:
    points, blob = three_levels()
    order = np.random.default_rng(1).permutation(len(points))
    first = picture_branches(points, 20).members(blob, 3)
    for other, labels in ((points[order], blob[order]), (points * np.float32(1024), blob)):
        again = picture_branches(other, 20).members(labels, 3)
        assert sorted(map(tuple, again.tolist())) == sorted(map(tuple, first.tolist()))


@pytest.mark.parametrize("rows", [1, 2, 12])
def test_few_rows_or_equal_ones_are_one_branch(rows: int) -> None:
    assert picture_branches(np.zeros((rows, 2), np.float32), 10).parent.tolist() == [-1]
    spread = np.random.default_rng(0).standard_normal((rows, 2)).astype(np.float32)
    assert picture_branches(spread, 10).parent.tolist() == [-1]


def test_a_picture_whose_tree_does_not_part_merges_everything() -> None:
    clusters = np.repeat([0, 1], 20)
    points = np.random.default_rng(2).standard_normal((40, 2)).astype(np.float32)
    islands = find_islands(points, points, 20)
    found = recover_clusters(clusters, islands.filled, 2, picture_branches(points, 20))
    assert found.fates == ("merged", "merged")


def test_the_fast_tree_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(5)
    centres = generator.uniform(-20, 20, (6, 2))
    points = centres[np.arange(3_000) % 6] + generator.standard_normal((3_000, 2))
    few, many = (_condensed(link(points, 60, 60)) for link in (link_few, link_many))
    assert len(few.parent) == len(many.parent) >= 7
    # Branches may be told in another order; what they hold is the same, but for a few rows on the way out.
    assert adjusted_rand_score(few.of_row, many.of_row) > 0.99


def _condensed(linked: Linkage) -> Branches:
    return condense(linked.merges, linked.heights, 60)


def test_islands_come_with_the_tree_that_they_are_a_cut_of() -> None:
    generator = np.random.default_rng(7)
    points = (generator.uniform(-20, 20, (4, 2))[np.arange(400) % 4] + generator.standard_normal((400, 2))).astype("f4")
    tree, again = find_islands(points, points, 20).branches, picture_branches(points, 20)
    assert len(tree.parent) >= 4
    np.testing.assert_array_equal(tree.parent, again.parent)
    np.testing.assert_array_equal(tree.of_row, again.of_row)


def test_densities_are_smoothed_over_no_more_rows_than_those_of_islands(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def link(points: np.ndarray, smallest: int, smoothing: int) -> Linkage:
        asked.append(smoothing)
        return link_few(points, smallest, smoothing)

    monkeypatch.setattr("steadymap.tasks.numerics.clusters.linkage.link_few", link)
    points = np.random.default_rng(6).standard_normal((500, 2)).astype(np.float32)
    for smallest in (20, 300):
        picture_branches(points, smallest)
    assert asked == [20, MOST_SMOOTHING]
