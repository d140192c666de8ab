"""Cells that misbehave for real, in a real worker. Importable by name, so that a worker process can load it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from steadymap.tasks.cells.compute_cell import CellJob, CellResult, compute_cell
from steadymap.tasks.verdicts.border_depths import look_on_half
from steadymap.tasks.verdicts.held_out_jobs import HeldOutJob
from steadymap.tasks.verdicts.label_job import judge_on_half
from steadymap.tasks.verdicts.split_job import seek_on_half

SEGFAULT_SEED, HANG_SEED, MEMORY_SEED, EXIT_SEED, RAISE_SEED = 101, 102, 103, 104, 105
MEMORY_BYTES = 30_000_000_000


def sabotaged_compute_cell(job: CellJob) -> CellResult:
    """Compute a cell, unless its seed is one of those that misbehave."""
    if job.seed == SEGFAULT_SEED:
        os.kill(os.getpid(), signal.SIGSEGV)
    if job.seed == HANG_SEED:
        time.sleep(3600)
    if job.seed == MEMORY_SEED:
        touch_memory(MEMORY_BYTES)
    if job.seed == EXIT_SEED:
        os._exit(7)
    if job.seed == RAISE_SEED:
        raise ArithmeticError("the layout diverged")
    return compute_cell(job)


def failing_compute_cell(job: CellJob) -> CellResult:
    """Lose every cell."""
    raise ArithmeticError(f"the layout of {job.configuration.name} diverged")


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
    (seek_on_half if job.cells else look_on_half if about_clusters else judge_on_half)(job)


def only_parts(job: CellJob) -> CellResult:
    """Draw parts of the rows only."""
    if job.resample is None:
        raise ArithmeticError("the layout diverged")
    return compute_cell(job)
