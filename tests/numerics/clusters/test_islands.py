"""Islands of a picture: found, named by size, and noise given to the nearest island in the latent space."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from steadymap.tasks.numerics.clusters import linkage
from steadymap.tasks.numerics.clusters.islands import NOISE, VOTERS, find_islands
from steadymap.tasks.numerics.clusters.linkage import Linkage, link_few, link_many
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


@pytest.mark.parametrize(("rows", "smallest"), [(600, 20), (3000, 60)])
def test_many_rows_get_the_islands_that_few_get(rows: int, smallest: int) -> None:
    generator = np.random.default_rng(rows)
    centres = 6 * generator.standard_normal((5, 2))
    picture = centres[generator.integers(0, 5, rows)] + generator.standard_normal((rows, 2))
    picture[: rows // 10] = generator.uniform(-15, 15, (rows // 10, 2))
    few, many = (link(picture, smallest, smallest).labels for link in (link_few, link_many))
    # Both build the same tree; rows whose distances tie may join it in another order.
    assert adjusted_rand_score(few, many) > 0.97
    assert np.array_equal(many, link_many(picture, smallest, smallest).labels)


def test_many_rows_are_smoothed_over_a_hundred_neighbours_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def note(coordinates: np.ndarray, min_cluster_size: int, smoothing: int) -> Linkage:
        asked.append((min_cluster_size, smoothing))
        return link_few(coordinates, min_cluster_size, smoothing)

    monkeypatch.setattr(linkage, "link_few", note)
    picture, latent, _ = two_islands_and_noise()
    for smallest in (20, 150):
        find_islands(picture, latent, smallest)
    assert asked == [(20, 20), (150, 100)]


def test_a_picture_of_noise_is_one_island_that_holds_every_row() -> None:
    generator = np.random.default_rng(1)
    found = find_islands(
        generator.uniform(size=(30, 2)).astype(np.float32), generator.uniform(size=(30, 3)).astype(np.float32), 29
    )
    assert set(found.labels) <= {NOISE, 0}
    assert set(found.filled) == {0}
