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


def judge_clusters(described: pa.Table, clusters: np.ndarray, outcomes: list[SplitOutcome], rows: int) -> pa.Table:
    """Fill in the verdict columns of the table of clusters.

    Parameters
    ----------
    described
        The table without verdicts, a row per cluster in the order of their numbers.
    clusters
        Cluster of every row in canonical order, shape (n,).
    outcomes
        The splits; with none every cluster is UNCERTAIN.
    """
    from tasks.numerics.separating_valley import separating_valleys

    evidence = cluster_evidence(clusters, outcomes) if outcomes else None
    valleys = [separating_valleys(clusters, split) for split in outcomes]
    judged = []
    for row in described.to_pylist():
        cluster = row["cluster"]
        own = [found[cluster] for found in valleys]
        found = _evidence(row, None if evidence is None else evidence[cluster], own, rows)
        judgement = judge(found, ALPHA)
        judged.append(
            {
                **row,
                "verdict": judgement.verdict,
                "p_value": found.p if outcomes else None,
                "depth": found.depth,
                "depth_low": found.low,
                "depth_high": found.high,
                "reason": judgement.reason,
            }
        )
    return pa.Table.from_pylist(judged, schema=schemas.CLUSTERS)


def _evidence(row: dict[str, Any], tested: ClusterEvidence | None, valleys: list[Valley | None], rows: int) -> Evidence:
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
        dissolved=row["dissolved"] / row["configurations"],
        unmatched=0.0 if tested is None else tested.unmatched / len(tested.split_p),
        splits=len(valleys),
        rows=rows,
    )


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None
