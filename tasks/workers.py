"""Isolated worker processes: a cell that crashes, hangs or eats the memory costs that cell and nothing else.

Workers are forked from a forkserver that has imported and compiled everything once (``tasks.numerics.preload``).
Each works on one thread. A job that outlives its time limit, or whose worker outgrows its memory limit, is
killed, and the reason is told as a status. Limits count resident memory that is not a map of a shared file.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as PoolTimeoutError
from dataclasses import dataclass
from multiprocessing import popen_forkserver, spawn
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import psutil
from pebble import CONSTS, ProcessExpired, ProcessPool

from steadymap.configs.sweep import Workers

T = TypeVar("T")

WARM_MODULE = "steadymap.tasks.numerics.preload"
JOB_MODULES = (
    "steadymap.tasks.cells.compute_cells",
    "steadymap.tasks.geometry.compute_part",
    "steadymap.tasks.verdicts.split_job",
    "steadymap.tasks.verdicts.border_depths",
    "steadymap.tasks.verdicts.label_job",
    "steadymap.tasks.cells.score_batch",
    "steadymap.tasks.stability.compare_batch",
    "steadymap.tasks.stability.row_scores",
    "steadymap.tasks.cells.branch_files",
    "steadymap.tasks.decoding.decode_places",
)
"""What jobs are made of: pandas and pyarrow take a worker a second to load, and every step starts its own workers."""

ONE_THREAD = {
    "NUMBA_NUM_THREADS": "1",
    # numba's OpenMP layer aborts in a forked child; workqueue is the layer that survives the fork.
    "NUMBA_THREADING_LAYER": "workqueue",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}

MEMORY_SHARE = 0.8
"""Share of the machine's memory that all workers together may take by default."""

MEMORY_CHECK_SECONDS = 0.05
"""At 4 GB/s, as fast as memory is touched, a worker overshoots its limit by at most 0.2 GB."""


SECONDS_TO_END = 0.5
"""A worker that is asked to end and does not is killed: a time limit of a job is no request."""

CONSTS.term_timeout = SECONDS_TO_END


@dataclass(frozen=True)
class Limits:
    """How many workers, and what each job may take."""

    count: int
    timeout_seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class Done(Generic[T]):
    """A job's result."""

    value: T


@dataclass(frozen=True)
class Lost:
    """Why a job has no result: a status of ``steadymap.configs.schemas.STATUSES`` and a sentence."""

    status: str
    reason: str


Outcome = Done[T] | Lost


def describe_error(error: Exception) -> str:
    """Return an error's kind and the first line of what it says."""
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]


def default_count() -> int:
    """Return the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_limits(workers: Workers) -> Limits:
    """Fill in what a config leaves open."""
    count = workers.count or default_count()
    share = MEMORY_SHARE * psutil.virtual_memory().total / count
    memory = share if workers.memory_gb is None else workers.memory_gb * 1e9
    return Limits(count, workers.timeout_seconds, int(memory))


def warm_up() -> None:
    """Start the forkserver, which imports and compiles in the background; does nothing the second time."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([WARM_MODULE, *JOB_MODULES])
        multiprocessing.forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _WorkerProcess(ForkServerProcess):
    """A worker that does not run the program's main script again, as Python's workers do.

    Jobs are functions of this package. A script that sweeps on its top level, without ``if __name__ == "__main__":``,
    would start a sweep in every worker.
    """

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> popen_forkserver.Popen:  # noqa: N802 - Python's name
        _launching.without_main = True
        try:
            return popen_forkserver.Popen(process_obj)
        finally:
            _launching.without_main = False


class _WorkerContext(ForkServerContext):
    Process = _WorkerProcess


_launching = threading.local()

_every_preparation = spawn.get_preparation_data


def _preparation(name: str) -> dict[str, Any]:
    """Return what Python tells a new process; of this thread's workers, without the main script."""
    told: dict[str, Any] = _every_preparation(name)
    if getattr(_launching, "without_main", False):
        told = {key: value for key, value in told.items() if not key.startswith("init_main_from_")}
    return told


# Python asks this function only, and offers no other way to leave the main script out.
spawn.get_preparation_data = _preparation


