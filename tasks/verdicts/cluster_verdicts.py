"""The verdict on every cluster, from what the splits have tested and the pictures have shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.numerics.valleys.valley_depth import Depth, pool_depths
from steadymap.tasks.numerics.verdicts.border_depth import BorderDepth
from steadymap.tasks.numerics.verdicts.combine_splits import ClusterEvidence, SplitOutcome, cluster_evidence
from steadymap.tasks.numerics.verdicts.verdicts import Evidence, judge
from steadymap.tasks.verdicts.border_depths import HalfBorders
from steadymap.tasks.verdicts.split_job import ALPHA


def tabulate_verdicts(
    described: list[dict[str, Any]],
    clusters: np.ndarray,
    outcomes: list[SplitOutcome],
    looks: Sequence[HalfBorders] = (),
) -> pa.Table:
    """Add the verdict to what is said of every cluster.

    Parameters
    ----------
    described
        A row of ``findings.DESCRIBED`` a cluster.
    clusters
        Cluster of every row in canonical order, shape (n,).
    outcomes
        The splits; with none every cluster is UNCERTAIN.
    looks
        What the halves show around every cluster.
    """
    tested = cluster_evidence(clusters, outcomes) if outcomes else [None] * len(described)
    evidence = [
        _evidence(row, one, _around(looks, cluster), splits=len(outcomes), rows=len(clusters))
        for cluster, (row, one) in enumerate(zip(described, tested, strict=True))
    ]
    lone_peak = sum(not one.flank for one in evidence) == 1
    judged = []
    for row, one in zip(described, evidence, strict=True):
        judgement = judge(replace(one, lone_peak=lone_peak), ALPHA)
        judged.append(
            {
                **{name: value for name, value in row.items() if name != "dissolved_share"},
                "verdict": judgement.verdict,
                "p_value": one.p if outcomes else None,
                "depth": one.depth.value if one.depth else None,
                "depth_low": one.depth.low if one.depth else None,
                "depth_high": one.depth.high if one.depth else None,
                "neighbour": one.neighbour,
                "halves": len(outcomes) or None,
                "halves_proving": round(one.proven * len(outcomes)) if outcomes else None,
                "reason": judgement.reason,
            }
        )
    return pa.Table.from_pylist(judged, schema=schemas.CLUSTERS)


def _around(looks: Sequence[HalfBorders], cluster: int) -> list[tuple[int, BorderDepth]]:
    """Return which split has shown what around a cluster."""
    return [(look.pair, seen) for look in looks if (seen := look.around[cluster]) is not None]


def _evidence(
    row: dict[str, Any],
    tested: ClusterEvidence | None,
    around: list[tuple[int, BorderDepth]],
    *,
    splits: int,
    rows: int,
) -> Evidence:
    """Sum up over halves that saw the ground at all."""
    # Halves that could only tell a depth count where no half could tell more.
    clear = [(pair, seen) for pair, seen in around if seen.p is not None] or around
    pairs: dict[int, list[Depth]] = {}
    for pair, seen in clear:
        if seen.depth is not None:
            pairs.setdefault(pair, []).append(seen.depth)
    own, depth = pool_depths(list(pairs.values())) if pairs else (None, None)
    hints = [seen.p for _, seen in around if seen.p is not None]
    beyond = Counter(seen.neighbour for _, seen in around if seen.neighbour is not None)
    short = [seen.rows_needed for _, seen in around if seen.rows_needed is not None]
    return Evidence(
        p=1.0 if tested is None else tested.p,
        depth=depth,
        own=own,
        hint=float(np.median(hints)) if hints else None,
        lone_peak=False,
        whole=row["size"] == rows,
        rows_needed=int(np.median(short)) if len(short) > len(around) / 2 else None,
        recovered=row["recovered"] / row["configurations"],
        dissolved=row["dissolved_share"],
        unmatched=0.0 if tested is None else tested.unmatched / len(tested.split_p),
        splits=splits,
        rows=rows,
        proven=0.0 if tested is None else float(np.mean(np.array(tested.split_p) <= ALPHA)),
        neighbour=min(beyond, key=lambda name: (-beyond[name], name), default=None),
    )
