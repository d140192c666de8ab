"""Step: compute the parts of the geometry that missing cells need and the store lacks."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.compute_part import PartJob, compute_part
from tasks.derived_data import Derived, is_made, make_derived
from tasks.geometry import Geometry, Part, find_neighbours, neighbours_folder, neighbours_needed, parts_of, plan_parts
from tasks.plan_sweep import Plan
from tasks.progress import announce_done, announce_total
from tasks.store import map_array, write_arrays
from tasks.workers import Lost, current_pool

Broken = dict[Path, str]
"""Parts that could not be made, by the folder they would lie in, and why."""


@task(name="prepare geometry", task_run_name="geometry of {plan.rows} rows", cache_policy=NO_CACHE)
def prepare_geometry(plan: Plan) -> Broken:
    """Compute what is missing and return the parts that failed, each with its reason.

    Parts without anything between them are computed side by side; the neighbour search takes all cores.
    """
    broken: Broken = {}
    geometries = {cell.vectors.folder: cell.geometry for cell in plan.missing}
    todo = [
        (geometry, part)
        for folder, geometry in geometries.items()
        for part in plan_parts(_parts_of_missing(plan, folder), geometry)
    ]
    derived = [one.vectors for one in geometries.values() if isinstance(one.vectors, Derived)]
    to_make = [one for one in derived if not is_made(one)]
    announce_total("geometry", len(to_make) + len(todo))
    _make_derived(to_make)
    # What a stage computes, the next one rests on.
    for stage in (("working",), ("neighbours",), ("components", "fuzzy_graph", "affinities"), ("spectral",)):
        _compute([(geometry, part) for geometry, part in todo if part.kind in stage], broken)
    return broken


def _parts_of_missing(plan: Plan, folder: Path) -> list[Part]:
    return [part for cell in plan.missing if cell.vectors.folder == folder for part in parts_of(cell.configuration)]


def _make_derived(missing: list[Derived]) -> None:
    """Make the data that cells rest on; what fails here fails again, with its reason, where it is read."""
    futures = [current_pool().submit(make_derived, derived) for derived in missing]
    for future in futures:
        outcome = current_pool().outcome(future)
        announce_done("geometry", status="failed" if isinstance(outcome, Lost) else "ok")


def _compute(parts: list[tuple[Geometry, Part]], broken: Broken) -> None:
    futures: list[tuple[Geometry, Part, Future[None]]] = []
    for geometry, part in parts:
        reason = _broken_below(geometry, part, broken)
        if reason is not None:
            broken[geometry.folder(part)] = reason
        elif part.kind == "neighbours":
            _search_neighbours(part, geometry)
            announce_done("geometry")
        else:
            futures.append((geometry, part, current_pool().submit(compute_part, _job(part, geometry))))
    for geometry, part, future in futures:
        outcome = current_pool().outcome(future)
        if isinstance(outcome, Lost):
            broken[geometry.folder(part)] = f"{part}: {outcome.reason}"
        announce_done("geometry", status="failed" if isinstance(outcome, Lost) else "ok")


def _broken_below(geometry: Geometry, part: Part, broken: Broken) -> str | None:
    """Return why a part cannot be computed: something it rests on failed."""
    below = [Part("working", part.metric)]
    if part.kind == "spectral":
        below.append(replace(part, kind="fuzzy_graph", dimension=0))
    return next((broken[folder] for folder in map(geometry.folder, below) if folder in broken), None)


def _search_neighbours(part: Part, geometry: Geometry) -> None:
    from tasks.numerics.neighbours import nearest_neighbours

    working = map_array(geometry.folder(Part("working", part.metric)), "working")
    k = int(part.size)
    found = nearest_neighbours(working, k, metric=part.metric, threads=current_pool().limits.count)
    arrays = {"indices": found.indices, "distances": found.distances}
    write_arrays(neighbours_folder(geometry, part.metric, k), arrays, {"part": str(part)})


def _job(part: Part, geometry: Geometry) -> PartJob:
    k = neighbours_needed(part, geometry.vectors.rows)
    graph = replace(part, kind="fuzzy_graph", dimension=0)
    return PartJob(
        part=part,
        folder=geometry.folder(part),
        latents=geometry.vectors.folder,
        preprocessing=geometry.preprocessing,
        working=geometry.folder(Part("working", part.metric)),
        neighbours=find_neighbours(geometry, part.metric, k) if k else None,
        fuzzy_graph=geometry.folder(graph) if part.kind == "spectral" else None,
    )
