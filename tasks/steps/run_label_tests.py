"""Step: test the clusters that the user already has, the classes of the first label, in the same way.

Which of them are separate in the latent space, and which run into each other? No picture takes part in this.
"""

from __future__ import annotations

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import JudgedLabels
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, versions
from steadymap.tasks.verdicts.held_out_jobs import HeldOutJob, run_missing
from steadymap.tasks.verdicts.label_job import run_label_job
from steadymap.tasks.verdicts.label_rows import label_rows

MOST_CLASSES = 200
"""More classes are ids rather than clusters, and are not tested."""


LABEL_CODE = (
    "steadymap.tasks.verdicts.label_job:classes_on_half",
    "steadymap.tasks.numerics.geometry.preprocess",
)
"""What shapes the test of classes on a half."""


@task(name="run label tests", task_run_name="labels of {plan.run}", cache_policy=NO_CACHE)
def run_label_tests(plan: Plan) -> JudgedLabels:
    """Test every class against its neighbours on every half, and combine."""
    classes = plan.dataset.classes() if plan.dataset.labels else []
    names = sorted({label for label in classes if label is not None})
    jobs = _jobs(plan, classes) if 2 <= len(names) <= MOST_CLASSES else []
    lost = run_missing(jobs, run_label_job, plan, "labels")
    found = [outcome for job in jobs if (outcome := job.outcome()) is not None]
    rows = label_rows(names, found, classes) if found else []
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
