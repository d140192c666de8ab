"""Compute one part of the geometry: inside a worker process, or here where a later step finds it missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from configs.sweep import Preprocessing
from tasks.derived_data import Derived, make_derived
from tasks.geometry import (
    Geometry,
    Part,
    find_neighbours,
    neighbours_folder,
    neighbours_needed,
    read_sparse,
    write_sparse,
)
from tasks.numerics.neighbours import Neighbours
from tasks.store import map_array, write_arrays


@dataclass(frozen=True)
class PartJob:
    """A part, where it goes, and the folders of what it rests on (None where it does not)."""

    part: Part
    folder: Path
    latents: Path
    preprocessing: Preprocessing
    working: Path
    neighbours: Path | None
    fuzzy_graph: Path | None


def ensure_working(geometry: Geometry, metric: str) -> np.ndarray:
    """Return the preprocessed vectors, from the store or made anew: scores may be wanted long after the cells.

    Raises
    ------
    UnusableVectorsError
        The preprocessed vectors have no distances that mean anything.
    """
    part = Part("working", metric)
    if not geometry.has(part):
        if isinstance(geometry.vectors, Derived):
            make_derived(geometry.vectors)
        with threadpool_limits(1):  # more threads add up in another order: other bytes
            compute_part(job_of(part, geometry))
    return np.array(map_array(geometry.folder(part), "working"))


def job_of(part: Part, geometry: Geometry) -> PartJob:
    """Return all that is needed to compute a part once what it rests on is in the store."""
    k = neighbours_needed(part, geometry.vectors.rows)
    graph = replace(part, kind="fuzzy_graph", dimension=0)
    return PartJob(
        part=part,
        folder=geometry.folder(part),
        latents=geometry.vectors.folder,
        preprocessing=geometry.preprocessing,
        working=geometry.folder(Part("working", part.metric)),
        neighbours=find_neighbours(geometry, part.metric, k) if k else None,
        fuzzy_graph=geometry.folder(graph) if part.kind == "spectral" else None,
    )


def search_neighbours(part: Part, geometry: Geometry, threads: int) -> None:
    """Search neighbours in this process, with all its threads, and commit them."""
    from tasks.numerics.neighbours import nearest_neighbours

    working = map_array(geometry.folder(Part("working", part.metric)), "working")
    k = int(part.size)
    found = nearest_neighbours(working, k, metric=part.metric, threads=threads)
    arrays = {"indices": found.indices, "distances": found.distances}
    write_arrays(neighbours_folder(geometry, part.metric, k), arrays, {"part": str(part)})


def compute_part(job: PartJob) -> None:
    """Compute a part and commit it to the store."""
    maker = {
        "working": _working,
        "components": _components,
        "affinities": _affinities,
        "fuzzy_graph": _fuzzy_graph,
        "spectral": _spectral,
    }[job.part.kind]
    maker(job)


def _working(job: PartJob) -> None:
    from tasks.numerics.preprocess import preprocess

    working = preprocess(
        np.array(map_array(job.latents, "latents")),
        scale=job.preprocessing.scale,
        pca=job.preprocessing.pca,
        metric=job.part.metric,
    )
    write_arrays(job.folder, {"working": working}, {"part": str(job.part)})


def _components(job: PartJob) -> None:
    from tasks.numerics.initialisation import principal_components

    base = principal_components(map_array(job.working, "working"))
    write_arrays(job.folder, {"base": base}, {"part": str(job.part)})


def _affinities(job: PartJob) -> None:
    from tasks.numerics.affinities import joint_probabilities

    write_sparse(job.folder, joint_probabilities(_neighbours(job), job.part.size), {"part": str(job.part)})


def _fuzzy_graph(job: PartJob) -> None:
    from tasks.numerics.fuzzy_graph import fuzzy_graph

    write_sparse(job.folder, fuzzy_graph(_neighbours(job), int(job.part.size)), {"part": str(job.part)})


def _spectral(job: PartJob) -> None:
    from tasks.numerics.fuzzy_graph import spectral_base

    assert job.fuzzy_graph is not None
    working = np.array(map_array(job.working, "working"))
    base = spectral_base(read_sparse(job.fuzzy_graph), working, job.part.dimension)
    write_arrays(job.folder, {"base": base}, {"part": str(job.part)})


def _neighbours(job: PartJob) -> Neighbours:
    assert job.neighbours is not None
    return Neighbours(map_array(job.neighbours, "indices"), map_array(job.neighbours, "distances"))
