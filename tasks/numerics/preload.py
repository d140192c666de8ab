"""Import and compile everything a cell needs, once, in the process that workers are forked from.

Compiled code comes from numba's cache on disk, and is written there the first time. A worker forked from a process
that has read it starts in milliseconds. Engines of other libraries are imported by the workers that draw with them.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse

from steadymap.tasks.numerics.clusters.candidates import latent_leaves
from steadymap.tasks.numerics.clusters.islands import find_islands
from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.fuzzy_graph import fuzzy_graph
from steadymap.tasks.numerics.geometry.initialisation import principal_components
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.geometry.spectral_base import spectral_base
from steadymap.tasks.numerics.reducers import pca, tsne_lanes, umap_lanes
from steadymap.tasks.numerics.reducers.interface import LANES, Material, Settings
from steadymap.tasks.numerics.scores.all_scores import Labels, Scorer
from steadymap.tasks.numerics.valleys.bridges import nearest_along_graph
from steadymap.tasks.numerics.valleys.dip import dip, dip_p_value
from steadymap.tasks.numerics.valleys.latent_graph import latent_graph

__all__ = ["pca", "rehearse"]

ROWS = 300


def rehearse() -> None:
    """Do once, on little data, what numba compiles: layouts, density trees, walks along a graph, the dip, ranks."""
    working = np.random.default_rng(0).standard_normal((ROWS, 4)).astype(np.float32)
    neighbours = nearest_neighbours(working, 15)
    components = Material(working, joint_probabilities(neighbours, 5), base=principal_components(working))
    for method in ("exact", "grid"):
        for lanes in (1, LANES):
            tsne_lanes.rehearse(components, [_settings(method, seed) for seed in range(lanes)])
    graph = scipy.sparse.csr_matrix(fuzzy_graph(neighbours, 15))
    material = Material(working, fuzzy_graph=graph, base=spectral_base(graph, working, 2))
    for lanes in (1, LANES):
        coordinates, *_ = umap_lanes.reduce_lanes(material, [_settings("sgd", seed) for seed in range(lanes)])
    find_islands(coordinates.astype(np.float32), working, 10)
    latent_leaves(neighbours.indices, working, 10)
    nearest_along_graph(latent_graph(working), np.zeros(ROWS, dtype=np.int64), 0, 10)
    dip_p_value(dip(working[:, 0].astype(np.float64)), ROWS)
    rows = np.arange(ROWS)
    Scorer(working, rows.astype(np.uint64), [5], rows, Labels(rows % 3)).score([coordinates])


def _settings(method: str, seed: int) -> Settings:
    start = "spectral" if method == "sgd" else "pca"
    return Settings(
        method, "euclidean", 2, seed, {"min_dist": 0.1, "exaggeration": 1.0, "learning_rate": "auto", "init": start}
    )


rehearse()
