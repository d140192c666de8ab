"""What a night says of a sweep: new and lost clusters, flipped verdicts, scores that dropped, cells that failed.

Clusters are spoken of by lasting numbers (C1, C2, …), which they keep from night to night as long as they are found
again; a run numbers its clusters anew. What counts as a change is said in ``reports.compare.news``, for the list of
runs as well. Scores that rose are said, too, and wake nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from steadymap.configs.schemas import WITHOUT_FAULT
from steadymap.reports.compare.compare_runs import ClusterChange, Comparison, Facts, facts_of
from steadymap.reports.compare.drift import Drift
from steadymap.reports.compare.news import FOUND_AGAIN, GONE, News, find_news
from steadymap.reports.compare.score_changes import ScoreChange
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import count, list_names, spell_share

Kind = Literal["cluster.new", "cluster.lost", "verdict.flipped", "score.dropped", "cells.failed", "sweep.failed"]

Silent = Literal["score.moved"]
"""What is always quiet: it has no event."""

MOST_LISTED, MOST_PARTS = 20, 4

DAY = len("2026-01-01")


@dataclass(frozen=True)
class Change:
    """One thing that a night says.

    Attributes
    ----------
    kind
        Which; the name of its event, where it has one.
    sentence
        In words.
    subject
        What it is about within the sweep: a lasting number, or empty.
    labels
        Short facts that an automation can match.
    facts
        The numbers behind the sentence.
    brief
        The same in a few words, for a list of runs: ``C4 (elm): REAL → UNCERTAIN``.
    quiet
        Whether it wakes nobody: it is said and recorded, and no event tells of it.
    """

    kind: Kind | Silent
    sentence: str
    subject: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    brief: str = ""
    quiet: bool = False


OF_VERDICTS = ("cluster.new", "cluster.lost", "verdict.flipped")
"""Changes that rest on the held-out test."""

HALVES_OF_ONE_SPLIT = 2

ONE_SPLIT = "Verdicts rest on one split of the rows, where chance alone may flip them: no alert was sent of them."


def rests_on_one_split(run: Run) -> bool:
    """Say whether a run's verdicts come from one pair of halves, as those of ``--fast`` do."""
    if run.manifest.get("fast"):
        return True
    parts = run.cells["resample"].dropna().astype(str)
    halves = {part.rstrip("ab") for part in parts if part.startswith("half ")}
    return len(halves) == 1


def quieten(changes: list[Change], before: Run, after: Run) -> list[Change]:
    """Let changes of verdicts wake nobody where either of the two rests on one split only."""
    then, now = rests_on_one_split(before), rests_on_one_split(after)
    return [
        replace(one, quiet=one.quiet or (one.kind in OF_VERDICTS and (now or (then and not one.facts.get("since")))))
        for one in changes
    ]


def carry_numbers(found: Comparison | None, after: Run, before: Mapping[int, int], first_free: int) -> dict[int, int]:
    """Give every cluster of a run its lasting number: the one it had, where it is found again, else a new one.

    Parameters
    ----------
    found
        The comparison with the night before; None in a first night.
    after
        The run.
    before
        Lasting numbers of the night before, by its own numbers.
    first_free
        The first number that no cluster has had.
    """
    again = {
        one.partner.cluster: before[one.cluster.cluster]
        for one in (found.clusters if found is not None else ())
        if one.fate in FOUND_AGAIN and one.partner is not None and one.cluster.cluster in before
    }
    numbers: dict[int, int] = {}
    for cluster in (int(number) for number in after.clusters["cluster"]):
        numbers[cluster] = again.get(cluster, first_free)
        first_free += cluster not in again
    return numbers


def stand_by(found: Comparison, standing: Mapping[int, Mapping[str, Any]]) -> Comparison:
    """Compare with the verdicts that stand, where those of the night before were others by no more than chance.

    So a verdict that sways is told of once it has gone far enough, and one that slips away a little every night is told
    of in the end.

    Parameters
    ----------
    found
        The comparison with the night before.
    standing
        Rows of ``NIGHT_CLUSTERS`` by the clusters of that night; ``nights.Past.standing``.
    """
    return replace(found, clusters=tuple(_stand_by(one, standing, found.a.run) for one in found.clusters))


