"""Draw on a Dask or Ray cluster, through Prefect's own runners for them.

What travels is the plan: ids, settings and paths. Every worker of the cluster draws one picture at a time, in an
isolated process of its own, as on one machine, and commits it to the store, which all of them see.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from steadymap.configs.extras import import_extra
from steadymap.configs.sweep import Workers
from steadymap.tasks.cells.compute_cells import CellOutcomes
from steadymap.tasks.geometry.make_parts import FailedParts
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.progress import announce_done
from steadymap.tasks.steps.compute_graph import compute_graph
from steadymap.tasks.workers import default_count

PLACE = "workers.runner"
RULE = "a cluster is reached through Prefect's runner for it"


def draw_on_cluster(graphs: Sequence[str], plan: Plan, broken: FailedParts, until: float | None = None) -> CellOutcomes:
    """Hand out graphs, and gather how their cells ended; called inside a flow."""
    endings: CellOutcomes = {}
    with _opened_runner(plan.config.workers) as runner:
        runs = [
            runner.submit(compute_graph, {"graph": one, "plan": plan, "broken": broken, "until": until})
            for one in graphs
        ]
        for run in runs:
            found = run.result()
            endings.update(found)
            for ending in found.values():
                # Workers elsewhere have no listener; what they did is told when it comes back.
                announce_done("cells", status=ending.status)
    return endings


@contextlib.contextmanager
def _opened_runner(workers: Workers) -> Iterator[Any]:
    count = workers.count or default_count()
    if workers.runner == "dask":
        library = import_extra("prefect_dask", rule=RULE, place=PLACE, extra="dask")
        dask = import_extra("dask", rule=RULE, place=PLACE, extra="dask")
        own = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None}
        # A daemon may not start processes, and every cell has one of its own.
        with dask.config.set({"distributed.worker.daemon": False}):
            runner = (
                library.DaskTaskRunner(cluster_kwargs=own)
                if workers.address is None
                else library.DaskTaskRunner(address=workers.address)
            )
            with runner:
                yield runner
    else:
        library = import_extra("prefect_ray", rule=RULE, place=PLACE, extra="ray")
        runner = (
            library.RayTaskRunner(init_kwargs={"num_cpus": count, "include_dashboard": False})
            if workers.address is None
            else library.RayTaskRunner(address=workers.address)
        )
        with runner:
            yield runner
