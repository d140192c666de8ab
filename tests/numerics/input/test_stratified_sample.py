"""A sample is chosen by what rows are called, keeps what is rare, and stays where rows come and go."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.input.stratified_sample import KEPT_ROWS, stratified_sample
from steadymap.tasks.numerics.randomness import name_keys

ROWS, COUNT = 20_000, 2_000
KEYS = name_keys([f"row {row}" for row in range(ROWS)])
RARE = np.where(np.arange(ROWS) % 400 == 7, 1, 0)  # 50 rows
SCARCE = np.where(np.arange(ROWS) % 50 == 3, 1, 0)  # 400 rows, 40 by their share


def test_all_of_what_is_rare_and_a_hundred_of_what_is_scarce() -> None:
    sample = stratified_sample(KEYS, [RARE, SCARCE], COUNT)
    assert len(sample.rows) == COUNT
    assert np.all(np.diff(sample.rows) > 0)
    assert RARE[sample.rows].sum() == RARE.sum()
    assert SCARCE[sample.rows].sum() == KEPT_ROWS == sample.kept


def test_what_is_common_is_drawn_evenly() -> None:
    thirds = np.arange(ROWS) % 3
    with_strata, without = (set(stratified_sample(KEYS, strata, COUNT).rows.tolist()) for strata in ([thirds], []))
    assert with_strata == without  # each has its hundred anyway
    shares = np.bincount(thirds[sorted(without)]) / COUNT
    assert shares == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / COUNT))


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(ROWS)
    mixed = stratified_sample(KEYS[order], [RARE[order], SCARCE[order]], COUNT)
    assert sorted(order[mixed.rows].tolist()) == stratified_sample(KEYS, [RARE, SCARCE], COUNT).rows.tolist()


def test_rows_that_come_change_no_more_than_their_share() -> None:
    before = set(stratified_sample(KEYS[: ROWS * 9 // 10], [], COUNT).rows.tolist())
    after = set(stratified_sample(KEYS, [], COUNT).rows.tolist())
    newcomers = {row for row in after if row >= ROWS * 9 // 10}
    assert after - newcomers <= before
    assert len(newcomers) == pytest.approx(COUNT / 10, abs=4 * np.sqrt(COUNT * 0.09))


def test_as_many_of_each_as_fit() -> None:
    groups = np.arange(ROWS) % 100  # a hundred of each would be 10,000
    sample = stratified_sample(KEYS, [groups], COUNT)
    assert sample.kept == COUNT / 100
    assert np.all(np.bincount(groups[sample.rows]) == sample.kept)
    assert stratified_sample(KEYS, [np.arange(ROWS)], COUNT).kept == 0
    assert len(stratified_sample(KEYS, [np.arange(ROWS)], COUNT).rows) == COUNT


def test_rows_of_no_stratum_are_not_kept_for_one() -> None:
    labels = np.where(RARE == 1, -1, np.arange(ROWS) % 2)  # rare rows have none
    sample = stratified_sample(KEYS, [labels], COUNT)
    assert np.sum(labels[sample.rows] < 0) < RARE.sum() / 3  # a tenth is their share
    assert len(sample.rows) == COUNT


def test_a_sample_of_all_rows_is_all_rows() -> None:
    assert stratified_sample(KEYS, [RARE], ROWS).rows.tolist() == list(range(ROWS))
    assert stratified_sample(KEYS, [RARE], 2 * ROWS).rows.tolist() == list(range(ROWS))
