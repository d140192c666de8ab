"""The fast part of the selftest's gate: how often the held-out test alone is wrong, and how often it finds the truth.

The only picture is the first two principal components, and the latent space is cut into twelve pieces whether it has
clusters or not; everything else is what a sweep does with one split of the rows. The whole path is `make selftest`.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from steadymap.tasks.geometry.latent_neighbours import CLUSTER_NEIGHBOURS
from steadymap.tasks.numerics.clusters.candidates import propose
from steadymap.tasks.numerics.clusters.islands import find_islands
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.geometry.resampling import find_units, halves
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.numerics.selftest.known_truth import rate_of
from steadymap.tasks.numerics.selftest.synthetic import FAMILIES, generate
from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
from steadymap.tasks.numerics.verdicts.split_test import SplitTest, run_split_test

SETS = 7
"""Of every family in either dimension; seeds count up from 30001."""

SMALLEST = 20
"""Rows of an island."""


def one_split(family: str, rows: int, dimensions: int, seed: int) -> tuple[SplitTest, np.ndarray]:
    """Return the test of one split of a set, and the truth of its discovery rows."""
    drawn = generate(family, rows, dimensions, seed)
    keys = row_keys(drawn.vectors)
    order = canonical_order(drawn.vectors, keys)
    vectors, keys, truth = drawn.vectors[order], keys[order], drawn.truth[order]
    groups = None if drawn.groups is None else [str(group) for group in drawn.groups[order]]
    discovery = np.isin(np.arange(rows), halves(find_units(keys, groups), 0)[0])
    working = np.asarray(vectors[discovery], dtype=np.float32)
    near = nearest_neighbours(working, CLUSTER_NEIGHBOURS).indices
    islands = find_islands(PCA(2, random_state=0).fit_transform(working), working, SMALLEST, near)
    pieces = propose([islands.filled.astype(np.int32)], near, working)
    prepared = split_sample(vectors[discovery], vectors[~discovery], keys[discovery], keys[~discovery])
    return run_split_test(prepared, pieces), truth[discovery]


def test_few_sets_without_a_cluster_get_one() -> None:
    false = {}
    for family in (name for name, one in FAMILIES.items() if not one.real):
        sizes = [dimensions for dimensions in (8, 32) if dimensions >= FAMILIES[family].fewest_dimensions]
        tests = [one_split(family, 2000, size, 30001 + number)[0] for size in sizes for number in range(SETS)]
        false[family] = [test.clusters.max() > 0 for test in tests]
    pooled = [wrong for sets in false.values() for wrong in sets]
    rate = rate_of(sum(pooled), len(pooled))
    assert rate.trials >= 200
    assert rate.share <= 0.05
    assert rate.high <= 0.08
    assert {family: np.mean(sets) for family, sets in false.items() if np.mean(sets) > 0.15} == {}


@pytest.mark.parametrize(("family", "rows", "clusters"), [("two_5", 800, 2), ("blobs5_6", 2000, 5)])
def test_two_hundred_held_out_rows_a_cluster_show_most_of_them(family: str, rows: int, clusters: int) -> None:
    found = []
    for dimensions in (8, 32):
        for number in range(8):
            test, truth = one_split(family, rows, dimensions, 30001 + number)
            right = test.clusters.max() + 1 == clusters and adjusted_rand_score(truth, test.clusters) > 0.8
            found.append(right and max(test.p_values) <= 0.05)
    assert np.mean(found) >= 0.9
