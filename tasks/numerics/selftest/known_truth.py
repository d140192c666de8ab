"""What verdicts are worth, on data whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import adjusted_rand_score

from steadymap.tasks.numerics.arrays import Int64
from steadymap.tasks.numerics.clusters.recurrence import RECOVERED
from steadymap.tasks.numerics.verdicts.combine_splits import MATCH


@dataclass(frozen=True)
class Worth:
    """What one set of data shows.

    Attributes
    ----------
    false
        Clusters called REAL or HIDDEN to which no true cluster corresponds (Jaccard below .5); where nothing is real,
        all that are called so.
    false_artefacts
        Clusters called ARTEFACT to which a true cluster corresponds; None where nothing is real.
    found
        Share of the true clusters that a cluster called REAL recovers (Jaccard above .75); None where nothing is real.
    ari
        Adjusted Rand index of the clusters called REAL to the truth, rows of others taken together; None where nothing
        is real.
    """

    false: int
    false_artefacts: int | None
    found: float | None
    ari: float | None


def compare_with_truth(clusters: Int64, verdicts: Sequence[str], truth: Int64 | None) -> Worth:
    """Compare published clusters with the truth.

    Parameters
    ----------
    clusters
        Cluster of every row, from 0; shape (n,).
    verdicts
        Verdict of every cluster.
    truth
        True cluster of every row, from 0; None where nothing is real.
    """
    separated = [cluster for cluster, verdict in enumerate(verdicts) if verdict in ("REAL", "HIDDEN")]
    if truth is None:
        return Worth(len(separated), None, None, None)
    table = np.zeros((len(verdicts), int(truth.max()) + 1))
    np.add.at(table, (clusters, truth), 1)
    jaccard = table / (table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table)
    real = [cluster for cluster, verdict in enumerate(verdicts) if verdict == "REAL"]
    recovered = jaccard[real].max(axis=0) > RECOVERED if real else np.zeros(table.shape[1], dtype=np.bool_)
    called = np.where(np.isin(clusters, real), clusters, -1)
    return Worth(
        false=int(sum(jaccard[cluster].max() < MATCH for cluster in separated)),
        false_artefacts=int(
            sum(jaccard[at].max() >= MATCH for at, verdict in enumerate(verdicts) if verdict == "ARTEFACT")
        ),
        found=float(np.mean(recovered)),
        ari=float(adjusted_rand_score(truth, called)),
    )


@dataclass(frozen=True)
class Rate:
    """A share of trials with its exact 95 % interval (Clopper & Pearson 1934)."""

    hits: int
    trials: int
    share: float
    low: float
    high: float


def rate_of(hits: int, trials: int) -> Rate:
    """Return the share of hits in at least one trial."""
    interval = binomtest(hits, trials).proportion_ci(0.95, "exact")
    return Rate(hits, trials, hits / trials, float(interval.low), float(interval.high))
