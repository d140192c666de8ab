"""CPU and memory of scoring 36 pictures with the whole set, against scikit-learn's trustworthiness alone.

    python -m benchmarks.score_cost [ROWS]

The pictures are noisy principal components: what a score costs does not depend on what it finds. CPU is that of one
thread. Memory is the peak of the process, data and pictures included.
"""

from __future__ import annotations

import itertools
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from threadpoolctl import threadpool_limits

from benchmarks.compare_sweeps import FASHION
from steadymap.tasks.numerics.clusters.consensus import ambiguous_pairs, consensus_clusters
from steadymap.tasks.numerics.clusters.islands import find_islands
from steadymap.tasks.numerics.clusters.recurrence import recover_clusters
from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.fuzzy_graph import fuzzy_graph
from steadymap.tasks.numerics.geometry.neighbours import Neighbours, nearest_neighbours
from steadymap.tasks.numerics.geometry.umap_curve import curve_parameters
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.randomness import sample_rows
from steadymap.tasks.numerics.scores import all_scores as cell_scores
from steadymap.tasks.numerics.scores.all_scores import Scorer, choose_anchors, encode_classes
from steadymap.tasks.numerics.scores.embedr import conditional_affinities, embedding_errors, empirical_p
from steadymap.tasks.numerics.scores.loss.cross_entropy import cross_entropy
from steadymap.tasks.numerics.scores.loss.kl_divergence import kl_divergence
from steadymap.tasks.numerics.scores.loss.losses import LOSS_ROWS
from steadymap.tasks.numerics.stability.distance_variance import distance_variance
from steadymap.tasks.numerics.stability.element_centric import element_centric_similarity
from steadymap.tasks.numerics.stability.island_agreement import island_agreement
from steadymap.tasks.numerics.stability.neighbour_overlap import NEIGHBOURS, neighbour_jaccard, picture_neighbours
from steadymap.tasks.numerics.stability.ness import NeighbourCounts, kept_share
from steadymap.tasks.numerics.stability.procrustes import disparity

CELLS, SEEDS = 36, 3
PERPLEXITY = 30.0
SHARED_NEIGHBOURS = 150
KS = (7, 15, 30)
LIBRARY_CELLS = 12
LARGEST_GIGABYTES = 4.0
SKLEARN_UP_TO = 20_000
"""Above, scikit-learn's n × n matrices do not fit."""


