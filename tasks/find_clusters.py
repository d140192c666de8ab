"""Step: find the clusters that most pictures agree on, and follow each through every setting, seed and resample."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.compute_part import ensure_working
from tasks.judge_clusters import judge_clusters
from tasks.latent_neighbours import CLUSTER_NEIGHBOURS, latent_neighbours
from tasks.numerics.recurrence import Fate, Found
from tasks.numerics.split_consensus import SplitOutcome
from tasks.plan_sweep import Cell, Plan
from tasks.read_cell import read_cell
from tasks.seek_valleys import ALPHA, Splits, read_split
from tasks.store import read_table, write_table

APART_EVERYWHERE = 0.9
"""Clusters that no setting puts together more often than this, and that do not touch, share no boundary."""


@dataclass(frozen=True)
class Clusters:
    """Where this step leaves what it finds: files in a folder of the store, since no array goes through Prefect."""

    folder: Path

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


KEPT = pa.schema([pa.field("cell", pa.string()), pa.field("cluster", pa.int32())])
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


@dataclass(frozen=True)
class _Seen:
    """A picture, and what it does with every cluster."""

    cell: Cell
    found: Found

    @property
    def configuration(self) -> str:
        return self.cell.configuration.name


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
    seen = [_Seen(cell, look_for(clusters, islands, count)) for cell, islands in pictures]
    resampled = [
        _Seen(cell, look_for(clusters[np.array(cell.derived.positions())], _filled(cell, plan), count))
        for cell in drawn
        if cell.derived is not None and cell.kind == "resample" and cell.configuration.speaks_of_clusters
    ]
    membership = _membership(clusters, pictures, seen)
    ambiguity = ambiguous_pairs([islands for _, islands in pictures])
    described = _clusters_table(plan, clusters, seen, resampled, membership)
    tables = {
        "clusters": judge_clusters(described, clusters, outcomes, plan.rows),
        "recurrence": _recurrence_table(seen, resampled, count),
        "tracks": _tracks_table(seen, count),
        "boundaries": _boundaries_table(seen, clusters, near),
        "membership": pa.table({"cluster": clusters, "membership": membership}, schema=schemas.MEMBERSHIP),
        "kept": _kept_table(seen),
        "ambiguity": pa.Table.from_pylist(
            [{"share": ambiguity.share, "stderr": ambiguity.stderr, "pairs": ambiguity.pairs, "cells": len(seen)}],
            schema=AMBIGUITY,
        ),
    }
    for name, table in tables.items():
        write_table(table, place.folder / f"{name}.parquet")
    return place


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
    seen = [_Seen(cell, look_for(clusters, labels, count)) for cell, labels in pictures]
    groups = _by(seen, lambda one: one.configuration).values()
    recovered = [sum(_mean(group, cluster) > RECOVERED for group in groups) for cluster in range(count)]
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


def _membership(clusters: np.ndarray, pictures: Pictures, seen: list[_Seen]) -> np.ndarray:
    """Return the mean share of its cluster that pictures put into a row's island, shape (n,)."""
    total = np.zeros(len(clusters))
    for (_, islands), one in zip(pictures, seen, strict=True):
        total += one.found.shares[clusters, islands]
    firmness: np.ndarray = (total / len(seen)).astype(np.float32)
    return firmness


def _clusters_table(
    plan: Plan, clusters: np.ndarray, seen: list[_Seen], resampled: list[_Seen], membership: np.ndarray
) -> pa.Table:
    labels = np.array(plan.dataset.classes(), dtype=object) if plan.dataset.labels else None
    by_configuration = _by(seen, lambda one: one.configuration)
    rows = []
    for cluster in range(int(clusters.max()) + 1):
        members = clusters == cluster
        means = np.array([_mean(group, cluster) for group in by_configuration.values()])
        rows.append(
            {
                "cluster": cluster,
                "size": int(members.sum()),
                **_commonest(None if labels is None else labels[members]),
                "co_assignment": float(membership[members].mean()),
                **_overall(means),
                "recurrence_resamples": _mean(resampled, cluster) if resampled else None,
                **dict.fromkeys(("verdict", "p_value", "depth", "depth_low", "depth_high", "reason")),
                "best_cell": max(seen, key=lambda one: one.found.jaccard[cluster]).cell.identity,
            }
        )
    return pa.Table.from_pylist(rows, schema=schemas.CLUSTERS)


