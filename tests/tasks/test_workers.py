"""Worker processes: what a bad job costs, and what is told about it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from queue import Queue
from typing import Any

import psutil
import pytest

from steadymap.tasks.workers import Done, Limits, Lost, WorkerPool, current_pool, opened_pool
from tests.faults import sleep_through_signals, touch_memory, worker_id
from tests.processes import wait_until

LIMITS = Limits(count=2, timeout_seconds=4, memory_bytes=1_200_000_000)


def test_a_job_that_outgrows_its_memory_is_killed_and_its_neighbours_finish() -> None:
    with opened_pool(LIMITS) as pool:
        greedy = pool.submit(touch_memory, 30_000_000_000)
        others = [pool.submit(worker_id) for _ in range(6)]
        outcome = pool.outcome(greedy)
        assert isinstance(outcome, Lost)
        assert outcome.status == "out_of_memory"
        assert "1.2 GB" in outcome.reason
        assert all(isinstance(pool.outcome(other), Done) for other in others)


def test_a_time_limit_is_real_and_leaves_no_process() -> None:
    with opened_pool(LIMITS) as pool:
        pool.outcome(pool.submit(worker_id))  # the workers are up; what follows is the job's time alone
        started = time.monotonic()
        outcome = pool.outcome(pool.submit(time.sleep, 3600))
        elapsed = time.monotonic() - started
        finished = pool.outcome(pool.submit(worker_id))
    assert outcome == Lost("timeout", "still running after 4 s")
    assert LIMITS.timeout_seconds <= elapsed < LIMITS.timeout_seconds + 2
    assert isinstance(finished, Done)
    assert not psutil.pid_exists(finished.value)


def test_who_does_not_listen_to_being_asked_to_end_is_ended_in_time() -> None:
    with opened_pool(replace(LIMITS, timeout_seconds=1)) as pool:
        pool.outcome(pool.submit(worker_id))
        started = time.monotonic()
        outcome = pool.outcome(pool.submit(sleep_through_signals))
        elapsed = time.monotonic() - started
    assert outcome == Lost("timeout", "still running after 1 s")
    assert elapsed < 3


def test_an_error_keeps_its_message() -> None:
    with opened_pool(LIMITS) as pool:
        outcome = pool.outcome(pool.submit(int, "seven"))
    assert isinstance(outcome, Lost)
    assert outcome.status == "failed"
    assert outcome.reason.startswith("ValueError: invalid literal")


def test_whoever_waits_for_a_job_is_told_when_the_pool_is_closed() -> None:
    told: Queue[object] = Queue()
    with opened_pool(replace(LIMITS, timeout_seconds=3600)) as pool:
        # Two that never end by themselves, and behind them more than the pipe to the workers holds.
        jobs: list[Future[Any]] = [pool.submit(time.sleep, 3600) for _ in range(2)]
        jobs += [pool.submit(len, bytes(1_000_000)) for _ in range(4)]
        for job in jobs:
            threading.Thread(target=lambda job=job: told.put(pool.outcome(job)), daemon=True).start()
        wait_until(lambda: [job.running() for job in jobs] == [True] * 2 + [False] * 4, "two jobs", None)
    assert all(isinstance(told.get(timeout=30), Lost) for _ in jobs)


def test_the_pool_is_found_while_it_is_open_only() -> None:
    with opened_pool(LIMITS) as pool:
        assert current_pool() is pool
        assert isinstance(pool, WorkerPool)
    with pytest.raises(RuntimeError, match="no worker pool is open"):
        current_pool()
