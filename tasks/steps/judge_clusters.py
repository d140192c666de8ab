"""Step: judge every cluster by what the held-out halves have shown of it, and look at the ground around it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import Clusters, Splits
from steadymap.tasks.verdicts.border_depths import measure_border_depths
from steadymap.tasks.verdicts.cluster_verdicts import tabulate_verdicts
from steadymap.tasks.verdicts.splits import read_split


@task(name="judge clusters", task_run_name="verdicts of {plan.run}", cache_policy=NO_CACHE)
def judge_clusters(plan: Plan, clusters: Clusters, splits: Splits) -> Clusters:
    """Add the verdict to what is said of every cluster; without a split every cluster is UNCERTAIN."""
    described = clusters.described().to_pylist()
    outcomes = [read_split(folder, plan.rows) for folder in splits.folders] if described else []
    of_rows = np.array(clusters.membership().column("cluster").fill_null(-1))
    looks, lost = measure_border_depths(plan, of_rows) if outcomes else ((), ())
    verdicts = tabulate_verdicts(described, of_rows, outcomes, looks)
    write_table(verdicts, clusters.folder / "clusters.parquet")
    return replace(clusters, lost=(*clusters.lost, *lost))
