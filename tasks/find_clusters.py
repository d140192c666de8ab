"""Step: find the clusters that most pictures agree on, and follow each through every setting, seed and resample."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.compute_part import ensure_working
from tasks.follow_clusters import (
    KEPT,
    Seen,
    boundaries_table,
    group_by,
    jaccards,
    kept_table,
    mean_jaccard,
    recurrence_table,
    standard_error,
    tracks_table,
)
from tasks.judge_clusters import judge_clusters
from tasks.latent_neighbours import CLUSTER_NEIGHBOURS, latent_neighbours
from tasks.look_around import look_around
from tasks.numerics.split_consensus import SplitOutcome
from tasks.plan import Cell, Plan
from tasks.read_cell import read_cell
from tasks.seek_on_half import ALPHA
from tasks.seek_valleys import Splits, read_split
from tasks.store import read_table, write_table


@dataclass(frozen=True)
class Clusters:
    """Where this step leaves what it finds: files in a folder of the store, since no array goes through Prefect.

    ``lost`` says why halves could not look around the clusters.
    """

    folder: Path
    lost: tuple[str, ...] = ()

    def table(self, name: str) -> pa.Table:
        """Read ``clusters``, ``recurrence``, ``tracks`` or ``boundaries``."""
        return read_table(self.folder / f"{name}.parquet", schemas.RUN_TABLES[name])

    def membership(self) -> pa.Table:
        """Read cluster and firmness of every row, rows in canonical order."""
        return read_table(self.folder / "membership.parquet", schemas.MEMBERSHIP)

    def kept(self) -> pa.Table:
        """Read which picture of the data keeps which cluster."""
        return read_table(self.folder / "kept.parquet", KEPT)

    def ambiguity(self) -> pa.Table:
        """Read the share of ambiguous pairs of rows over all pictures."""
        return read_table(self.folder / "ambiguity.parquet", AMBIGUITY)


AMBIGUITY = pa.schema(
    [
        pa.field("share", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64(), nullable=False),
        pa.field("pairs", pa.int64(), nullable=False),
        pa.field("cells", pa.int32(), nullable=False),
    ]
)


Pictures = list[tuple[Cell, np.ndarray]]
"""Cells that speak of clusters, each with the filled island of every row."""


@task(name="find clusters", task_run_name="clusters of {plan.run}", cache_policy=NO_CACHE)
def find_clusters(plan: Plan, drawn: list[Cell], splits: Splits) -> Clusters:
    """Find clusters over the pictures of the data, judge each by the tests, and look for it in every picture."""
    from tasks.numerics.consensus import ambiguous_pairs
    from tasks.numerics.recurrence import find_clusters as look_for

    place = Clusters(plan.store.findings(plan.run))
    speaking = [cell for cell in drawn if cell.kind == "data" and cell.configuration.speaks_of_clusters]
    if not speaking:
        _write_nothing(place, plan.rows)
        return place
    pictures = [(cell, _filled(cell, plan)) for cell in speaking]
    near = latent_neighbours(plan.geometry, plan.config.preprocess.metric, CLUSTER_NEIGHBOURS).indices
    outcomes = [read_split(folder, plan.rows) for folder in splits.folders]
    clusters = _published(plan, pictures, near, outcomes)
    count = int(clusters.max()) + 1
    seen = [Seen(cell, look_for(clusters, islands, count)) for cell, islands in pictures]
    resampled = [
        Seen(cell, look_for(clusters[np.array(cell.derived.positions())], _filled(cell, plan), count))
        for cell in drawn
        if cell.derived is not None and cell.kind == "resample" and cell.configuration.speaks_of_clusters
    ]
    membership = _membership(clusters, pictures, seen)
    ambiguity = ambiguous_pairs([islands for _, islands in pictures])
    described = _describe(plan, clusters, seen, resampled, membership)
    looks, lost = look_around(plan, clusters) if outcomes else ((), ())
    tables = {
        "clusters": judge_clusters(described, clusters, _dissolved(seen, count), outcomes, looks),
        "recurrence": recurrence_table(seen, resampled, count),
        "tracks": tracks_table(seen, count),
        "boundaries": boundaries_table(seen, clusters, near),
        "membership": pa.table({"cluster": clusters, "membership": membership}, schema=schemas.MEMBERSHIP),
        "kept": kept_table(seen),
        "ambiguity": pa.Table.from_pylist(
            [{"share": ambiguity.share, "stderr": ambiguity.stderr, "pairs": ambiguity.pairs, "cells": len(seen)}],
            schema=AMBIGUITY,
        ),
    }
    for name, table in tables.items():
        write_table(table, place.folder / f"{name}.parquet")
    return replace(place, lost=lost)


def _published(plan: Plan, pictures: Pictures, near: np.ndarray, outcomes: list[SplitOutcome]) -> np.ndarray:
    """Return the clusters that most pictures agree on, and those that only the tests have found."""
    from tasks.numerics.candidates import propose
    from tasks.numerics.consensus import consensus_clusters
    from tasks.numerics.published_clusters import publish
    from tasks.numerics.split_consensus import agreed_clusters, cluster_evidence

    smallest = min(cell.configuration.min_cluster_size for cell, _ in pictures)
    islands = [labels for _, labels in pictures]
    consensus = consensus_clusters(islands, near, smallest)
    if not outcomes:
        return consensus
    working = ensure_working(plan.geometry, plan.config.preprocess.metric)
    agreed = agreed_clusters(propose(islands, near, working, smallest), outcomes)
    evidence = cluster_evidence(agreed, outcomes)
    separated = [cluster for cluster, one in enumerate(evidence) if one.p <= ALPHA]
    return publish(consensus, agreed, separated, _stable(consensus, pictures), smallest)


def _stable(clusters: np.ndarray, pictures: Pictures) -> list[int]:
    """Return the clusters that at least half of the configurations show, by the mean over their seeds."""
    from tasks.numerics.recurrence import RECOVERED
    from tasks.numerics.recurrence import find_clusters as look_for

    count = int(clusters.max()) + 1
    seen = [Seen(cell, look_for(clusters, labels, count)) for cell, labels in pictures]
    groups = group_by(seen, lambda one: one.configuration).values()
    recovered = [sum(mean_jaccard(group, cluster) > RECOVERED for group in groups) for cluster in range(count)]
    return [cluster for cluster, often in enumerate(recovered) if often >= len(groups) / 2]


def _write_nothing(place: Clusters, rows: int) -> None:
    """Without a picture that counts there is no cluster, and every table is empty."""
    for name in ("clusters", "recurrence", "tracks", "boundaries"):
        write_table(schemas.RUN_TABLES[name].empty_table(), place.folder / f"{name}.parquet")
    nobody = {"cluster": pa.nulls(rows, pa.int32()), "membership": pa.nulls(rows, pa.float32())}
    write_table(pa.table(nobody, schema=schemas.MEMBERSHIP), place.folder / "membership.parquet")
    write_table(KEPT.empty_table(), place.folder / "kept.parquet")
    write_table(AMBIGUITY.empty_table(), place.folder / "ambiguity.parquet")


def _filled(cell: Cell, plan: Plan) -> np.ndarray:
    return np.asarray(read_cell(cell, plan.store).column("island_filled").to_numpy())


# --- per row and per cluster ------------------------------------------------------------------------------------


def _membership(clusters: np.ndarray, pictures: Pictures, seen: list[Seen]) -> np.ndarray:
    """Return the mean share of its cluster that pictures put into a row's island, shape (n,)."""
    total = np.zeros(len(clusters))
    for (_, islands), one in zip(pictures, seen, strict=True):
        total += one.found.shares[clusters, islands]
    firmness: np.ndarray = (total / len(seen)).astype(np.float32)
    return firmness


def _describe(
    plan: Plan, clusters: np.ndarray, seen: list[Seen], resampled: list[Seen], membership: np.ndarray
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
                "recurrence_resamples": mean_jaccard(resampled, cluster) if resampled else None,
                "best_cell": max(seen, key=lambda one: one.found.jaccard[cluster]).cell.identity,
            }
        )
    return rows


def _dissolved(seen: list[Seen], count: int) -> list[float]:
    """Return the share of pictures in which each cluster dissolves."""
    from tasks.numerics.recurrence import DISSOLVED

    return [float(np.mean(jaccards(seen, cluster) <= DISSOLVED)) for cluster in range(count)]


def _overall(means: np.ndarray) -> dict[str, Any]:
    """Sum up a cluster over configurations."""
    from tasks.numerics.recurrence import DISSOLVED, RECOVERED, band_of

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
