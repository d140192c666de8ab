"""Intrinsic dimension, hubness, purity of labels: by hand, on shapes of known dimension, at their limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew
from sklearn.neighbors import NearestNeighbors

from steadymap.tasks.numerics.scores.latent_space.hubness import hubness
from steadymap.tasks.numerics.scores.latent_space.intrinsic_dimension import inverse_dimensions
from steadymap.tasks.numerics.scores.latent_space.label_purity import chance_purity, label_purity


def distances(points: np.ndarray, k: int = 20) -> np.ndarray:
    return np.asarray(NearestNeighbors(n_neighbors=k).fit(points).kneighbors()[0])


def test_the_dimension_by_hand() -> None:
    # Neighbours at 1, 2, 4: (ln 4 + ln 2) / 2. The row with a duplicate says nothing.
    found = inverse_dimensions(np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 2.0]]))
    np.testing.assert_allclose(found, [(np.log(4) + np.log(2)) / 2])


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_dimension_of_a_cube_is_found_whatever_space_it_lies_in(dimension: int) -> None:
    generator = np.random.default_rng(dimension)
    cube = generator.uniform(size=(3000, dimension))
    turn = np.linalg.qr(generator.standard_normal((12, 12)))[0][:dimension]
    estimate = 1 / inverse_dimensions(distances(cube @ turn)).mean()
    assert estimate == pytest.approx(dimension, rel=0.12)  # the cube's faces lower it, more with more dimensions
    assert 1 / inverse_dimensions(7 * distances(cube @ turn)).mean() == pytest.approx(estimate)


def test_cosine_distances_as_chords_give_the_dimension_of_a_sphere() -> None:
    sphere = np.random.default_rng(4).standard_normal((3000, 4))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    chords = distances(sphere)
    assert 1 / inverse_dimensions(np.sqrt(2 * (chords**2 / 2))).mean() == pytest.approx(
        1 / inverse_dimensions(chords).mean()
    )
    assert 1 / inverse_dimensions(chords).mean() == pytest.approx(3, rel=0.12)


def test_hubness_by_hand_equals_scipy_and_grows_with_the_dimension() -> None:
    star = np.array([[1], [0], [0], [0], [0]])  # row 0 is everybody's neighbour
    assert hubness(star) == pytest.approx(skew([4, 1, 0, 0, 0]))
    ring = np.array([[1], [2], [3], [0]])
    assert hubness(ring) == 0
    generator = np.random.default_rng(0)

    def of_gaussian(dimension: int) -> float:
        points = generator.standard_normal((1500, dimension))
        return hubness(NearestNeighbors(n_neighbors=10).fit(points).kneighbors(return_distance=False))

    assert of_gaussian(2) < 0.5
    assert of_gaussian(100) > 2


def test_purity_and_its_chance_by_hand() -> None:
    indices = np.array([[1, 2], [0, 2], [0, 3], [2, 0]])
    labels = np.array([0, 0, 1, -1])
    np.testing.assert_allclose(label_purity(indices, labels), [0.5, 0.5, 0])
    # Of three labelled rows two share a label: each has 1 of 3 other rows with its label, the third has none.
    assert chance_purity(labels) == pytest.approx((1 / 3 + 1 / 3 + 0) / 3)


def test_random_labels_have_the_purity_of_chance_and_clusters_more() -> None:
    generator = np.random.default_rng(1)
    points = generator.standard_normal((2000, 3))
    indices = NearestNeighbors(n_neighbors=15).fit(points).kneighbors(return_distance=False)
    labels = generator.integers(0, 4, 2000)
    assert label_purity(indices, labels).mean() == pytest.approx(chance_purity(labels), abs=0.015)
    assert label_purity(indices, (points[:, 0] > 0).astype(int)).mean() > 0.85
