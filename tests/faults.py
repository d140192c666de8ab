"""Cells that misbehave for real, in a real worker. Importable by name, so that a worker process can load it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from steadymap.tasks.cells.branch_files import branches_of_batch
from steadymap.tasks.cells.compute_cells import CellJob, CellResult, compute_cells
from steadymap.tasks.cells.score_batch import ScoredWith, ScoreJob, score_batch
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.stability.compare_batch import Place, compare_batch
from steadymap.tasks.stability.pairs import Pair
from steadymap.tasks.stability.row_scores import measure_rows
from steadymap.tasks.store.layout import Store
from steadymap.tasks.verdicts.border_depths import run_border_job
from steadymap.tasks.verdicts.held_out_jobs import HeldOutJob
from steadymap.tasks.verdicts.label_job import run_label_job
from steadymap.tasks.verdicts.split_job import run_split_job

SEGFAULT_SEED, HANG_SEED, MEMORY_SEED, EXIT_SEED, RAISE_SEED = 101, 102, 103, 104, 105
MEMORY_BYTES = 30_000_000_000


def sabotaged_compute_cells(jobs: Sequence[CellJob]) -> list[CellResult]:
    """Compute cells, unless a seed is one of those that misbehave."""
    seeds = {job.seed for job in jobs}
    if SEGFAULT_SEED in seeds:
        os.kill(os.getpid(), signal.SIGSEGV)
    if HANG_SEED in seeds:
        time.sleep(3600)
    if MEMORY_SEED in seeds:
        touch_memory(MEMORY_BYTES)
    if EXIT_SEED in seeds:
        os._exit(7)
    if RAISE_SEED in seeds:
        raise ArithmeticError("the layout diverged")
    return compute_cells(jobs)


def failing_compute_cells(jobs: Sequence[CellJob]) -> list[CellResult]:
    """Lose every cell."""
    raise ArithmeticError(f"the layout of {jobs[0].configuration.name} diverged")


def lost_with_one_seed(jobs: Sequence[ScoreJob], how: ScoredWith) -> None:
    """Score pictures, unless one has the seed whose worker ends."""
    if any(job.cell.seed == EXIT_SEED and job.cell.kind == "data" for job in jobs):
        os._exit(7)
    score_batch(jobs, how)


def lost_with_one_pair(pairs: Sequence[Pair], place: Place) -> list[dict[str, object]]:
    """Compare pictures, unless they are of two settings and of the seed whose worker ends."""
    if any(pair.first.seed == EXIT_SEED and pair.between == "configurations" for pair in pairs):
        os._exit(7)
    return compare_batch(pairs, place)


def drawn_without_trees(jobs: Sequence[CellJob]) -> list[CellResult]:
    """Draw cells, and leave their density trees as a machine has them that got its cells from a bucket: not at all."""
    results = compute_cells(jobs)
    for job in jobs:
        job.store.branches(job.identity).unlink(missing_ok=True)
    return results


def lost_with_one_tree(cells: Sequence[Cell], store: Store) -> None:
    """Find density trees, unless one is of the seed whose worker ends."""
    if any(cell.seed == EXIT_SEED for cell in cells):
        os._exit(7)
    branches_of_batch(cells, store)


def lost_with_one_measure(names: Sequence[str], plan: Plan, cells: list[Cell], folder: Path) -> list[str]:
    """Measure rows, unless it is by EMBEDR."""
    if "EMBEDR" in names:
        os.kill(os.getpid(), signal.SIGSEGV)
    return measure_rows(names, plan, cells, folder)


def touch_memory(size: int) -> int:
    """Allocate in pieces and write to every page, as a growing program does."""
    piece = 256_000_000
    held = [bytearray(os.urandom(1)) * piece for _ in range(size // piece)]
    return sum(map(len, held))


def sleep_through_signals() -> None:
    """Sleep on, asked to end or not."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)  # only SIGKILL ends it


def worker_id() -> int:
    """Return the process that ran this."""
    return os.getpid()


def lost_on_one_half(job: HeldOutJob) -> None:
    """Do the work of a job but on the first half, whose worker ends."""
    if job.half.recipe.name == "half 0a":
        os._exit(7)
    about_clusters = job.clusters != Path()
    (run_split_job if job.cells else run_border_job if about_clusters else run_label_job)(job)


def only_parts(jobs: Sequence[CellJob]) -> list[CellResult]:
    """Draw parts of the rows only."""
    if jobs[0].resample is None:
        raise ArithmeticError("the layout diverged")
    return compute_cells(jobs)
