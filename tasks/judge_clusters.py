"""The verdict on every cluster, from what the splits have tested and the pictures have shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from configs import schemas
from tasks.numerics.split_consensus import ClusterEvidence, SplitOutcome, cluster_evidence
from tasks.numerics.valley import Valley
from tasks.numerics.verdicts import Evidence, judge
from tasks.seek_valleys import ALPHA


def judge_clusters(
    described: list[dict[str, Any]], clusters: np.ndarray, dissolved: list[float], outcomes: list[SplitOutcome]
) -> pa.Table:
    """Add the verdict to what is said of every cluster.

    Parameters
    ----------
    described
        The columns of ``clusters.parquet`` but the verdict's, cluster by cluster.
    clusters
        Cluster of every row in canonical order, shape (n,).
    dissolved
        Share of pictures in which each cluster dissolves.
    outcomes
        The splits; with none every cluster is UNCERTAIN.
    """
    from tasks.numerics.separating_valley import separating_valleys

    tested = cluster_evidence(clusters, outcomes) if outcomes else [None] * len(described)
    valleys = [separating_valleys(clusters, split) for split in outcomes]
    judged = []
    for cluster, row in enumerate(described):
        own = [found[cluster] for found in valleys]
        evidence = _evidence(row, tested[cluster], own, dissolved=dissolved[cluster], rows=len(clusters))
        judgement = judge(evidence, ALPHA)
        judged.append(
            {
                **row,
                "verdict": judgement.verdict,
                "p_value": evidence.p if outcomes else None,
                "depth": evidence.depth,
                "depth_low": evidence.low,
                "depth_high": evidence.high,
                "reason": judgement.reason,
            }
        )
    return pa.Table.from_pylist(judged, schema=schemas.CLUSTERS)


def _evidence(
    row: dict[str, Any],
    tested: ClusterEvidence | None,
    valleys: list[Valley | None],
    *,
    dissolved: float,
    rows: int,
) -> Evidence:
    """Sum up over splits by medians, over splits that saw the ground at all."""
    known = [valley for valley in valleys if valley is not None]
    depths = [valley.depth for valley in known if valley.depth is not None]
    short = [valley.rows_needed for valley in known if valley.rows_needed is not None]
    return Evidence(
        p=1.0 if tested is None else tested.p,
        depth=_median([depth.value for depth in depths]),
        low=_median([depth.low for depth in depths]),
        high=_median([depth.high for depth in depths]),
        rows_needed=int(np.median(short)) if known and len(short) > len(known) / 2 else None,
        recovered=row["recovered"] / row["configurations"],
        dissolved=dissolved,
        unmatched=0.0 if tested is None else tested.unmatched / len(tested.split_p),
        splits=len(valleys),
        rows=rows,
    )


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None
