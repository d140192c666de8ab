"""The sweep of an expert with a day: what pictures share is computed once, and every library does what it is best at.

    python -m benchmarks.expert_sweep DATA.npz ROWS OUTPUT.csv

Neighbours once for all cells, exact; openTSNE (its FFT) on affinities shared by the seeds of a perplexity; umap-learn
with the neighbours handed over; HDBSCAN from fast_hdbscan; every score of Steadymap, by Steadymap's own code, from the
same rows, eighteen pictures at a time; agreement of the islands between seeds; a page of pictures. Two processes with
one thread each, which is faster here than one with two. What it lacks beside Steadymap: it is not kept, resumed or
checked, and says nothing of clusters.
"""

from __future__ import annotations

import itertools
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, dump, load
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from benchmarks.naive_sweep import DISTANCES, NEIGHBORS, PERPLEXITIES, SEEDS, WORKERS, K

Picture = tuple[str, np.ndarray, np.ndarray]


def draw_tsne(vectors: np.ndarray, known: Path, perplexity: int) -> list[Picture]:
    """Draw all seeds of a perplexity on affinities that are computed once."""
    import openTSNE

    warnings.simplefilter("ignore")
    distances, indices = load(known)
    near = min(3 * perplexity, indices.shape[1])
    affinities = openTSNE.affinity.PerplexityBasedNN(
        perplexity=perplexity,
        knn_index=openTSNE.nearest_neighbors.PrecomputedNeighbors(indices[:, :near], distances[:, :near]),
        n_jobs=1,
    )
    drawn = []
    for seed in SEEDS:
        start = openTSNE.initialization.pca(vectors, random_state=seed)
        embedding = openTSNE.TSNEEmbedding(
            start, affinities, negative_gradient_method="fft", n_jobs=1, random_state=seed
        )
        embedding = embedding.optimize(250, exaggeration=12, momentum=0.8)
        embedding = embedding.optimize(500, momentum=0.8)
        drawn.append(_picture(f"tsne-perplexity={perplexity}-seed={seed}", np.asarray(embedding)))
    return drawn


def draw_umap(vectors: np.ndarray, known: Path, neighbours: int, distance: float) -> list[Picture]:
    """Draw all seeds of a setting with the neighbours handed over."""
    import umap

    warnings.simplefilter("ignore")
    distances, indices = load(known)
    # umap-learn counts a row as its own first neighbour.
    own = np.arange(len(vectors))[:, None]
    knn = (
        np.hstack([own, indices[:, : neighbours - 1]]),
        np.hstack([np.zeros_like(own, dtype=np.float32), distances[:, : neighbours - 1]]),
        None,
    )
    drawn = []
    for seed in SEEDS:
        model = umap.UMAP(n_neighbors=neighbours, min_dist=distance, precomputed_knn=knn, random_state=seed, n_jobs=1)
        name = f"umap-n_neighbors={neighbours}-min_dist={distance:g}-seed={seed}"
        drawn.append(_picture(name, np.asarray(model.fit_transform(vectors))))
    return drawn


def _picture(name: str, picture: np.ndarray) -> Picture:
    from fast_hdbscan import HDBSCAN

    smallest = max(10, len(picture) // 100)
    return name, picture, HDBSCAN(min_cluster_size=smallest, min_samples=smallest).fit_predict(picture)


def score(vectors: np.ndarray, pictures: list[Picture]) -> list[dict[str, object]]:
    """Score pictures in one pass."""
    from steadymap.tasks.numerics.input.row_order import row_keys
    from steadymap.tasks.numerics.scores.all_scores import Scorer, choose_anchors

    keys = row_keys(vectors)
    scorer = Scorer(vectors, keys, (K,), choose_anchors(keys, exact=False))
    found = scorer.score([picture for _, picture, _ in pictures])
    return [
        {"cell": name, "score": one.score, "k": one.k, "value": one.value, "stderr": one.stderr}
        for (name, _, _), scores in zip(pictures, found, strict=True)
        for one in scores
    ]


def draw_page(pictures: list[Picture], file: Path) -> None:
    """Draw all pictures on one page, coloured by islands."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(6, -(-len(pictures) // 6), figsize=(18, 18))
    for axis, (name, picture, islands) in zip(axes.flat, pictures, strict=False):
        axis.scatter(*picture.T, c=islands, s=0.5, cmap="tab20", rasterized=True)
        axis.set_title(name, fontsize=6)
        axis.set_axis_off()
    figure.savefig(file, dpi=120)


def main() -> None:
    """Run the sweep on two workers, and write scores, agreement and a page."""
    data, rows, output = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with np.load(data) as arrays:
        vectors = arrays["X"][:rows].astype(np.float32)
    folder, started = output.parent, time.perf_counter()
    known = folder / "known.joblib"
    dump(NearestNeighbors(n_neighbors=3 * max(PERPLEXITIES), n_jobs=WORKERS).fit(vectors).kneighbors(), known)
    jobs = [delayed(draw_tsne)(vectors, known, perplexity) for perplexity in sorted(PERPLEXITIES, reverse=True)]
    jobs += [delayed(draw_umap)(vectors, known, *at) for at in itertools.product(NEIGHBORS, DISTANCES)]
    workers = Parallel(n_jobs=WORKERS, verbose=5)
    pictures = [picture for drawn in workers(jobs) for picture in drawn]
    for name, picture, _ in pictures:
        np.save(folder / f"{name}.npy", picture)
    half = -(-len(pictures) // WORKERS)
    scored = workers(delayed(score)(vectors, pictures[at : at + half]) for at in range(0, len(pictures), half))
    pd.DataFrame([row for rows_of in scored for row in rows_of]).to_csv(output, index=False)
    settings = itertools.groupby(pictures, key=lambda one: one[0].rpartition("-seed")[0])
    agreement = {
        name: np.mean([adjusted_rand_score(a[2], b[2]) for a, b in itertools.combinations(list(drawn), 2)])
        for name, drawn in settings
    }
    pd.Series(agreement).to_csv(folder / "agreement.csv")
    draw_page(pictures, folder / "pictures.png")
    print(f"{len(pictures)} pictures in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