def _stand_by(one: ClusterChange, standing: Mapping[int, Mapping[str, Any]], run: str) -> ClusterChange:
    stood = None if one.is_new else standing.get(one.cluster.cluster)
    if stood is None or stood["run"] == run:
        return one
    now = one.cluster
    facts = replace(facts_of(stood, now.shared), cluster=now.cluster, label=now.label, night=str(stood["night"]))
    return replace(one, cluster=facts)


def still_standing(found: Comparison, standing: Mapping[int, Mapping[str, Any]], after: Run) -> dict[int, str]:
    """Say of which clusters of a run an earlier night's verdict stands, and which night's: they are others by chance.

    A verdict that rests on one split of the rows never takes the place of one that rests on more, nor does none at all.
    """
    fickle = rests_on_one_split(after)
    kept = {}
    for one in found.clusters:
        stood = None if one.is_new else standing.get(one.cluster.cluster)
        if one.fate not in FOUND_AGAIN or one.partner is None or stood is None:
            continue
        swayed = one.flipped and not one.flipped_beyond_chance
        if not one.partner.verdict or swayed or (fickle and (stood["halves"] or 0) > HALVES_OF_ONE_SPLIT):
            kept[one.partner.cluster] = str(stood["night"])
    return kept


def find_night_changes(found: Comparison, before: Mapping[int, int], after: Mapping[int, int]) -> list[Change]:
    """List what changed between two nights; ``before`` and ``after`` are lasting numbers by those of the runs.

    The gravest comes first, since headlines are cut: verdicts that flipped, then what was lost, then what is new.
    """
    news = find_news(found)
    return [
        *(_flip(one, one.partner, after) for one in news.flipped if one.partner is not None),
        *(_lost(one, before, after) for one in news.lost),
        *(_new(facts, after, _origin(found, facts, before)) for facts in news.new),
        *_dropped(news),
        *_moved(news),
    ]


def find_failures(after: Run) -> Change | None:
    """Say which cells of a run have no picture; None where all have."""
    lost = after.cells[~after.cells["status"].isin(WITHOUT_FAULT)]
    if lost.empty:
        return None
    reasons = [f"{status}: {reason}" for status, reason in lost[["status", "reason"]].drop_duplicates().to_numpy()]
    told = f"{count(len(lost), 'cell')} of {len(after.cells):,} failed: {list_names(reasons)}."
    facts = {"failed": len(lost), "cells": len(after.cells), "reasons": reasons[:MOST_LISTED]}
    brief = f"{count(len(lost), 'cell')} failed"
    return Change("cells.failed", told, labels={"failed": str(len(lost))}, facts=facts, brief=brief)


def spell_rest(found: Comparison, drift: Drift) -> list[str]:
    """Say in two sentences what no change of its own says: how many clusters were found again, and the drift."""
    of = [one for one in found.clusters if not one.is_new]
    again = sum(one.fate in FOUND_AGAIN for one in of)
    told = [f"{again} of {count(len(of), 'cluster')} found again."] if of else []
    return [*told, drift.sentence] if drift.sentence else told


def name_cluster(lasting: int | None, facts: Facts) -> str:
    """Name a cluster by its lasting number and its most frequent label."""
    name = f"C{lasting}" if lasting is not None else f"cluster {facts.cluster}"
    return f"{name} ({facts.label})" if facts.label else name


def _new(facts: Facts, after: Mapping[int, int], origin: str) -> Change:
    name = name_cluster(after[facts.cluster], facts)
    return Change(
        "cluster.new",
        f"New {facts.verdict} cluster: {name}, {count(facts.size, 'row')}{origin}.",
        subject=str(after[facts.cluster]),
        labels={"verdict": facts.verdict},
        facts={"lasting": after[facts.cluster], "cluster": facts.cluster, **_facts(facts)},
        brief=f"{name}: new, {facts.verdict}",
    )


def _origin(found: Comparison, facts: Facts, before: Mapping[int, int]) -> str:
    """Say which cluster of the night before a new one lies in mostly, if there is one."""
    matching = found.matching
    for one in found.clusters:
        a, b = one.cluster.cluster, facts.cluster
        if not one.is_new and (a, b) in matching.shared and matching.share_of_after(a, b) > 0.5:
            share = spell_share(matching.share_of_after(a, b))
            return f", {share} of them from {name_cluster(before.get(a), one.cluster)}"
    return ""


