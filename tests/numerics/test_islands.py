"""Islands of a picture: found, named by size, and noise given to the nearest island in the latent space."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.clusters.islands import NOISE, VOTERS, find_islands
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours


def two_islands_and_noise() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a picture with islands of 120 and 60 rows and 40 rows anywhere, latents that know better, and truth."""
    generator = np.random.default_rng(0)
    belongs = np.repeat([0, 1, 0, 1], [120, 60, 20, 20])
    picture = np.where(belongs == 0, -5.0, 5.0)[:, None] + 0.3 * generator.standard_normal((220, 2))
    picture[180:] = generator.uniform(-12, 12, (40, 2))
    latent = np.where(belongs == 0, -3.0, 3.0)[:, None] + generator.standard_normal((220, 8))
    return picture.astype(np.float32), latent.astype(np.float32), belongs


def test_the_largest_island_is_first_and_noise_goes_where_the_latent_space_says() -> None:
    picture, latent, belongs = two_islands_and_noise()
    found = find_islands(picture, latent, 20)
    assert np.bincount(found.labels[:180]).tolist() == [120, 60]
    noise = np.flatnonzero(found.labels == NOISE)
    assert len(noise) > 20
    assert np.array_equal(found.filled[noise], belongs[noise])


@pytest.mark.parametrize("k", [1, 5, VOTERS, 60, 219])
def test_shared_neighbours_spare_a_search_and_change_nothing(k: int) -> None:
    picture, latent, _ = two_islands_and_noise()
    shared = nearest_neighbours(latent, k).indices
    alone, helped = find_islands(picture, latent, 20), find_islands(picture, latent, 20, shared)
    assert np.array_equal(alone.filled, helped.filled)
    assert np.array_equal(alone.labels, helped.labels)


def test_a_picture_of_noise_is_one_island_that_holds_every_row() -> None:
    generator = np.random.default_rng(1)
    found = find_islands(
        generator.uniform(size=(30, 2)).astype(np.float32), generator.uniform(size=(30, 3)).astype(np.float32), 29
    )
    assert set(found.labels) <= {NOISE, 0}
    assert set(found.filled) == {0}
