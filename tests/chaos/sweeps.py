"""Small sweeps to attack: the steps of the flow without Prefect, in this process, so that hundreds of rounds are cheap.

``sweep_here`` calls the same steps in the same order as ``steadymap.flows.sweep.stability_sweep`` and writes the same
bytes; a test compares the two. What Prefect, the worker pool and the report add is attacked in full elsewhere
(``benchmarks.kill_and_resume``, tests/flows).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steadymap.configs.sweep import SweepConfig
from steadymap.flows.drawing.draw_cells import drawn_cells
from steadymap.tasks import workers
from steadymap.tasks.cells.compute_cells import CellOutcomes
from steadymap.tasks.plan.graphs import cells_by_graph
from steadymap.tasks.plan.lay_out import run_identity
from steadymap.tasks.steps.compute_graph import compute_graph
from steadymap.tasks.steps.decode_clusters import decode_clusters
from steadymap.tasks.steps.describe_latent_space import describe_latent_space
from steadymap.tasks.steps.find_clusters import find_clusters
from steadymap.tasks.steps.judge_clusters import judge_clusters
from steadymap.tasks.steps.measure_stability import measure_stability
from steadymap.tasks.steps.plan_sweep import plan_sweep
from steadymap.tasks.steps.prepare_geometry import prepare_geometry, remake_derived
from steadymap.tasks.steps.read_dataset import read_dataset
from steadymap.tasks.steps.run_label_tests import run_label_tests
from steadymap.tasks.steps.run_split_tests import run_split_tests
from steadymap.tasks.steps.score_cells import score_cells
from steadymap.tasks.steps.score_rows import score_rows
from steadymap.tasks.steps.write_run import refresh_timings, write_run
from steadymap.tasks.store.findings import Findings
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.locks import hold_lock, lock_of
from steadymap.tasks.store.run_manifest import find_complete_run
from steadymap.tasks.store.run_uses import recorded_uses, write_uses
from tests.conftest import three_blobs

LIMITS = workers.Limits(count=1, timeout_seconds=600, memory_bytes=4_000_000_000)
MOVING = ("timings", "locks", "uses")
"""Folders whose bytes say when and where something was made."""


class PoolHere:
    """A worker pool that does each job at once, in this process; what a job raises is its outcome."""

    limits = LIMITS

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Do a job."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # as a pool does: whatever a job raises is its outcome
            future.set_exception(error)
        return future

    def outcome(self, future: Future[Any]) -> workers.Outcome[Any]:
        """Say how it ended."""
        try:
            return workers.Done(future.result())
        except Exception as error:  # as a pool does
            return workers.Lost("failed", workers.describe_error(error))

    def close(self) -> None:
        """End nothing."""


@contextlib.contextmanager
def pool_here() -> Iterator[None]:
    """Have every step find a pool that works in this process."""
    before, workers._open_pool = workers._open_pool, PoolHere()
    try:
        yield
    finally:
        workers._open_pool = before


def tiny_config(data: Path, **changes: Any) -> SweepConfig:
    """Return a sweep of t-SNE with two seeds and PCA, one pair of halves, no reference data."""
    return SweepConfig.model_validate(
        {
            "name": "tiny",
            "data": {"path": str(data)},
            "reducers": [{"reducer": "tsne", "perplexity": 8}, {"reducer": "pca"}],
            "seeds": [0, 1],
            "scores": {"k": [5]},
            "resamples": {"pairs": 1, "configurations": 1},
            "nulls": {"gaussian": 0, "copula": 0},
            **changes,
        }
    )


def tiny_data(folder: Path, rows: int = 72, seed: int = 0) -> Path:
    """Write an .npz with three clusters and their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    vectors, labels = three_blobs(rows, dimensions=4, seed=seed)
    path = folder / f"blobs-{rows}-{seed}.npz"
    np.savez(path, X=vectors, y=labels)
    return path


@dataclass(frozen=True)
class Swept:
    """What a sweep has done: its run, how many pictures it drew and lost, and what else was lost and why."""

    run: str
    computed: int
    failed: int
    lost: tuple[str, ...] = ()


def sweep_here(config: SweepConfig, root: Path) -> Swept:
    """Sweep with the steps of the flow, one after the other, in this process."""
    store = Store(root.resolve())
    with pool_here(), recorded_uses(store) as uses:
        dataset = read_dataset.fn(config.data, store, config.workers)
        with hold_lock(lock_of(store, run_identity(config, dataset)), "sweep", lambda _: None):
            plan = plan_sweep.fn(config, dataset, store)
            complete = find_complete_run(store.run(plan.run), plan.identity) if not plan.missing else None
            if complete is not None:
                refresh_timings(plan)
                write_uses(store, plan.run, uses())
                return Swept(plan.run, 0, 0)
            endings: CellOutcomes = {}
            if plan.missing:
                broken = prepare_geometry.fn(plan)
                for graph in cells_by_graph(plan.missing):
                    endings |= compute_graph.fn(graph, plan, broken, None)
            remake_derived(plan)
            drawn = drawn_cells(plan, endings)
            scores = score_cells.fn(plan, drawn)
            splits = run_split_tests.fn(plan, drawn)
            clusters = find_clusters.fn(plan, drawn, splits)
            judged = judge_clusters.fn(plan, clusters, splits)
            findings = Findings(
                scores=scores,
                latent_space=describe_latent_space.fn(plan),
                stability=measure_stability.fn(plan, drawn),
                splits=splits,
                clusters=judged,
                labels=run_label_tests.fn(plan),
                ratings=score_rows.fn(plan, drawn),
                decoded=decode_clusters.fn(plan, judged),
            )
            write_uses(store, plan.run, uses())
            written = write_run.fn(plan, endings, findings)
            return Swept(plan.run, len(endings), written.failed, findings.lost)


def bytes_that_count(root: Path) -> dict[str, str]:
    """Return the digest of every file of a store that two sweeps of the same thing have to share."""
    found = {}
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        counts = path.is_file() and place.parts[0] not in MOVING and path.name not in ("timings.parquet", "config.yaml")
        if counts and not any(part.startswith(".") for part in place.parts):
            found[place.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def holds_all_of(root: Path, expected: dict[str, str]) -> bool:
    """Say whether a store has the files of another, to the byte, and no more of ours.

    Where a step worked that was killed, or whose tidying up failed, a folder of its own stays among the findings.
    """
    found = bytes_that_count(root)
    more = [name for name in found.keys() - expected.keys() if not name.startswith("findings/")]
    return not more and all(found.get(name) == digest for name, digest in expected.items())


def in_a_child(work: Callable[[], object]) -> int:
    """Fork a process, in a group of its own, that does something and ends with 0, or with 3 where it raised."""
    child = os.fork()
    if child:
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        return child
    status = 3
    try:
        os.setpgid(0, 0)
        work()
        status = 0
    except Exception:  # a child of fork must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def ended(child: int) -> int:
    """Wait for a child, and return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