def _lost(one: ClusterChange, before: Mapping[int, int], after: Mapping[int, int]) -> Change:
    facts, lasting = one.cluster, before.get(one.cluster.cluster)
    parts = ", ".join(f"C{after[part.cluster]} ({spell_share(part.share)})" for part in one.parts[:MOST_PARTS])
    fate = GONE if one.fate == "not compared" else one.fate
    if fate == GONE:
        how = "none of its rows is in the data any more"
    elif fate == "vanished":
        how = f"its rows are in {parts}" if parts else "its rows are in no cluster"
    else:
        how = f"it {one.fate} into {parts}"
    return Change(
        "cluster.lost",
        f"Lost {facts.verdict} cluster: {name_cluster(lasting, facts)}, {count(facts.size, 'row')}; {how}.",
        subject=str(lasting if lasting is not None else f"before-{facts.cluster}"),
        labels={"verdict": facts.verdict, "fate": fate},
        facts={
            "lasting": lasting,
            "fate": fate,
            "into": [after[part.cluster] for part in one.parts] if fate != "vanished" else [],
            **_facts(facts),
            **_since(one),
        },
        brief=f"{name_cluster(lasting, facts)}: {facts.verdict}, {fate}",
    )


def _flip(one: ClusterChange, now: Facts, after: Mapping[int, int]) -> Change:
    old, new = one.cluster.verdict, now.verdict
    name = name_cluster(after[now.cluster], now)
    numbers = (
        f"{now.p or 'no p'}, {one.cluster.p or 'no p'} before; {count(now.size, 'row')}, {one.cluster.size:,} before"
    )
    then = {"before": old, "rows_before": one.cluster.size, "p_before": one.cluster.p, **_since(one)}
    return Change(
        "verdict.flipped",
        f"Flipped verdict: {name} became {new}, {old} {_when(one)} ({numbers}).",
        subject=str(after[now.cluster]),
        labels={"before": old, "verdict": new},
        facts={"lasting": after[now.cluster], "cluster": now.cluster, **then, **_facts(now)},
        brief=f"{name}: {old} → {new}",
    )


def _when(one: ClusterChange) -> str:
    """Say when a cluster had the verdict that it has no longer."""
    return f"until the night of {one.cluster.night[:DAY]}" if one.cluster.night else "before"


def _since(one: ClusterChange) -> dict[str, str]:
    """Name the night whose verdict stood, where that is not the one before."""
    return {"since": one.cluster.night} if one.cluster.night else {}


def _facts(facts: Facts) -> dict[str, Any]:
    return {"label": facts.label, "verdict": facts.verdict, "rows": facts.size, "p": facts.p}


def _dropped(news: News) -> list[Change]:
    """Put all scores that fell by more than chance into one change."""
    worse, brief = news.dropped, news.dropped_briefly
    if not worse:
        return []
    told = f"{brief} beyond the noise of seeds: {_name_scores(worse)}."
    facts = {"dropped": len(worse), "scores": [_score(one) for one in worse[:MOST_LISTED]]}
    return [Change("score.dropped", told, labels={"dropped": str(len(worse))}, facts=facts, brief=brief)]


def _moved(news: News) -> list[Change]:
    """Put all scores that rose by more than chance into one change: no reason to wake anyone, and none to be silent."""
    moved, brief = news.others, news.others_briefly
    if not moved:
        return []
    told = f"{brief} beyond the noise of seeds: {_name_scores(moved)}."
    facts = {"moved": len(moved), "scores": [_score(one) for one in moved[:MOST_LISTED]]}
    return [Change("score.moved", told, facts=facts, brief=brief, quiet=True)]


def _name_scores(scores: Sequence[ScoreChange]) -> str:
    return list_names([f"{one.setting}, {one.title} {one.before.value:.3f} to {one.after.value:.3f}" for one in scores])


def _score(one: ScoreChange) -> dict[str, Any]:
    return {
        "configuration": one.configuration or None,
        "score": one.score,
        "k": one.k,
        "before": one.before.value,
        "after": one.after.value,
        "p": one.p,
        "recommended": one.recommended,
    }
