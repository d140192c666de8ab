"""What several encoders say together, in sentences: for the page, the terminal and Prefect."""

from __future__ import annotations

from collections.abc import Sequence

from steadymap.reports.encoders.axis import ALPHA, Axis, FollowedCluster, Member
from steadymap.reports.pictures.label_codes import natural_order
from steadymap.reports.run.cluster_names import list_clusters
from steadymap.reports.wording import NARROW_SPACE, Estimate, count, join_words, spell_share

MOST_TOLD = 8
"""Clusters that a sentence names."""

MOST_ROWS = 5

LEVEL = f"{100 * ALPHA:.0f}{NARROW_SPACE}%"

FATES = {
    "merged": "merged with others",
    "split": "split",
    "missing": "missing",
}


def spell_axis(axis: Axis) -> tuple[str, ...]:
    """Say which clusters all encoders show, which some, which none, and how alike the spaces are."""
    clusters = _tell_training(axis) if axis.checkpoints else [*_tell_clusters(axis), *_tell_empty_encoders(axis)]
    return (*clusters, *spell_spaces(axis), *_tell_rows(axis))


def spell_member(member: Member) -> str:
    """Say in two or three words what a cluster is in one encoder."""
    if member.followed.fate == "found":
        return member.verdict or "not tested"
    if member.followed.fate == "split":
        return f"split into {len(member.followed.clusters)}"
    if member.with_lines:
        return f"merged with {', '.join(f'C{number}' for number in member.with_lines)}"
    return FATES[member.followed.fate]


def spell_spaces(axis: Axis) -> tuple[str, ...]:
    """Say how far the latent spaces agree, over all pairs of encoders."""
    agreements = [pair.agreement for pair in axis.pairs if pair.agreement is not None]
    if not agreements:
        return ()
    if all(one.same for one in agreements):
        return ("Nothing changed between the encoders: each is the first but for a turn, mirroring and scale.",)
    cka = _range([one.cka.estimate for one in agreements])
    kept = [one.kept.estimate for one in agreements]
    low, high = (spell_share(pick(one.value for one in kept)) for pick in (min, max))
    error = spell_share(max(one.stderr or 0.0 for one in kept))
    chance = spell_share(agreements[0].kept.chance or 0.0)
    between = low if low == high else f"{low} to {high}"
    return (
        f"Latent spaces, over {count(len(agreements), 'pair')} of encoders: linear CKA {cka} (unrelated spaces: "
        f"{max(one.cka.chance or 0.0 for one in agreements):.3f}); of a row's {agreements[0].k} nearest {between} stay "
        f"its nearest (± at most {error}, chance {chance}).",
    )


def _range(estimates: Sequence[Estimate]) -> str:
    values = sorted(estimates, key=lambda one: one.value)
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"


def _tell_training(axis: Axis) -> list[str]:
    """Say what is shown at the end of a training, since when, and what was shown on the way and is not any more."""
    last = axis.encoders[-1].name
    since: dict[int, list[FollowedCluster]] = {}
    for one in axis.clusters:
        if one.members[-1].shown:
            since.setdefault(_begin(one), []).append(one)
    if since:
        parts = [f"{_names(own)} (since {axis.encoders[begin].name})" for begin, own in sorted(since.items())]
        lead = f"REAL at {last}: {'; '.join(parts)}."
    else:
        lead = f"No cluster is shown by held-out rows at {last}."
    told = [f"{lead} Every checkpoint is tested for itself, with a chance of {LEVEL} that any REAL in it is false."]
    gone = [one for one in axis.clusters if one.shown and not one.members[-1].shown]
    if gone:
        names = [f"{one.name.full} ({spell_member(one.members[-1])})" for one in gone[:MOST_TOLD]]
        told.append(f"Shown on the way, and not at {last}: {spell_list(names)}.")
    none = [one for one in axis.clusters if one.shown == 0]
    return [*told, *([f"In no checkpoint shown by held-out rows: {_names(none)}."] if none else [])]


def _begin(one: FollowedCluster) -> int:
    """Return the checkpoint since which a cluster has been shown without a break."""
    unseen = [place for place, member in enumerate(one.members) if not member.shown]
    return max(unseen, default=-1) + 1


def _tell_clusters(axis: Axis) -> list[str]:
    encoders = len(axis.encoders)
    everywhere = [one for one in axis.clusters if one.in_all]
    nearly = [one for one in axis.clusters if one.shown == encoders and not one.in_all]
    told = []
    if everywhere:
        told.append(
            f"REAL in all {encoders} encoders: {_names(everywhere)}{_hidden(everywhere, axis)}. The chance that any of "
            f"them is not, in any encoder, is at most {LEVEL}."
        )
    elif axis.clusters:
        told.append(f"No cluster is shown in all {encoders} encoders.")
    else:
        told.append("No encoder has any cluster.")
    if nearly:
        names = _names(nearly)
        told.append(
            f"Shown in each of them, but not in all at once with that certainty: {names}. More halves would settle it "
            "(further_encoders: full)."
        )
    for shown in range(encoders - 1, 0, -1):
        some = [one for one in axis.clusters if one.shown == shown]
        told += [f"REAL in {shown} of {encoders} encoders: {_with_reasons(some, axis)}."] if some else []
    none = [one for one in axis.clusters if one.shown == 0]
    if none:
        told.append(f"In no encoder shown by held-out rows: {_names(none)}.")
    return told


def spell_list(names: Sequence[str], most: int = MOST_TOLD) -> str:
    """Join a few names: ``seed 0``, ``seed 0 and seed 2``."""
    return join_words([*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])])


def _names(clusters: Sequence[FollowedCluster]) -> str:
    return list_clusters(sorted((one.name for one in clusters), key=lambda name: natural_order(name.short)))


def _hidden(clusters: Sequence[FollowedCluster], axis: Axis) -> str:
    """Name encoders whose held-out rows show a cluster that most of their pictures hide."""
    found = [
        f"{one.name.plain} in {encoder.name}"
        for one in clusters
        for encoder, member in zip(axis.encoders, one.members, strict=True)
        if member.verdict == "HIDDEN"
    ]
    return f" (HIDDEN by most pictures: {spell_list(found)})" if found else ""


def _with_reasons(clusters: Sequence[FollowedCluster], axis: Axis) -> str:
    """Name clusters, each with what the encoders that do not show it have in its place."""
    told = []
    for one in clusters[:MOST_TOLD]:
        places: dict[str, list[str]] = {}
        for encoder, member in zip(axis.encoders, one.members, strict=True):
            if not member.shown:
                places.setdefault(spell_member(member), []).append(encoder.name)
        reasons = [f"{what} in {spell_list(where)}" for what, where in places.items()]
        told.append(f"{one.name.full} ({', '.join(reasons)})")
    rest = len(clusters) - MOST_TOLD
    return "; ".join([*told, *([f"{rest} more"] if rest > 0 else [])])


def _tell_empty_encoders(axis: Axis) -> list[str]:
    if not any(one.shown for one in axis.clusters):
        return []
    empty = [
        one.name for place, one in enumerate(axis.encoders) if not any(c.members[place].shown for c in axis.clusters)
    ]
    if not empty:
        return []
    return [f"{spell_list(empty)} {'shows' if len(empty) == 1 else 'show'} none of the clusters."]


def _tell_rows(axis: Axis) -> list[str]:
    if not axis.moving:
        return []
    names = [f"{row.id} ({spell_share(row.kept)})" for row in axis.moving[:MOST_ROWS]]
    return [f"Rows that keep the fewest neighbours from encoder to encoder: {'; '.join(names)}."]
