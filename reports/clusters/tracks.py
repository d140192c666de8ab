"""Clusters through the settings: what each setting does to each cluster, why it comes and goes, and where two touch.

Tables have a column per cluster, so that one cluster is read down through all of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from steadymap.reports.clusters.cluster_cards import MANY, spell_clusters, spell_fate
from steadymap.reports.run.cluster_names import ClusterName, name_clusters
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import spell_configuration, spell_reducer, spell_share

SYMBOLS = {"kept": "●", "merged": "∪", "lost": "○"}
"""A symbol for every fate but ``split``: the page draws a fork there, since many fonts have none (U+2442)."""

FATES = ("kept", "split", "merged", "lost")

NOT_A_CAUSE = ("configuration",)
"""Every setting has its own row in the table of tracks."""

RESAMPLE = "resample"
MOST_CLOSEST = 5


@dataclass(frozen=True)
class Track:
    """What a setting does to a cluster: short text beside its symbol, all in words, and how well it is found again."""

    fate: str
    short: str
    words: str
    recurrence: float


@dataclass(frozen=True)
class TrackGroup:
    """The settings of one reducer, each with its tracks by cluster."""

    reducer: str
    rows: tuple[tuple[str, tuple[Track | None, ...]], ...]


@dataclass(frozen=True)
class Level:
    """How well a cluster is found again under one setting; over resamples with the lowest and the highest."""

    recurrence: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Cause:
    """The values of a parameter, the seeds, or the parts of the rows: each in words, with the levels by cluster."""

    cause: str
    rows: tuple[tuple[str, tuple[Level | None, ...]], ...]


@dataclass(frozen=True)
class Boundary:
    """Two clusters: how far settings keep them apart on average, and which merges them most."""

    apart: float
    least: float
    merged_by: str


@dataclass(frozen=True)
class Tracks:
    """The tables of the section: their columns, and each by rows.

    Attributes
    ----------
    clusters
        Numbers of the clusters: the columns of all three.
    groups
        What each setting does, by reducer.
    causes
        Recurrence by cause and setting, over the pictures that have it.
    boundaries
        How far settings keep two clusters apart; None where they do not touch and every setting does.
    closest
        The pairs that are kept apart least, a sentence each.
    """

    clusters: tuple[int, ...]
    groups: tuple[TrackGroup, ...]
    causes: tuple[Cause, ...]
    boundaries: tuple[tuple[int, tuple[Boundary | None, ...]], ...]
    closest: tuple[str, ...]


def follow_clusters(run: Run) -> Tracks | None:
    """Lay out what settings do to the clusters; None where there are none."""
    clusters = tuple(int(number) for number in run.clusters["cluster"])
    if not clusters:
        return None
    pairs, names = _boundaries(run.boundaries), name_clusters(run)
    return Tracks(
        clusters=clusters,
        groups=tuple(_groups(run, clusters, names)),
        causes=tuple(_causes(run.recurrence, clusters)),
        boundaries=tuple((a, tuple(pairs.get((min(a, b), max(a, b))) for b in clusters)) for a in clusters),
        closest=_closest(run.boundaries, pairs, names),
    )


def _groups(run: Run, clusters: tuple[int, ...], names: Mapping[int, ClusterName]) -> Iterable[TrackGroup]:
    reducers = dict(zip(run.grid["configuration"], run.grid["reducer"], strict=True))
    found: dict[str, list[tuple[str, tuple[Track | None, ...]]]] = {}
    by_setting: dict[Hashable, pd.DataFrame] = dict(list(run.tracks.groupby("configuration", sort=False)))
    for configuration, reducer in reducers.items():
        if configuration in by_setting:
            own = {int(row["cluster"]): _track(row, names) for _, row in by_setting[configuration].iterrows()}
            row = (spell_configuration(configuration), tuple(own.get(number) for number in clusters))
            found.setdefault(reducer, []).append(row)
    return (TrackGroup(spell_reducer(reducer), tuple(rows)) for reducer, rows in found.items())


def _track(row: pd.Series, names: Mapping[int, ClusterName]) -> Track:
    pictures = sum(int(row[fate]) for fate in FATES)
    done = f"{row['fate']}{spell_fate(row, names)} in {row[row['fate']]} of {pictures} pictures"
    words = f"{done}, recurrence {row['recurrence']:.2f}"
    return Track(row["fate"], _short(row, names), words, float(row["recurrence"]))


def _short(row: pd.Series, names: Mapping[int, ClusterName]) -> str:
    if row["fate"] == "split":
        return str(row["pieces"])
    if row["fate"] != "merged":
        return ""
    partners = sorted(int(number) for number in row["partners"])
    called = [names.get(number, ClusterName(number)).brief for number in partners]
    return ", ".join(called) if len(partners) <= MANY else f"{len(partners)} others"


def _causes(recurrence: pd.DataFrame, clusters: tuple[int, ...]) -> Iterable[Cause]:
    told = recurrence[~recurrence["cause"].isin((*NOT_A_CAUSE, RESAMPLE))]
    found: dict[str, list[tuple[str, tuple[Level | None, ...]]]] = {}
    for (cause, setting), group in told.groupby(["cause", "setting"], sort=False):
        own = {int(row["cluster"]): Level(float(row["recurrence"])) for row in group.to_dict("records")}
        row = (_spell_cause(str(cause), str(setting)), tuple(own.get(number) for number in clusters))
        found.setdefault(str(cause), []).append(row)
    # Resamples share a row: their names mean nothing.
    parts = recurrence[recurrence["cause"] == RESAMPLE].groupby("cluster")["recurrence"]
    over = {int(number): Level(float(one.mean()), float(one.min()), float(one.max())) for number, one in parts}
    if over:
        found[RESAMPLE] = [("parts of the rows", tuple(over.get(number) for number in clusters))]
    return (Cause(cause, tuple(rows)) for cause, rows in found.items())


def _spell_cause(cause: str, setting: str) -> str:
    return spell_reducer(setting) if cause == "reducer" else f"{cause} {setting}"


def _boundaries(table: pd.DataFrame) -> dict[tuple[int, int], Boundary]:
    found = {}
    for (a, b), group in table.groupby(["cluster_a", "cluster_b"], sort=False):
        least = group.loc[group["apart"].idxmin()]
        by = spell_configuration(least["configuration"])
        found[int(a), int(b)] = Boundary(float(group["apart"].mean()), float(least["apart"]), by)
    return found


def _closest(
    table: pd.DataFrame, pairs: dict[tuple[int, int], Boundary], names: Mapping[int, ClusterName]
) -> tuple[str, ...]:
    touching: dict[Any, float] = table.groupby(["cluster_a", "cluster_b"])["touching"].mean().to_dict()
    order = sorted(pairs, key=lambda pair: pairs[pair].apart)[:MOST_CLOSEST]
    return tuple(
        f"{_capital(spell_clusters(pair, names))}: {spell_share(pairs[pair].apart)} apart, "
        f"{spell_share(pairs[pair].least)} with {pairs[pair].merged_by}; {spell_share(touching[pair])} of their "
        "nearest neighbours lie in the other."
        for pair in order
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
