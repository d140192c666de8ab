"""How often the usual criteria call noise clustered, and how often they find clusters that are there.

Every criterion gets the same sets of data and answers with a partition, or with one cluster where it sees none. On
sets without clusters more than one is wrong; on sets with clusters more than one is a beginning, and the truth is found
where the adjusted Rand index is above .8. Two of the criteria ask only whether a cut in two is better than chance, and
can find no more than two. Written as a table and a picture; ``make bench-criteria``. No pictures take part, so that a
set costs seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, pairwise_distances, silhouette_score
from sklearn.model_selection import cross_val_score
from threadpoolctl import threadpool_limits

from steadymap.tasks.geometry.latent_neighbours import CLUSTER_NEIGHBOURS
from steadymap.tasks.numerics.clusters.candidates import propose
from steadymap.tasks.numerics.clusters.consensus import ambiguous_pairs
from steadymap.tasks.numerics.clusters.islands import find_islands
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.geometry.resampling import find_units, halves
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.numerics.selftest.known_truth import rate_of
from steadymap.tasks.numerics.selftest.synthetic import FAMILIES, generate
from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
from steadymap.tasks.numerics.verdicts.combine_splits import SplitOutcome, agreed_clusters, cluster_evidence
from steadymap.tasks.numerics.verdicts.split_test import run_split_test

FIRST_SEED = 70001
MOST_CLUSTERS = 6
RESAMPLES, SIMULATED = 20, 99
FOUND = 0.8
LEGEND = {"wrong": "noise called clustered", "found": "clusters that are there found"}
COLOURS = {"wrong": "#b3261e", "found": "#1a6e6e"}
WITH_CLUSTERS = ("two_4", "two_5", "blobs5_6", "rare", "moons", "uneven")

Criterion = Callable[[np.ndarray], np.ndarray]
"""From vectors, shape (n, d), to a cluster of every row, shape (n,)."""


def k_means(points: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return a cut of the rows into so many, shape (n,)."""
    return np.asarray(KMeans(count, n_init=3, random_state=seed).fit_predict(points))


