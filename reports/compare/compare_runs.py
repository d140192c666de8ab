"""Two runs side by side: which clusters appear, vanish, split or merge, which verdicts flip, which scores differ.

Rows of the two are the same where their ids are; so runs of two nights, two checkpoints or two encoders can be
compared, if they encode the same inputs. Clusters are counted over the shared rows only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
import pandas as pd

from steadymap.configs.errors import InputError
from steadymap.reports.clusters.cluster_cards import SHAPES
from steadymap.reports.compare.encoder_agreement import EncoderAgreement, spell_agreement
from steadymap.reports.compare.match_clusters import HALF, NO_CLUSTER, Matching, Partition, match_clusters
from steadymap.reports.compare.registration import LaidOver, lay_over
from steadymap.reports.compare.score_changes import ScoreChange, compare_scores
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import count, list_names, spell_configuration, spell_p, spell_share

LEAST_SHARED = 0.1
"""Of the rows of the smaller run so many must be in the other one, or nothing is said about clusters."""

LEAST_ROWS = 10

MOST_TOLD = 6
"""Clusters or scores that a sentence names; the rest are counted."""

RESIZED = 0.1
"""A cluster that gained or lost more than this share of its rows is told of."""

SOUGHT_IN_NEITHER = "Neither run sought clusters: all pictures have three dimensions."

Fate = Literal["kept", "reshaped", "split", "merged", "vanished", "split off", "appeared", "not compared"]

Namer = Callable[[int], str]

SHOWN = ("REAL", "HIDDEN")
"""Verdicts of clusters that held-out rows have shown."""

WITHIN_CHANCE = ", within what other halves or settings would show"
"""What is said of verdicts that are others now, and not beyond chance."""

CLEAR_ERRORS = 2.0
"""Standard errors by which shares of halves, or of settings, differ beyond chance."""


@dataclass(frozen=True)
class ClusterPart:
    """A cluster of the other run, the rows it has in common with this one, and how large that is of either.

    Attributes
    ----------
    cluster, rows
        Its number, and the rows of both.
    share, share_of_it
        Of the cluster that is told about, and of the part itself.
    """

    cluster: int
    rows: int
    share: float
    share_of_it: float


@dataclass(frozen=True)
class Facts:
    """A cluster of one run: its rows in all and among the shared ones, its most frequent label, its verdict.

    ``halves`` tested it, of which ``proving`` separate it; ``settings`` were drawn, of which ``showing`` show it; 0
    where that is not known. ``night`` is that of the verdict, where it is not that of the run.
    """

    cluster: int
    size: int
    shared: int
    label: str
    verdict: str
    p: str
    halves: int = 0
    proving: int = 0
    settings: int = 0
    showing: int = 0
    night: str = ""

    @property
    def shown(self) -> bool:
        """Whether held-out rows have shown it."""
        return self.verdict in SHOWN

    @property
    def shape(self) -> str:
        """The shape that stands for the verdict, empty where nothing was tested."""
        return SHAPES.get(self.verdict, "◇") if self.verdict else ""


@dataclass(frozen=True)
class ClusterChange:
    """What became of a cluster of A, or where a new one of B comes from.

    Attributes
    ----------
    fate
        What happened; ``appeared`` and ``split off`` are told of clusters of B, all else of clusters of A.
    cluster
        The one that it happened to.
    parts
        Clusters of the other run that the fate is about; where it vanished or appeared, all that hold rows of it.
    partner
        The cluster of B that it is now, None unless it was kept or reshaped.
    jaccard
        With the partner, over the shared rows.
    """

    fate: Fate
    cluster: Facts
    parts: tuple[ClusterPart, ...]
    partner: Facts | None = None
    jaccard: float | None = None

    @property
    def is_new(self) -> bool:
        """Whether the cluster is one of B."""
        return self.fate in ("appeared", "split off")

    @property
    def flipped(self) -> bool:
        """Whether its verdict is another now."""
        return self.partner is not None and self.partner.verdict != self.cluster.verdict

    @property
    def flipped_beyond_chance(self) -> bool:
        """Whether its verdict is another now, and not for what other halves or settings would have shown of it.

        Whether a valley is shown turns on how many halves show it; whether it is REAL or HIDDEN then, on how many
        settings do. Two shares that differ by less than two standard errors are one share, and then the verdict has not
        changed, only its luck.
        """
        if not self.flipped or self.partner is None:
            return False
        both = (self.cluster, self.partner)
        if self.cluster.shown != self.partner.shown:
            return _differ([(one.proving, one.halves) for one in both])
        return not self.cluster.shown or _differ([(one.showing, one.settings) for one in both])

    @property
    def growth(self) -> float:
        """Rows of the partner, over those of the cluster, minus 1; 0 without partner."""
        return 0.0 if self.partner is None else self.partner.size / self.cluster.size - 1

    @property
    def changed(self) -> bool:
        """Whether anything at all is different."""
        return self.fate != "kept" or self.flipped or self.growth != 0 or self.jaccard != 1.0


def _differ(shares: Sequence[tuple[int, int]]) -> bool:
    """Say whether two shares, each so many of so many, differ by more than chance; so they do where none is known."""
    if min(of for _, of in shares) == 0:
        return True
    before, now = (part / of for part, of in shares)
    error = sqrt(sum((part + 1) * (of - part + 1) / (of + 2) ** 3 for part, of in shares))
    return abs(now - before) > CLEAR_ERRORS * error


@dataclass(frozen=True)
class Side:
    """One of the two runs: its names, its rows, the share of them that the other has, and its verdicts in words.

    ``sought`` says whether it looked for clusters: they are read off flat pictures only.
    """

    run: str
    name: str
    rows: int
    share: float
    clusters: int
    verdicts: str
    sought: bool = True


@dataclass(frozen=True)
class Comparison:
    """Two runs, A before and B after.

    Attributes
    ----------
    a, b
        The runs.
    shared_rows
        Rows that both have, by their ids.
    notices
        What has to be known before anything is believed.
    circumstances
        What is not the same about the runs: name, A, B.
    clusters
        What happened to the clusters of A, then where new ones of B come from; empty unless both runs sought them.
    after
        Every cluster of B by its number; empty likewise.
    scores
        Scores of the settings that both have drawn.
    purity
        Share of rows whose label is the most frequent of their cluster, in A and B; None without labels.
    recommended
        Settings that A and B recommend.
    matching
        The counts under all this.
    pictures
        A picture of B laid over that of A; None where there is no such pair.
    encoders
        How far the latent vectors agree; None where nobody compared them.
    """

    a: Side
    b: Side
    shared_rows: int
    notices: tuple[str, ...]
    circumstances: tuple[tuple[str, str, str], ...]
    clusters: tuple[ClusterChange, ...]
    after: dict[int, Facts]
    scores: tuple[ScoreChange, ...]
    purity: tuple[float, float] | None
    recommended: tuple[tuple[str, ...], tuple[str, ...]]
    matching: Matching
    pictures: LaidOver | None = None
    encoders: EncoderAgreement | None = None

    @property
    def nothing_changed(self) -> bool:
        """Whether clusters and scores are the same to the last row."""
        scores = all(one.differs == "the same" for one in self.scores)
        same = self.recommended[0] == self.recommended[1] and self.a.rows == self.b.rows
        same = same and self.a.sought == self.b.sought
        return scores and same and not any(one.changed for one in self.clusters)

    @property
    def score_changes(self) -> tuple[ScoreChange, ...]:
        """Scores that differ by more than seeds do, or draws of scored rows."""
        return tuple(one for one in self.scores if one.differs == "beyond chance")

    @property
    def dropped(self) -> tuple[ScoreChange, ...]:
        """Scores that are worse by more than chance, the recommended settings first; of vectors, those that can be."""
        worse = [one for one in self.score_changes if one.difference < 0 and one.may_drop]
        return tuple(sorted(worse, key=lambda one: not one.recommended))


def compare_runs(a: Run, b: Run, encoders: EncoderAgreement | None = None) -> Comparison:
    """Compare two runs over the rows that both have; ``encoders`` is what is known of their latent vectors.

    Raises
    ------
    InputError
        They have too few rows in common.
    """
    rows, notices = _shared_rows(a, b)
    matching = match_clusters(_partition(rows["cluster_a"]), _partition(rows["cluster_b"]))
    # Where one run did not look for clusters, the other's have neither appeared nor vanished.
    comparable = a.seeks_clusters and b.seeks_clusters
    facts_a, facts_b = (_facts(a, matching.before), _facts(b, matching.after)) if comparable else ({}, {})
    return Comparison(
        a=_side(a, len(rows)),
        b=_side(b, len(rows)),
        shared_rows=len(rows),
        notices=(*notices, *_notices(a, b, rows)),
        circumstances=_circumstances(a, b),
        clusters=(*_fates(matching, facts_a, facts_b), *_origins(matching, facts_b)),
        after=facts_b,
        scores=compare_scores(a, b),
        purity=_purity(a, b),
        recommended=(_recommended(a), _recommended(b)),
        matching=matching,
        pictures=lay_over(a, b),
        encoders=encoders,
    )


# --- rows ---------------------------------------------------------------------------------------------------------


def _shared_rows(a: Run, b: Run) -> tuple[pd.DataFrame, list[str]]:
    """Join the rows of two runs by id; an id that a run has twice says nothing and is left out."""
    points, notices = [], []
    for letter, run in (("A", a), ("B", b)):
        ambiguous = run.points["id"].duplicated(keep=False)
        if ambiguous.any():
            notices.append(f"{count(int(ambiguous.sum()), 'row')} of {letter} left out: another row has the same id.")
        points.append(run.points.loc[~ambiguous, ["id", "label", "cluster"]])
    shared = points[0].merge(points[1], on="id", suffixes=("_a", "_b"))
    smaller = min(len(a.points), len(b.points))
    share = len(shared) / smaller if smaller else 0.0
    if share < LEAST_SHARED or len(shared) < LEAST_ROWS:
        raise InputError(
            f"{a.manifest['run']} and {b.manifest['run']} have {count(len(shared), 'row')} in common, "
            f"{spell_share(share)} of the smaller run",
            rule=f"rows are the same where their ids are; at least {spell_share(LEAST_SHARED)} and {LEAST_ROWS} rows",
            remedy="give both the ids of their inputs (an array or column `id`), and compare runs of the same inputs",
        )
    if share < HALF:
        notices.append(
            f"Only {spell_share(share)} of the smaller run are in the other one; all that follows is of them."
        )
    return shared, notices


def _partition(clusters: pd.Series) -> Partition:
    return np.asarray(clusters.fillna(NO_CLUSTER), dtype=np.int64)


def _notices(a: Run, b: Run, rows: pd.DataFrame) -> list[str]:
    found = []
    by_number = [bool((run.points["id"] == run.points["row"].astype(str)).all()) for run in (a, b)]
    if all(by_number) and a.manifest["data"]["digest"] != b.manifest["data"]["digest"]:
        found.append("Neither run has ids of its own: rows are taken to be the same where their numbers are.")
    same_label = a.manifest["data"]["labels"][:1] == b.manifest["data"]["labels"][:1]
    known = rows["label_a"].notna() & rows["label_b"].notna()
    other = int((rows["label_a"] != rows["label_b"])[known].sum())
    if same_label and other:
        told = f"{other:,} of {count(int(known.sum()), 'shared row')} with a label"
        found.append(f"{told} have another one in B: are they the same inputs?")
    if bool(a.manifest.get("fast")) != bool(b.manifest.get("fast")):
        letter = "A" if a.manifest.get("fast") else "B"
        found.append(f"{letter} is a fast run, with less evidence for verdicts: a flip may be no more than that.")
    return found


# --- what is compared ---------------------------------------------------------------------------------------------


def _side(run: Run, shared: int) -> Side:
    verdicts = Counter(run.clusters["verdict"].dropna())
    told = ", ".join(f"{shape} {verdicts[word]} {word}" for word, shape in SHAPES.items() if verdicts[word])
    return Side(
        run=run.manifest["run"],
        name=run.manifest["name"],
        rows=len(run.points),
        share=shared / max(len(run.points), 1),
        clusters=len(run.clusters),
        verdicts=told or ("nothing was tested" if run.seeks_clusters else "clusters were not sought"),
        sought=run.seeks_clusters,
    )


def _facts(run: Run, shared: dict[int, int]) -> dict[int, Facts]:
    rows = run.clusters.to_dict("records")
    return {int(row["cluster"]): facts_of(row, shared.get(int(row["cluster"]), 0)) for row in rows}


def facts_of(row: Mapping[Any, Any], shared: int) -> Facts:
    """Read a cluster from a row of ``clusters.parquet``, or of the record of nights; what is null is not known."""

    def number(name: str) -> int:
        return 0 if pd.isna(row[name]) else int(row[name])

    return Facts(
        cluster=int(row["cluster"]),
        size=int(row["size"]),
        shared=shared,
        label="" if pd.isna(row["label"]) else str(row["label"]),
        verdict="" if pd.isna(row["verdict"]) else str(row["verdict"]),
        p="" if pd.isna(row["p_value"]) else spell_p(float(row["p_value"])),
        halves=number("halves"),
        proving=number("halves_proving"),
        settings=number("configurations"),
        showing=number("recovered"),
    )


def _fates(matching: Matching, before: dict[int, Facts], after: dict[int, Facts]) -> list[ClusterChange]:
    found = []
    for a, facts in before.items():
        if a in matching.kept or a in matching.reshaped:
            b = matching.kept[a] if a in matching.kept else matching.reshaped[a]
            fate: Fate = "kept" if a in matching.kept else "reshaped"
            found.append(ClusterChange(fate, facts, _parts(matching, a, (b,)), after[b], matching.jaccard(a, b)))
        elif a in matching.split:
            found.append(ClusterChange("split", facts, _parts(matching, a, matching.split[a])))
        elif a in matching.merged:
            found.append(ClusterChange("merged", facts, _parts(matching, a, (matching.merged[a],))))
        elif a in matching.vanished:
            found.append(ClusterChange("vanished", facts, _parts(matching, a, tuple(after))))
        else:
            found.append(ClusterChange("not compared", facts, ()))
    return found


def _parts(matching: Matching, a: int, of: Sequence[int]) -> tuple[ClusterPart, ...]:
    parts = [
        ClusterPart(b, matching.shared[a, b], matching.share(a, b), matching.share_of_after(a, b))
        for b in of
        if (a, b) in matching.shared
    ]
    return tuple(sorted(parts, key=lambda part: (-part.rows, part.cluster)))


def _origins(matching: Matching, after: dict[int, Facts]) -> list[ClusterChange]:
    found = []
    for b, facts in after.items():
        if b in matching.split_off or b in matching.appeared:
            of = [matching.split_off[b]] if b in matching.split_off else list(matching.before)
            parts = [
                ClusterPart(a, matching.shared[a, b], matching.share_of_after(a, b), matching.share(a, b))
                for a in of
                if (a, b) in matching.shared
            ]
            fate: Fate = "split off" if b in matching.split_off else "appeared"
            found.append(ClusterChange(fate, facts, tuple(sorted(parts, key=lambda one: (-one.rows, one.cluster)))))
    return found


def _purity(a: Run, b: Run) -> tuple[float, float] | None:
    found = []
    for run in (a, b):
        known = run.clusters.dropna(subset=["label_share"])
        if known.empty:
            return None
        found.append(float((known["label_share"] * known["size"]).sum() / known["size"].sum()))
    return found[0], found[1]


def _recommended(run: Run) -> tuple[str, ...]:
    return tuple(run.recommendations.loc[run.recommendations["recommended"], "configuration"])


def _circumstances(a: Run, b: Run) -> tuple[tuple[str, str, str], ...]:
    """List what is not the same about two runs: name, A, B."""
    told = [_describe(run) for run in (a, b)]
    names = dict.fromkeys([*told[0], *told[1]])
    return tuple(
        (name, told[0].get(name, "–"), told[1].get(name, "–"))
        for name in names
        if told[0].get(name) != told[1].get(name)
    )


def _describe(run: Run) -> dict[str, str]:
    manifest, data = run.manifest, run.manifest["data"]
    settings = dict.fromkeys(run.grid["configuration"])
    return {
        "Data": data["source"],
        "Digest of the data": data["digest"],
        "Rows": f"{data['rows']:,}",
        "Dimensions": f"{data['dimensions']:,}",
        **{f"Preprocessing: {name}": str(value) for name, value in manifest["preprocess"].items()},
        "Seeds": ", ".join(map(str, manifest["seeds"])),
        "Kind of run": "fast" if manifest.get("fast") else "full",
        **{spell_configuration(name): "drawn" for name in settings},
        **{f"Version of {name}": str(version) for name, version in manifest["versions"].items()},
    }


# --- sentences ----------------------------------------------------------------------------------------------------


def spell_changes(found: Comparison, before: Namer, after: Namer) -> tuple[str, ...]:
    """Say what changed, the most important first; ``before`` and ``after`` name clusters of A and B by number."""
    if found.nothing_changed:
        same = "the same clusters to the last row, the same verdicts, the same scores."
        if not found.a.sought:
            same = f"the same scores. {SOUGHT_IN_NEITHER}"
        return (f"Nothing changed: {same}", *spell_agreement(found.encoders))
    told = [
        *_tell_flips(found, before, after),
        *_tell_losses(found, before, after),
        *_tell_new(found, before, after),
        *_tell_sizes(found, before, after),
        *_tell_scores(found),
    ]
    return (_tell_kept(found), *told, *spell_agreement(found.encoders))


def _tell_kept(found: Comparison) -> str:
    if not (found.a.sought or found.b.sought):
        return SOUGHT_IN_NEITHER
    if not (found.a.sought and found.b.sought):
        one, other = ("this run", "the earlier one") if found.a.sought else ("the earlier run", "this one")
        number = found.a.clusters if found.a.sought else found.b.clusters
        return (
            f"Clusters are not compared: {one} sought none, as all of its pictures have three dimensions; "
            f"{other} has {number}."
        )
    of = [one for one in found.clusters if not one.is_new]
    kept = sum(one.fate == "kept" for one in of)
    same = sum(not one.changed for one in of)
    if not of and not found.b.clusters:
        return "Neither run has a cluster."
    if not of:
        return f"The earlier run has no clusters, this one has {found.b.clusters}."
    lead = f"{kept} of {count(len(of), 'cluster')} {'is' if kept == 1 else 'are'} found again"
    return f"{lead}, {same} of them unchanged." if same else f"{lead}."


def _tell_flips(found: Comparison, before: Namer, after: Namer) -> list[str]:
    flips: dict[tuple[bool, str, str], list[str]] = {}
    for one in found.clusters:
        if one.flipped and one.partner is not None:
            name = f"{after(one.partner.cluster)} ({before(one.cluster.cluster)})"
            flips.setdefault((not one.flipped_beyond_chance, one.partner.verdict, one.cluster.verdict), []).append(name)
    order = [*SHAPES, ""]
    return [
        f"{count(len(names), 'cluster')} became {new or 'untested'}, {old or 'untested'} before"
        f"{WITHIN_CHANCE if by_chance else ''}: {list_names(names, most=MOST_TOLD)}."
        for (by_chance, new, old), names in sorted(
            flips.items(), key=lambda one: (one[0][0], *(order.index(word) for word in one[0][1:]))
        )
    ]


def _tell_losses(found: Comparison, before: Namer, after: Namer) -> list[str]:
    by_fate: dict[Fate, list[ClusterChange]] = {}
    for one in found.clusters:
        by_fate.setdefault(one.fate, []).append(one)
    told = []
    if gone := by_fate.get("vanished"):
        names = [_with_verdict(before(one.cluster.cluster), one.cluster) for one in gone]
        told.append(f"{count(len(gone), 'cluster')} vanished: {list_names(names, most=MOST_TOLD)}.")
    if split := by_fate.get("split"):
        names = [f"{before(one.cluster.cluster)} into {_into(one, after)}" for one in split]
        told.append(f"{count(len(split), 'cluster')} split: {list_names(names, most=MOST_TOLD)}.")
    if merged := by_fate.get("merged"):
        names = [f"{before(one.cluster.cluster)} into {_into(one, after)}" for one in merged]
        told.append(f"{count(len(merged), 'cluster')} merged: {list_names(names, most=MOST_TOLD)}.")
    if reshaped := by_fate.get("reshaped"):
        names = [f"{before(one.cluster.cluster)} into {after(one.partner.cluster)}" for one in reshaped if one.partner]
        told.append(f"{count(len(reshaped), 'cluster')} reshaped: {list_names(names, most=MOST_TOLD)}.")
    return told


def _into(one: ClusterChange, name: Namer) -> str:
    return ", ".join(f"{name(part.cluster)} ({spell_share(part.share)})" for part in one.parts)


def _tell_new(found: Comparison, before: Namer, after: Namer) -> list[str]:
    told = []
    new = [one for one in found.clusters if one.fate == "appeared"]
    if new:
        names = [_with_verdict(after(one.cluster.cluster), one.cluster) for one in new]
        told.append(f"{count(len(new), 'cluster')} appeared: {list_names(names, most=MOST_TOLD)}.")
    parts = [one for one in found.clusters if one.fate == "split off"]
    if parts:
        names = [f"{after(one.cluster.cluster)} from {before(one.parts[0].cluster)}" for one in parts]
        told.append(f"{count(len(parts), 'cluster')} split off: {list_names(names, most=MOST_TOLD)}.")
    return told


def _with_verdict(name: str, facts: Facts) -> str:
    return f"{name} ({facts.verdict})" if facts.verdict else name


def _tell_sizes(found: Comparison, before: Namer, after: Namer) -> list[str]:
    names = [
        f"{after(one.partner.cluster)} ({before(one.cluster.cluster)}, {one.growth:+.0%})".replace("%", "\u00a0%")
        for one in found.clusters
        if one.partner is not None and abs(one.growth) > RESIZED
    ]
    if not names:
        return []
    number, whose = count(len(names), "cluster"), "its" if len(names) == 1 else "their"
    return [f"{number} gained or lost more than a tenth of {whose} rows: {list_names(names, most=MOST_TOLD)}."]


def _tell_scores(found: Comparison) -> list[str]:
    changes = sorted(found.score_changes, key=lambda one: not one.recommended)
    told = []
    if changes:
        names = [f"{one.setting}, {one.title} {one.before.value:.3f} to {one.after.value:.3f}" for one in changes]
        lead = f"{len(changes)} of {count(len(found.scores), 'score')} differ beyond chance"
        told.append(f"{lead}: {list_names(names, most=3)}.")
    elif found.scores and not all(one.differs == "the same" for one in found.scores):
        told.append("No score differs beyond chance.")
    if found.recommended[0] != found.recommended[1]:
        sets = [
            list_names([spell_configuration(name) for name in names], most=MOST_TOLD) if names else "none"
            for names in found.recommended
        ]
        told.append(f"Recommended is now {sets[1]}; before, {sets[0]}.")
    return told
