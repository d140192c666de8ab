"""UMAP's layout by umap-learn on the shared fuzzy graph."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from umap.umap_ import find_ab_params, noisy_scale_coords, simplicial_set_embedding

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.geometry.fuzzy_graph import default_epochs
from steadymap.tasks.numerics.reducers.interface import Material, Settings

SPREAD = 1.0
START_EXTENT = 10.0
START_NOISE = 1e-4
"""umap-learn's own extent and noise of a start; the seed also draws the negative samples, so seeds differ."""


def reduce(material: Material, settings: Settings) -> Float64:
    """Return a UMAP picture, shape (n, dimension).

    Source: McInnes, Healy & Melville 2018, arXiv:1802.03426; umap-learn's defaults for everything that is not
    a parameter of the sweep.
    """
    assert material.fuzzy_graph is not None and settings.seed is not None
    random_state = np.random.RandomState(settings.seed)
    a, b = find_ab_params(SPREAD, float(settings.parameters["min_dist"]))
    start = settings.parameters["init"]
    if start != "random":
        assert material.base is not None
        base = np.array(material.base[:, : settings.dimension], dtype=np.float64)
        start = noisy_scale_coords(base, random_state, max_coord=START_EXTENT, noise=START_NOISE)
    embedding, _ = simplicial_set_embedding(
        data=material.working,
        # umap-learn drops weak edges in place: it gets a copy of its own.
        graph=scipy.sparse.coo_matrix(material.fuzzy_graph, copy=True),
        n_components=settings.dimension,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=default_epochs(len(material.working)),
        init=start,
        random_state=random_state,
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        parallel=False,
    )
    return np.asarray(embedding, dtype=np.float64)
