"""Step: write the run folder: config, tidy tables, manifest. The manifest comes last and makes the run complete."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from configs.document import anchor_paths, write_config
from configs.sweep import SweepConfig
from tasks.complete_run import MANIFEST, WrittenRun
from tasks.compute_cell import CellResult
from tasks.compute_configuration import NO_TIME, Endings
from tasks.describe_latent_space import LatentSpace
from tasks.find_clusters import Clusters
from tasks.half_pictures import half_pictures_table
from tasks.identity import run_versions
from tasks.image_table import images_table
from tasks.judge_labels import JudgedLabels
from tasks.measure_stability import Stability
from tasks.null_tables import null_pictures_table, nulls_table
from tasks.numerics.islands import NOISE
from tasks.numerics.procrustes import align
from tasks.numerics.randomness import sample_rows
from tasks.numerics.ranks import ANCHORS, EXACT_UP_TO
from tasks.numerics.recommendation import Candidate, Recommendation, recommend
from tasks.numerics.smallest_set import smallest_set
from tasks.plan import Cell, Plan
from tasks.rate_rows import RowRatings
from tasks.read_cell import coordinates_of, read_cell
from tasks.score_cells import read_scores
from tasks.seek_valleys import Splits
from tasks.store import DamagedError, file_digest, read_table, write_table, write_text

DRAWN_ROWS = 10_000
"""Up to this many rows every row is drawn; above it a sample of so many, the same rows in every picture."""


@dataclass(frozen=True)
class Findings:
    """Where the steps of a sweep have left what they found."""

    latent_space: LatentSpace
    stability: Stability
    splits: Splits
    clusters: Clusters
    labels: JudgedLabels
    ratings: RowRatings

    @property
    def lost(self) -> tuple[str, ...]:
        """What could not be tested, and why."""
        return (*self.splits.lost, *self.clusters.lost, *self.labels.lost)


@task(name="write run", task_run_name="write {plan.run}", cache_policy=NO_CACHE)
def write_run(plan: Plan, endings: Endings, findings: Findings) -> WrittenRun:
    """Write every table of the run and then its manifest."""
    stability, clusters = findings.stability, findings.clusters
    folder = plan.store.run(plan.run)
    with contextlib.suppress(FileNotFoundError):
        (folder / MANIFEST).unlink()  # until the new one is there, the run is not complete
    statuses = {cell.identity: _status(cell, endings, plan) for cell in plan.cells}
    every = [cell for cell in plan.cells if statuses[cell.identity].status == "ok"]
    drawn = [cell for cell in every if cell.kind == "data"]
    nulls = [cell for cell in every if cell.kind == "null"]
    pictures = {cell.identity: read_cell(cell, plan.store) for cell in every}
    scores = pa.concat_tables([read_scores(cell, plan) for cell in drawn] or [schemas.SCORES.empty_table()])
    recommendations = _recommend(plan, drawn, scores, stability)
    reference = _reference_cell(recommendations, drawn)
    tables = {
        "cells": _cells_table(plan, statuses, pictures),
        "scores": scores,
        "embeddings": _embeddings_table(plan, drawn, pictures, reference),
        "stability": stability.stability(),
        "pairs": stability.pairs(),
        "recommendations": recommendations,
        "points": _points_table(plan, (clusters.membership(), stability.instability(), findings.ratings.table())),
        "latent_space": findings.latent_space.table(),
        **{name: clusters.table(name) for name in ("clusters", "recurrence", "tracks", "boundaries")},
        "labels": findings.labels.table(),
        "nulls": nulls_table(plan, nulls, pictures),
        "null_pictures": null_pictures_table(nulls, pictures),
        "half_pictures": half_pictures_table(
            every, pictures, _whole_pictures(drawn, pictures, reference), _drawn_rows(plan)
        ),
        "images": images_table(plan, *_drawn_rows(plan)),
    }
    for name, table in tables.items():
        write_table(table, folder / f"{name}.parquet", {"run": plan.run, "identity": plan.identity})
    write_table(_timings_table(plan, endings), folder / "timings.parquet", {"run": plan.run})
    write_text(write_config(_repeatable(plan.config)), folder / "config.yaml")
    written = _count(folder, statuses)
    manifest = {
        **_manifest(plan, tables, written, reference),
        "consensus": next(iter(clusters.ambiguity().to_pylist()), None),
        "lost_tests": list(findings.lost),
        "cut_short": any(status.reason == NO_TIME for status in statuses.values()),
        "warnings": [*plan.warnings, *findings.lost],
        "smallest_set": _smallest_set(drawn, clusters, recommendations),
    }
    write_text(json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n", folder / MANIFEST)
    return written


def _repeatable(config: SweepConfig) -> SweepConfig:
    """Return what the run can be repeated from, anywhere; how long there was time for it is no part of that."""
    budget = config.budget.model_copy(update={"hours": None})
    return anchor_paths(config.model_copy(update={"budget": budget}), Path.cwd())


def refresh_timings(plan: Plan) -> None:
    """Note that every cell of a complete run was found in the store; what each took is known since it was drawn."""
    place = plan.store.run(plan.run) / "timings.parquet"
    try:
        known = read_table(place, schemas.TIMINGS)
    except (FileNotFoundError, DamagedError):
        known = _timings_table(plan, {})
    cached = known.column_names.index("cached")
    everything = pa.array([True] * known.num_rows, pa.bool_())
    write_table(known.set_column(cached, known.schema.field(cached), everything), place, {"run": plan.run})


def _status(cell: Cell, endings: Endings, plan: Plan) -> CellResult:
    if cell.configuration.unusable is not None:
        return CellResult("skipped", cell.configuration.unusable)
    return endings.get(cell.identity, CellResult("ok"))


def _count(folder: Path, statuses: dict[str, CellResult]) -> WrittenRun:
    counts = Counter(result.status for result in statuses.values())
    total, ok, skipped = counts.total(), counts["ok"], counts["skipped"]
    left = counts["left"]
    return WrittenRun(folder, total, ok, skipped, failed=total - ok - skipped - left, left=left)


def _cells_table(plan: Plan, statuses: dict[str, CellResult], pictures: dict[str, pa.Table]) -> pa.Table:
    return pa.Table.from_pylist(
        [_cell_row(cell, statuses[cell.identity], pictures.get(cell.identity)) for cell in plan.cells],
        schema=schemas.CELLS,
    )


def _cell_row(cell: Cell, result: CellResult, picture: pa.Table | None) -> dict[str, Any]:
    configuration = cell.configuration
    parameters = dict(configuration.parameters)
    islands = None if picture is None else picture.column("island").to_numpy()
    return {
        **parameters,
        "learning_rate": None if "learning_rate" not in parameters else str(parameters["learning_rate"]),
        "cell": cell.identity,
        "configuration": configuration.name,
        "reducer": configuration.reducer,
        "engine": configuration.engine,
        "method": configuration.method,
        "metric": configuration.metric,
        "dimension": configuration.dimension,
        "min_cluster_size": configuration.min_cluster_size,
        "seed": cell.seed,
        "resample": cell.resample,
        "kind": cell.kind,
        "rows": cell.vectors.rows,
        "status": result.status,
        "reason": result.reason,
        "islands": None if islands is None else int(islands.max()) + 1,
        "noise_share": None if islands is None else float(np.mean(islands == NOISE)),
    }


def _recommend(plan: Plan, drawn: list[Cell], scores: pa.Table, stability: Stability) -> pa.Table:
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
        cells.setdefault(cell.configuration.name, []).append(cell)
    candidates = [
        Candidate(
            configuration=name,
            reducer=members[0].configuration.reducer,
            trustworthiness=float(np.mean([by_cell[cell.identity, "trustworthiness"] for cell in members])),
            auc_ln_k=float(np.mean([by_cell[cell.identity, "auc_ln_k"] for cell in members])),
            stability=between_seeds.get(name),
        )
        for name, members in cells.items()
    ]
    pairs = stability.pairs().to_pylist()
    return pa.Table.from_pylist(
        [_recommendation_row(judged, cells, pairs) for judged in recommend(candidates, k)],
        schema=schemas.RECOMMENDATIONS,
    )


def _recommendation_row(
    judged: Recommendation, cells: dict[str, list[Cell]], pairs: list[dict[str, Any]]
) -> dict[str, Any]:
    candidate = judged.candidate
    return {
        "configuration": candidate.configuration,
        "reducer": candidate.reducer,
        "trustworthiness": candidate.trustworthiness,
        "auc_ln_k": candidate.auc_ln_k,
        "stability": candidate.stability,
        "on_front": judged.on_front,
        "recommended": judged.recommended,
        "cell": _typical_cell(cells[candidate.configuration], pairs),
        "reason": judged.reason,
    }


def _typical_cell(cells: list[Cell], pairs: list[dict[str, Any]]) -> str:
    """Return the seed that agrees best with the others; the first of equally good ones."""
    agreement: dict[str, float] = {cell.identity: 0.0 for cell in cells}
    for row in pairs:
        if row["between"] == "seeds" and row["score"] == "ari" and row["cell_a"] in agreement:
            agreement[row["cell_a"]] += row["value"]
            agreement[row["cell_b"]] += row["value"]
    return max(agreement, key=lambda cell: agreement[cell])


def _reference_cell(recommendations: pa.Table, drawn: list[Cell]) -> str | None:
    """Return the picture that all others are laid over: the first recommended one, else the first there is."""
    recommended = [row["cell"] for row in recommendations.to_pylist() if row["recommended"]]
    return recommended[0] if recommended else (drawn[0].identity if drawn else None)


def _embeddings_table(plan: Plan, drawn: list[Cell], pictures: dict[str, pa.Table], reference: str | None) -> pa.Table:
    if reference is None:
        return schemas.EMBEDDINGS.empty_table()
    rows, sample = _drawn_rows(plan)
    references = _references(drawn, pictures, reference)
    names = [cell.identity for cell in drawn]
    parts = []
    for number, cell in enumerate(drawn):
        table = pictures[cell.identity]
        aligned = align(coordinates_of(table, cell), references[cell.configuration.dimension])[sample]
        flat = cell.configuration.dimension == 2
        parts.append(
            pa.table(
                {
                    "cell": pa.DictionaryArray.from_arrays(np.full(len(sample), number, np.int32), pa.array(names)),
                    "row": rows,
                    "x": aligned[:, 0].astype(np.float32),
                    "y": aligned[:, 1].astype(np.float32),
                    "z": pa.nulls(len(sample), pa.float32()) if flat else aligned[:, 2].astype(np.float32),
                    "island": table.column("island").to_numpy()[sample],
                    "island_filled": table.column("island_filled").to_numpy()[sample],
                },
                schema=schemas.EMBEDDINGS,
            )
        )
    return pa.concat_tables(parts)


def _drawn_rows(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that every picture shows: in the user's file, and in canonical order."""
    sample = sample_rows(np.array(plan.dataset.keys()), DRAWN_ROWS, "pictures in the report")
    points = plan.dataset.points()
    row_of_position = np.empty(plan.rows, dtype=np.int64)
    row_of_position[points.column("position").to_numpy()] = points.column("row").to_numpy()
    return row_of_position[sample], sample


