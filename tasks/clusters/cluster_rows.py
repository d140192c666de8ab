"""Rows of the table of clusters: size, label, recurrence, and in which pictures a cluster dissolves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from steadymap.tasks.cells.cell_file import read_cell
from steadymap.tasks.clusters.cluster_tables import (
    Recovered,
    group_by,
    jaccards,
    mean_jaccard,
    standard_error,
)
from steadymap.tasks.plan.plan import Cell, Plan

Pictures = list[tuple[Cell, np.ndarray]]
"""Cells that speak of clusters, each with the filled island of every row."""


def filled_islands(cell: Cell, plan: Plan) -> np.ndarray:
    """Return the filled island of every row of a cell, shape (n,)."""
    return np.asarray(read_cell(cell, plan.store).column("island_filled").to_numpy())


def mean_membership(clusters: np.ndarray, pictures: Pictures, seen: list[Recovered]) -> np.ndarray:
    """Return the mean share of its cluster that pictures put into a row's island, shape (n,)."""
    total = np.zeros(len(clusters))
    for (_, islands), one in zip(pictures, seen, strict=True):
        total += one.found.shares[clusters, islands]
    firmness: np.ndarray = (total / len(seen)).astype(np.float32)
    return firmness


def describe_clusters(
    plan: Plan, clusters: np.ndarray, seen: list[Recovered], resampled: list[Recovered], membership: np.ndarray
) -> list[dict[str, Any]]:
    """Say of every cluster all but its verdict."""
    labels = np.array(plan.dataset.classes(), dtype=object) if plan.dataset.labels else None
    by_configuration = group_by(seen, lambda one: one.configuration)
    rows = []
    for cluster in range(int(clusters.max()) + 1):
        members = clusters == cluster
        means = np.array([mean_jaccard(group, cluster) for group in by_configuration.values()])
        rows.append(
            {
                "cluster": cluster,
                "size": int(members.sum()),
                **_commonest(None if labels is None else labels[members]),
                "co_assignment": float(membership[members].mean()),
                **_overall(means),
                "recovered_by_cut": _recovered_by_cut(by_configuration.values(), cluster),
                "recurrence_resamples": mean_jaccard(resampled, cluster) if resampled else None,
                "best_cell": max(seen, key=lambda one: one.found.jaccard[cluster]).cell.identity,
            }
        )
    return rows


def find_dissolved(seen: list[Recovered], count: int) -> list[float]:
    """Return the share of pictures in which each cluster dissolves."""
    from steadymap.tasks.numerics.clusters.recurrence import DISSOLVED

    return [float(np.mean(jaccards(seen, cluster) <= DISSOLVED)) for cluster in range(count)]


def _recovered_by_cut(groups: Iterable[list[Recovered]], cluster: int) -> int:
    """Count the configurations that find a cluster again by the islands of one flat cut."""
    from steadymap.tasks.numerics.clusters.recurrence import RECOVERED

    cuts = [np.array([one.found.by_cut[cluster] for one in group]) for group in groups]
    return sum(bool(np.any(~np.isnan(cut)) and np.nanmean(cut) > RECOVERED) for cut in cuts)


def _overall(means: np.ndarray) -> dict[str, Any]:
    """Sum up a cluster over configurations."""
    from steadymap.tasks.numerics.clusters.recurrence import DISSOLVED, RECOVERED, band_of

    return {
        "recurrence": float(means.mean()),
        "recurrence_stderr": standard_error(means),
        "band": band_of(float(means.mean())),
        "recovered": int(np.sum(means > RECOVERED)),
        "dissolved": int(np.sum(means <= DISSOLVED)),
        "configurations": len(means),
    }


def _commonest(labels: np.ndarray | None) -> dict[str, Any]:
    """Return the most frequent label and its share of the rows; of equally frequent ones the first by name."""
    counts = Counter(label for label in labels if label is not None) if labels is not None else Counter()
    if labels is None or not counts:
        return {"label": None, "label_share": None}
    label = min(counts, key=lambda name: (-counts[name], name))
    return {"label": label, "label_share": counts[label] / len(labels)}
