"""Step: compute the parts of the geometry that missing cells need and the store lacks."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.compute_part import PartJob, compute_part
from tasks.geometry import Geometry, Part, find_neighbours, neighbours_folder, neighbours_needed, parts_of, plan_parts
from tasks.plan_sweep import Plan
from tasks.progress import announce_done, announce_total
from tasks.store import map_array, write_arrays
from tasks.workers import Lost, current_pool


@task(name="prepare geometry", task_run_name="geometry of {plan.rows} rows", cache_policy=NO_CACHE)
def prepare_geometry(plan: Plan) -> dict[Part, str]:
    """Compute what is missing and return the parts that failed, each with its reason.

    Parts without anything between them are computed side by side; the neighbour search takes all cores.
    """
    wanted = [part for cell in plan.missing for part in parts_of(cell.configuration)]
    todo = plan_parts(wanted, plan.geometry)
    announce_total("geometry", len(todo))
    failed: dict[Part, str] = {}
    # What a stage computes, the next one rests on.
    for stage in (("working",), ("neighbours",), ("components", "fuzzy_graph", "affinities"), ("spectral",)):
        _compute([part for part in todo if part.kind in stage], plan.geometry, failed)
    return failed


def _compute(parts: list[Part], geometry: Geometry, failed: dict[Part, str]) -> None:
    futures: dict[Part, Future[None]] = {}
    for part in parts:
        reason = _failed_below(part, failed)
        if reason is not None:
            failed[part] = reason
        elif part.kind == "neighbours":
            _search_neighbours(part, geometry)
            announce_done("geometry")
        else:
            futures[part] = current_pool().submit(compute_part, _job(part, geometry))
    for part, future in futures.items():
        outcome = current_pool().outcome(future)
        if isinstance(outcome, Lost):
            failed[part] = f"{part}: {outcome.reason}"
        announce_done("geometry", status="ok" if part not in failed else "failed")


def _failed_below(part: Part, failed: dict[Part, str]) -> str | None:
    """Return why a part cannot be computed: something it rests on failed."""
    below = {Part("working", part.metric)}
    if part.kind == "spectral":
        below.add(replace(part, kind="fuzzy_graph", dimension=0))
    return next((reason for other, reason in failed.items() if other in below), None)


def _search_neighbours(part: Part, geometry: Geometry) -> None:
    from tasks.numerics.neighbours import nearest_neighbours

    working = map_array(geometry.folder(Part("working", part.metric)), "working")
    k = int(part.size)
    found = nearest_neighbours(working, k, metric=part.metric, threads=current_pool().limits.count)
    arrays = {"indices": found.indices, "distances": found.distances}
    write_arrays(neighbours_folder(geometry, part.metric, k), arrays, {"part": str(part)})


def _job(part: Part, geometry: Geometry) -> PartJob:
    k = neighbours_needed(part, geometry.dataset.rows)
    graph = replace(part, kind="fuzzy_graph", dimension=0)
    return PartJob(
        part=part,
        folder=geometry.folder(part),
        latents=geometry.dataset.folder,
        preprocessing=geometry.preprocessing,
        working=geometry.folder(Part("working", part.metric)),
        neighbours=find_neighbours(geometry, part.metric, k) if k else None,
        fuzzy_graph=geometry.folder(graph) if part.kind == "spectral" else None,
    )
