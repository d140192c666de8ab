"""Generated data in canonical order and its halves, as the tests of valleys and verdicts take them."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from steadymap.tasks.numerics.geometry.resampling import find_units
from steadymap.tasks.numerics.geometry.resampling import halves as complementary_halves
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.numerics.selftest.synthetic import generate
from steadymap.tasks.numerics.valleys.latent_graph import LatentGraph
from steadymap.tasks.numerics.valleys.sample_splitting import SampleSplit, split_sample


def drawn(family: str, rows: int = 2000, dimensions: int = 32, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return vectors in canonical order, their keys, the truth and the groups (zeros if there are none)."""
    data = generate(family, rows, dimensions, seed)
    keys = row_keys(data.vectors)
    order = canonical_order(data.vectors, keys)
    groups = np.zeros(rows, dtype=int) if data.groups is None else data.groups
    return data.vectors[order], keys[order], data.truth[order], groups[order]


def discovery_rows(keys: np.ndarray, number: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Return True for the rows of the first half of a pair, groups kept whole."""
    units = find_units(keys, None if groups is None else [str(group) for group in groups])
    return np.isin(np.arange(len(keys)), complementary_halves(units, number)[0])


def halves_of(vectors: np.ndarray, keys: np.ndarray, discovery: np.ndarray) -> SampleSplit:
    return split_sample(vectors[discovery], vectors[~discovery], keys[discovery], keys[~discovery])


def k_means(points: np.ndarray, count: int) -> np.ndarray:
    return KMeans(count, n_init=1, random_state=0).fit_predict(points).astype(np.int64)


def split(family: str, pieces: int = 12, **shape: int) -> tuple[SampleSplit, np.ndarray, np.ndarray]:
    """Return halves, candidates and the truth of the discovery rows."""
    vectors, keys, truth, _ = drawn(family, **shape)
    discovery = discovery_rows(keys, 0)
    return halves_of(vectors, keys, discovery), k_means(vectors[discovery], pieces), truth[discovery]


def line(count: int, step: float = 1.0) -> LatentGraph:
    """Return a chain of rows; all reachabilities differ."""
    first = np.arange(count - 1)
    return LatentGraph(first, first + 1, np.full(count - 1, step), step + first / 100, count)
