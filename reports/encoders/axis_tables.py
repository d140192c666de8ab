"""The tables of several encoders, and what a program reads: the same numbers as on the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pyarrow as pa

from steadymap.configs import schemas
from steadymap.reports.encoders.axis import Axis
from steadymap.reports.encoders.axis_words import spell_axis
from steadymap.reports.wording import to_printable


def axis_tables(axis: Axis) -> dict[str, pa.Table]:
    """Return the tables by name; ``steadymap.configs.schemas`` says what each holds."""
    names = [one.name for one in axis.encoders]
    rows: dict[str, list[dict[str, Any]]] = {
        "encoders": [_encoder(asdict(one)) for one in axis.encoders],
        "encoder_clusters": [
            {
                "number": one.number,
                "label": one.name.value or None,
                "rows": one.rows,
                "encoder": names[place],
                "fate": member.followed.fate,
                "clusters": list(member.followed.clusters),
                "jaccard": member.followed.jaccard,
                "share": member.followed.share,
                "verdict": member.verdict or None,
                "p_value": member.p if member.verdict else None,
                "shown_in": one.shown,
                "p_in_all": one.p_in_all,
                "in_all": one.in_all,
            }
            for one in axis.clusters
            for place, member in enumerate(one.members)
        ],
        "encoder_pairs": [
            {
                "encoder_a": names[pair.a],
                "encoder_b": names[pair.b],
                "score": score,
                "value": measure.estimate.value,
                "stderr": measure.estimate.stderr,
                "chance": measure.chance,
            }
            for pair in axis.pairs
            if pair.agreement is not None
            for score, measure in (
                ("cka", pair.agreement.cka),
                ("disparity", pair.agreement.disparity),
                ("kept", pair.agreement.kept),
            )
        ],
        "encoder_rows": [asdict(row) for row in axis.moving],
    }
    return {name: pa.Table.from_pylist(found, schema=schemas.ENCODER_TABLES[name]) for name, found in rows.items()}


def to_json(axis: Axis) -> dict[str, Any]:
    """Return what a program reads of several encoders."""
    return {
        "name": axis.name,
        "encoders": [_encoder(asdict(one)) for one in axis.encoders],
        "checkpoints": axis.checkpoints,
        "shared_rows": axis.shared_rows,
        "joined_by": "order of rows" if axis.by_order else "id",
        "clusters": [
            {
                "number": one.number,
                "name": to_printable(one.name.plain),
                "rows": one.rows,
                "shown_in": one.shown,
                "in_all": one.in_all,
                "p_in_all": one.p_in_all,
                "through": {
                    encoder.name: {"fate": member.followed.fate, "verdict": member.verdict or None}
                    for encoder, member in zip(axis.encoders, one.members, strict=True)
                },
            }
            for one in axis.clusters
        ],
        "sentences": [to_printable(sentence) for sentence in spell_axis(axis)],
        "notices": list(axis.notices),
    }


def _encoder(facts: dict[str, Any]) -> dict[str, Any]:
    """Write estimates as a value and its standard error."""
    told: dict[str, Any] = {}
    for name, value in facts.items():
        if name in ("effective_rank", "label_purity"):
            told[name] = None if value is None else value["value"]
            told[f"{name}_stderr"] = None if value is None else value["stderr"]
        else:
            told[name] = value
    return told
