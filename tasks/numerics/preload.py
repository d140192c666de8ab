"""Import and compile everything a cell needs, once, in the process that workers are forked from.

umap-learn takes seconds to import and numba seconds to compile; a worker forked from a process that has done
both starts in milliseconds.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse

from steadymap.tasks.numerics.clusters.islands import find_islands
from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.fuzzy_graph import fuzzy_graph
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.geometry.spectral_base import spectral_base
from steadymap.tasks.numerics.reducers import pca, sklearn_tsne, tsne, umap
from steadymap.tasks.numerics.reducers.exact_gradient import exact_gradient
from steadymap.tasks.numerics.reducers.interface import Material, Settings
from steadymap.tasks.numerics.valleys.dip import dip, dip_p_value

__all__ = ["pca", "rehearse", "sklearn_tsne", "tsne", "umap"]

ROWS = 300


def rehearse() -> None:
    """Do once, on little data, what numba has to compile: UMAP's layout and graph, t-SNE's gradient, the dip."""
    working = np.random.default_rng(0).standard_normal((ROWS, 4)).astype(np.float32)
    neighbours = nearest_neighbours(working, 15)
    exact_gradient(working[:, :2].astype(np.float64), joint_probabilities(neighbours, 5))
    graph = scipy.sparse.csr_matrix(fuzzy_graph(neighbours, 15))
    material = Material(working, fuzzy_graph=graph, base=spectral_base(graph, working, 2))
    coordinates = umap.reduce(material, Settings("sgd", "euclidean", 2, 0, {"min_dist": 0.1, "init": "spectral"}))
    find_islands(coordinates.astype(np.float32), working, 10)
    dip_p_value(dip(working[:, 0].astype(np.float64)), ROWS)


rehearse()
