"""Step: compute the parts of the geometry that missing cells need and the store lacks."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.tasks.geometry.make_parts import FailedParts, make_missing_derived, make_parts
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.plan.prepared import wanted_parts
from steadymap.tasks.progress import announce_total
from steadymap.tasks.workers import choose_limits, some_pool


@task(name="prepare geometry", task_run_name="geometry of {plan.rows} rows", cache_policy=NO_CACHE)
def prepare_geometry(plan: Plan) -> FailedParts:
    """Compute what is missing and return the parts that failed, each with its reason.

    Parts without anything between them are computed side by side; the neighbour search takes all cores.
    """
    return make_parts(wanted_parts(plan))


def remake_derived(plan: Plan) -> None:
    """Make the parts of the rows, and reference data, that the store lacks though it has their pictures.

    A store far away keeps none of them, since the data makes them again; later steps ask which rows a picture shows.
    """
    lacking = [derived for derived in plan.derived if not derived.folder.is_dir()]
    if lacking:
        with some_pool(choose_limits(plan.config.workers)):
            announce_total("geometry", len(lacking))
            make_missing_derived(lacking)
