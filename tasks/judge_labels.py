"""Step: test the clusters that the user already has, the classes of the first label, in the same way.

Which of them are separate in the latent space, and which run into each other? No picture takes part in this.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from configs import schemas
from tasks.code_digest import code_digest
from tasks.held_out_jobs import HeldOutJob, run_missing
from tasks.identity import SHAPING_LIBRARIES, digest, versions
from tasks.judge_on_half import judge_on_half
from tasks.plan import Plan
from tasks.seek_on_half import ALPHA
from tasks.store import read_table, write_table

MOST_CLASSES = 200
"""More classes are ids rather than clusters, and are not tested."""


LABEL_CODE = (
    "tasks.judge_on_half:classes_on_half",
    "tasks.numerics.preprocess",
)
"""What shapes the test of classes on a half."""


@dataclass(frozen=True)
class JudgedLabels:
    """Where this step leaves what it finds, and why halves were lost."""

    file: Path
    lost: tuple[str, ...]

    def table(self) -> pa.Table:
        """Read it."""
        return read_table(self.file, schemas.LABELS)


@task(name="judge labels", task_run_name="labels of {plan.run}", cache_policy=NO_CACHE)
def judge_labels(plan: Plan) -> JudgedLabels:
    """Test every class against its neighbours on every half, and combine."""
    classes = plan.dataset.classes() if plan.dataset.labels else []
    names = sorted({label for label in classes if label is not None})
    jobs = _jobs(plan, classes) if 2 <= len(names) <= MOST_CLASSES else []
    lost = run_missing(jobs, judge_on_half, plan, "labels")
    found = [outcome for job in jobs if (outcome := job.outcome()) is not None]
    rows = _rows(names, found, classes) if found else []
    place = JudgedLabels(plan.store.findings(plan.run) / "labels.parquet", lost)
    write_table(pa.Table.from_pylist(rows, schema=schemas.LABELS), place.file)
    return place


def _jobs(plan: Plan, classes: list[str | None]) -> list[HeldOutJob]:
    preprocess = plan.config.preprocess
    identity = {
        "classes": digest(classes),
        "preprocess": preprocess.model_dump(mode="json"),
        "code": code_digest(*LABEL_CODE),
        "libraries": versions((*SHAPING_LIBRARIES, "numba")),
    }
    return [
        HeldOutJob(digest({**identity, "half": half.digest}), plan.store, plan.geometry, half, preprocess.metric)
        for half in plan.derived
        if half.recipe.kind == "half"
    ]


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
    from tasks.numerics.valley_depth import read_depth

    medians = [
        float(np.median(depths))
        for valleys in _pairs_of(code, found).values()
        if (depths := [read_depth(valley["depth"]).value for valley in valleys if valley["depth"] is not None])
    ]
    return max(medians, default=None)
