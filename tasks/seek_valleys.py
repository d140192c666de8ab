"""Step: on every half of the rows find candidates in its pictures, and test on the other half what separates them.

Each pair of complementary halves gives two splits: either half proposes once, and tests once. A split is one job of a
worker and lies in the store under its identity, so that another seed or setting of the sweep tests nothing again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.code_digest import code_digest
from tasks.derived_data import Derived
from tasks.held_out_jobs import HeldOutJob, run_missing
from tasks.identity import SHAPING_LIBRARIES, digest, versions
from tasks.plan import Cell, Plan
from tasks.seek_on_half import ALPHA, seek_on_half
from tasks.store import map_array, read_meta

if TYPE_CHECKING:
    from tasks.numerics.split_consensus import SplitOutcome


SPLIT_CODE = (
    "tasks.seek_on_half:propose_and_test",
    "tasks.latent_neighbours:CLUSTER_NEIGHBOURS",
)
"""What shapes the outcome of a split."""


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
            "code": code_digest(*SPLIT_CODE),
            "libraries": versions((*SHAPING_LIBRARIES, "numba")),
        }
    )


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
