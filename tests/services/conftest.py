"""Real servers on loopback: Prefect on SQLite and on PostgreSQL, an S3 API; everything ends with its test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes import answers, beside, call, connects, end_group, free_port, wait_until

POSTGRES = Path("/usr/lib/postgresql/15/bin")


@dataclass
class Server:
    """A Prefect server, and how to call Prefect and Steadymap against it."""

    url: str
    environment: dict[str, str]
    folder: Path
    database: str

    def run(self, *command: str, check: bool = True) -> str:
        """Run a module of Python (`prefect …`, `steadymap.flows.cli.app …`) and return what it printed."""
        ended = call(*command, environment=self.environment, folder=self.folder, check=check)
        return ended.stdout + ended.stderr

    def running(self, *command: str, log: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        """Run a module beside the test, in a process group of its own, and end all of it afterwards."""
        return beside("-m", *command, environment=self.environment, folder=self.folder, log=log)


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


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Start a Prefect server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    root = Path(__file__).parents[2]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PYTHONPATH": f"{root / 'src'}:{root}",
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


# --- an S3 API ----------------------------------------------------------------------------------------------------

SWEEP_IN_BUCKET = """
name: blobs
data: {path: DATA, labels: [y]}
reducers:
  - {reducer: tsne, perplexity: [5, 8, 11, 14, 17, 20, 25, 30]}
  - {reducer: umap, n_neighbors: [5, 10]}
  - {reducer: pca}
seeds: [0, 1]
resamples: {pairs: 1, configurations: 2}
nulls: {copula: 0, gaussian: 1, configurations: 1}
workers: {count: 1}
"""


@dataclass
class Bucket:
    """An S3 server with one bucket, and how to call Steadymap with it."""

    folder: Path
    environment: dict[str, str]
    files: Any

    def command(self, *words: str, cache: str = "first", check: bool = True) -> str:
        """Call Steadymap as one machine, which has a cache of its own, and return what it prints."""
        ended = call(
            "steadymap.flows.cli.app", *words, environment=self.machine(cache), folder=self.folder, check=check
        )
        return ended.stdout if check else ended.stderr

    def machine(self, cache: str) -> dict[str, str]:
        return {**self.environment, "STEADYMAP_CACHE": str(self.folder / cache)}

    def sweep(self, store: str, cache: str = "first") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.command("sweep", "blobs.yaml", "--store", store, "--json", cache=cache))
        return found

    def garbage(self, cache: str, *words: str) -> list[dict[str, Any]]:
        found = json.loads(self.command("gc", "--store", "s3://team/store", "--json", *words, cache=cache))
        return list(found["garbage"])

    def objects(self, below: str) -> dict[str, bytes]:
        return {name[len(below) + 1 :]: self.files.cat_file(name) for name in sorted(self.files.find(below))}


def secrets_of(port: int) -> dict[str, str]:
    """Return what the environment says of an S3 server on loopback."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "canary-key-id",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture
def bucket(tmp_path: Path, blobs_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Start the server, make the bucket, and put the data there."""
    pytest.importorskip("moto")
    s3fs = pytest.importorskip("s3fs")
    port = free_port()
    for name, value in secrets_of(port).items():
        monkeypatch.setenv(name, value)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = ("-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    with beside(*words, environment=environment, folder=tmp_path, log="s3.log") as server:
        wait_until(lambda: connects(port), "the S3 server", server)
        files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
        files.mkdir("team")
        files.put_file(str(blobs_file), f"team/latents/{blobs_file.name}")
        data = SWEEP_IN_BUCKET.replace("DATA", f"s3://team/latents/{blobs_file.name}")
        (tmp_path / "blobs.yaml").write_text(data, encoding="utf-8")
        yield Bucket(tmp_path, environment, files)
