"""Other processes that a test needs: commands as a user calls them, what runs beside it, and waiting for either."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil

SECONDS_TO_START = 120


def call(
    *command: str, environment: dict[str, str], folder: Path, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a module of Python, as a user would, to its end."""
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert not check or ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended


@contextlib.contextmanager
def beside(*command: str, environment: dict[str, str], folder: Path, log: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python (`-m MODULE …`, `-c CODE …`) beside a test, in a process group of its own, and end all of it after."""
    with (folder / log).open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)


def living(group: int) -> list[int]:
    """Return the processes of a group that have not ended."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def connects(port: int) -> bool:
    """Say whether anybody listens on a port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def answers(url: str) -> bool:
    """Say whether a Prefect server answers at its API's URL."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", timeout=2).is_success
    return False


def wait_until(
    holds: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None, seconds: float = SECONDS_TO_START
) -> None:
    """Ask again and again until something holds; there is nothing else to wait for in another process."""
    end = time.monotonic() + seconds
    while not holds():
        assert process is None or process.poll() is None, f"{what} ended with {process.returncode}"
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)  # between two looks
