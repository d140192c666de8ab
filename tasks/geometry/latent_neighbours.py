"""The nearest neighbours that later steps ask for: from the store where they reach far enough, else searched anew."""

from __future__ import annotations

from collections.abc import Iterable

from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.parts import Geometry, find_neighbours
from steadymap.tasks.numerics.geometry.neighbours import Neighbours
from steadymap.tasks.store.files import map_array, read_meta
from steadymap.tasks.workers import default_count

CLUSTER_NEIGHBOURS = 15
"""Neighbours of every row in the latent space along which pictures are asked what belongs together."""


def tell_recall(geometry: Geometry, metrics: Iterable[str]) -> tuple[str, ...]:
    """Say how much a search that was approximate has found; nothing of one that was exact."""
    told = []
    for metric in sorted(set(metrics)):
        folder = find_neighbours(geometry, metric, 1)
        recall = None if folder is None else read_meta(folder).get("recall")
        if recall is not None:
            told.append(
                f"neighbours ({metric}) of {geometry.vectors.rows:,} rows are not searched exactly: of the 100 nearest "
                f"{100 * recall:.1f} % were found"
            )
    return tuple(told)


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
