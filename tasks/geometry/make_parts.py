"""Make the parts that are missing, each after what it rests on; a part that fails fails those above it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from steadymap.tasks.geometry.compute_part import compute_geometry_part, job_of, search_neighbours
from steadymap.tasks.geometry.parts import Geometry, GeometryPart, neighbours_folder, neighbours_prefix, plan_parts
from steadymap.tasks.geometry.resamples_and_nulls import Derived, is_made, make_derived
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.store.sync import bring_matching, sync, upload
from steadymap.tasks.workers import Lost, current_pool

FailedParts = dict[Path, str]
"""Parts that could not be made, by the folder they would lie in, and why."""


Wanted = list[tuple[Geometry, GeometryPart]]


_making = threading.Lock()
"""One caller at a time: what another one is making is waited for, and not made twice."""


def make_parts(wanted: Wanted) -> FailedParts:
    """Make what the store lacks of these parts and of all they rest on, in the open worker pool."""
    with _making:
        return _make_parts(wanted)


def _make_parts(wanted: Wanted) -> FailedParts:
    broken: FailedParts = {}
    geometries = {geometry.vectors.folder: geometry for geometry, _ in wanted}
    _bring_parts(wanted)
    todo = [
        (geometry, part)
        for folder, geometry in geometries.items()
        for part in plan_parts((one for other, one in wanted if other.vectors.folder == folder), geometry)
    ]
    derived = [one.vectors for one in geometries.values() if isinstance(one.vectors, Derived)]
    to_make = [one for one in derived if not is_made(one)]
    announce_total("geometry", len(to_make) + len(todo))
    make_missing_derived(to_make)
    # What a stage computes, the next one rests on.
    for stage in (("working",), ("neighbours",), ("components", "fuzzy_graph", "affinities"), ("spectral",)):
        _compute([(geometry, part) for geometry, part in todo if part.kind in stage], broken)
    return broken


def _bring_parts(wanted: Wanted) -> None:
    """Bring from a store far away what was made before, and the neighbours that all else rests on."""
    for store in {geometry.store for geometry, _ in wanted if geometry.store.url is not None}:
        sync(store, [geometry.folder(part) for geometry, part in wanted])
        lacking = {geometry.vectors.folder: (geometry, part) for geometry, part in wanted if not geometry.has(part)}
        for geometry, part in lacking.values():
            bring_neighbours(geometry, part.metric)


def bring_neighbours(geometry: Geometry, metric: str) -> None:
    """Bring neighbours from a store far away, however far they reach."""
    bring_matching(geometry.store, "geometry", neighbours_prefix(geometry, metric))


def make_missing_derived(missing: list[Derived]) -> None:
    """Make the data that cells rest on; what fails here fails again, with its reason, where it is read."""
    futures = [current_pool().submit(make_derived, derived) for derived in missing]
    for future in futures:
        outcome = current_pool().outcome(future)
        announce_done("geometry", status="failed" if isinstance(outcome, Lost) else "ok")


def _compute(parts: Wanted, broken: FailedParts) -> None:
    futures: list[tuple[Geometry, GeometryPart, Future[None]]] = []
    for geometry, part in parts:
        reason = _broken_below(geometry, part, broken)
        if reason is not None:
            broken[geometry.folder(part)] = reason
        elif part.kind == "neighbours":
            search_neighbours(part, geometry, current_pool().limits.count)
            upload(geometry.store, [neighbours_folder(geometry, part.metric, int(part.size))])
            announce_done("geometry")
        else:
            futures.append((geometry, part, current_pool().submit(compute_geometry_part, job_of(part, geometry))))
    for geometry, part, future in futures:
        outcome = current_pool().outcome(future)
        if isinstance(outcome, Lost):
            broken[geometry.folder(part)] = f"{part}: {outcome.reason}"
        else:
            upload(geometry.store, [geometry.folder(part)])
        announce_done("geometry", status="failed" if isinstance(outcome, Lost) else "ok")


def first_reason(folders: Iterable[Path], broken: FailedParts) -> str | None:
    """Return why the first of these parts that could not be made was not; None where all were."""
    return next((broken[folder] for folder in folders if folder in broken), None)


def _broken_below(geometry: Geometry, part: GeometryPart, broken: FailedParts) -> str | None:
    """Return why a part cannot be computed: something it rests on failed."""
    below = [GeometryPart("working", part.metric)]
    if part.kind == "spectral":
        below.append(replace(part, kind="fuzzy_graph", dimension=0))
    return first_reason(map(geometry.folder, below), broken)
