"""``sklearn.manifold.TSNE`` as it is: its own neighbours, affinities and start."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.reducers.interface import Material, Settings


def reduce(material: Material, settings: Settings) -> Float64:
    """Return scikit-learn's t-SNE of the preprocessed vectors, shape (n, dimension)."""
    parameters = settings.parameters
    learning_rate = parameters["learning_rate"]
    reducer = TSNE(
        n_components=settings.dimension,
        perplexity=float(parameters["perplexity"]),
        learning_rate=learning_rate if learning_rate == "auto" else float(learning_rate),
        init=str(parameters["init"]),
        metric=settings.metric,
        method="barnes_hut",
        random_state=settings.seed,
        n_jobs=1,
    )
    return np.asarray(reducer.fit_transform(np.array(material.working)), dtype=np.float64)
