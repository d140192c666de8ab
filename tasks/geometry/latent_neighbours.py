"""The nearest neighbours that later steps ask for: from the store where they reach far enough, else searched anew."""

from __future__ import annotations

from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.parts import Geometry, find_neighbours
from steadymap.tasks.numerics.geometry.neighbours import Neighbours
from steadymap.tasks.store.files import map_array
from steadymap.tasks.workers import default_count

CLUSTER_NEIGHBOURS = 15
"""Neighbours of every row in the latent space along which pictures are asked what belongs together."""


def latent_neighbours(geometry: Geometry, metric: str, k: int, threads: int | None = None) -> Neighbours:
    """Return the k nearest rows of every row, or all others where there are fewer.

    Raises
    ------
    UnusableVectorsError
        The preprocessed vectors have no distances that mean anything.
    """
    from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours

    k = min(k, geometry.vectors.rows - 1)
    folder = find_neighbours(geometry, metric, k)
    if folder is None:
        working = read_working(geometry, metric)
        return nearest_neighbours(working, k, metric=metric, threads=threads or default_count())
    return Neighbours(map_array(folder, "indices"), map_array(folder, "distances")).first(k)
