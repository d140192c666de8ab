"""What pictures have cost on this machine: from the runs of a store, to correct a forecast by."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from steadymap.configs import schemas
from steadymap.configs.grid import Configuration
from steadymap.tasks.store.files import DamagedError, read_table
from steadymap.tasks.store.run_manifest import MANIFEST

LATEST_RUNS = 20
"""Older runs tell of an older machine and older code."""


@dataclass(frozen=True)
class CostOfCell:
    """A picture that was drawn: of how many rows and dimensions, at which setting, and what it took."""

    configuration: Configuration
    rows: int
    dimensions: int
    cpu_seconds: float
    memory_gb: float


@dataclass(frozen=True)
class Costs:
    """Pictures that were drawn on this machine, and in how many runs."""

    runs: int = 0
    drawn: tuple[CostOfCell, ...] = ()


def measure_costs(store: Path) -> Costs:
    """Read what the pictures of the latest runs took here; pictures of other machines do not count."""
    manifests = sorted(
        (store / "runs").glob(f"[!.]*/{MANIFEST}"), key=lambda path: path.stat().st_mtime_ns, reverse=True
    )
    drawn: dict[str, CostOfCell] = {}
    runs = 0
    for manifest in manifests[:LATEST_RUNS]:
        found = _read_run(manifest)
        runs += bool(found)
        drawn |= found  # runs share pictures
    return Costs(runs, tuple(drawn.values()))


def _read_run(manifest: Path) -> dict[str, CostOfCell]:
    try:
        dimensions = int(json.loads(manifest.read_text(encoding="utf-8"))["data"]["dimensions"])
        cells = read_table(manifest.parent / "cells.parquet", schemas.CELLS).to_pylist()
        timings = read_table(manifest.parent / "timings.parquet", schemas.TIMINGS).to_pylist()
    except (OSError, ValueError, KeyError, TypeError, DamagedError, pa.ArrowException):
        return {}  # of another version, or damaged: nothing is learnt from it
    took = {row["cell"]: row for row in timings if row["host"] == platform.node() and row["cpu_seconds"] is not None}
    return {
        row["cell"]: CostOfCell(
            _configuration(row),
            row["rows"],
            dimensions,
            took[row["cell"]]["cpu_seconds"],
            (took[row["cell"]]["memory_mb"] or 0.0) / 1e3,
        )
        for row in cells
        if row["status"] == "ok" and row["cell"] in took
    }


def _configuration(row: Mapping[str, Any]) -> Configuration:
    known = ("perplexity", "n_neighbors")
    return Configuration(
        reducer=row["reducer"],
        engine=row["engine"],
        method=row["method"],
        metric=row["metric"],
        dimension=row["dimension"],
        min_cluster_size=row["min_cluster_size"],
        parameters=tuple((name, row[name]) for name in known if row[name] is not None),
        name=row["configuration"],
    )