def _points_table(plan: Plan, found: tuple[pa.Table, ...]) -> pa.Table:
    """Add to the rows of the file what was found of each; those tables are in canonical order."""
    points = plan.dataset.points()
    for table in found:
        of_rows = table.take(points.column("position"))
        for field in of_rows.schema:
            points = points.append_column(field, of_rows.column(field.name))
    return points.cast(schemas.points(plan.dataset.labels[1:]))


def _smallest_set(drawn: list[Cell], clusters: Clusters, recommendations: pa.Table) -> list[dict[str, Any]]:
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


def _whole_pictures(drawn: list[Cell], pictures: dict[str, pa.Table], reference: str | None) -> dict[str, np.ndarray]:
    """Return the first picture of every setting, aligned."""
    if reference is None:
        return {}
    references = _references(drawn, pictures, reference)
    first: dict[str, Cell] = {}
    for cell in drawn:
        first.setdefault(cell.configuration.name, cell)
    return {
        name: align(coordinates_of(pictures[cell.identity], cell), references[cell.configuration.dimension])
        for name, cell in first.items()
    }


def _references(drawn: list[Cell], pictures: dict[str, pa.Table], reference: str) -> dict[int, np.ndarray]:
    """Return the picture to lay others over, by dimension."""
    ordered = sorted(drawn, key=lambda cell: cell.identity != reference)
    references: dict[int, np.ndarray] = {}
    for cell in ordered:
        references.setdefault(cell.configuration.dimension, coordinates_of(pictures[cell.identity], cell))
    return references


