"""Step: find the clusters that most pictures agree on, and follow each through every setting, seed and resample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.tasks.cells.branch_files import Trees, find_branches
from steadymap.tasks.clusters.cluster_rows import (
    Pictures,
    describe_clusters,
    filled_islands,
    find_dissolved,
    mean_membership,
)
from steadymap.tasks.clusters.cluster_tables import (
    Recovered,
    boundaries_table,
    group_by,
    kept_table,
    mean_jaccard,
    recurrence_table,
    tracks_table,
)
from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.latent_neighbours import CLUSTER_NEIGHBOURS, latent_neighbours
from steadymap.tasks.numerics.verdicts.combine_splits import SplitOutcome
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import AMBIGUITY, DESCRIBED, KEPT, Clusters, Splits
from steadymap.tasks.verdicts.split_job import ALPHA
from steadymap.tasks.verdicts.splits import read_split
from steadymap.tasks.workers import choose_limits


@task(name="find clusters", task_run_name="clusters of {plan.run}", cache_policy=NO_CACHE)
def find_clusters(plan: Plan, drawn: list[Cell], splits: Splits) -> Clusters:
    """Find clusters over the pictures of the data, and look for each in every picture."""
    from steadymap.tasks.numerics.clusters.consensus import ambiguous_pairs
    from steadymap.tasks.numerics.clusters.recurrence import recover_clusters

    place = Clusters(plan.store.findings(plan.run))
    showing = [cell for cell in drawn if cell.kind != "null" and cell.configuration.shows_clusters]
    speaking = [cell for cell in showing if cell.kind == "data"]
    if not speaking:
        _write_nothing(place, plan.rows)
        return place
    pictures = [(cell, filled_islands(cell, plan)) for cell in speaking]
    near = latent_neighbours(plan.geometry, plan.config.preprocess.metric, CLUSTER_NEIGHBOURS).indices
    outcomes = [read_split(folder, plan.rows) for folder in splits.folders]
    trees, lost = find_branches(showing, plan.store, choose_limits(plan.config.workers))
    place = replace(place, lost=lost)
    clusters = _published(plan, pictures, trees, near, outcomes)
    count = int(clusters.max()) + 1
    if count == 1:
        _write_nothing(place, plan.rows)  # what holds every row is no cluster, and none is an answer
        return place
    recovered = [
        Recovered(cell, recover_clusters(clusters, islands, count, trees[cell.identity])) for cell, islands in pictures
    ]
    resampled = [
        Recovered(
            cell,
            recover_clusters(
                clusters[cell.derived.positions()], filled_islands(cell, plan), count, trees[cell.identity]
            ),
        )
        for cell in showing
        if cell.derived is not None
    ]
    membership = mean_membership(clusters, pictures, recovered)
    ambiguity = ambiguous_pairs([islands for _, islands in pictures])
    described = describe_clusters(plan, clusters, recovered, resampled, membership)
    for row, share in zip(described, find_dissolved(recovered, count), strict=True):
        row["dissolved_share"] = share
    tables = {
        "described": pa.Table.from_pylist(described, schema=DESCRIBED),
        "recurrence": recurrence_table(recovered, resampled, count),
        "tracks": tracks_table(recovered, count),
        "boundaries": boundaries_table(recovered, clusters, near),
        "membership": pa.table({"cluster": clusters, "membership": membership}, schema=schemas.MEMBERSHIP),
        "kept": kept_table(recovered),
        "ambiguity": pa.Table.from_pylist(
            [{"share": ambiguity.share, "stderr": ambiguity.stderr, "pairs": ambiguity.pairs, "cells": len(recovered)}],
            schema=AMBIGUITY,
        ),
    }
    for name, table in tables.items():
        write_table(table, place.folder / f"{name}.parquet")
    return place


def _published(
    plan: Plan, pictures: Pictures, trees: Trees, near: np.ndarray, outcomes: list[SplitOutcome]
) -> np.ndarray:
    """Return the clusters that most pictures agree on, and those that only the tests have found."""
    from steadymap.tasks.numerics.clusters.candidates import propose
    from steadymap.tasks.numerics.clusters.consensus import consensus_clusters
    from steadymap.tasks.numerics.verdicts.combine_splits import agreed_clusters, cluster_evidence
    from steadymap.tasks.numerics.verdicts.published_clusters import publish

    smallest = min(cell.configuration.min_cluster_size for cell, _ in pictures)
    islands = [labels for _, labels in pictures]
    consensus = consensus_clusters(islands, near, smallest)
    if not outcomes:
        return consensus
    working = read_working(plan.geometry, plan.config.preprocess.metric)
    agreed = agreed_clusters(propose(islands, near, working), outcomes)
    evidence = cluster_evidence(agreed, outcomes)
    separated = [cluster for cluster, one in enumerate(evidence) if one.p <= ALPHA]
    return publish(consensus, agreed, separated, _stable(consensus, pictures, trees), smallest)


def _stable(clusters: np.ndarray, pictures: Pictures, trees: Trees) -> list[int]:
    """Return the clusters that at least half of the configurations show, by the mean over their seeds."""
    from steadymap.tasks.numerics.clusters.recurrence import RECOVERED, recover_clusters

    count = int(clusters.max()) + 1
    recovered = [
        Recovered(cell, recover_clusters(clusters, labels, count, trees[cell.identity])) for cell, labels in pictures
    ]
    groups = group_by(recovered, lambda one: one.configuration).values()
    settings = [sum(mean_jaccard(group, cluster) > RECOVERED for group in groups) for cluster in range(count)]
    return [cluster for cluster, often in enumerate(settings) if often >= len(groups) / 2]


def _write_nothing(place: Clusters, rows: int) -> None:
    """Where nothing is a cluster, or no picture counts, every table is empty."""
    write_table(DESCRIBED.empty_table(), place.folder / "described.parquet")
    for name in ("recurrence", "tracks", "boundaries"):
        write_table(schemas.RUN_TABLES[name].empty_table(), place.folder / f"{name}.parquet")
    nobody = {"cluster": pa.nulls(rows, pa.int32()), "membership": pa.nulls(rows, pa.float32())}
    write_table(pa.table(nobody, schema=schemas.MEMBERSHIP), place.folder / "membership.parquet")
    write_table(KEPT.empty_table(), place.folder / "kept.parquet")
    write_table(AMBIGUITY.empty_table(), place.folder / "ambiguity.parquet")
