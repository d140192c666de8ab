"""The sweep a careful practitioner writes: joblib over scikit-learn's TSNE, umap.UMAP, trustworthiness, HDBSCAN.

    python -m benchmarks.naive_sweep DATA.npz ROWS OUTPUT.csv

Everything is computed per cell, as these libraries' documentation shows it. The pictures are kept as .npy beside
the output, so that both sides of the comparison can be scored by one measure.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import umap
from joblib import Parallel, delayed
from sklearn.cluster import HDBSCAN
from sklearn.manifold import TSNE, trustworthiness

PERPLEXITIES = (5, 30, 100)
NEIGHBORS = (5, 15, 50)
DISTANCES = (0.0, 0.1, 0.5)
SEEDS = (0, 1, 2)
WORKERS = 2
K = 15

Cell = tuple[str, dict[str, float], int]


def cells() -> list[Cell]:
    """Return the 36 cells: reducer, parameters, seed."""
    tsne: list[Cell] = [("tsne", {"perplexity": p}, seed) for p in PERPLEXITIES for seed in SEEDS]
    grid: list[Cell] = [
        ("umap", {"n_neighbors": n, "min_dist": d}, seed) for n in NEIGHBORS for d in DISTANCES for seed in SEEDS
    ]
    return tsne + grid


def compute(vectors: np.ndarray, cell: Cell, folder: Path) -> dict[str, object]:
    """Draw, score and cluster one picture."""
    warnings.simplefilter("ignore")
    reducer, parameters, seed = cell
    started = time.process_time()
    if reducer == "tsne":
        model = TSNE(random_state=seed, n_jobs=1, **parameters)
    else:
        model = umap.UMAP(random_state=seed, n_jobs=1, **parameters)
    picture = np.asarray(model.fit_transform(vectors))
    drawn = time.process_time()
    score = trustworthiness(vectors, picture, n_neighbors=K)
    islands = HDBSCAN(min_cluster_size=max(10, len(vectors) // 100), copy=True).fit_predict(picture)
    name = "-".join([reducer, *(f"{key}={value:g}" for key, value in parameters.items()), f"seed={seed}"])
    np.save(folder / f"{name}.npy", picture)
    return {
        "cell": name,
        "reducer": reducer,
        "seed": seed,
        **parameters,
        "trustworthiness": score,
        "islands": int(islands.max()) + 1,
        "drawing_cpu_seconds": drawn - started,
        "scoring_cpu_seconds": time.process_time() - drawn,
    }


def main() -> None:
    """Run all cells on two workers and write a table."""
    data, rows, output = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with np.load(data) as arrays:
        vectors = arrays["X"][:rows].astype(np.float32)
    folder = output.parent
    results = Parallel(n_jobs=WORKERS, verbose=5)(delayed(compute)(vectors, cell, folder) for cell in cells())
    pd.DataFrame(results).to_csv(output, index=False)


if __name__ == "__main__":
    main()
