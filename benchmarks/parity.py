"""Are pictures of Steadymap's own engines as good as those of openTSNE and umap-learn? Seed by seed, over real data.

    python -m benchmarks.parity [--seeds 20] [--rows 2000] [--out parity.parquet]

Every data set, reducer and setting is drawn with every seed by both engines, on the same graph. Of every measure it is
told whether the means differ by no more than twice the standard error of their difference or than the margin beside it,
whichever is more (a mean that is better than the reference's does, too); of 180 such comparisons several lie outside by
chance. What decides is a two-sample test (Welch) of being worse by more than the margin, corrected after Holm over all
of them: the gate is shut where one is shown to be. The data are scikit-learn's digits and, where ``../shared/data`` has
them, Fashion-MNIST, MNIST, news texts, texture features of a ResNet, and penguins.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

from steadymap.holm import holm
from steadymap.tasks.numerics.arrays import Float32, Float64
from steadymap.tasks.numerics.clusters.islands import find_islands
from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.fuzzy_graph import fuzzy_graph
from steadymap.tasks.numerics.geometry.initialisation import principal_components
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.geometry.spectral_base import spectral_base
from steadymap.tasks.numerics.geometry.umap_curve import curve_parameters
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.reducers.interface import Material, Settings, find_lane_reducer
from steadymap.tasks.numerics.scores.all_scores import Scorer, choose_anchors
from steadymap.tasks.numerics.scores.loss.cross_entropy import cross_entropy
from steadymap.tasks.numerics.scores.loss.kl_divergence import kl_divergence

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = ("fashion_mnist_70k_pca50", "mnist_10k_pca30", "bbc_news_lsa100", "resnet18_dtd_1880x512", "penguins")
PERPLEXITIES, NEIGHBORS, MIN_DIST = (5.0, 30.0, 50.0), (5, 15, 50), 0.1
GRID_FROM_ROWS = 2_500

MARGINS = {"loss": 0.02, "trustworthiness": 0.003, "auc_ln_k": 0.01, "ari": 0.03, "islands": 1.0}
"""Of the loss as a share of it, of the others as they are."""

LOWER_IS_BETTER, EITHER_WAY = ("loss",), ("islands",)

LEVEL = 0.05


@dataclass(frozen=True)
class Case:
    """One graph of one data set, and how both engines are asked to draw it."""

    data: str
    reducer: str
    size: float
    reference: str
    material: Material
    labels: Float64
    neighbours: np.ndarray

    def settings(self, seed: int, engine: str) -> Settings:
        """Return the settings of a seed for an engine."""
        rows = len(self.material.working)
        if self.reducer == "umap":
            return Settings("sgd", "euclidean", 2, seed, {"min_dist": MIN_DIST, "init": "spectral"})
        large = "grid" if engine == "steadymap" else "fft"
        parameters = {"exaggeration": 1.0, "learning_rate": "auto", "init": "pca"}
        return Settings(large if rows >= GRID_FROM_ROWS else "exact", "euclidean", 2, seed, parameters)


def data_sets(rows: int) -> Iterator[tuple[str, Float32, Float64]]:
    """Yield names, standardised vectors of at most so many rows, and labels."""
    digits = load_digits()
    yield "digits", digits.data[:rows].astype(np.float32), digits.target[:rows]
    for name in FILES:
        path = SHARED / f"{name}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as arrays:
                vectors = arrays["X"][:rows].astype(np.float32)
                whole = ~np.isnan(vectors).any(axis=1)
                yield name, vectors[whole], arrays["y"][:rows][whole]


def cases(rows: int) -> Iterator[Case]:
    """Yield every graph of every data set."""
    for name, vectors, labels in data_sets(rows):
        neighbours = nearest_neighbours(vectors, min(150, len(vectors) - 1))
        base = principal_components(vectors)
        for perplexity in PERPLEXITIES:
            material = Material(vectors, affinities=joint_probabilities(neighbours, perplexity), base=base)
            yield Case(name, "tsne", perplexity, "openTSNE", material, labels, neighbours.indices)
        for count in NEIGHBORS:
            graph = fuzzy_graph(neighbours, count)
            material = Material(vectors, fuzzy_graph=graph, base=spectral_base(graph, vectors, 2))
            yield Case(name, "umap", float(count), "umap-learn", material, labels, neighbours.indices)


def measure(case: Case, engine: str, seeds: int) -> Iterator[dict[str, object]]:
    """Draw a graph with every seed and yield what is measured of each picture."""
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw = find_lane_reducer(case.reducer, engine)
        pictures = [
            picture
            for at in range(0, seeds, 8)
            for picture in draw(case.material, [case.settings(seed, engine) for seed in range(at, min(seeds, at + 8))])
        ]
    seconds = (time.process_time() - started) / seeds
    working = case.material.working
    keys = row_keys(working)
    scorer = Scorer(working, keys, (15,), choose_anchors(keys, exact=False))
    for seed, (picture, scores) in enumerate(zip(pictures, scorer.score(pictures), strict=True)):
        found = {(one.score, one.k): one.value for one in scores}
        islands = find_islands(picture.astype(np.float32), working, max(10, len(working) // 100), case.neighbours)
        yield {
            "data": case.data,
            "reducer": case.reducer,
            "size": case.size,
            "engine": engine,
            "seed": seed,
            "cpu_seconds": seconds,
            "loss": _loss(case, picture),
            "trustworthiness": found["trustworthiness", 15],
            "auc_ln_k": found["auc_ln_k", None],
            "ari": adjusted_rand_score(case.labels, islands.filled),
            "islands": int(islands.labels.max()) + 1,
        }


def _loss(case: Case, picture: Float64) -> float:
    rows = np.arange(len(picture))
    if case.material.affinities is not None:
        return kl_divergence(case.material.affinities, picture, rows).value
    return cross_entropy(
        scipy.sparse.csr_matrix(case.material.fuzzy_graph), picture, *curve_parameters(MIN_DIST), rows
    ).value


def compare(measured: pd.DataFrame) -> pd.DataFrame:
    """Return a row per data set, graph and measure: both means, whether ours is within bounds, and the test."""
    rows = []
    for (data, reducer, size), group in measured.groupby(["data", "reducer", "size"]):
        ours, theirs = group[group["engine"] == "steadymap"], group[group["engine"] != "steadymap"]
        for name, margin in MARGINS.items():
            variances = [float(one[name].var(ddof=1) / len(one)) for one in (ours, theirs)]
            error = float(np.sqrt(sum(variances)))
            here, there = float(ours[name].mean()), float(theirs[name].mean())
            worse = here - there if name in LOWER_IS_BETTER else there - here
            worse = abs(here - there) if name in EITHER_WAY else worse
            allowed = margin * (abs(there) if name == "loss" else 1)
            freedom = sum(variances) ** 2 / max(sum(one**2 for one in variances), 1e-300) * (len(ours) - 1)
            p = float(stats.t.sf((worse - allowed) / error, freedom)) if error else float(worse <= allowed)
            rows.append((data, reducer, size, name, here, there, 2 * error, bool(worse <= max(2 * error, allowed)), p))
    columns = ["data", "reducer", "size", "measure", "steadymap", "reference", "two_errors", "within", "p"]
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = holm(table["p"].tolist())
    return table


def main() -> int:
    """Draw, measure, compare and print; 1 where a measure is out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--out", type=Path, default=Path("parity.parquet"))
    asked = parser.parse_args()
    measured: list[dict[str, object]] = []
    for case in cases(asked.rows):
        for engine in ("steadymap", case.reference):
            measured += measure(case, engine, asked.seeds)
        compared = compare(pd.DataFrame(measured))
        print(compared[compared["data"] == case.data].tail(len(MARGINS)).to_string(index=False), flush=True)
        pd.DataFrame(measured).to_parquet(asked.out)
    compared = compare(pd.DataFrame(measured))
    shut = compared[compared["p_holm"] <= LEVEL]
    print(
        f"{int(compared['within'].sum())} of {len(compared)} within bounds; "
        f"shown to be worse than the margin: {len(shut)}"
    )
    print(compared[~compared["within"]].to_string(index=False))
    seconds = pd.DataFrame(measured).pivot_table("cpu_seconds", ["data", "reducer", "size"], "engine")
    print(seconds.round(3).to_string())
    return int(len(shut) > 0)


if __name__ == "__main__":
    raise SystemExit(main())
