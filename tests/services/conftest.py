"""Real Prefect servers on loopback, on SQLite and on PostgreSQL, and all they need; everything ends with its test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

POSTGRES = Path("/usr/lib/postgresql/15/bin")
SECONDS_TO_START = 120


@dataclass
class Server:
    """A Prefect server, and how to call Prefect and Steadymap against it."""

    url: str
    environment: dict[str, str]
    folder: Path
    database: str

    def run(self, *command: str, check: bool = True) -> str:
        """Run a module of Python (`prefect …`, `flows.cli …`) and return what it printed."""
        ended = call(*command, environment=self.environment, folder=self.folder, check=check)
        return ended.stdout + ended.stderr

    def running(self, *command: str, log: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        """Run a module beside the test, in a process group of its own, and end all of it afterwards."""
        return beside(*command, environment=self.environment, folder=self.folder, log=log)


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
    """Run a module of Python beside a test, in a process group of its own, and end all of it afterwards."""
    with (folder / log).open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
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


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of its own, and give its URL; it refuses to run as root."""
    if not (POSTGRES / "initdb").is_file():
        pytest.skip("PostgreSQL 15 is not installed (Debian: apt-get install postgresql)")
    port = free_port()
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Not below the test's folder: pytest lets nobody else pass there.
    with tempfile.TemporaryDirectory(prefix="steadymap-postgres-") as name, (folder / "postgres.log").open("wb") as log:
        if as_user:
            shutil.chown(name, "postgres")
        data = Path(name) / "data"
        create = [*as_user, POSTGRES / "initdb", "-D", data, "-A", "trust", "-U", "steadymap", "-E", "UTF8"]
        subprocess.run(create, check=True, stdout=log, stderr=log, cwd="/")
        start = [*as_user, POSTGRES / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", name]
        process = subprocess.Popen(start, stdout=log, stderr=log, cwd="/", start_new_session=True)
        try:
            wait_until(lambda: connects(port), "PostgreSQL", process)
            yield f"postgresql+asyncpg://steadymap@127.0.0.1:{port}/postgres"
        finally:
            end_group(process)


def connects(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(
    holds: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None, seconds: float = SECONDS_TO_START
) -> None:
    """Ask again and again until something holds; there is nothing else to wait for in another process."""
    end = time.monotonic() + seconds
    while not holds():
        assert process is None or process.poll() is None, f"{what} ended with {process.returncode}"
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Start a Prefect server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    root = Path(__file__).parents[2]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PYTHONPATH": str(root),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # A schedule is looked at once a minute otherwise.
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    }
    with contextlib.ExitStack() as stack:
        if request.param == "postgresql":
            environment["PREFECT_API_DATABASE_CONNECTION_URL"] = stack.enter_context(postgres(tmp_path))
        found = Server(url, environment, tmp_path, request.param)
        start = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        process = stack.enter_context(found.running(*start, log="server.log"))
        wait_until(lambda: answers(url), "the Prefect server", process)
        yield found


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", timeout=2).is_success
    return False