def _timings_table(plan: Plan, endings: Endings) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"cell": cell.identity, "cached": cell.identity not in endings, **_timing(cell, plan)}
            for cell in plan.usable
        ],
        schema=schemas.TIMINGS,
    )


def _timing(cell: Cell, plan: Plan) -> dict[str, Any]:
    try:
        timing: dict[str, Any] = json.loads(plan.store.timing(cell.identity).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # the cell failed, or was killed between its file and its timing
    return timing


def _manifest(plan: Plan, tables: dict[str, pa.Table], written: WrittenRun, reference: str | None) -> dict[str, Any]:
    everything = plan.config.scores.exact or plan.rows <= EXACT_UP_TO
    shape = plan.config.data.input_shape or plan.dataset.input_shape
    return {
        "run": plan.run,
        "name": plan.config.name,
        "steadymap": run_versions()["steadymap"],
        "identity": plan.identity,
        "data": {
            "source": plan.dataset.source,
            "rows": plan.rows,
            "dimensions": plan.dataset.dimensions,
            "digest": plan.dataset.digest,
            "labels": list(plan.dataset.labels),
            "duplicate_rows": plan.dataset.duplicates,
            "input_shape": None if shape is None else list(shape),
            "notes": plan.dataset.notes,
        },
        "preprocess": plan.config.preprocess.model_dump(mode="json"),
        "seeds": list(plan.seeds),
        "fast": plan.config.fast,
        "versions": run_versions(),
        "cells": {name: number for name, number in asdict(written).items() if name != "folder"},
        "drawn_rows": min(plan.rows, DRAWN_ROWS),
        "scored_rows": plan.rows if everything else ANCHORS,
        "reference_cell": reference,
        "reproduce": "steadymap sweep config.yaml --store ../..",
        "tables": {
            f"{name}.parquet": {
                "rows": table.num_rows,
                "sha256": file_digest(written.folder / f"{name}.parquet"),
            }
            for name, table in tables.items()
        },
    }
