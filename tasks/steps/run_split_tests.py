"""Step: on every half of the rows find candidates in its pictures, and test on the other half what separates them.

Each pair of complementary halves gives two splits: either half proposes once, and tests once. A split is one job of a
worker and lies in the store under its identity, so that another seed or setting of the sweep tests nothing again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.tasks.geometry.resamples_and_nulls import Derived
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.findings import Splits
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, versions
from steadymap.tasks.verdicts.held_out_jobs import HeldOutJob, run_missing
from steadymap.tasks.verdicts.split_job import ALPHA, run_split_job

if TYPE_CHECKING:
    pass


SPLIT_CODE = (
    "steadymap.tasks.verdicts.split_job:propose_and_test",
    "steadymap.tasks.geometry.latent_neighbours:CLUSTER_NEIGHBOURS",
)
"""What shapes the outcome of a split."""


@task(name="run split tests", task_run_name="valleys of {plan.run}", cache_policy=NO_CACHE)
def run_split_tests(plan: Plan, drawn: list[Cell]) -> Splits:
    """Run every split that the store lacks: each half that has pictures proposes, its complement tests."""
    jobs = _jobs(plan, drawn)
    lost = run_missing(jobs, run_split_job, plan, "valleys")
    return Splits(tuple(job.folder for job in jobs if job.outcome() is not None), lost)


def _jobs(plan: Plan, drawn: list[Cell]) -> list[HeldOutJob]:
    metric = plan.config.preprocess.metric
    jobs = []
    for half in plan.derived:
        cells = tuple(cell for cell in drawn if cell.vectors == half and cell.configuration.shows_clusters)
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
