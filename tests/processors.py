"""The tests of the science and a small sweep, as they run on other people's processors: `python -m tests.processors`.

OpenBLAS brings a kernel per family of processors, and each rounds in its own way; numba compiles for the processor it
finds. Both can be told to take another. Which kernel then runs is asked of the library, never assumed: one that this
processor cannot run is told, and where none but its own can be run, that is an error.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import llvmlite.binding

TESTS = (
    "tests/numerics",
    "tests/flows/test_sweep_flow.py::test_one_worker_many_workers_and_another_row_order_give_the_same_bytes",
)
AT_A_TIME = min(4, os.cpu_count() or 1)
FEWEST_TESTED = 2
"""Kernels of OpenBLAS: with one only, nothing but this processor's own was tested."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

# Products and decompositions, since a kernel beyond this processor is known by its death.
ASK = """
import numpy, scipy.linalg, threadpoolctl
from numba.core.registry import cpu_target
square = numpy.random.default_rng(0).standard_normal((300, 300))
for solve in (numpy.linalg.eigh, scipy.linalg.eigh): solve(square @ square.T)
blas = {at["architecture"] for at in threadpoolctl.threadpool_info() if at["internal_api"] == "openblas"}
print("+".join(sorted(blas)), cpu_target.target_context.codegen()._get_host_cpu_name())
"""


@dataclass(frozen=True)
class Processor:
    """A processor to run as.

    Attributes
    ----------
    name
        As OpenBLAS or numba calls it.
    settings
        Environment variables that say so.
    answers
        What OpenBLAS may call the kernel that then runs: one built without Zen's takes Haswell's, and it knows
        Prescott's by the older name Katmai.
    """

    name: str
    settings: Mapping[str, str]
    answers: tuple[str, ...] = field(default=())

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process that runs as this processor, whatever is set around it."""
        chosen = ("OPENBLAS_CORETYPE", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_CACHE_DIR")
        outer = {name: value for name, value in os.environ.items() if name not in chosen}
        return outer | ONE_THREAD | self.settings


def blas_kernel(name: str, *also: str) -> Processor:
    return Processor(f"OPENBLAS_CORETYPE={name}", {"OPENBLAS_CORETYPE": name}, (name, *also))


def numba_haswell(folder: str) -> Processor:
    """Return numba's Haswell. Its name alone would leave the features of this processor on, AVX-512 for one."""
    features = llvmlite.binding.get_host_cpu_features()
    for feature in features:
        features[feature] &= "avx512" not in feature and "avx10" not in feature
    flags = features.flatten()
    settings = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": flags, "NUMBA_CACHE_DIR": folder}
    return Processor("NUMBA_CPU_NAME=haswell", settings)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: what ran, whether tests ran at all, and whether something is red."""

    processor: Processor
    kernel: str
    tested: bool
    red: bool = False


def run_as(processor: Processor, options: tuple[str, ...]) -> Outcome:
    """Ask which kernel runs, then run the tests with it; print their last words, and all of them if one is red."""
    kernel, told = what_runs(processor)
    if told:
        say(f"NOT TESTED {processor.name}: {told}")
        return Outcome(processor, kernel, tested=False)
    say(f"{processor.name}: {kernel} runs")
    start = time.monotonic()
    ended = call("-m", "pytest", "-q", "-m", "not draws", *options, *TESTS, processor=processor)
    seconds = time.monotonic() - start
    verdict = "RED" if ended.returncode else "green"
    last = (ended.stdout.strip().splitlines() or ["no output"])[-1]
    say(f"{verdict} {processor.name} ({kernel}), {seconds:.0f} s: {last}")
    if ended.returncode:
        say(ended.stdout + ended.stderr)
    return Outcome(processor, kernel, tested=True, red=ended.returncode != 0)


def what_runs(processor: Processor) -> tuple[str, str | None]:
    """Return which kernels run, and why that is no test of this processor, if it is none."""
    asked = call("-c", ASK, processor=processor)
    if asked.returncode < 0:
        return "none", f"this processor cannot run it (signal {-asked.returncode})"
    if asked.returncode:
        return "none", f"OpenBLAS and numba could not be asked: {asked.stderr.strip()[-300:]}"
    blas, compiled_for = asked.stdout.split()
    if processor.answers and not set(blas.split("+")) <= set(processor.answers):
        return blas, f"OpenBLAS runs {blas} instead"
    return f"OpenBLAS {blas}, numba {compiled_for}", None


def without_twins(processors: Sequence[Processor]) -> list[Processor]:
    """Leave out whoever would run the very code that another runs: a build without Zen's kernel takes Haswell's."""
    kept: dict[str, Processor] = {}
    for processor in processors:
        kernel, told = what_runs(processor)
        code = processor.name if told else kernel  # what cannot run is told in its turn
        twin = kept.setdefault(code, processor)
        if twin is not processor:
            say(f"{processor.name}: the same code as {twin.name} ({kernel}), tested there")
    return list(kept.values())


def call(*arguments: str, processor: Processor) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=processor.environment, capture_output=True, text=True, check=False)


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main(options: tuple[str, ...]) -> int:
    """Run as all processors, as many at a time as there are cores; return 1 if one is red or too few were tested."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_A_TIME) as together:
        processors = (
            blas_kernel("Haswell"),
            blas_kernel("Zen", "Haswell"),
            blas_kernel("Sandybridge"),
            blas_kernel("Prescott", "Katmai"),
            numba_haswell(str(Path(folder).resolve())),
        )
        outcomes = list(together.map(lambda processor: run_as(processor, options), without_twins(processors)))
    left_out = [outcome.processor.name for outcome in outcomes if not outcome.tested]
    kernels = {outcome.kernel for outcome in outcomes if outcome.tested and outcome.processor.answers}
    say(f"{len(outcomes) - len(left_out)} of {len(outcomes)} tested; not tested: {', '.join(left_out) or 'none'}")
    if len(kernels) < FEWEST_TESTED:
        say(f"too few kernels of OpenBLAS ran: {sorted(kernels)}")
    return int(any(outcome.red for outcome in outcomes) or len(kernels) < FEWEST_TESTED)


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
