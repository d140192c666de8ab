"""A real Prefect server of the pinned versions starts and creates scheduled runs.

With a FastAPI that Prefect does not know, the server cannot be imported; with an SQLAlchemy that it does not
know, it starts and silently schedules nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import free_port

pytestmark = pytest.mark.engine

PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server with an empty database on loopback and yield its address."""
    tmp_path = tmp_path_factory.mktemp("server")
    port = free_port()
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        yield _wait_until_ready(f"http://127.0.0.1:{port}/api", process, log)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=PATIENCE_SECONDS)


def _wait_until_ready(api: str, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{api}/health").status_code == 200:
                return api
        except httpx.TransportError:
            time.sleep(0.2)  # between two looks; what is waited for is the answer
    raise AssertionError(f"no server after {PATIENCE_SECONDS} s\n{log.read_text()}")


def test_a_schedule_becomes_runs(server: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: server}):
        assert asyncio.run(_deploy_and_wait_for_runs()) > 0


async def _deploy_and_wait_for_runs() -> int:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
    from prefect.client.schemas.schedules import IntervalSchedule

    from steadymap.flows.sweep import stability_sweep

    schedule = IntervalSchedule(interval=timedelta(hours=1), anchor_date=datetime.now(UTC))
    async with get_client() as client:
        deployment = await client.create_deployment(
            flow_id=await client.create_flow(stability_sweep),
            name="nightly",
            entrypoint="steadymap.flows.sweep.stability_sweep",
            schedules=[DeploymentScheduleCreate(schedule=schedule, active=True)],
        )
        wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
        deadline = time.monotonic() + PATIENCE_SECONDS
        runs = await client.read_flow_runs(flow_run_filter=wanted)
        while not runs and time.monotonic() < deadline:
            await asyncio.sleep(0.5)  # between two looks; what is waited for is the run
            runs = await client.read_flow_runs(flow_run_filter=wanted)
        return len(runs)


def test_the_same_flow_runs_on_a_real_server_with_names_that_people_can_read(
    server: str, blobs_file: Path, tmp_path: Path
) -> None:
    config = tmp_path / "sweep.yaml"
    config.write_text(
        f"name: on a server\ndata: {{path: {blobs_file.name}}}\nseeds: [0]\n"
        "reducers:\n  - {reducer: tsne, perplexity: [5, 8]}\n  - {reducer: pca}\n"
        "resamples: {pairs: 0}\nnulls: {gaussian: 0, copula: 0}\n",
        encoding="utf-8",
    )
    # A process of its own: Prefect's background workers of this one belong to the embedded server of other tests.
    steadymap = str(Path(sys.executable).parent / "steadymap")
    command = [steadymap, "sweep", str(config), "--store", str(tmp_path / "store"), "--json"]
    ended = subprocess.run(
        command, env={**os.environ, "PREFECT_API_URL": server}, capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert outcome["cells"]["computed"] == 3
    (flow_run,) = _ask(server, "flow_runs", {"flow_runs": {"name": {"any_": ["on a server"]}}})
    assert flow_run["state_type"] == "COMPLETED"
    artifacts = _ask(server, "artifacts", {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}})
    summary = next(artifact["data"] for artifact in artifacts if artifact["key"] == "stability-summary")
    assert summary.startswith("# on a server")
    # Nobody serves this store: the page says where the report lies in it. A browser would block a file:// link.
    (report,) = [artifact["data"] for artifact in artifacts if artifact["key"] == "stability-report"]
    assert f"`runs/{outcome['run']}/report.html`" in report
    assert not [one for one in artifacts if "file://" in str(one["data"])]
    assert {"steadymap", "sweep:on a server"} <= set(flow_run["tags"])
    assert flow_run["state"]["message"].endswith("; 3 drawn, 0 in the store")
    wanted = {"tsne perplexity=5", "tsne perplexity=8", "pca"}
    assert wanted <= _wait_for_task_runs(server, flow_run["id"], wanted)


def _wait_for_task_runs(server: str, flow_run: str, wanted: set[str]) -> set[str]:
    """Return the names of the task runs; the server records them a moment after they have ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    names: set[str] = set()
    while not wanted <= names and time.monotonic() < deadline:
        names = {run["name"] for run in _ask(server, "task_runs", {"flow_runs": {"id": {"any_": [flow_run]}}})}
        time.sleep(0.2)  # between two looks; what is waited for is the record
    return names


def _ask(server: str, what: str, question: dict[str, object]) -> list[dict[str, Any]]:
    answer = httpx.post(f"{server}/{what}/filter", json=question)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def test_prefect_takes_the_documented_settings_for_a_small_database() -> None:
    page = (Path(__file__).parents[2] / "docs" / "nights" / "team-server.md").read_text(encoding="utf-8")
    given = dict(re.findall(r"^    export (PREFECT_SERVER_\w+RETENTION_PERIOD|\w+VACUUM_ENABLED)=(\S+)", page, re.M))
    assert len(given) == 3
    ask = (
        "from prefect.settings import get_current_settings as settings; found = settings().server; "
        "vacuum = found.services.db_vacuum; "
        "print(vacuum.retention_period.days, found.events.retention_period.days, *sorted(vacuum.enabled_vacuum_types))"
    )
    for environment, expected in (({}, "90 7 events"), (given, "30 3 events flow_runs orphans")):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_SERVER_")}
        ended = subprocess.run(
            [sys.executable, "-c", ask], env={**clean, **environment}, capture_output=True, text=True, check=False
        )
        assert ended.stdout.strip() == expected, ended.stderr


def test_the_form_of_the_flow_explains_every_key() -> None:
    from prefect.utilities.callables import parameter_schema

    from steadymap.flows.sweep import stability_sweep

    schema = parameter_schema(stability_sweep.fn).model_dump()
    fields = schema["definitions"]["TsneGrid"]["properties"]
    assert "Effective number of neighbours" in fields["perplexity"]["description"]
    assert schema["definitions"]["SweepConfig"]["additionalProperties"] is False
