"""What pictures do with every cluster: how often each is found again, by cause; its tracks; its boundaries."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.numerics.clusters.recurrence import Fate, Recovery
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.findings import KEPT

APART_EVERYWHERE = 0.9
"""Clusters that no setting puts together more often than this, and that do not touch, share no boundary."""


@dataclass(frozen=True)
class Recovered:
    """A picture, and what it does with every cluster."""

    cell: Cell
    found: Recovery

    @property
    def configuration(self) -> str:
        """Name of its configuration."""
        return self.cell.configuration.name


def group_by(seen: Iterable[Recovered], key: Callable[[Recovered], str]) -> dict[str, list[Recovered]]:
    """Group pictures, in the order in which a key first comes up."""
    groups: dict[str, list[Recovered]] = {}
    for one in seen:
        groups.setdefault(key(one), []).append(one)
    return groups


def jaccards(seen: Iterable[Recovered], cluster: int) -> np.ndarray:
    """Return the similarities of a cluster in pictures that show any of its rows."""
    values = np.array([one.found.jaccard[cluster] for one in seen])
    known: np.ndarray = values[~np.isnan(values)]
    return known


def mean_jaccard(seen: Iterable[Recovered], cluster: int) -> float:
    """Return a cluster's mean similarity over the pictures that show any of its rows; 0 where none does."""
    values = jaccards(seen, cluster)
    return float(values.mean()) if len(values) else 0.0


def standard_error(values: np.ndarray) -> float | None:
    """Return the standard error of a mean; None of a single value."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


# --- by cause ---------------------------------------------------------------------------------------------------


def recurrence_table(seen: list[Recovered], resampled: list[Recovered], count: int) -> pa.Table:
    """Tabulate how similar the best island is, by cluster, cause and setting; ``count`` clusters in all."""
    from steadymap.tasks.numerics.clusters.recurrence import DISSOLVED, RECOVERED, band_of

    rows = []
    for cause, groups in _causes(seen, resampled).items():
        for (setting, group), cluster in itertools.product(groups.items(), range(count)):
            values = jaccards(group, cluster)
            if len(values):
                rows.append(
                    {
                        "cluster": cluster,
                        "cause": cause,
                        "setting": setting,
                        "recurrence": float(values.mean()),
                        "stderr": standard_error(values),
                        "cells": len(values),
                        "recovered": int(np.sum(values > RECOVERED)),
                        "dissolved": int(np.sum(values <= DISSOLVED)),
                        "band": band_of(float(values.mean())),
                    }
                )
    return pa.Table.from_pylist(rows, schema=schemas.RECURRENCE)


def _causes(seen: list[Recovered], resampled: list[Recovered]) -> dict[str, dict[str, list[Recovered]]]:
    """Group pictures by every thing that varies: configuration, reducer, parameters, seed, resample."""
    causes = {
        "configuration": group_by(seen, lambda one: one.configuration),
        "reducer": group_by(seen, lambda one: one.cell.configuration.reducer),
    }
    for name in dict.fromkeys(name for one in seen for name in _settings(one)):
        if _varies(seen, name):
            having = [one for one in seen if name in _settings(one)]
            causes[name] = group_by(having, partial(_setting, name))
    seeds = group_by(seen, lambda one: str(one.cell.seed))
    if len(seeds) > 1:
        causes["seed"] = seeds
    if resampled:
        causes["resample"] = group_by(resampled, lambda one: str(one.cell.resample))
    return causes


def _varies(seen: list[Recovered], name: str) -> bool:
    """Say whether a reducer has several values of a parameter; two reducers with one each differ in more than that."""
    by_reducer = group_by(seen, lambda one: one.cell.configuration.reducer)
    return any(len({_settings(one).get(name) for one in group}) > 1 for group in by_reducer.values())


def _setting(name: str, one: Recovered) -> str:
    return _settings(one)[name]


def _settings(one: Recovered) -> dict[str, str]:
    """Return a picture's parameters as text."""
    configuration = one.cell.configuration
    settings = {**dict(configuration.parameters), "metric": configuration.metric}
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in settings.items()}


# --- tracks and boundaries --------------------------------------------------------------------------------------

FATES: tuple[Fate, ...] = ("kept", "split", "merged", "lost")


def tracks_table(seen: list[Recovered], count: int) -> pa.Table:
    """Tabulate what the pictures of every configuration do with every cluster."""
    rows = []
    for cluster, (configuration, group) in itertools.product(
        range(count), group_by(seen, lambda one: one.configuration).items()
    ):
        fates: Counter[str | None] = Counter(one.found.fates[cluster] for one in group)
        partners = {other for one in group for other in one.found.partners[cluster]}
        rows.append(
            {
                "cluster": cluster,
                "configuration": configuration,
                # Of equally frequent fates the gentlest.
                "fate": max(FATES, key=lambda fate: fates[fate]),
                "recurrence": mean_jaccard(group, cluster),
                **{str(fate): fates[fate] for fate in FATES},
                "pieces": max(int(one.found.pieces[cluster]) for one in group),
                "partners": sorted(partners),
            }
        )
    return pa.Table.from_pylist(rows, schema=schemas.TRACKS)


def boundaries_table(seen: list[Recovered], clusters: np.ndarray, near: np.ndarray) -> pa.Table:
    """Tabulate how often configurations keep two clusters apart; ``near`` are neighbours in the latent space."""
    groups = group_by(seen, lambda one: one.configuration)
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


def kept_table(seen: list[Recovered]) -> pa.Table:
    """Tabulate which picture keeps which cluster."""
    rows = [
        {"cell": one.cell.identity, "cluster": cluster}
        for one in seen
        for cluster, fate in enumerate(one.found.fates)
        if fate == "kept"
    ]
    return pa.Table.from_pylist(rows, schema=KEPT)
