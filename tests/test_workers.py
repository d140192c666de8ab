"""Worker processes: what a bad job costs, and what is told about it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tasks.workers import Done, Limits, Lost, WorkerPool, current_pool, opened_pool
from tests.faults import touch_memory, worker_id

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


def test_an_error_keeps_its_message() -> None:
    with opened_pool(LIMITS) as pool:
        outcome = pool.outcome(pool.submit(int, "seven"))
    assert isinstance(outcome, Lost)
    assert outcome.status == "failed"
    assert outcome.reason.startswith("ValueError: invalid literal")


def test_whoever_waits_for_a_job_is_told_when_the_pool_is_closed() -> None:
    with ThreadPoolExecutor() as threads:
        with opened_pool(LIMITS) as pool:
            # Jobs that never end by themselves: two are under way, two in the queue.
            waiting = [threads.submit(pool.outcome, pool.submit(time.sleep, 3600)) for _ in range(4)]
        outcomes = [one.result(timeout=60) for one in waiting]
    assert all(isinstance(outcome, Lost) for outcome in outcomes)


def test_the_pool_is_found_while_it_is_open_only() -> None:
    with opened_pool(LIMITS) as pool:
        assert current_pool() is pool
        assert isinstance(pool, WorkerPool)
    with pytest.raises(RuntimeError, match="no worker pool is open"):
        current_pool()
