"""A comparison for a terminal and for a script."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from steadymap.reports.compare.compare_runs import ClusterChange, Comparison, Facts, spell_changes
from steadymap.reports.wording import spell_p, spell_share, to_printable

Table = tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Title, names of the columns, and rows."""

MOST_PARTS = 3


def to_tables(found: Comparison) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    """Return lines to print first, and tables: clusters that changed, and the scores to look at."""
    sides = [
        f"{letter}: {side.run}, {side.rows:,} rows, {spell_share(side.share)} of them in the other run; {side.verdicts}"
        for letter, side in (("A", found.a), ("B", found.b))
    ]
    told = [*sides, *found.notices, *spell_changes(found, "A{}".format, "B{}".format)]
    tables: list[Table] = []
    columns: tuple[str, ...]
    if changed := [one for one in found.clusters if one.changed]:
        columns = ("cluster", "rows", "verdict", "what happened", "where its rows are", "Jaccard", "verdict in B")
        tables.append(("Clusters that changed", columns, tuple(_cluster_row(one) for one in changed)))
    if moved := [one for one in found.scores if one.recommended or one.differs == "beyond chance"]:
        columns = ("setting", "score", "A", "B", "p", "differs")
        rows = tuple(
            (
                f"{one.setting} ★" if one.recommended else one.setting,
                one.title,
                str(one.before),
                str(one.after),
                "–" if one.p is None else spell_p(one.p).removeprefix("p ").removeprefix("= "),
                one.differs,
            )
            for one in moved
        )
        tables.append(("Scores of recommended settings (★), and others that differ", columns, rows))
    return tuple(map(to_printable, told)), tuple(
        (title, columns, tuple(tuple(map(to_printable, row)) for row in rows)) for title, columns, rows in tables
    )


def _cluster_row(one: ClusterChange) -> tuple[str, ...]:
    own, other = ("B", "A") if one.is_new else ("A", "B")
    parts = [f"{other}{part.cluster} {spell_share(part.share)}" for part in one.parts[:MOST_PARTS]]
    more = [f"{len(one.parts) - MOST_PARTS} more"] if len(one.parts) > MOST_PARTS else []
    return (
        f"{own}{one.cluster.cluster}" + (f" {one.cluster.label}" if one.cluster.label else ""),
        f"{one.cluster.size:,}",
        "" if one.is_new else _verdict(one.cluster),
        one.fate,
        ", ".join([*parts, *more]) or "in no cluster",
        "–" if one.jaccard is None else f"{one.jaccard:.2f}",
        _verdict(one.cluster if one.is_new else one.partner),
    )


def _verdict(facts: Facts | None) -> str:
    return f"{facts.shape} {facts.verdict}" if facts is not None and facts.verdict else ""


def to_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison as one JSON object; clusters and shares by number, verdicts null where nothing was tested."""
    return {
        "a": asdict(found.a),
        "b": asdict(found.b),
        "shared_rows": found.shared_rows,
        "nothing_changed": found.nothing_changed,
        "changes": list(spell_changes(found, "A{}".format, "B{}".format)),
        "notices": list(found.notices),
        "clusters": [_cluster_object(one) for one in found.clusters],
        "scores": [
            {
                "configuration": one.configuration or None,
                "score": one.score,
                "k": one.k,
                "a": one.before.value,
                "b": one.after.value,
                "p": one.p,
                "differs": one.differs,
                "recommended": one.recommended,
            }
            for one in found.scores
        ],
        "encoders": None if found.encoders is None else {**asdict(found.encoders), "same": found.encoders.same},
        "purity": None if found.purity is None else {"a": found.purity[0], "b": found.purity[1]},
        "recommended": {"a": list(found.recommended[0]), "b": list(found.recommended[1])},
        "circumstances": [{"what": name, "a": one, "b": other} for name, one, other in found.circumstances],
    }


def _cluster_object(one: ClusterChange) -> dict[str, Any]:
    return {
        "run": "b" if one.is_new else "a",
        "cluster": one.cluster.cluster,
        "rows": one.cluster.size,
        "verdict": one.cluster.verdict or None,
        "fate": one.fate,
        "changed": one.changed,
        "flipped": one.flipped,
        "partner": None if one.partner is None else one.partner.cluster,
        "partner_rows": None if one.partner is None else one.partner.size,
        "partner_verdict": None if one.partner is None else one.partner.verdict or None,
        "jaccard": one.jaccard,
        "parts": [asdict(part) for part in one.parts],
    }
