"""Step: test the clusters that the user already has, the classes of the first label, in the same way.

Which of them are separate in the latent space, and which run into each other? No picture takes part in this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE
from threadpoolctl import threadpool_limits

from configs import schemas
from tasks.compute_part import ensure_working
from tasks.derived_data import Derived, make_derived
from tasks.geometry import Geometry
from tasks.identity import SHAPING_LIBRARIES, code_digest, digest, versions
from tasks.numerics.cell_scores import encode_classes
from tasks.plan_sweep import Plan
from tasks.progress import announce_done, announce_total
from tasks.seek_valleys import ALPHA
from tasks.store import DamagedError, Store, read_meta, read_table, write_arrays, write_table
from tasks.workers import choose_limits, opened_pool

MOST_CLASSES = 200
"""More classes are ids rather than clusters, and are not tested."""


@dataclass(frozen=True)
class LabelJob:
    """All a worker needs to know about the tests of one half: identities and places, no arrays."""

    identity: str
    store: Store
    geometry: Geometry
    half: Derived
    metric: str


@dataclass(frozen=True)
class JudgedLabels:
    """Where this step leaves what it finds."""

    file: Path

    def table(self) -> pa.Table:
        """Read it."""
        return read_table(self.file, schemas.LABELS)


@task(name="judge labels", task_run_name="labels of {plan.run}", cache_policy=NO_CACHE)
def judge_labels(plan: Plan) -> JudgedLabels:
    """Test every class against its neighbours on every half, and combine."""
    place = JudgedLabels(plan.store.findings(plan.run) / "labels.parquet")
    names = sorted({label for label in plan.dataset.classes() if label is not None}) if plan.dataset.labels else []
    found: list[dict[str, Any]] = []
    if 2 <= len(names) <= MOST_CLASSES:
        jobs = _jobs(plan)
        _run_missing(jobs, plan)
        found = [meta for job in jobs if (meta := _read(job)) is not None]
    rows = _rows(names, found, plan.dataset.classes()) if found else []
    write_table(pa.Table.from_pylist(rows, schema=schemas.LABELS), place.file)
    return place


def _jobs(plan: Plan) -> list[LabelJob]:
    metric = plan.config.preprocess.metric
    identity = {
        "classes": digest(plan.dataset.classes()),
        "metric": metric,
        "scale": plan.config.preprocess.scale,
        "pca": plan.config.preprocess.pca,
        "code": code_digest("tasks.numerics.given_clusters", "tasks.numerics.islands", "tasks.numerics.preprocess"),
        "libraries": versions((*SHAPING_LIBRARIES, "numba")),
    }
    return [
        LabelJob(digest({**identity, "half": half.digest}), plan.store, plan.geometry, half, metric)
        for half in plan.derived
        if half.recipe.kind == "half"
    ]


def _run_missing(jobs: list[LabelJob], plan: Plan) -> None:
    missing = [job for job in jobs if _read(job) is None]
    announce_total("labels", len(missing))
    if not missing:
        return
    ensure_working(plan.geometry, plan.config.preprocess.metric)
    workers = plan.config.workers
    with opened_pool(choose_limits(workers.count, workers.timeout_seconds, workers.memory_gb)) as pool:
        for future in [pool.submit(run_label_job, job) for job in missing]:
            pool.outcome(future)  # a lost half leaves the others to speak
            announce_done("labels")


def _read(job: LabelJob) -> dict[str, Any] | None:
    try:
        return read_meta(job.store.split(job.identity))
    except (FileNotFoundError, DamagedError):
        return None


def run_label_job(job: LabelJob) -> None:
    """Test the classes of one half on the other, and commit what came out; runs in a worker."""
    from tasks.dataset import told_of_rows
    from tasks.numerics.given_clusters import run_given
    from tasks.numerics.halves import prepare_halves
    from tasks.numerics.islands import fill_noise

    make_derived(job.half)
    working = ensure_working(job.geometry, job.metric)
    keys = np.array(job.geometry.vectors.keys())
    codes = encode_classes(told_of_rows(job.geometry.vectors.folder, "label")).codes
    own = np.array(job.half.positions())
    other = np.setdiff1d(np.arange(len(working)), own)
    with threadpool_limits(1):
        labels = fill_noise(codes[own], working[own])
        halves = prepare_halves(working[own], working[other], keys[own], keys[other])
        found = run_given(halves, labels)
    pairs = [asdict(pair) for pair in found.pairs]
    write_arrays(job.store.split(job.identity), {}, {"p_values": list(found.p_values), "pairs": pairs})


def _rows(names: list[str], found: list[dict[str, Any]], classes: list[str | None]) -> list[dict[str, Any]]:
    from tasks.numerics.given_clusters import holm
    from tasks.numerics.split_consensus import combine_p_values

    p_values = holm([combine_p_values([_p_of(meta, code) for meta in found]) for code in range(len(names))])
    return [
        {
            "label": name,
            "size": sum(label == name for label in classes),
            "p_value": p_values[code],
            "separated": p_values[code] <= ALPHA,
            "depth": _shallowest(code, found),
            "runs_into": [names[other] for other in _runs_into(code, found)],
        }
        for code, name in enumerate(names)
    ]


def _p_of(meta: dict[str, Any], code: int) -> float:
    """Return the p-value of a class in a half; 1 where the half has none of its rows."""
    return float(meta["p_values"][code]) if code < len(meta["p_values"]) else 1.0


def _pairs_of(code: int, found: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Return the tests of a class by neighbour."""
    pairs: dict[int, list[dict[str, Any]]] = {}
    for meta in found:
        for pair in meta["pairs"]:
            if code in (pair["first"], pair["second"]):
                other = pair["second"] if pair["first"] == code else pair["first"]
                pairs.setdefault(other, []).append(pair["valley"])
    return pairs


def _runs_into(code: int, found: list[dict[str, Any]]) -> list[int]:
    """Return the neighbours from which most halves show no valley."""
    return sorted(
        other
        for other, valleys in _pairs_of(code, found).items()
        if sum(valley["p"] > ALPHA for valley in valleys) > len(found) / 2
    )


def _shallowest(code: int, found: list[dict[str, Any]]) -> float | None:
    """Return the depth of the shallowest valley around a class, each the median over halves."""
    medians = [
        float(np.median(depths))
        for valleys in _pairs_of(code, found).values()
        if (depths := [valley["depth"]["value"] for valley in valleys if valley["depth"] is not None])
    ]
    return max(medians, default=None)