def _overall(means: np.ndarray) -> dict[str, Any]:
    """Sum up a cluster over configurations."""
    from tasks.numerics.recurrence import DISSOLVED, RECOVERED, band_of

    return {
        "recurrence": float(means.mean()),
        "recurrence_stderr": _stderr(means),
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


def _by(seen: Iterable[_Seen], key: Callable[[_Seen], str]) -> dict[str, list[_Seen]]:
    groups: dict[str, list[_Seen]] = {}
    for one in seen:
        groups.setdefault(key(one), []).append(one)
    return groups


def _values(seen: Iterable[_Seen], cluster: int) -> np.ndarray:
    """Return the similarities of a cluster in pictures that show any of its rows."""
    values = np.array([one.found.jaccard[cluster] for one in seen])
    known: np.ndarray = values[~np.isnan(values)]
    return known


def _mean(seen: Iterable[_Seen], cluster: int) -> float:
    values = _values(seen, cluster)
    return float(values.mean()) if len(values) else 0.0


def _stderr(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


# --- by cause ---------------------------------------------------------------------------------------------------


def _recurrence_table(seen: list[_Seen], resampled: list[_Seen], count: int) -> pa.Table:
    from tasks.numerics.recurrence import DISSOLVED, RECOVERED, band_of

    rows = []
    for cause, groups in _causes(seen, resampled).items():
        for (setting, group), cluster in itertools.product(groups.items(), range(count)):
            values = _values(group, cluster)
            if len(values):
                rows.append(
                    {
                        "cluster": cluster,
                        "cause": cause,
                        "setting": setting,
                        "recurrence": float(values.mean()),
                        "stderr": _stderr(values),
                        "cells": len(values),
                        "recovered": int(np.sum(values > RECOVERED)),
                        "dissolved": int(np.sum(values <= DISSOLVED)),
                        "band": band_of(float(values.mean())),
                    }
                )
    return pa.Table.from_pylist(rows, schema=schemas.RECURRENCE)


def _causes(seen: list[_Seen], resampled: list[_Seen]) -> dict[str, dict[str, list[_Seen]]]:
    """Group pictures by every thing that varies: configuration, reducer, parameters, seed, resample."""
    causes = {
        "configuration": _by(seen, lambda one: one.configuration),
        "reducer": _by(seen, lambda one: one.cell.configuration.reducer),
    }
    for name in dict.fromkeys(name for one in seen for name in _settings(one)):
        groups = _by((one for one in seen if name in _settings(one)), lambda one, name=name: _settings(one)[name])  # type: ignore[misc]
        if _varies(seen, name):
            causes[name] = groups
    seeds = _by(seen, lambda one: str(one.cell.seed))
    if len(seeds) > 1:
        causes["seed"] = seeds
    if resampled:
        causes["resample"] = _by(resampled, lambda one: str(one.cell.resample))
    return causes


def _varies(seen: list[_Seen], name: str) -> bool:
    """Say whether a reducer has several values of a parameter; two reducers with one each differ in more than that."""
    by_reducer = _by(seen, lambda one: one.cell.configuration.reducer)
    return any(len({_settings(one).get(name) for one in group}) > 1 for group in by_reducer.values())


def _settings(one: _Seen) -> dict[str, str]:
    """Return a picture's parameters as text."""
    configuration = one.cell.configuration
    settings = {**dict(configuration.parameters), "metric": configuration.metric}
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in settings.items()}


# --- tracks and boundaries --------------------------------------------------------------------------------------

FATES: tuple[Fate, ...] = ("kept", "split", "merged", "lost")


def _tracks_table(seen: list[_Seen], count: int) -> pa.Table:
    rows = []
    for cluster, (configuration, group) in itertools.product(
        range(count), _by(seen, lambda one: one.configuration).items()
    ):
        fates: Counter[str | None] = Counter(one.found.fates[cluster] for one in group)
        partners = {other for one in group for other in one.found.partners[cluster]}
        rows.append(
            {
                "cluster": cluster,
                "configuration": configuration,
                # Of equally frequent fates the gentlest.
                "fate": max(FATES, key=lambda fate: fates[fate]),
                "recurrence": _mean(group, cluster),
                **{str(fate): fates[fate] for fate in FATES},
                "pieces": max(int(one.found.pieces[cluster]) for one in group),
                "partners": sorted(partners),
            }
        )
    return pa.Table.from_pylist(rows, schema=schemas.TRACKS)


def _boundaries_table(seen: list[_Seen], clusters: np.ndarray, near: np.ndarray) -> pa.Table:
    groups = _by(seen, lambda one: one.configuration)
    apart = {name: np.mean([one.found.apart() for one in group], axis=0) for name, group in groups.items()}
    touching = _touching(clusters, near)
    least = np.min(list(apart.values()), axis=0)
    rows = []
    for a, b in itertools.combinations(range(len(touching)), 2):
        if touching[a, b] > 0 or least[a, b] < APART_EVERYWHERE:
            rows += [
                {
                    "cluster_a": a,
                    "cluster_b": b,
                    "configuration": name,
                    "apart": float(np.clip(values[a, b], 0, 1)),
                    "touching": float(touching[a, b]),
                }
                for name, values in apart.items()
            ]
    return pa.Table.from_pylist(rows, schema=schemas.BOUNDARIES)


def _touching(clusters: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the share of the neighbours of two clusters' rows that lie in the other of the two, shape (K, K)."""
    count = int(clusters.max()) + 1
    links = np.zeros((count, count))
    np.add.at(links, (np.repeat(clusters, near.shape[1]), clusters[near].ravel()), 1)
    from_either = links.sum(axis=1)
    return np.asarray((links + links.T) / (from_either[:, None] + from_either[None, :]))


def _kept_table(seen: list[_Seen]) -> pa.Table:
    rows = [
        {"cell": one.cell.identity, "cluster": cluster}
        for one in seen
        for cluster, fate in enumerate(one.found.fates)
        if fate == "kept"
    ]
    return pa.Table.from_pylist(rows, schema=KEPT)
