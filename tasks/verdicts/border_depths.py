"""Step: on every half of the rows look at the ground around the published clusters.

The test of ``run_split_tests`` shows which clusters are separated. This shows which are not: clusters towards whose
border the density does not sink.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import map_array, write_arrays
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, versions
from steadymap.tasks.verdicts.held_out_jobs import HeldOutJob, HeldOutRows, run_missing

if TYPE_CHECKING:
    from steadymap.tasks.numerics.verdicts.border_depth import BorderDepth


BORDER_CODE = (
    "steadymap.tasks.verdicts.border_depths:borders_on_half",
    "steadymap.tasks.numerics.geometry.preprocess",
)
"""What shapes what a half shows."""


@dataclass(frozen=True)
class HalfBorders:
    """What one half shows around every cluster (None where there is nothing to see); ``pair`` numbers the split."""

    pair: int
    around: tuple[BorderDepth | None, ...]


def measure_border_depths(plan: Plan, clusters: np.ndarray) -> tuple[tuple[HalfBorders, ...], tuple[str, ...]]:
    """Look around every cluster on every half, and return what was seen and why halves were lost.

    Parameters
    ----------
    clusters
        Cluster of every row in canonical order, from 0; shape (n,).
    """
    count = int(clusters.max()) + 1
    if count < 2:
        return (), ()
    published = digest(clusters.tolist())
    folder = plan.store.findings(plan.run) / f"published-{published}"
    write_arrays(folder, {"clusters": clusters}, {})
    jobs = _jobs(plan, published, folder)
    lost = run_missing(jobs, run_border_job, plan, "surroundings")
    return tuple(_read(job) for job in jobs if job.outcome() is not None), lost


def _jobs(plan: Plan, published: str, folder: Path) -> list[HeldOutJob]:
    preprocess = plan.config.preprocess
    identity = {
        "published": published,
        "preprocess": preprocess.model_dump(mode="json"),
        "code": code_digest(*BORDER_CODE),
        "libraries": versions((*SHAPING_LIBRARIES, "numba")),
    }
    return [
        HeldOutJob(
            identity=digest({**identity, "half": half.digest}),
            store=plan.store,
            geometry=plan.geometry,
            half=half,
            metric=preprocess.metric,
            clusters=folder,
        )
        for half in plan.derived
        if half.recipe.kind == "half"
    ]


def run_border_job(job: HeldOutJob) -> None:
    """Look from one half with the other, and commit what was seen; runs in a worker."""
    seen = borders_on_half(job.rows(), np.array(map_array(job.clusters, "clusters")))
    write_arrays(job.folder, {}, {"around": [None if one is None else asdict(one) for one in seen]})


def borders_on_half(rows: HeldOutRows, clusters: np.ndarray) -> tuple[BorderDepth | None, ...]:
    """Return what one half shows around every cluster: all that shapes the outcome.

    Parameters
    ----------
    clusters
        Cluster of every row of the dataset in canonical order, from 0; shape (n,).
    """
    from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
    from steadymap.tasks.numerics.verdicts.border_depth import border_depths

    with threadpool_limits(1):
        halves = split_sample(rows.discovery, rows.held_out, rows.discovery_keys, rows.held_out_keys)
        return tuple(border_depths(halves, clusters[rows.positions], int(clusters.max()) + 1))


def _read(job: HeldOutJob) -> HalfBorders:
    from steadymap.tasks.numerics.valleys.valley_depth import read_depth
    from steadymap.tasks.numerics.verdicts.border_depth import BorderDepth

    around = []
    for told in (job.outcome() or {})["around"]:
        depth = told and told["depth"] and read_depth(told["depth"])
        around.append(None if told is None else BorderDepth(depth, told["p"], told["rows_needed"], told["neighbour"]))
    return HalfBorders(job.half.recipe.number, tuple(around))
