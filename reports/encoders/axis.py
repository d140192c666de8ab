"""Several encoders of the same inputs: which clusters each shows, in which all agree, and how alike their spaces are.

Rows of two encoders are the same where their ids are. Clusters are counted over the rows that all have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from steadymap.configs.errors import InputError
from steadymap.reports.compare.compare_runs import LEAST_ROWS, LEAST_SHARED, SHOWN
from steadymap.reports.compare.encoder_agreement import EncoderAgreement
from steadymap.reports.compare.match_clusters import Partition
from steadymap.reports.encoders.follow_clusters import Followed, Line, follow_clusters
from steadymap.reports.run.cluster_names import MOST_OF_IT, ClusterName
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import Estimate

ALPHA = 0.05
"""Chance of any false "in all encoders"."""


@dataclass(frozen=True)
class EncoderRun:
    """An encoder and the run of its latent vectors.

    Attributes
    ----------
    name
        What it is called.
    run
        Its complete run.
    """

    name: str
    run: Run


@dataclass(frozen=True)
class Member:
    """A cluster in one encoder: what it is there, and what that encoder's own held-out test says of it.

    Attributes
    ----------
    followed
        Where its rows are.
    verdict, p, size
        Of the cluster that it is there; empty, 1 and 0 where it was not found.
    with_lines
        Numbers of the followed clusters that share its cluster there, where it was merged.
    """

    followed: Followed
    verdict: str = ""
    p: float = 1.0
    size: int = 0
    with_lines: tuple[int, ...] = ()

    @property
    def shown(self) -> bool:
        """Whether held-out rows of this encoder show it."""
        return self.verdict in SHOWN


@dataclass(frozen=True)
class FollowedCluster:
    """A cluster followed through all encoders.

    Attributes
    ----------
    number
        From 1.
    name
        By its label, where most of its rows share one.
    rows
        How many shared rows are in it.
    members
        What it is in every encoder.
    """

    number: int
    name: ClusterName
    rows: int
    members: tuple[Member, ...]

    @property
    def shown(self) -> int:
        """Encoders whose held-out rows show it."""
        return sum(member.shown for member in self.members)

    @property
    def p_in_all(self) -> float:
        """p-value of its being separated in every encoder, with all clusters of all encoders counted.

        Whether a cluster is separated in every encoder is denied if one encoder denies it, so the largest p-value
        counts (Berger 1982, doi:10.1080/00401706.1982.10487790). Each encoder's p-values keep the chance of any false
        cluster in that encoder; that another encoder lacks another cluster multiplies it by their number, at most.
        """
        return min(1.0, len(self.members) * max(member.p for member in self.members))

    @property
    def in_all(self) -> bool:
        """Whether it is shown in every encoder, the chance of any false one among all that are being ``ALPHA``."""
        return self.shown == len(self.members) and self.p_in_all <= ALPHA


@dataclass(frozen=True)
class EncoderFacts:
    """What is told of one encoder.

    Attributes
    ----------
    name, run, rows, dimensions
        Of it and of its run.
    clusters, shown
        How many its run has found, and how many of them held-out rows show.
    in_shown
        Share of its rows that are in a cluster that is shown.
    active
        Dimensions that carry something of their own; None where that is not known.
    effective_rank, label_purity
        Of its latent space; None where it is not known.
    fast
        Whether it was swept with the fast settings: one pair of halves.
    """

    name: str
    run: str
    rows: int
    dimensions: int
    clusters: int
    shown: int
    in_shown: float
    active: int | None
    effective_rank: Estimate | None
    label_purity: Estimate | None
    fast: bool


@dataclass(frozen=True)
class PairOfEncoders:
    """Two encoders, by their places, and how far their spaces agree (None: the store has no vectors of them)."""

    a: int
    b: int
    agreement: EncoderAgreement | None


@dataclass(frozen=True)
class MovingRow:
    """A row by its id, and the mean share of its neighbours that it keeps from encoder to encoder."""

    id: str
    kept: float


@dataclass(frozen=True)
class Axis:
    """Several encoders of the same inputs.

    Attributes
    ----------
    name
        What the sweep is called.
    encoders
        In their order; of checkpoints that of the training.
    checkpoints
        Whether they are steps of one training.
    shared_rows
        Rows that all have.
    by_order
        Whether rows were joined by their order, since no file has ids.
    clusters
        Every cluster of any encoder.
    pairs
        Every pair of encoders.
    moving
        Rows that keep the fewest neighbours, the fewest first.
    notices
        What is worth knowing before all else: encoders that could not be swept, rows that some lack.
    """

    name: str
    encoders: tuple[EncoderFacts, ...]
    checkpoints: bool
    shared_rows: int
    by_order: bool
    clusters: tuple[FollowedCluster, ...]
    pairs: tuple[PairOfEncoders, ...]
    moving: tuple[MovingRow, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class SharedRows:
    """Rows that every encoder has.

    Attributes
    ----------
    ids
        That every encoder has just once, ascending, shape (n,).
    places
        Where they lie in the points of each encoder, shape (n,) each.
    by_order
        Whether no file has ids, so that the same row of every file is taken for the same input.
    """

    ids: np.ndarray
    places: tuple[np.ndarray, ...]
    by_order: bool


def share_rows(encoders: Sequence[EncoderRun]) -> SharedRows:
    """Find the rows that every encoder has, by their ids.

    Raises
    ------
    InputError
        They share too few rows to be encoders of the same inputs.
    """
    known = [
        np.unique(one.run.points["id"].to_numpy(dtype=str), return_index=True, return_counts=True) for one in encoders
    ]
    once = [
        dict(zip(ids[counts == 1].tolist(), rows[counts == 1].tolist(), strict=True)) for ids, rows, counts in known
    ]
    shared = sorted(set.intersection(*(set(own) for own in once)))
    fewest = min(len(one.run.points) for one in encoders)
    by_order = all(_ids_are_places(one.run) for one in encoders)
    if by_order and len({len(one.run.points) for one in encoders}) > 1:
        sizes = ", ".join(f"{one.name} {len(one.run.points):,}" for one in encoders)
        raise InputError(
            f"files without ids have different numbers of rows: {sizes}",
            place="data.encoders",
            rule="without ids the same row of every file is the same input",
            remedy="give every file an id for each row (`data: id:`), so that rows can be joined by it",
        )
    if len(shared) < max(LEAST_ROWS, LEAST_SHARED * fewest):
        smallest = min(once, key=len)
        examples = ", ".join(list(smallest)[:3])
        raise InputError(
            f"{len(shared):,} of {fewest:,} rows are in all encoders",
            place="data.encoders",
            rule="encoders are followed over the same inputs, which have the same ids in every file",
            remedy=f"ids of one of them begin with {examples}; name those of the others alike, or leave ids out where "
            "all files have the same rows in the same order",
        )
    places = tuple(np.array([own[name] for name in shared]) for own in once)
    return SharedRows(np.array(shared), places, by_order)


def build_axis(
    name: str,
    encoders: Sequence[EncoderRun],
    shared: SharedRows,
    pairs: Sequence[PairOfEncoders] = (),
    moving: Sequence[MovingRow] = (),
    *,
    checkpoints: bool = False,
    notices: Sequence[str] = (),
) -> Axis:
    """Follow the clusters of several encoders, and gather what is told of each; numbers of pairs are handed over."""
    partitions = partitions_of(encoders, shared)
    lines = follow_clusters(partitions)
    found = judge_lines(lines, [one.run.clusters for one in encoders])
    named = [
        replace(one, name=_name(one.number, encoders[0].run, shared.places[0][line.rows]))
        for one, line in zip(found, lines, strict=True)
    ]
    told = list(notices)
    if shared.by_order:
        told.append("No file has ids: rows are joined by their order, the same row of every file as the same input.")
    fewer = [(one.name, len(one.run.points)) for one in encoders if len(one.run.points) > len(shared.ids)]
    if fewer:
        sizes = ", ".join(f"{name} has {count:,}" for name, count in fewer)
        told.append(
            f"{len(shared.ids):,} rows are in all encoders, by their ids ({sizes}); the others are not followed."
        )
    return Axis(
        name=name,
        encoders=tuple(map(_facts, encoders)),
        checkpoints=checkpoints,
        shared_rows=len(shared.ids),
        by_order=shared.by_order,
        clusters=_with_names_apart(named),
        pairs=tuple(pairs),
        moving=tuple(moving),
        notices=tuple(told),
    )


def partitions_of(encoders: Sequence[EncoderRun], shared: SharedRows) -> list[Partition]:
    """Return the cluster of every shared row in each encoder, (n,) each; −1 is none."""
    return [
        one.run.points["cluster"].to_numpy(dtype=np.int64)[own]
        for one, own in zip(encoders, shared.places, strict=True)
    ]


# --- clusters -----------------------------------------------------------------------------------------------------


def judge_lines(lines: Sequence[Line], tables: Sequence[pd.DataFrame]) -> list[FollowedCluster]:
    """Put the verdicts of every encoder beside clusters that are followed through all.

    Parameters
    ----------
    tables
        ``clusters`` of every encoder's run, with ``cluster``, ``verdict``, ``p_value`` and ``size``.
    """
    known = [table.set_index("cluster") for table in tables]
    found = [
        FollowedCluster(
            number,
            ClusterName(number),
            int(line.rows.sum()),
            tuple(_member(followed, own) for followed, own in zip(line.through, known, strict=True)),
        )
        for number, line in enumerate(lines, 1)
    ]
    return _with_company(found)


def _member(followed: Followed, clusters: pd.DataFrame) -> Member:
    if followed.fate != "found":
        return Member(followed)
    row = clusters.loc[followed.clusters[0]]
    verdict = "" if pd.isna(row["verdict"]) else str(row["verdict"])
    p = 1.0 if pd.isna(row["p_value"]) else float(row["p_value"])
    return Member(followed, verdict, p, int(row["size"]))


def _name(number: int, run: Run, rows: np.ndarray) -> ClusterName:
    column = next(iter(run.label_columns), "")
    labels = run.points["label"].to_numpy(dtype=object)[rows] if column else []
    counts = Counter(str(label) for label in labels if not pd.isna(label) and str(label).strip())
    if not counts:
        return ClusterName(number)
    value, most = min(counts.items(), key=lambda one: (-one[1], one[0]))
    share = most / len(rows)
    return ClusterName(number, column, value, share) if share > MOST_OF_IT else ClusterName(number)


def _with_names_apart(clusters: Sequence[FollowedCluster]) -> tuple[FollowedCluster, ...]:
    counts = Counter(one.name.value for one in clusters)
    return tuple(replace(one, name=replace(one.name, alone=counts[one.name.value] == 1)) for one in clusters)


def _with_company(clusters: Sequence[FollowedCluster]) -> list[FollowedCluster]:
    """Say of what was merged with which followed clusters it was."""
    return [
        replace(one, members=tuple(_in_company(one, place, clusters) for place in range(len(one.members))))
        for one in clusters
    ]


def _in_company(one: FollowedCluster, place: int, clusters: Sequence[FollowedCluster]) -> Member:
    member = one.members[place]
    if member.followed.fate != "merged":
        return member
    holder = member.followed.clusters[0]
    company = (
        other.number
        for other in clusters
        if other.number != one.number
        and other.members[place].followed.clusters == (holder,)
        and other.members[place].followed.fate == "merged"
    )
    return replace(member, with_lines=tuple(company))


# --- encoders -----------------------------------------------------------------------------------------------------


def _facts(one: EncoderRun) -> EncoderFacts:
    run = one.run
    shown = run.clusters.loc[run.clusters["verdict"].isin(SHOWN), "cluster"]
    return EncoderFacts(
        name=one.name,
        run=run.folder.name,
        rows=len(run.points),
        dimensions=int(run.manifest["data"]["dimensions"]),
        clusters=len(run.clusters),
        shown=len(shown),
        in_shown=float(run.points["cluster"].isin(shown).mean()),
        active=None if run.dimensions.empty else int((run.dimensions["state"] == "active").sum()),
        effective_rank=_estimate(run, "effective_rank"),
        label_purity=_estimate(run, "label_purity"),
        fast=bool(run.manifest.get("fast")),
    )


def _estimate(run: Run, score: str) -> Estimate | None:
    found = run.latent_space[run.latent_space["score"] == score]
    if found.empty:
        return None
    row = found.iloc[0]
    return Estimate(float(row["value"]), None if pd.isna(row["stderr"]) else float(row["stderr"]))


def _ids_are_places(run: Run) -> bool:
    """Return whether ids are nothing but the numbers of rows, given where a file has none."""
    return bool((run.points["id"].astype(str) == run.points["row"].astype(str)).all())
