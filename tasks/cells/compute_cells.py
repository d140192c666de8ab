"""Compute cells of one graph, inside a worker process: reduce, look for islands, commit a file each."""

from __future__ import annotations

import functools
import os
import platform
import resource
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.configs.grid import Configuration
from steadymap.tasks.cells.branch_files import write_branches
from steadymap.tasks.geometry.parts import GeometryPart, read_material
from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.reducers.interface import Material, Settings, find_lane_reducer
from steadymap.tasks.store.files import map_array, write_json, write_table
from steadymap.tasks.store.identity import run_versions
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import describe_error

if TYPE_CHECKING:
    from steadymap.tasks.numerics.clusters.density_tree import Branches

THREADS = 1
"""A cell runs on one thread, so that its bytes do not depend on how many there are."""


@dataclass(frozen=True)
class CellJob:
    """All a worker needs to know: identities and places, no arrays. Shared ``neighbours`` only spare a search."""

    identity: str
    configuration: Configuration
    seed: int | None
    resample: str | None
    store: Store
    data_digest: str
    distinct_rows: int
    folders: tuple[tuple[GeometryPart, Path], ...]
    neighbours: Path | None


@dataclass(frozen=True)
class CellResult:
    """How a cell ended inside its worker: ``ok``, or ``degenerate`` with a reason."""

    status: str
    reason: str | None = None


def compute_cells(jobs: Sequence[CellJob]) -> list[CellResult]:
    """Draw cells of one graph side by side and commit their files; one that fails afterwards costs itself only."""
    started = _Clock()
    material = read_material(jobs[0].configuration, dict(jobs[0].folders))
    pictures = draw(material, [(job.configuration, job.seed) for job in jobs])
    share = started.share(len(jobs))
    results = []
    for job, coordinates in zip(jobs, pictures, strict=True):
        try:
            results.append(_finish(job, material, coordinates, share))
        except MemoryError:
            raise  # each alone may have the memory that all together have not
        except Exception as error:  # what a cell's file needs may fail for it alone: that is its result
            results.append(CellResult("failed", describe_error(error)))
    return results


class _Clock:
    """Seconds on the clock and of the processor since it was made."""

    def __init__(self) -> None:
        self._started, self._cpu_started = time.perf_counter(), time.process_time()

    def share(self, count: int) -> tuple[float, float]:
        """Return what has passed, divided among so many."""
        return (time.perf_counter() - self._started) / count, (time.process_time() - self._cpu_started) / count


def _finish(job: CellJob, material: Material, coordinates: Float64, share: tuple[float, float]) -> CellResult:
    """Commit a picture's file, unless it is degenerate; ``share`` is what drawing it took."""
    from steadymap.tasks.numerics.reducers.degeneracy import describe_degeneracy

    started = _Clock()
    degeneracy = describe_degeneracy(coordinates, job.distinct_rows)
    if degeneracy is not None:
        return CellResult("degenerate", degeneracy)
    neighbours = None if job.neighbours is None else map_array(job.neighbours, "indices")
    picture, branches = tabulate(coordinates, material, job.configuration, neighbours)
    write_branches(branches, job.identity, job.store)  # first: where a cell is, its tree is, too
    write_table(picture, job.store.cell(job.identity), _provenance(job))
    seconds, cpu_seconds = started.share(1)
    _note_timing(job, share[0] + seconds, share[1] + cpu_seconds)
    return CellResult("ok")


def draw(material: Material, lanes: Sequence[tuple[Configuration, int | None]]) -> list[Float64]:
    """Return pictures of one graph, each of shape (n, dimension); with ``tabulate`` all that shapes a cell's bytes."""
    settings = [
        Settings(
            method=configuration.method,
            metric=configuration.metric,
            dimension=configuration.dimension,
            seed=seed,
            parameters=dict(configuration.parameters),
        )
        for configuration, seed in lanes
    ]
    first = lanes[0][0]
    with warnings.catch_warnings():
        # Libraries warn about what was asked for on purpose (one thread, a fixed seed); what matters in the
        # result is checked below and told as a status.
        warnings.simplefilter("ignore")
        return find_lane_reducer(first.reducer, first.engine)(material, settings)


def tabulate(
    coordinates: Float64, material: Material, configuration: Configuration, neighbours: np.ndarray | None
) -> tuple[pa.Table, Branches]:
    """Look for islands in a picture; return the table that a cell's file holds, and the tree that they are a cut of."""
    from steadymap.tasks.numerics.clusters.islands import find_islands

    picture = coordinates.astype(np.float32)
    islands = find_islands(picture, material.working, configuration.min_cluster_size, neighbours)
    flat = picture.shape[1] == 2
    table = pa.table(
        {
            "row": np.arange(len(picture)),
            "x": picture[:, 0],
            "y": picture[:, 1],
            "z": pa.nulls(len(picture), pa.float32()) if flat else picture[:, 2],
            "island": islands.labels,
            "island_filled": islands.filled,
        },
        schema=schemas.CELL,
    )
    return table, islands.branches


def _provenance(job: CellJob) -> dict[str, Any]:
    configuration = job.configuration
    return {
        "cell": job.identity,
        "configuration": configuration.name,
        "reducer": configuration.reducer,
        "engine": configuration.engine,
        "method": configuration.method,
        "metric": configuration.metric,
        "dimension": configuration.dimension,
        "parameters": dict(configuration.parameters),
        "min_cluster_size": configuration.min_cluster_size,
        "seed": job.seed,
        "resample": job.resample,
        "data": job.data_digest,
        "versions": run_versions(),
        "threads": THREADS,
        "cpu": cpu_model(),
    }


def _note_timing(job: CellJob, seconds: float, cpu_seconds: float) -> None:
    """Keep what the cell took beside the store's cells, since it is no part of them."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    timing = {
        "seconds": round(seconds, 4),
        "cpu_seconds": round(cpu_seconds, 4),
        "memory_mb": round(peak * unit / 1e6, 1),
        "host": platform.node(),
        "cpu": cpu_model(),
        "threads": THREADS,
        "pid": os.getpid(),
    }
    write_json(timing, job.store.timing(job.identity))


@functools.cache
def cpu_model() -> str:
    """Return the processor's name, since results may differ in the last bits between processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


NO_TIME = "no time was left; the same sweep, run again, goes on from here"
"""Why a cell was left that a time budget has cut off."""


CellOutcomes = dict[str, CellResult]
"""How each computed cell ended, by identity."""
