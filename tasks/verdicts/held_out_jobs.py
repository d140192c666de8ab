"""Work that one half of the rows prepares and the other half decides: a job of a worker each, kept in the store.

A job that is lost (crashed, too slow) costs itself: its reason is told in the report, and the next run tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.parts import Geometry
from steadymap.tasks.geometry.resamples_and_nulls import Derived, make_derived
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import Stage, announce_done, announce_total
from steadymap.tasks.store.files import read_if_whole, read_meta
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.sync import sync, upload
from steadymap.tasks.workers import Lost, choose_limits, some_pool


@dataclass(frozen=True)
class HeldOutJob:
    """All a worker needs to know: identities and places, no arrays.

    Attributes
    ----------
    identity
        Digest of all that shapes the outcome; the name of its folder.
    half
        The rows that propose; all others of the dataset are held out.
    cells
        Pictures of the half that propose; none where nothing is proposed.
    metric
        Distance in the latent space.
    clusters
        Folder with the cluster of every row of the dataset, for a job about given ones.
    """

    identity: str
    store: Store
    geometry: Geometry
    half: Derived
    metric: str
    cells: tuple[Cell, ...] = ()
    clusters: Path = Path()

    @property
    def folder(self) -> Path:
        """Where the outcome lies, or would lie."""
        return self.store.split(self.identity)

    def outcome(self) -> dict[str, Any] | None:
        """Read what was committed beside the arrays; None where there is nothing, or it is damaged."""
        return read_if_whole(read_meta, self.folder)

    def rows(self) -> HeldOutRows:
        """Read the vectors of both halves."""
        make_derived(self.half)
        working = read_working(self.geometry, self.metric)
        keys = np.array(self.geometry.vectors.keys())
        own = np.array(self.half.positions())
        other = np.setdiff1d(np.arange(len(working)), own)
        return HeldOutRows(own, working[own], working[other], keys[own], keys[other])


@dataclass(frozen=True)
class HeldOutRows:
    """Positions of the half that proposes, and vectors and keys of both halves."""

    positions: np.ndarray
    discovery: np.ndarray
    held_out: np.ndarray
    discovery_keys: np.ndarray
    held_out_keys: np.ndarray


def run_missing(
    jobs: Sequence[HeldOutJob], work: Callable[[HeldOutJob], None], plan: Plan, stage: Stage
) -> tuple[str, ...]:
    """Run the jobs that have no outcome yet, side by side, and return why others were lost."""
    sync(plan.store, [job.folder for job in jobs])
    missing = [job for job in jobs if job.outcome() is None]
    announce_total(stage, len(missing))
    if not missing:
        return ()
    lost = []
    with some_pool(choose_limits(plan.config.workers)) as pool:
        futures = [pool.submit(work, job) for job in missing]
        for job, future in zip(missing, futures, strict=True):
            outcome = pool.outcome(future)
            if isinstance(outcome, Lost):
                lost.append(f"{stage}, {job.half.recipe.name}: {outcome.status}: {outcome.reason}")
            else:
                upload(plan.store, [job.folder])
            announce_done(stage, status=outcome.status if isinstance(outcome, Lost) else "ok")
    return tuple(lost)
