"""Decode what stands for a cluster: its medoid, its mean, the way to its neighbour, and the dimensions between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from steadymap.tasks.decoding.decode_rows import as_inputs, decoded_with
from steadymap.tasks.input.models.look_at_decoder import DecoderFacts
from steadymap.tasks.input.models.run_in_workers import Chunk, run_chunks
from steadymap.tasks.numerics.decoding.places import (
    SeparatingDimension,
    density_along,
    medoid,
    moved_along,
    path_between,
    separating_dimensions,
)
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.files import map_array, write_arrays
from steadymap.tasks.workers import choose_limits

MOST_CLUSTERS = 40
"""Clusters that are decoded, the largest first."""

MOST_VALUES = 100_000_000
"""Values that are decoded for them at most: with large images, fewer clusters."""

PATH_STEPS = 7
"""Decoded places on the way to the neighbour, both medoids included."""

DIMENSIONS, DIMENSION_STEPS = 3, 5
"""Latent dimensions that are moved along, and places on each."""

PLACES_A_CLUSTER = 2 + PATH_STEPS + DIMENSIONS * DIMENSION_STEPS


@dataclass(frozen=True)
class Place:
    """A place in the latent space that stands for something of a cluster; the columns of ``decoded.parquet``."""

    cluster: int
    kind: str
    step: int
    at: np.ndarray
    neighbour: int | None = None
    dimension: int | None = None
    position: float | None = None
    density: float | None = None


@dataclass(frozen=True)
class ClusterPlaces:
    """A cluster's medoid (a position in canonical order), its mean, its neighbour, and what lies between them.

    ``lowest_density`` is that along the path to the neighbour over that of the lower peak; None without one.
    """

    cluster: int
    medoid: int
    mean: np.ndarray
    neighbour: int | None
    dimensions: tuple[SeparatingDimension, ...]
    places: tuple[Place, ...]
    lowest_density: float | None


def choose_places(
    latents: np.ndarray, of_rows: np.ndarray, described: pa.Table, values: int
) -> tuple[ClusterPlaces, ...]:
    """Choose where to decode, for the largest clusters.

    Parameters
    ----------
    latents, of_rows
        Every row in canonical order, shape (n, d), and its cluster, −1 for none.
    described
        The table of clusters, with the neighbour that the verdict looked at where there was one.
    values
        Of one reconstruction.
    """
    numbers = sorted(int(one) for one in np.unique(of_rows[of_rows >= 0]))
    most = min(MOST_CLUSTERS, max(1, MOST_VALUES // (values * PLACES_A_CLUSTER)))
    members = {number: np.flatnonzero(of_rows == number) for number in numbers}
    medoids = {number: int(members[number][medoid(latents[members[number]])]) for number in numbers}
    told = dict(zip(described.column("cluster").to_pylist(), described.column("neighbour").to_pylist(), strict=True))
    return tuple(
        _places_of(number, _neighbour(number, told.get(number), medoids, latents), members, medoids, latents)
        for number in numbers[:most]
    )


def _neighbour(number: int, told: int | None, medoids: Mapping[int, int], latents: np.ndarray) -> int | None:
    """Return the cluster beyond the shallowest valley, or the one with the nearest medoid where no test named one."""
    others = [other for other in medoids if other != number]
    if told in others or not others:
        return told if others else None
    own = latents[medoids[number]].astype(np.float64)
    return min(others, key=lambda other: float(np.linalg.norm(latents[medoids[other]] - own)))


def _places_of(
    number: int,
    neighbour: int | None,
    members: Mapping[int, np.ndarray],
    medoids: Mapping[int, int],
    latents: np.ndarray,
) -> ClusterPlaces:
    own = latents[members[number]]
    start, mean = latents[medoids[number]].astype(np.float64), own.mean(axis=0, dtype=np.float64)
    places = [Place(number, "medoid", 0, start), Place(number, "mean", 0, mean)]
    dimensions: tuple[SeparatingDimension, ...] = ()
    lowest = None
    if neighbour is not None:
        path = path_between(start, latents[medoids[neighbour]].astype(np.float64), PATH_STEPS)
        density, lowest = density_along(path, own, latents[members[neighbour]])
        share = np.linspace(0, 1, PATH_STEPS)
        places += [
            Place(number, "path", step, path[step], neighbour, None, float(share[step]), float(density[step]))
            for step in range(PATH_STEPS)
        ]
        dimensions = separating_dimensions(own, latents[members[neighbour]], DIMENSIONS)
        for one in dimensions:
            moved = moved_along(start, one, DIMENSION_STEPS)
            places += [
                Place(number, "dimension", step, at, neighbour, one.dimension, float(at[one.dimension]))
                for step, at in enumerate(moved)
            ]
    return ClusterPlaces(number, medoids[number], mean, neighbour, dimensions, tuple(places), lowest)


def decode_places(
    plan: Plan, facts: DecoderFacts, chosen: Sequence[ClusterPlaces], folder: Path
) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode places in a worker: reconstructions, flat as inputs are, and where they land (None without an encoder).

    Raises
    ------
    InputError
        A model cannot be used, or ended its worker.
    """
    at = np.array([place.at for one in chosen for place in one.places], dtype=np.float32)
    write_arrays(folder / "places", {"latents": at}, {})
    chunk = Chunk(0, len(at), folder / "given")
    limits = choose_limits(plan.config.workers)
    asked = facts, folder / "places", plan.input_shape
    run_chunks(_decode, [chunk], facts.decoder.asked, limits, "decoded rows", *asked)
    again = map_array(chunk.folder, "again") if facts.encoder is not None else None
    return map_array(chunk.folder, "given"), again


def _decode(chunk: Chunk, facts: DecoderFacts, places: Path, shape: tuple[int, ...] | None) -> None:
    with threadpool_limits(1):
        found = list(decoded_with(facts, np.asarray(map_array(places, "latents"))))
    arrays = {"given": np.concatenate([as_inputs(given, shape) for given, _ in found]).astype(np.float32)}
    landed = [again for _, again in found if again is not None]
    write_arrays(chunk.folder, arrays | ({"again": np.concatenate(landed)} if landed else {}), {})
