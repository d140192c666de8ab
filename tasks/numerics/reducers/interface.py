"""What a reducer is given and what it returns."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import scipy.sparse

from steadymap.tasks.numerics.arrays import AnyFloat, Float32, Float64

MODULES = {
    ("tsne", "steadymap"): "steadymap.tasks.numerics.reducers.tsne_lanes",
    ("tsne", "openTSNE"): "steadymap.tasks.numerics.reducers.tsne",
    ("tsne", "sklearn"): "steadymap.tasks.numerics.reducers.sklearn_tsne",
    ("umap", "steadymap"): "steadymap.tasks.numerics.reducers.umap_lanes",
    ("umap", "umap-learn"): "steadymap.tasks.numerics.reducers.umap",
    ("pca", "scikit-learn"): "steadymap.tasks.numerics.reducers.pca",
    ("random_projection", "numpy"): "steadymap.tasks.numerics.reducers.random_projection",
    ("shuffled", "scikit-learn"): "steadymap.tasks.numerics.reducers.shuffled",
}
"""Where each reducer and engine lives."""

LANES = 8
"""Most pictures that Steadymap's own engines draw side by side. Up to half as many run in vectors of half the width,
to the same bytes."""

LANE_PARAMETERS = {
    ("tsne", "steadymap"): ("exaggeration", "learning_rate"),
    ("umap", "steadymap"): ("min_dist",),
}
"""Engines that draw several pictures of one graph side by side, and the parameters, beside the seed, in which these
may differ."""


@dataclass(frozen=True)
class Material:
    """What the geometry pass prepared for a reducer. Arrays may be read-only maps of shared files.

    Attributes
    ----------
    working
        Preprocessed vectors, shape (n, d).
    affinities
        t-SNE's joint probabilities, or None.
    fuzzy_graph
        UMAP's graph, or None.
    base
        Principal components (n, 3) or spectral layout (n, dimension) to start from, or None.
    """

    working: Float32
    affinities: scipy.sparse.csr_matrix | None = None
    fuzzy_graph: scipy.sparse.csr_matrix | None = None
    base: AnyFloat | None = None


@dataclass(frozen=True)
class Settings:
    """What is asked of a reducer: method, metric, dimension, seed (None where it has none), parameters by name."""

    method: str
    metric: str
    dimension: int
    seed: int | None
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)


class Reducer(Protocol):
    """A function from vectors to a picture; pure, on one thread, the same bytes for the same arguments."""

    def __call__(self, material: Material, settings: Settings) -> Float64:
        """Return coordinates, shape (n, dimension)."""


class LaneReducer(Protocol):
    """A reducer of several pictures of one graph; each has the bytes that it would have alone."""

    def __call__(self, material: Material, settings: Sequence[Settings]) -> list[Float64]:
        """Return coordinates, each of shape (n, dimension)."""


def find_lane_reducer(reducer: str, engine: str) -> LaneReducer:
    """Import the function that draws several pictures of one graph; engines without one draw them one by one."""
    if (reducer, engine) in LANE_PARAMETERS:
        function: LaneReducer = importlib.import_module(MODULES[reducer, engine]).reduce_lanes
        return function
    draw = find_reducer(reducer, engine)
    return lambda material, settings: [draw(material, one) for one in settings]


def find_reducer(reducer: str, engine: str) -> Reducer:
    """Import the function that implements a reducer with an engine."""
    function: Reducer = importlib.import_module(MODULES[reducer, engine]).reduce
    return function
