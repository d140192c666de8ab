"""Jobs that misbehave in real workers: what they cost, how long they last, what they leave behind (R5, R6, R8)."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil

from steadymap.tasks.workers import Done, Limits, Lost, opened_pool
from tests.chaos.row import Reached, Scale
from tests.faults import sleep_through_signals, touch_memory, worker_id

LIMITS = Limits(count=4, timeout_seconds=1.0, memory_bytes=900_000_000)


def segfault() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def killed() -> None:
    """End as the kernel ends who takes too much."""
    os.kill(os.getpid(), signal.SIGKILL)


def left() -> None:
    """End without a word."""
    os._exit(7)


def raises() -> None:
    """Fail as a computation does."""
    raise ArithmeticError("the layout diverged")


def hangs() -> None:
    """Sleep for an hour."""
    time.sleep(3600)  # the hang itself; its time limit ends it


def hogs() -> None:
    """Take more memory than there may be."""
    touch_memory(30_000_000_000)


def loops_in_c() -> None:
    """Compute in C, where no signal handler of Python's is heard: a match that takes as long as the universe."""
    re.match(r"(a+)+$", "a" * 60 + "b")


FAULTS: tuple[tuple[Callable[[], None], str, str], ...] = (
    (segfault, "crashed", "SIGSEGV"),
    (killed, "crashed", "SIGKILL"),
    (left, "crashed", "exit code 7"),
    (raises, "failed", "ArithmeticError: the layout diverged"),
    (hangs, "timeout", "still running"),
    (hogs, "out_of_memory", "GB of memory"),
)

HANGS = (hangs, loops_in_c, sleep_through_signals)


def bad_jobs(scale: Scale) -> Reached:
    """Hide 1 to 6 bad jobs among 64: the others finish, and each that is lost has its reason."""
    reached, chance = Reached(), scale.random()
    limits = replace(LIMITS, timeout_seconds=5.0)
    for number in range(scale.of(20, 1)):
        bad = chance.sample(FAULTS, chance.randint(1, 6)) if not scale.short else list(FAULTS)
        jobs: list[Any] = [*bad, *[None] * (64 - len(bad))]
        chance.shuffle(jobs)
        with opened_pool(limits) as pool:
            futures = [pool.submit(worker_id if job is None else job[0]) for job in jobs]
            outcomes = [pool.outcome(future) for future in futures]
        wrong = [
            f"{job and job[0].__name__}: {outcome}"
            for job, outcome in zip(jobs, outcomes, strict=True)
            if not _as_expected(job, outcome)
        ]
        reached.expect(not wrong, f"round {number}: {wrong}")
    return reached


def _as_expected(job: Any, outcome: object) -> bool:
    if job is None:
        return isinstance(outcome, Done)
    return isinstance(outcome, Lost) and outcome.status == job[1] and job[2] in outcome.reason


def time_limits(scale: Scale) -> Reached:
    """Let jobs hang in every way: each ends within two seconds of its limit, and nothing of it is left."""
    reached, chance = Reached(), scale.random()
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    longest = 0.0
    with opened_pool(LIMITS) as pool:
        for future in [pool.submit(worker_id) for _ in range(8)]:
            pool.outcome(future)
        for number in range(scale.of(100, 6)):
            job = HANGS[number % len(HANGS)] if scale.short else chance.choice(HANGS)
            begun = time.monotonic()
            outcome = pool.outcome(pool.submit(job))
            took = time.monotonic() - begun
            longest = max(longest, took)
            late = took > LIMITS.timeout_seconds + 2
            reached.expect(
                isinstance(outcome, Lost) and outcome.status == "timeout" and not late,
                f"{job.__name__}: {outcome} after {took:.1f} s",
            )
    left_over = [
        one
        for one in psutil.Process().children(recursive=True)
        if one.pid not in before and one.status() != psutil.STATUS_ZOMBIE and "steadymap" in " ".join(one.cmdline())
    ]
    workers = [one for one in left_over if one.parent() is None or one.parent().pid != os.getpid()]
    if workers:
        reached.broken.append(f"left behind: {workers}")
    reached.note = (
        f"the longest took {longest:.1f} s with a limit of {LIMITS.timeout_seconds:g} s; 0 workers left behind"
    )
    return reached


def workers_that_are_killed(scale: Scale) -> Reached:
    """Kill workers while they work: that job is told as lost, the next find a worker, all of them end."""
    reached, chance = Reached(), scale.random()
    with opened_pool(replace(LIMITS, count=2, timeout_seconds=60)) as pool:
        for number in range(scale.of(50, 6)):
            futures = [pool.submit(_say_and_sleep, 0.2) for _ in range(4)]
            time.sleep(chance.uniform(0.0, 0.15))  # the moment of the kill is the attack
            victims = _workers()
            if victims:
                victims[chance.randrange(len(victims))].kill()
            outcomes = [pool.outcome(future) for future in futures]
            lost = [one for one in outcomes if isinstance(one, Lost)]
            told = all(one.status == "crashed" and "SIGKILL" in one.reason for one in lost)
            reached.expect(len(lost) <= 1 and told, f"{number}: {outcomes}")
        reached.expect(all(isinstance(pool.outcome(pool.submit(worker_id)), Done) for _ in range(4)), "no slot is free")
    return reached


def _say_and_sleep(seconds: float) -> int:
    time.sleep(seconds)  # work that a kill falls into
    return os.getpid()


def _workers() -> list[psutil.Process]:
    """Return the workers: children of the server that forks them."""
    servers = [one for one in psutil.Process().children() if "forkserver" in " ".join(one.cmdline())]
    return [worker for server in servers for worker in server.children()]
