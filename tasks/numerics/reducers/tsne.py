"""t-SNE by openTSNE on shared affinities: 250 iterations of early exaggeration (12), then 500."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from openTSNE import TSNEEmbedding
from openTSNE.affinity import PrecomputedAffinities

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.geometry.initialisation import tsne_start
from steadymap.tasks.numerics.reducers.exact_gradient import exact_gradient
from steadymap.tasks.numerics.reducers.interface import Material, Settings

EARLY_EXAGGERATION = 12.0
EARLY_ITERATIONS = 250
ITERATIONS = 500
MOMENTUM = 0.8

GRADIENTS = {"exact": exact_gradient, "barnes-hut": "bh", "fft": "fft"}


def reduce(material: Material, settings: Settings) -> Float64:
    """Return a t-SNE picture, shape (n, dimension).

    Source: van der Maaten & Hinton 2008; openTSNE (Poličar et al. 2024, doi:10.18637/jss.v109.i03) with its
    defaults: learning rate rows / exaggeration, momentum .8 throughout.
    """
    assert material.affinities is not None and material.base is not None and settings.seed is not None
    learning_rate = settings.parameters["learning_rate"]
    start = tsne_start(
        np.asarray(material.base),
        settings.seed,
        init=str(settings.parameters["init"]),
        dimension=settings.dimension,
    )
    embedding = TSNEEmbedding(
        start,
        # openTSNE multiplies its affinities in place: it gets a copy of its own, never the shared map.
        PrecomputedAffinities(scipy.sparse.csr_matrix(material.affinities, copy=True), normalize=False),
        negative_gradient_method=GRADIENTS[settings.method],
        learning_rate=learning_rate,
        n_jobs=1,
        random_state=settings.seed,
    )
    exaggeration = float(settings.parameters["exaggeration"])
    for iterations, factor in (
        (EARLY_ITERATIONS, max(EARLY_EXAGGERATION, exaggeration)),
        (ITERATIONS, exaggeration),
    ):
        embedding.optimize(iterations, exaggeration=factor, momentum=MOMENTUM, inplace=True)
    return np.array(embedding, dtype=np.float64)
