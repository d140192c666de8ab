"""Cells that misbehave for real, in a real worker. Importable by name, so that a worker process can load it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from steadymap.tasks.cells.compute_cells import CellJob, CellResult, compute_cells
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


def touch_memory(size: int) -> int:
    """Allocate in pieces and write to every page, as a growing program does."""
    piece = 256_000_000
    held = [bytearray(os.urandom(1)) * piece for _ in range(size // piece)]
    return sum(map(len, held))


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
