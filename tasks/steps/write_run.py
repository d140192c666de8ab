"""Step: write the run folder: config, tidy tables, manifest. The manifest comes last and makes the run complete."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.configs.document import anchor_paths, write_config
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.cells.cell_file import read_cell
from steadymap.tasks.cells.compute_cells import NO_TIME, CellOutcomes, CellResult
from steadymap.tasks.cells.score_files import known_scores
from steadymap.tasks.geometry.latent_neighbours import tell_recall
from steadymap.tasks.numerics.scores.ranks import ANCHORS, EXACT_UP_TO
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.run.cells_table import status_of, tabulate_cells, tabulate_timings
from steadymap.tasks.run.embeddings_table import (
    DRAWN_ROWS,
    choose_drawn_rows,
    choose_reference_cell,
    read_whole_pictures,
    tabulate_embeddings,
)
from steadymap.tasks.run.half_embeddings import half_pictures_table
from steadymap.tasks.run.image_table import images_table
from steadymap.tasks.run.neighbours_table import neighbours_table
from steadymap.tasks.run.null_tables import null_pictures_table, nulls_table
from steadymap.tasks.run.recommendations_table import find_smallest_set, tabulate_recommendations
from steadymap.tasks.store.files import file_digest, read_if_whole, read_table, write_json, write_table, write_text
from steadymap.tasks.store.findings import Findings
from steadymap.tasks.store.identity import run_versions
from steadymap.tasks.store.run_manifest import MANIFEST, WrittenRun


@task(name="write run", task_run_name="write {plan.run}", cache_policy=NO_CACHE)
def write_run(plan: Plan, endings: CellOutcomes, findings: Findings) -> WrittenRun:
    """Write every table of the run and then its manifest."""
    stability, clusters = findings.stability, findings.clusters
    folder = plan.store.run(plan.run)
    with contextlib.suppress(FileNotFoundError):
        (folder / MANIFEST).unlink()  # until the new one is there, the run is not complete
    statuses = {cell.identity: status_of(cell, endings, plan) for cell in plan.cells}
    every = [cell for cell in plan.cells if statuses[cell.identity].status == "ok"]
    drawn = [cell for cell in every if cell.kind == "data"]
    nulls = [cell for cell in every if cell.kind == "null"]
    pictures = {cell.identity: read_cell(cell, plan.store) for cell in every}
    scores = pa.concat_tables([known_scores(cell, plan) for cell in drawn] or [schemas.SCORES.empty_table()])
    recommendations = tabulate_recommendations(plan, drawn, scores, stability, clusters)
    reference = choose_reference_cell(recommendations, drawn)
    tables = {
        "cells": tabulate_cells(plan, statuses, pictures),
        "scores": scores,
        "embeddings": tabulate_embeddings(plan, drawn, pictures, reference),
        "stability": stability.stability(),
        "pairs": stability.pairs(),
        "recommendations": recommendations,
        "points": _points_table(
            plan,
            (
                clusters.membership(),
                stability.instability(),
                findings.ratings.table(),
                findings.decoded.reconstruction(),
            ),
        ),
        "latent_space": findings.latent_space.table(),
        "dimensions": findings.latent_space.dimensions(),
        **{name: clusters.table(name) for name in ("clusters", "recurrence", "tracks", "boundaries")},
        "labels": findings.labels.table(),
        **{name: findings.decoded.table(name) for name in ("decoded", "decoded_clusters")},
        "nulls": nulls_table(plan, nulls, pictures),
        "null_pictures": null_pictures_table(nulls, pictures),
        "half_pictures": half_pictures_table(
            every, pictures, read_whole_pictures(drawn, pictures, reference), choose_drawn_rows(plan)
        ),
        "images": images_table(plan, *choose_drawn_rows(plan)),
        "neighbours": neighbours_table(plan, *choose_drawn_rows(plan)) if drawn else schemas.NEIGHBOURS.empty_table(),
    }
    for name, table in tables.items():
        write_table(table, folder / f"{name}.parquet", {"run": plan.run, "identity": plan.identity})
    write_table(tabulate_timings(plan, endings), folder / "timings.parquet", {"run": plan.run})
    write_text(write_config(_repeatable(plan.config)), folder / "config.yaml")
    written = _count(folder, statuses)
    shown = findings.decoded.told()
    searched = tell_recall(plan.geometry, [cell.configuration.metric for cell in plan.cells])
    manifest = {
        **_manifest(plan, tables, written, reference),
        "consensus": next(iter(clusters.ambiguity().to_pylist()), None),
        "lost_tests": list(findings.lost),
        "cut_short": any(status.reason == NO_TIME for status in statuses.values()),
        "decoded": shown["shown"],
        "warnings": [*plan.warnings, *searched, *findings.lost, *shown["warnings"]],
        "smallest_set": find_smallest_set(drawn, clusters, recommendations),
    }
    write_json(manifest, folder / MANIFEST, indent=1)
    return written


def _repeatable(config: SweepConfig) -> SweepConfig:
    """Return what the run can be repeated from, anywhere; how long there was time for it is no part of that."""
    budget = config.budget.model_copy(update={"hours": None})
    return anchor_paths(config.model_copy(update={"budget": budget}), Path.cwd())


def refresh_timings(plan: Plan) -> None:
    """Note that every cell of a complete run was found in the store; what each took is known since it was drawn."""
    place = plan.store.run(plan.run) / "timings.parquet"
    known = read_if_whole(read_table, place, schemas.TIMINGS)
    if known is None:
        known = tabulate_timings(plan, {})
    cached = known.column_names.index("cached")
    everything = pa.array([True] * known.num_rows, pa.bool_())
    write_table(known.set_column(cached, known.schema.field(cached), everything), place, {"run": plan.run})


def _count(folder: Path, statuses: dict[str, CellResult]) -> WrittenRun:
    counts = Counter(result.status for result in statuses.values())
    total, ok, skipped = counts.total(), counts["ok"], counts["skipped"]
    left = counts["left"]
    return WrittenRun(folder, total, ok, skipped, failed=total - ok - skipped - left, left=left)


def _points_table(plan: Plan, found: tuple[pa.Table, ...]) -> pa.Table:
    """Add to the rows of the file what was found of each; those tables are in canonical order."""
    points = plan.dataset.points()
    for table in found:
        of_rows = table.take(points.column("position"))
        for field in of_rows.schema:
            points = points.append_column(field, of_rows.column(field.name))
    return points.cast(schemas.points(plan.dataset.labels[1:]))


def _manifest(plan: Plan, tables: dict[str, pa.Table], written: WrittenRun, reference: str | None) -> dict[str, Any]:
    everything = plan.config.scores.exact or plan.rows <= EXACT_UP_TO
    return {
        "run": plan.run,
        "name": plan.config.name,
        "steadymap": run_versions()["steadymap"],
        "identity": plan.identity,
        "data": {
            "source": plan.dataset.source,
            "taken": plan.dataset.taken,
            "rows": plan.rows,
            "dimensions": plan.dataset.dimensions,
            "digest": plan.dataset.digest,
            "labels": list(plan.dataset.labels),
            "duplicate_rows": plan.dataset.duplicates,
            "input_shape": None if plan.input_shape is None else list(plan.input_shape),
            "notes": plan.dataset.notes,
            "models": plan.dataset.models,
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
