"""Compute one part of the geometry: inside a worker process, or here where a later step finds it missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse
from threadpoolctl import threadpool_limits

from steadymap.configs.sweep import Preprocessing
from steadymap.tasks.geometry.parts import (
    Geometry,
    GeometryPart,
    find_neighbours,
    neighbours_folder,
    neighbours_needed,
    read_sparse,
    write_sparse,
)
from steadymap.tasks.geometry.resamples_and_nulls import Derived, make_derived
from steadymap.tasks.numerics.geometry.neighbours import Neighbours
from steadymap.tasks.store.files import map_array, write_arrays


@dataclass(frozen=True)
class PartJob:
    """A part, where it goes, and the folders of what it rests on (None where it does not)."""

    part: GeometryPart
    folder: Path
    latents: Path
    preprocessing: Preprocessing
    working: Path
    neighbours: Path | None
    fuzzy_graph: Path | None


def read_working(geometry: Geometry, metric: str) -> np.ndarray:
    """Return the preprocessed vectors, from the store or made anew: scores may be wanted long after the cells.

    Raises
    ------
    UnusableVectorsError
        The preprocessed vectors have no distances that mean anything.
    """
    part = GeometryPart("working", metric)
    if not geometry.has(part):
        if isinstance(geometry.vectors, Derived):
            make_derived(geometry.vectors)
        with threadpool_limits(1):  # more threads add up in another order: other bytes
            compute_geometry_part(job_of(part, geometry))
    return np.array(map_array(geometry.folder(part), "working"))


def job_of(part: GeometryPart, geometry: Geometry) -> PartJob:
    """Return all that is needed to compute a part once what it rests on is in the store."""
    k = neighbours_needed(part, geometry.vectors.rows)
    graph = replace(part, kind="fuzzy_graph", dimension=0)
    return PartJob(
        part=part,
        folder=geometry.folder(part),
        latents=geometry.vectors.folder,
        preprocessing=geometry.preprocessing,
        working=geometry.folder(GeometryPart("working", part.metric)),
        neighbours=find_neighbours(geometry, part.metric, k) if k else None,
        fuzzy_graph=geometry.folder(graph) if part.kind == "spectral" else None,
    )


def search_neighbours(part: GeometryPart, geometry: Geometry, threads: int) -> None:
    """Search neighbours in this process, with all its threads, and commit them."""
    working = map_array(geometry.folder(GeometryPart("working", part.metric)), "working")
    k = int(part.size)
    found = make_neighbours(working, k, part.metric, threads)
    arrays = {"indices": found.indices, "distances": found.distances}
    write_arrays(neighbours_folder(geometry, part.metric, k), arrays, {"part": str(part), "recall": found.recall})


def compute_geometry_part(job: PartJob) -> None:
    """Compute a part and commit it to the store."""
    part, meta = job.part, {"part": str(job.part)}
    if part.kind == "working":
        made = make_working(map_array(job.latents, "latents"), job.preprocessing, part.metric)
        write_arrays(job.folder, {"working": made}, meta)
    elif part.kind == "components":
        write_arrays(job.folder, {"base": make_components(map_array(job.working, "working"))}, meta)
    elif part.kind == "affinities":
        write_sparse(job.folder, make_affinities(_neighbours(job), part.size), meta)
    elif part.kind == "fuzzy_graph":
        write_sparse(job.folder, make_fuzzy_graph(_neighbours(job), part.size), meta)
    else:
        assert job.fuzzy_graph is not None
        graph, working = read_sparse(job.fuzzy_graph), map_array(job.working, "working")
        write_arrays(job.folder, {"base": make_spectral(graph, working, part.dimension)}, meta)


# What shapes a part's bytes, and its identity with it, is below; above is what carries them.


def make_working(latents: np.ndarray, preprocessing: Preprocessing, metric: str) -> np.ndarray:
    """Return the vectors in which distances are taken, shape (n, d)."""
    from steadymap.tasks.numerics.geometry.preprocess import preprocess

    return preprocess(np.array(latents), scale=preprocessing.scale, pca=preprocessing.pca, metric=metric)


def make_neighbours(working: np.ndarray, k: int, metric: str, threads: int) -> Neighbours:
    """Return the k nearest neighbours of every row."""
    from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours

    return nearest_neighbours(working, k, metric=metric, threads=threads)


def make_components(working: np.ndarray) -> np.ndarray:
    """Return the principal components to start from, shape (n, 3)."""
    from steadymap.tasks.numerics.geometry.initialisation import principal_components

    return principal_components(working)


def make_affinities(neighbours: Neighbours, perplexity: float) -> scipy.sparse.csr_matrix:
    """Return the joint probabilities of t-SNE."""
    from steadymap.tasks.numerics.geometry.affinities import joint_probabilities

    return joint_probabilities(neighbours, perplexity)


def make_fuzzy_graph(neighbours: Neighbours, n_neighbors: float) -> scipy.sparse.csr_matrix:
    """Return the graph of UMAP."""
    from steadymap.tasks.numerics.geometry.fuzzy_graph import fuzzy_graph

    return fuzzy_graph(neighbours, int(n_neighbors))


def make_spectral(graph: scipy.sparse.csr_matrix, working: np.ndarray, dimension: int) -> np.ndarray:
    """Return the spectral layout to start from, shape (n, dimension)."""
    from steadymap.tasks.numerics.geometry.spectral_base import spectral_base

    return spectral_base(graph, np.array(working), dimension)


def _neighbours(job: PartJob) -> Neighbours:
    assert job.neighbours is not None
    return Neighbours(map_array(job.neighbours, "indices"), map_array(job.neighbours, "distances"))