class WorkerPool:
    """Runs jobs in isolated processes and tells how each ended."""

    def __init__(self, limits: Limits) -> None:
        warm_up()
        self.limits = limits
        context = _WorkerContext()
        reader, writer = context.Pipe(duplex=False)
        self._guard = _MemoryGuard(reader, limits.memory_bytes)
        self._pool = ProcessPool(
            max_workers=limits.count, context=context, initializer=_enter_worker, initargs=(writer,)
        )
        self._futures: WeakSet[Future[Any]] = WeakSet()
        self._noting = threading.Lock()
        self._closed = False

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Queue a job: a function of an importable module with small, picklable arguments.

        Of a pool that is closed the job is cancelled at once.
        """
        try:
            future: Future[T] = self._pool.schedule(function, args=arguments, timeout=self.limits.timeout_seconds)
        except RuntimeError:  # closed meanwhile: who asks is told what those in the queue are told
            future = Future()
            future.cancel()
        with self._noting:
            self._futures.add(future)
        return future

    def outcome(self, future: Future[T]) -> Outcome[T]:
        """Wait for a job and say how it ended; never raises for what the job did."""
        try:
            return Done(future.result())
        except PoolTimeoutError:
            return Lost("timeout", f"still running after {self.limits.timeout_seconds:g} s")
        except ProcessExpired as death:
            return self._explain_death(death)
        except MemoryError as error:
            return Lost("out_of_memory", str(error) or "an allocation was refused")
        except Exception as error:  # A job may raise anything; that is its result, not ours.
            return Lost("failed", describe_error(error))

    def _explain_death(self, death: ProcessExpired) -> Lost:
        if death.pid in self._guard.killed:
            limit = self.limits.memory_bytes / 1e9
            return Lost("out_of_memory", f"took more than its {limit:.1f} GB of memory")
        code = int(death.exitcode or 0)
        if code < 0:
            return Lost("crashed", f"the worker was killed by {signal.Signals(-code).name}")
        return Lost("crashed", f"the worker ended with exit code {code}")

    def close(self) -> None:
        """End the workers; jobs that still run are killed, and whoever waits for one waits no longer.

        The second time it does nothing.
        """
        if self._closed:
            return
        self._closed = True
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it untyped
        with self._noting:
            waited_for = list(self._futures)
        for future in waited_for:
            future.cancel()  # a stopped pool leaves what it has not done pending for ever
        self._pool.join()
        self._guard.stop()


_open_pool: WorkerPool | None = None


@contextlib.contextmanager
def opened_pool(limits: Limits) -> Iterator[WorkerPool]:
    """Open this process's worker pool, which every step finds by ``current_pool``."""
    # One pool a process: tasks carry ids and paths, not pools.
    global _open_pool  # noqa: PLW0603
    pool = WorkerPool(limits)
    _open_pool = pool
    try:
        yield pool
    finally:
        _open_pool = None
        pool.close()


@contextlib.contextmanager
def some_pool(limits: Limits) -> Iterator[WorkerPool]:
    """Give the open pool; where none is, as in a worker of a cluster, open one for as long as this lasts."""
    if _open_pool is not None:
        yield _open_pool
        return
    with opened_pool(limits) as pool:
        yield pool


@contextlib.contextmanager
def pool_to_its_end(limits: Limits) -> Iterator[WorkerPool]:
    """Take over the open pool, or open one; it ends with this block, whoever has opened it.

    Whoever waits for a job of a block that was interrupted waits no longer.
    """
    # The one pool of this process, which ends here.
    global _open_pool  # noqa: PLW0603
    with some_pool(limits) as pool:
        try:
            yield pool
        finally:
            _open_pool = None
            pool.close()


def current_pool() -> WorkerPool:
    """Return this process's worker pool.

    Raises
    ------
    RuntimeError
        No pool is open.
    """
    if _open_pool is None:
        raise RuntimeError("no worker pool is open in this process")
    return _open_pool


class _MemoryGuard:
    """Kills workers that outgrow their limit. It stands outside of them: compiled code holds their GIL."""

    def __init__(self, newcomers: Connection, limit: int) -> None:
        self.killed: set[int] = set()
        self._newcomers = newcomers
        self._limit = limit
        self._watched: dict[int, psutil.Process] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-guard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._newcomers.close()

    def _watch(self) -> None:
        while not self._stopping.wait(MEMORY_CHECK_SECONDS):
            while self._newcomers.poll():
                pid = int.from_bytes(self._newcomers.recv_bytes(), "little")
                with contextlib.suppress(psutil.Error):
                    self._watched[pid] = psutil.Process(pid)
            for pid, process in list(self._watched.items()):
                self._check(pid, process)

    def _check(self, pid: int, process: psutil.Process) -> None:
        try:
            memory = process.memory_info()
            if memory.rss - getattr(memory, "shared", 0) > self._limit:
                self.killed.add(pid)
                process.kill()
        except psutil.Error:
            del self._watched[pid]


def _enter_worker(newcomer: Connection) -> None:
    """Prepare a fresh worker: be known to the memory guard, die with the parent, be the kernel's first choice."""
    newcomer.send_bytes(os.getpid().to_bytes(8, "little"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform == "linux":
        die_with_parent = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)
        with contextlib.suppress(OSError), Path("/proc/self/oom_score_adj").open("w") as score:
            score.write("1000")
