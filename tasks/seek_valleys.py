"""Step: on every half of the rows find candidates in its pictures, and test on the other half what separates them.

Each pair of complementary halves gives two splits: either half proposes once, and tests once. A split is one job of a
worker and lies in the store under its identity, so that another seed or setting of the sweep tests nothing again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE
from threadpoolctl import threadpool_limits

from tasks.derived_data import Derived
from tasks.geometry import Geometry
from tasks.held_out_jobs import HeldOutJob, run_missing
from tasks.identity import SHAPING_LIBRARIES, code_digest, digest, versions
from tasks.latent_neighbours import CLUSTER_NEIGHBOURS, latent_neighbours
from tasks.plan_sweep import Cell, Plan
from tasks.read_cell import read_cell
from tasks.store import map_array, read_meta, write_arrays

if TYPE_CHECKING:
    from tasks.numerics.split_consensus import SplitOutcome

ALPHA = 0.05
"""Chance that anything is falsely called separated."""


@dataclass(frozen=True)
class Splits:
    """Where the splits lie in the store, and why others were lost."""

    folders: tuple[Path, ...]
    lost: tuple[str, ...]


@task(name="seek valleys", task_run_name="valleys of {plan.run}", cache_policy=NO_CACHE)
def seek_valleys(plan: Plan, drawn: list[Cell]) -> Splits:
    """Run every split that the store lacks: each half that has pictures proposes, its complement tests."""
    jobs = _jobs(plan, drawn)
    lost = run_missing(jobs, seek_on_half, plan, "valleys")
    return Splits(tuple(job.folder for job in jobs if job.outcome() is not None), lost)


def _jobs(plan: Plan, drawn: list[Cell]) -> list[HeldOutJob]:
    metric = plan.config.preprocess.metric
    jobs = []
    for half in plan.derived:
        cells = tuple(cell for cell in drawn if cell.vectors == half and cell.configuration.speaks_of_clusters)
        if half.recipe.kind == "half" and cells:
            jobs.append(HeldOutJob(_identity(half, cells, metric), plan.store, plan.geometry, half, metric, cells))
    return jobs


def _identity(half: Derived, cells: tuple[Cell, ...], metric: str) -> str:
    return digest(
        {
            "half": half.digest,
            "cells": [cell.identity for cell in cells],
            "metric": metric,
            "alpha": ALPHA,
            "code": code_digest("tasks.numerics.valley_test", "tasks.numerics.candidates"),
            "libraries": versions((*SHAPING_LIBRARIES, "numba")),
        }
    )


def seek_on_half(job: HeldOutJob) -> None:
    """Propose on one half, test on the other, and commit what came out; runs in a worker."""
    from tasks.numerics.candidates import propose
    from tasks.numerics.halves import prepare_halves
    from tasks.numerics.valley_test import run_split

    rows = job.rows()
    of_half = Geometry(job.store, job.half, job.geometry.preprocessing)
    near = latent_neighbours(of_half, job.metric, CLUSTER_NEIGHBOURS, threads=1)
    islands = [read_cell(cell, job.store).column("island_filled").to_numpy() for cell in job.cells]
    smallest = min(cell.configuration.min_cluster_size for cell in job.cells)
    pieces = propose(islands, near.indices, rows.discovery, smallest)
    with threadpool_limits(1):
        halves = prepare_halves(rows.discovery, rows.held_out, rows.discovery_keys, rows.held_out_keys)
        found = run_split(halves, pieces, alpha=ALPHA)
    arrays = {"positions": rows.positions, "clusters": found.clusters, "fragments": found.fragments}
    meta = {"half": job.half.recipe.name, "p_values": list(found.p_values), "nodes": [asdict(n) for n in found.nodes]}
    write_arrays(job.folder, arrays, meta)


def read_split(folder: Path, rows: int) -> SplitOutcome:
    """Read a split from the store; ``rows`` are those of the data."""
    from tasks.numerics.split_consensus import SplitOutcome
    from tasks.numerics.valley import Valley
    from tasks.numerics.valley_depth import read_depth
    from tasks.numerics.valley_test import Node, SplitTest

    meta = read_meta(folder)
    discovery = np.zeros(rows, dtype=np.bool_)
    discovery[map_array(folder, "positions")] = True
    nodes = []
    for told in meta["nodes"]:
        ground = dict(told["valley"])
        depth = None if ground["depth"] is None else read_depth(ground["depth"])
        sides = {name: tuple(ground[name]) for name in ("rows", "patch", "held_out")}
        nodes.append(Node(**{**told, "valley": Valley(**{**ground, **sides, "depth": depth})}))
    test = SplitTest(
        np.array(map_array(folder, "clusters")),
        tuple(meta["p_values"]),
        np.array(map_array(folder, "fragments")),
        tuple(nodes),
    )
    return SplitOutcome(discovery, test)
