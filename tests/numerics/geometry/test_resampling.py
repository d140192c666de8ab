"""Parts of the rows and clouds without clusters: what each promises of its rows, groups and distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from steadymap.tasks.numerics.geometry.reference_data import copula_cloud, gaussian_cloud
from steadymap.tasks.numerics.geometry.resampling import bootstrap, find_units, halves, subsample

KEYS = np.random.default_rng(0).integers(0, 2**63, 1000).astype(np.uint64)


def test_halves_are_complementary_equal_and_differ_between_numbers() -> None:
    units = find_units(KEYS, None)
    first, second = halves(units, 0)
    assert sorted([*first, *second]) == list(range(1000))
    assert len(first) == len(second) == 500
    other, _ = halves(units, 1)
    assert 200 < len(np.intersect1d(first, other)) < 300


def test_copies_of_a_row_stay_in_one_half() -> None:
    keys = np.repeat(KEYS[:100], 7)
    first, second = halves(find_units(keys, None), 0)
    assert not set(keys[first]) & set(keys[second])
    assert abs(len(first) - len(second)) <= 7


def test_groups_stay_whole_and_their_names_do_not_matter() -> None:
    groups = [f"session {row % 40}" for row in range(1000)]
    first, second = halves(find_units(KEYS, groups), 3)
    assert not {groups[row] for row in first} & {groups[row] for row in second}
    assert abs(len(first) - len(second)) <= 25
    renamed = [f"{1000 - int(group.split()[1])}" for group in groups]
    assert np.array_equal(halves(find_units(KEYS, renamed), 3)[0], first)


def test_rows_with_ids_are_parted_alike_whatever_their_vectors_and_whoever_comes() -> None:
    ids = [f"img_{row}" for row in range(1000)]
    night = np.random.default_rng(9).integers(0, 2**63, 1000).astype(np.uint64)
    first, _ = halves(find_units(KEYS, None, ids), 0)
    again, _ = halves(find_units(night, None, ids), 0)
    assert np.array_equal(first, again)
    assert not np.array_equal(halves(find_units(KEYS, None), 0)[0], halves(find_units(night, None), 0)[0])
    fewer, _ = halves(find_units(KEYS[:990], None, ids[:990]), 0)
    assert len(np.setxor1d(fewer, first[first < 990])) <= 10
    # Sessions go by their names, and copies of a row stay together.
    sessions = [f"session {row % 40}" for row in range(1000)]
    assert np.array_equal(halves(find_units(KEYS, sessions, ids), 1)[0], halves(find_units(night, sessions, ids), 1)[0])
    copied = np.repeat(KEYS[:500], 2)
    first, second = halves(find_units(copied, None, ids), 0)
    assert not set(copied[first]) & set(copied[second])
    # Names that do not tell rows apart are none.
    assert np.array_equal(halves(find_units(KEYS, None, ["x"] * 1000), 0)[0], halves(find_units(KEYS, None), 0)[0])


def test_a_few_large_groups_are_dealt_out() -> None:
    groups = [f"{min(row // 350, 2)}" for row in range(1000)]
    first, second = halves(find_units(KEYS, groups), 0)
    assert 300 <= len(first) <= 700
    assert len(first) + len(second) == 1000


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(1000)
    groups = np.array([f"{row // 30}" for row in range(1000)])
    for named in (None, groups):
        straight = find_units(KEYS, None if named is None else list(named))
        turned = find_units(KEYS[order], None if named is None else list(named[order]))
        for draw in (lambda u: halves(u, 2)[0], lambda u: subsample(u, 0.7, 2), lambda u: bootstrap(u, 2)):
            # Positions are those of each order; the rows behind them are the same.
            assert set(KEYS[draw(straight)]) == set(KEYS[order][draw(turned)])


def test_sizes_of_subsample_and_bootstrap() -> None:
    units = find_units(KEYS, None)
    assert len(subsample(units, 0.8, 0)) == 800
    assert len(bootstrap(units, 0)) == pytest.approx(1000 * (1 - np.exp(-1)), abs=40)


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="one group"):
        halves(find_units(KEYS, ["all"] * 1000), 0)


def skewed(rows: int = 4000) -> np.ndarray:
    generator = np.random.default_rng(2)
    base = generator.standard_normal((rows, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.0], [0.0, 0.0, 2.0]])
    base[:, 0] = np.exp(base[:, 0])
    return base.astype(np.float32)


def test_a_gaussian_cloud_has_the_mean_and_covariance_of_the_data() -> None:
    data = skewed()
    drawn = gaussian_cloud(data, 0)
    assert drawn.shape == data.shape
    assert np.allclose(drawn.mean(axis=0), data.mean(axis=0), atol=0.15)
    assert np.allclose(np.cov(drawn.T), np.cov(data.T), atol=0.4)
    assert np.array_equal(drawn, gaussian_cloud(data, 0))
    assert not np.array_equal(drawn, gaussian_cloud(data, 1))


def test_a_copula_cloud_keeps_every_columns_values_and_the_correlations_of_ranks() -> None:
    data = skewed()
    drawn = copula_cloud(data, 0)
    for column in range(3):
        assert set(drawn[:, column]) <= set(data[:, column])
        assert np.allclose(
            np.quantile(drawn[:, column], [0.1, 0.5, 0.9]),
            np.quantile(data[:, column], [0.1, 0.5, 0.9]),
            rtol=0.15,
            atol=0.15,
        )
    assert np.allclose(spearmanr(drawn).statistic, spearmanr(data).statistic, atol=0.06)


def test_clusters_vanish_in_both_clouds() -> None:
    """Two far clusters leave one cloud: the gap between them is filled."""
    generator = np.random.default_rng(3)
    data = generator.standard_normal((2000, 4))
    data += np.where(np.arange(2000) % 2, 4, -4)[:, None] / 2
    along = data.sum(axis=1) / 2
    gap = np.mean(np.abs(along) < 1)
    for cloud in (gaussian_cloud, copula_cloud):
        drawn = cloud(data.astype(np.float32), 0).sum(axis=1) / 2
        assert np.mean(np.abs(drawn) < 1) > 5 * max(gap, 0.001)


def test_constant_columns_and_fewer_rows_than_columns_are_drawn() -> None:
    data = np.random.default_rng(4).standard_normal((20, 50)).astype(np.float32)
    data[:, 7] = 3
    for cloud in (gaussian_cloud, copula_cloud):
        assert np.isfinite(cloud(data, 0)).all()
    assert np.all(copula_cloud(data, 0)[:, 7] == 3)