def hdbscan_islands(points: np.ndarray) -> np.ndarray:
    """Take what HDBSCAN takes by its persistence (excess of mass), noise as a cluster of its own."""
    size = max(10, len(points) // 100)
    return np.asarray(HDBSCAN(min_cluster_size=size, copy=True).fit_predict(points)) + 1


def bootstrap_jaccard(points: np.ndarray) -> np.ndarray:
    """Take the most clusters of k-means whose mean Jaccard similarity over bootstraps is .75 at least (fpc)."""
    generator = np.random.default_rng(0)
    for count in range(MOST_CLUSTERS, 1, -1):
        labels = k_means(points, count)
        worst = []
        for _ in range(RESAMPLES):
            rows = np.unique(generator.integers(0, len(points), len(points)))
            worst.append(_jaccards(labels[rows], k_means(points[rows], count), count))
        if np.mean(worst, axis=0).min() >= 0.75:
            return labels
    return np.zeros(len(points), dtype=np.int64)


def _jaccards(first: np.ndarray, second: np.ndarray, count: int) -> np.ndarray:
    table = np.zeros((count, count))
    np.add.at(table, (first, second), 1)
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    return np.asarray((table / np.maximum(union, 1)).max(axis=1))


def consensus_pac(points: np.ndarray) -> np.ndarray:
    """Take the number of clusters with the fewest ambiguous pairs over resamples, if below a tenth (PAC)."""
    generator = np.random.default_rng(0)
    ambiguous = {}
    for count in range(2, MOST_CLUSTERS + 1):
        drawn = []
        for _ in range(RESAMPLES):
            rows = generator.choice(len(points), int(0.8 * len(points)), replace=False)
            drawn.append(KMeans(count, n_init=1, random_state=0).fit(points[rows]).predict(points).astype(np.int32))
        ambiguous[count] = ambiguous_pairs(drawn).share
    best = min(ambiguous, key=lambda count: ambiguous[count])
    return k_means(points, best if ambiguous[best] < 0.1 else 1)


def silhouette(points: np.ndarray) -> np.ndarray:
    """Take the number of clusters with the largest silhouette, if above .25 (Kaufman and Rousseeuw's bound)."""
    cuts = {count: k_means(points, count) for count in range(2, MOST_CLUSTERS + 1)}
    widths = {count: silhouette_score(points, labels) for count, labels in cuts.items()}
    best = max(widths, key=lambda count: widths[count])
    return cuts[best] if widths[best] > 0.25 else np.zeros(len(points), dtype=np.int64)


def gap_statistic(points: np.ndarray) -> np.ndarray:
    """Take the first number of clusters whose gap to uniform data is not beaten by the next one's (Tibshirani 2001)."""
    generator = np.random.default_rng(0)
    rotated = PCA(svd_solver="full").fit_transform(points)
    low, high = rotated.min(axis=0), rotated.max(axis=0)
    drawn = [generator.uniform(low, high, rotated.shape) for _ in range(10)]
    gaps, errors = [], []
    for count in range(1, MOST_CLUSTERS + 1):
        null = [_log_within(one, count) for one in drawn]
        gaps.append(np.mean(null) - _log_within(rotated, count))
        errors.append(np.std(null) * np.sqrt(1 + 1 / len(drawn)))
    for count in range(1, MOST_CLUSTERS):
        if gaps[count - 1] >= gaps[count] - errors[count]:
            return k_means(points, count)
    return k_means(points, MOST_CLUSTERS)


def _log_within(points: np.ndarray, count: int) -> float:
    return float(np.log(KMeans(count, n_init=1, random_state=0).fit(points).inertia_))


def dbcv(points: np.ndarray) -> np.ndarray:
    """Take HDBSCAN's clustering with the largest density-based validity over sizes, if it is above 0 (Moulavi 2014)."""
    best, value = np.zeros(len(points), dtype=np.int64), 0.0
    for size in (10, 20, 40, 80):
        labels = np.asarray(HDBSCAN(min_cluster_size=size, copy=True).fit_predict(points))
        if labels.max() > 0 and (found := _validity(points, labels)) > value:
            best, value = labels + 1, found
    return best


def _validity(points: np.ndarray, labels: np.ndarray) -> float:
    from scipy.sparse.csgraph import minimum_spanning_tree

    apart = pairwise_distances(points)
    names = range(labels.max() + 1)
    core = np.zeros(len(points))
    sparseness = []
    for name in names:
        rows = np.flatnonzero(labels == name)
        within = apart[np.ix_(rows, rows)].astype(np.float64)
        np.fill_diagonal(within, np.inf)
        # The power mean of inverse distances, scaled by the largest inverse so that no power overflows.
        scale = 1 / np.maximum(within.min(axis=1), 1e-12)
        shares = ((1 / within) / scale[:, None]) ** points.shape[1]
        core[rows] = 1 / (scale * (shares.sum(axis=1) / (len(rows) - 1)) ** (1 / points.shape[1]))
        reach = np.maximum(np.maximum(core[rows][:, None], core[rows]), np.where(np.isinf(within), 0, within))
        sparseness.append(minimum_spanning_tree(reach).data.max())
    total = 0.0
    for name in names:
        rows, others = np.flatnonzero(labels == name), np.flatnonzero((labels >= 0) & (labels != name))
        reach = np.maximum(np.maximum(core[rows][:, None], core[others]), apart[np.ix_(rows, others)])
        separation = reach.min()
        total += len(rows) / len(points) * (separation - sparseness[name]) / max(separation, sparseness[name])
    return total


def gaussian_null(points: np.ndarray) -> np.ndarray:
    """Cut in two where the cut is better than those of Gaussian clouds of the same covariance (SigClust in kind)."""
    generator = np.random.default_rng(0)
    covariance, _ = ledoit_wolf(points)
    seen = _cluster_index(points)
    clouds = (
        generator.multivariate_normal(np.zeros(points.shape[1]), covariance, len(points)) for _ in range(SIMULATED)
    )
    beaten = sum(_cluster_index(cloud) <= seen for cloud in clouds)
    return k_means(points, 2 if (beaten + 1) / (SIMULATED + 1) <= 0.05 else 1)


def _cluster_index(points: np.ndarray) -> float:
    within = KMeans(2, n_init=1, random_state=0).fit(points).inertia_
    return float(within / np.sum((points - points.mean(axis=0)) ** 2))


def classifier(points: np.ndarray) -> np.ndarray:
    """Cut in two where a classifier tells the halves apart better than permuted labels on rows it has not seen."""
    generator = np.random.default_rng(0)
    labels = k_means(points, 2)
    score = partial(cross_val_score, LogisticRegression(max_iter=200), points, cv=3)
    seen = score(labels).mean()
    beaten = sum(score(generator.permutation(labels)).mean() >= seen for _ in range(19))
    return labels if (beaten + 1) / 20 <= 0.05 else np.zeros(len(points), dtype=np.int64)


def steadymap(points: np.ndarray) -> np.ndarray:
    """Take the clusters that the held-out halves of three pairs separate; all other rows are one."""
    keys = row_keys(points)
    order = canonical_order(points, keys)
    vectors, keys = points[order], keys[order]
    units = find_units(keys, None)
    outcomes = []
    for rows in (half for number in range(3) for half in halves(units, number)):
        own = np.isin(np.arange(len(vectors)), rows)
        prepared = split_sample(vectors[own], vectors[~own], keys[own], keys[~own])
        outcomes.append(SplitOutcome(own, run_split_test(prepared, _pieces(vectors[own]))))
    agreed = agreed_clusters(_pieces(vectors), outcomes)
    shown = np.array([one.p <= 0.05 for one in cluster_evidence(agreed, outcomes)])
    labels = np.empty(len(vectors), dtype=np.int64)
    labels[order] = np.where(shown[agreed], agreed + 1, 0)
    return labels


def _pieces(vectors: np.ndarray) -> np.ndarray:
    near = nearest_neighbours(vectors, CLUSTER_NEIGHBOURS).indices
    picture = PCA(2, random_state=0).fit_transform(vectors).astype(np.float32)
    islands = find_islands(picture, vectors, max(10, len(vectors) // 100), near)
    return propose([islands.filled.astype(np.int32)], near, vectors)


CRITERIA: dict[str, Criterion] = {
    "HDBSCAN persistence": hdbscan_islands,
    "Jaccard ≥ .75 over bootstraps": bootstrap_jaccard,
    "consensus PAC < .1": consensus_pac,
    "silhouette > .25": silhouette,
    "gap statistic": gap_statistic,
    "DBCV > 0": dbcv,
    "Gaussian null": gaussian_null,
    "classifier against permuted labels": classifier,
    "Steadymap": steadymap,
}


@dataclass
class Answers:
    """What a criterion said, set by set.

    Attributes
    ----------
    wrong
        Of sets without clusters, whether it saw any.
    seen, found
        Of sets with clusters, whether it saw any, and whether those that are there.
    """

    wrong: list[bool] = field(default_factory=list)
    seen: list[bool] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)


def measure(rows: int, dimensions: int, sets: int) -> dict[str, Answers]:
    """Ask every criterion about every set."""
    families = [name for name, one in FAMILIES.items() if not one.real and name != "grouped"]
    answers = {name: Answers() for name in CRITERIA}
    for family in (*families, *WITH_CLUSTERS):
        if FAMILIES[family].fewest_dimensions > dimensions:
            continue
        for number in range(sets):
            drawn = generate(family, rows, dimensions, FIRST_SEED + number)
            for name, criterion in CRITERIA.items():
                labels = criterion(drawn.vectors)
                clustered = len(set(labels.tolist())) > 1
                if FAMILIES[family].real:
                    answers[name].seen.append(clustered)
                    answers[name].found.append(adjusted_rand_score(drawn.truth, labels) > FOUND)
                else:
                    answers[name].wrong.append(clustered)
        print(family, flush=True)
    return answers


def spell(answers: dict[str, Answers]) -> str:
    """Write the table in Markdown, shares in percent with exact 95 % intervals."""
    lines = ["| criterion | calls noise clustered | sees that there are clusters | finds them |", "|---|---|---|---|"]
    for name, one in answers.items():
        rates = [rate_of(sum(said), len(said)) for said in (one.wrong, one.seen, one.found)]
        cells = [f"{100 * rate.share:.0f} % ({100 * rate.low:.0f} to {100 * rate.high:.0f})" for rate in rates]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(answers: dict[str, Answers]) -> Figure:
    """Draw how often every criterion is wrong, and how often it finds what is there."""
    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    axes = figure.subplots()
    names = list(answers)[::-1]
    for at, name in enumerate(names):
        rates = {"wrong": np.mean(answers[name].wrong), "found": np.mean(answers[name].found)}
        axes.plot(list(rates.values()), [at, at], color="#cccccc", linewidth=2, zorder=1)
        for what, share in rates.items():
            axes.plot(share, at, "o", color=COLOURS[what], markersize=8, zorder=2, label=what if at == 0 else None)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.get_yticklabels()[names.index("Steadymap")].set_fontweight("bold")
    axes.set(xlim=(-0.03, 1.03), xlabel="share of sets")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    handles, _ = axes.get_legend_handles_labels()
    figure.legend(handles, LEGEND.values(), loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return figure


def main() -> None:
    """Measure, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--dimensions", type=int, default=8)
    parser.add_argument("--sets", type=int, default=5)
    parser.add_argument("--picture", type=Path, default=Path("docs/criteria.png"))
    asked = parser.parse_args()
    with threadpool_limits(1):
        answers = measure(asked.rows, asked.dimensions, asked.sets)
    draw(answers).savefig(asked.picture, dpi=150)
    print(spell(answers))


if __name__ == "__main__":
    main()