def main() -> int:
    """Score, print a table, and return 1 where a bound is missed."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    vectors, labels = _data(rows)
    rows = len(vectors)
    pictures = _pictures(vectors)
    with threadpool_limits(1):
        spent, peak = _score_everything(vectors, labels, pictures)
        library = (
            _cpu(lambda: sklearn_trustworthiness(vectors, pictures[0], n_neighbors=15))
            if rows <= SKLEARN_UP_TO
            else None
        )
    print(f"{rows:,} × {vectors.shape[1]}, {CELLS} pictures, one thread")
    print(pd.Series(spent, name="CPU seconds").round(2).to_string())
    total = sum(seconds for name, seconds in spent.items() if not name.startswith("  "))
    print(f"total {total:.1f} CPU-s, peak memory {peak:.2f} GB (at most {LARGEST_GIGABYTES})")
    good = peak <= LARGEST_GIGABYTES
    if library is not None:
        bound = LIBRARY_CELLS * library
        print(f"scikit-learn's trustworthiness: {library:.1f} CPU-s a picture, {bound:.1f} for {LIBRARY_CELLS}")
        good = good and total < bound
    print("passed" if good else "FAILED")
    return 0 if good else 1


def _data(rows: int) -> tuple[np.ndarray, list[str | None]]:
    if Path(FASHION).is_file():
        with np.load(FASHION) as arrays:
            return arrays["X"][:rows].astype(np.float32), [str(label) for label in arrays["y"][:rows]]
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, rows)
    vectors = 4 * generator.standard_normal((10, 50))[labels] + generator.standard_normal((rows, 50))
    return vectors.astype(np.float32), [str(label) for label in labels]


def _pictures(vectors: np.ndarray) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    base = PCA(2, svd_solver="covariance_eigh").fit_transform(vectors)
    return [
        (base + base.std() * cell / CELLS * generator.standard_normal(base.shape)).astype(np.float32)
        for cell in range(CELLS)
    ]


def _score_everything(
    vectors: np.ndarray, labels: list[str | None], pictures: list[np.ndarray]
) -> tuple[dict[str, float], float]:
    keys = row_keys(vectors)
    spent: dict[str, float] = {}
    inside: dict[str, float] = {}
    for name, function in list(cell_scores.AT_K.items()):
        cell_scores.AT_K[name] = _timed(function, name, inside)
    of_cells = ("auc_ln_k", "reliability", "neighbourhood_hit", "silhouette")
    for name in (*of_cells, "distance_correlation", "centroid_agreement"):
        setattr(cell_scores, name, _timed(getattr(cell_scores, name), name, inside))

    def cells() -> None:
        scorer = Scorer(vectors, keys, KS, choose_anchors(keys, exact=False), encode_classes(labels))
        for at in range(0, CELLS, 12):
            scorer.score(pictures[at : at + 12])

    spent["scores of cells, the sorting included"] = _cpu(cells)
    spent.update({f"  {name}": seconds for name, seconds in inside.items()})
    # Neighbours and graphs are the geometry pass's, which the reducers need; no score computes them again.
    around = nearest_neighbours(vectors, SHARED_NEIGHBOURS)
    joint, graph = joint_probabilities(around, PERPLEXITY), fuzzy_graph(around, 15)
    found = []
    smallest = max(10, len(vectors) // 100)
    spent["islands"] = _cpu(
        lambda: found.extend(find_islands(picture, vectors, smallest, around.indices) for picture in pictures)
    )
    near: list[np.ndarray] = []
    spent["neighbours in pictures"] = _cpu(
        lambda: near.extend(picture_neighbours(picture, NEIGHBOURS).astype(np.int32) for picture in pictures)
    )
    pairs = [
        (a, b) for a, b in itertools.combinations(range(CELLS), 2) if a // SEEDS == b // SEEDS or a % SEEDS == b % SEEDS
    ]

    def compare() -> None:
        for a, b in pairs:
            island_agreement(found[a].labels, found[b].labels)
            element_centric_similarity(found[a].filled, found[b].filled)
            neighbour_jaccard(near[a], near[b])
            disparity(pictures[a], pictures[b])

    spent[f"{len(pairs)} pairs, per-row instability included"] = _cpu(compare)
    spent["losses of the reducers"] = _cpu(
        lambda: _losses(joint, graph, pictures, sample_rows(keys, LOSS_ROWS, "losses"))
    )
    spent["clusters: consensus, recurrence, tracks"] = _cpu(
        lambda: _clusters([islands.filled for islands in found], around.indices[:, :15], smallest)
    )
    spent["rows: NESS, DynamicViz, EMBEDR"] = _cpu(lambda: _rows(around, pictures, near))
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _losses(
    joint: scipy.sparse.csr_matrix, graph: scipy.sparse.csr_matrix, pictures: list[np.ndarray], sample: np.ndarray
) -> None:
    """Take a quarter of the pictures for t-SNE's and the others for UMAP's, as in the default grid."""
    for number, picture in enumerate(pictures):
        if number % 4 == 0:
            kl_divergence(joint, picture, sample)
        else:
            cross_entropy(graph, picture, *curve_parameters(0.1), sample)


def _clusters(islands: list[np.ndarray], near: np.ndarray, smallest: int) -> None:
    clusters = consensus_clusters(islands, near, smallest)
    ambiguous_pairs(islands)
    for labels in islands:
        recover_clusters(clusters, labels, int(clusters.max()) + 1).apart()


def _rows(around: Neighbours, pictures: list[np.ndarray], near: list[np.ndarray]) -> None:
    for at in range(0, CELLS, SEEDS):
        counts = NeighbourCounts(len(pictures[0]))
        for neighbours in near[at : at + SEEDS]:
            counts.add(neighbours)
        counts.stability()
        distance_variance([(picture, None) for picture in pictures[at : at + SEEDS]], around.indices[:, :15])
        kept_share(near[at], [near[other] for other in range(0, CELLS, SEEDS) if other != at])
    nearest = around.first(int(3 * PERPLEXITY))
    affinities = conditional_affinities(nearest, PERPLEXITY)
    for picture in pictures:
        empirical_p(embedding_errors(nearest.indices, affinities, picture), np.linspace(0, 5, len(picture)))


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _timed(function: Callable[..., object], name: str, spent: dict[str, float]) -> Callable[..., object]:
    def timed(*arguments: object) -> object:
        started = time.process_time()
        result = function(*arguments)
        spent[name] = spent.get(name, 0.0) + time.process_time() - started
        return result

    return timed


if __name__ == "__main__":
    sys.exit(main())
