"""``recommendations.parquet``: which setting to use, and the fewest pictures that show all clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.numerics.clusters.recommendation import Candidate, Recommendation, Wanted, recommend
from steadymap.tasks.numerics.clusters.set_cover import smallest_set
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.store.findings import Clusters, Stability


def tabulate_recommendations(
    plan: Plan, drawn: list[Cell], scores: pa.Table, stability: Stability, clusters: Clusters
) -> pa.Table:
    """Return ``recommendations.parquet``: settings by rank, and the best of each reducer."""
    k = plan.ks[len(plan.ks) // 2]
    by_cell: dict[tuple[str, str], float] = {
        (row["cell"], row["score"]): row["value"] for row in scores.to_pylist() if row["k"] in (k, None)
    }
    between_seeds = {
        row["configuration"]: row["value"]
        for row in stability.stability().to_pylist()
        if row["between"] == "seeds" and row["score"] == "ari"
    }
    cells: dict[str, list[Cell]] = {}
    for cell in drawn:
        if (cell.identity, "auc_ln_k") in by_cell:  # what has no scores, since its worker was lost, is not compared
            cells.setdefault(cell.configuration.name, []).append(cell)
    wanted, kept = _kept(clusters)
    candidates = [
        Candidate(
            configuration=name,
            reducer=members[0].configuration.reducer,
            trustworthiness=float(np.mean([by_cell[cell.identity, "trustworthiness"] for cell in members])),
            auc_ln_k=float(np.mean([by_cell[cell.identity, "auc_ln_k"] for cell in members])),
            stability=between_seeds.get(name),
            kept=kept.get(name),
        )
        for name, members in cells.items()
    ]
    pairs = stability.pairs().to_pylist()
    return pa.Table.from_pylist(
        [_recommendation_row(judged, cells, pairs, wanted) for judged in recommend(candidates, k, wanted)],
        schema=schemas.RECOMMENDATIONS,
    )


def _kept(clusters: Clusters) -> tuple[Wanted, dict[str, int]]:
    """Return which clusters a good setting keeps, and how many of them most pictures of each setting do keep."""
    found = clusters.table("clusters").select(["cluster", "verdict"]).to_pylist()
    real = {row["cluster"] for row in found if row["verdict"] == "REAL"}
    counted = real or {row["cluster"] for row in found}
    kept: dict[str, int] = {}
    for row in clusters.table("tracks").select(["cluster", "configuration", "fate"]).to_pylist():
        keeps = row["cluster"] in counted and row["fate"] == "kept"
        kept[row["configuration"]] = kept.get(row["configuration"], 0) + keeps
    return Wanted(len(counted), "REAL cluster" if real else "cluster"), kept


def _recommendation_row(
    judged: Recommendation, cells: dict[str, list[Cell]], pairs: list[dict[str, Any]], wanted: Wanted
) -> dict[str, Any]:
    candidate = judged.candidate
    return {
        "configuration": candidate.configuration,
        "reducer": candidate.reducer,
        "trustworthiness": candidate.trustworthiness,
        "auc_ln_k": candidate.auc_ln_k,
        "stability": candidate.stability,
        "on_front": judged.on_front,
        "kept": candidate.kept,
        "counted": wanted.count,
        "rank": judged.rank,
        "recommended": judged.recommended,
        "cell": _typical_cell(cells[candidate.configuration], pairs),
        "reason": judged.reason,
    }


def _typical_cell(cells: list[Cell], pairs: list[dict[str, Any]]) -> str:
    """Return the seed that agrees best with the others; the first of equally good ones."""
    agreement: dict[str, float] = {cell.identity: 0.0 for cell in cells}
    for row in pairs:
        if row["between"] == "seeds" and row["score"] == "ari":
            for cell in {row["cell_a"], row["cell_b"]} & agreement.keys():
                agreement[cell] += row["value"]
    return max(agreement, key=lambda cell: agreement[cell])


def find_smallest_set(drawn: list[Cell], clusters: Clusters, recommendations: pa.Table) -> list[dict[str, Any]]:
    """Return the fewest pictures that keep every cluster that any picture keeps; recommended ones where it is equal."""
    recommended = {row["cell"]: row["recommended"] for row in recommendations.to_pylist()}
    ordered = sorted(
        drawn, key=lambda cell: (not recommended.get(cell.identity, False), cell.identity not in recommended)
    )
    kept: dict[str, set[int]] = {cell.identity: set() for cell in ordered}
    for row in clusters.kept().to_pylist():
        kept[row["cell"]].add(row["cluster"])
    names = [name for name, shown in kept.items() if shown]
    return [
        {"cell": names[one], "clusters": sorted(kept[names[one]])}
        for one in smallest_set([kept[name] for name in names])
    ]
