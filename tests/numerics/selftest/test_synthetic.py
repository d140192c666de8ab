"""Synthetic data: the truth that is claimed is the truth, and the same arguments give the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.selftest.spoiled import spoil
from steadymap.tasks.numerics.selftest.synthetic import BLUR, BRIDGE_SHARE, FAMILIES, SESSIONS, generate


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_is_as_announced(family: str) -> None:
    data = generate(family, 1000, 16, 3)
    again = generate(family, 1000, 16, 3)
    assert data.vectors.shape == (1000, 16)
    assert data.vectors.dtype == np.float32
    assert np.all(np.isfinite(data.vectors))
    assert data.vectors.tobytes() == again.vectors.tobytes()
    np.testing.assert_array_equal(data.truth, again.truth)
    assert (len(np.unique(data.truth)) > 1) == FAMILIES[family].real
    assert np.unique(data.truth).tolist() == list(range(data.truth.max() + 1))
    assert not np.array_equal(generate(family, 1000, 16, 4).vectors, data.vectors)
    assert (data.groups is not None) == (family == "grouped")


@pytest.mark.parametrize(
    ("family", "sigmas"), [("two_4", 4), ("two_5", 5), ("blobs5_5", 5), ("blobs5_8", 8), ("rare", 8), ("rare_10", 10)]
)
def test_adjacent_means_are_as_far_apart_as_the_name_says(family: str, sigmas: float) -> None:
    data = generate(family, 20_000, 6, 0)
    means = np.array([data.vectors[data.truth == label].mean(axis=0) for label in range(data.truth.max() + 1)])
    distances = np.linalg.norm(means[:, None] - means[None], axis=2)[np.triu_indices(len(means), 1)]
    np.testing.assert_allclose(distances, sigmas, atol=0.15)
    residuals = data.vectors - means[data.truth]
    np.testing.assert_allclose(residuals.std(axis=0), 1, atol=0.03)


def test_shares_sizes_and_sessions() -> None:
    assert np.sum(generate("rare", 1000, 4, 0).truth == 1) == 50
    uneven = np.bincount(generate("uneven", 20_000, 4, 0).truth) / 20_000
    np.testing.assert_allclose(uneven, [0.5, 0.3, 0.2], atol=0.02)
    grouped = generate("grouped", 4000, 4, 0)
    assert grouped.groups is not None
    assert len(np.unique(grouped.groups)) == SESSIONS


def test_the_valley_of_the_bridge_is_as_deep_as_stated() -> None:
    data = generate("bridge", 200_000, 3, 0)
    means = [data.vectors[data.truth == label].mean(axis=0) for label in (0, 1)]
    axis = (means[1] - means[0]) / np.linalg.norm(means[1] - means[0])
    along = (data.vectors - (means[0] + means[1]) / 2) @ axis
    density, _ = np.histogram(along, np.arange(-8, 8.01, 0.25))
    middle = density[31:33].mean()
    assert middle / min(density[:32].max(), density[32:].max()) == pytest.approx(0.27, abs=0.03)
    assert np.mean(np.abs(along) < 1) == pytest.approx(2 * BRIDGE_SHARE / 7, abs=0.02)


@pytest.mark.parametrize(
    ("family", "intrinsic"), [("unif_cube2", 2), ("arc", 2), ("swiss", 3), ("ybranch", 2), ("moons", 2)]
)
def test_shapes_are_turned_into_the_space_and_blurred(family: str, intrinsic: int) -> None:
    data = generate(family, 5000, 12, 1)
    spread = np.sqrt(np.linalg.eigvalsh(np.cov(data.vectors.T))[::-1])
    np.testing.assert_allclose(spread[intrinsic:], BLUR, rtol=0.1)
    assert spread[intrinsic - 1] > 0.4
    assert np.sum(np.abs(np.linalg.eigh(np.cov(data.vectors.T))[1][:, -1]) > 0.05) > 3


def test_rings_and_sheets_have_no_gap() -> None:
    ring = generate("ring", 5000, 2, 0).vectors
    angles = np.sort(np.arctan2(ring[:, 1], ring[:, 0]))
    assert np.diff(angles).max() < 0.02
    step = generate("step", 20_000, 2, 0).vectors
    edges = np.linspace(*np.quantile(step @ np.linalg.eigh(np.cov(step.T))[1][:, -1], [0.02, 0.98]), 12)
    assert np.histogram(step @ np.linalg.eigh(np.cov(step.T))[1][:, -1], edges)[0].min() > 100


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="there are gauss_iso"):
        generate("blob", 10, 2, 0)
    with pytest.raises(ValueError, match="needs 3"):
        generate("swiss", 10, 2, 0)


def test_spoiled_rows_are_as_announced_and_the_truth_goes_with_them() -> None:
    drawn = generate("two_4", 400, 5, 2)
    copies = spoil(drawn, "copies", 2)
    assert len(copies.vectors) == len(copies.truth) == 420
    assert len(np.unique(copies.vectors, axis=0)) == 400
    integers = spoil(drawn, "integers", 2).vectors
    assert np.array_equal(integers, np.round(drawn.vectors))
    outlying = spoil(drawn, "outliers", 2).vectors
    far = np.linalg.norm(outlying, axis=1) > 500 * drawn.vectors.std()
    assert far.sum() == 3
    assert np.array_equal(outlying[~far], drawn.vectors[~far])


def test_classes_of_the_tutorial_are_far_apart() -> None:
    for seed in range(5):
        data = generate("tutorial", 4000, 3, seed)
        means = np.array([data.vectors[data.truth == label].mean(axis=0) for label in range(4)])
        apart = np.linalg.norm(means[:, None] - means[None], axis=2)[np.triu_indices(4, 1)]
        assert apart.min() > 8 * 1.5 - 0.3
        assert np.bincount(data.truth).tolist() == [1000] * 4
