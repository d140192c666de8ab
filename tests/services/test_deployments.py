"""Nights on a real server with a real worker: deployed from prefect.yaml, killed in the middle, resumed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psutil
import pytest

from tests.processes import call, wait_until
from tests.services.conftest import Server

pytestmark = [pytest.mark.services, pytest.mark.timeout(1500)]

SWEEP = """
name: blobs
data: {path: z.npz}
reducers:
  - {reducer: tsne, perplexity: [5, 10, 15, 20, 25, 30]}
  - {reducer: pca}
seeds: [0]
resamples: {pairs: 2, configurations: 1}
nulls: {gaussian: 0, copula: 0}
workers: {count: 1}
"""


def write_data(folder: Path, blobs: int) -> None:
    """Write the data of a night beside its place, and rename it: so many clusters of 80 rows each."""
    rng = np.random.default_rng(7)
    centres = 12.0 * np.eye(6)
    vectors = np.concatenate([rng.normal(centres[blob], 1.0, size=(80, 6)) for blob in range(4)])[: 80 * blobs]
    ids = np.array([f"row {row}" for row in range(len(vectors))])
    np.savez(folder / "new.npz", X=vectors.astype(np.float32), id=ids)
    (folder / "new.npz").replace(folder / "latents" / "z.npz")


def lay_out_night(folder: Path) -> None:
    (folder / "nightly.yaml").write_text("configs: sweeps\ndatasets: latents/*.npz\n", encoding="utf-8")


def deployed(server: Server, name: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/deployments/name/{name}").raise_for_status().json()
    return found


def schedule_every_minute(server: Server) -> None:
    """Give the deployment a cron schedule of a night a minute, as a person does in the UI."""
    deployment = deployed(server, "nightly/nightly")
    place = f"{server.url}/deployments/{deployment['id']}"
    (schedule,) = deployment["schedules"]
    assert schedule["schedule"] == {"cron": "0 2 * * *", "timezone": "Etc/UTC", "day_or": True}
    changed = {"schedule": {"cron": "* * * * *", "timezone": "Etc/UTC"}, "active": True}
    httpx.patch(f"{place}/schedules/{schedule['id']}", json=changed).raise_for_status()


def nights(server: Server, *states: str) -> list[dict[str, Any]]:
    """Return the runs of the nightly flow that the schedule has started, by state, the earliest first."""
    asked = {
        "flows": {"name": {"any_": ["nightly"]}},
        "flow_runs": {"state": {"type": {"any_": list(states)}}},
        "sort": "START_TIME_ASC",
    }
    found = list(httpx.post(f"{server.url}/flow_runs/filter", json=asked).raise_for_status().json())
    assert all(one["auto_scheduled"] for one in found)
    return found


def state(server: Server, run: str) -> str:
    return str(httpx.get(f"{server.url}/flow_runs/{run}").json()["state"]["type"])


def cells(server: Server) -> dict[str, tuple[int, int]]:
    """Return inode and time of every cell's file: one that is computed again has others."""
    found = (server.folder / "results" / "cells").rglob("*.parquet")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


class Inbox:
    """A webhook of one's own: keeps what automations send."""

    def __init__(self) -> None:
        messages: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.messages = messages
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    yield found
    found.server.shutdown()
    found.server.server_close()


def events(server: Server, name: str) -> list[dict[str, Any]]:
    asked = {"filter": {"event": {"name": [name]}}, "limit": 50}
    return list(httpx.post(f"{server.url}/events/filter", json=asked).raise_for_status().json()["events"])


def kill_flow_run(worker: int) -> None:
    """Kill the process in which the worker runs a flow, and all that it has started."""
    for process in psutil.Process(worker).children(recursive=True):
        os.kill(process.pid, signal.SIGKILL)


def test_scheduled_nights_of_which_one_is_killed(server: Server, inbox: Inbox) -> None:
    for folder in ("latents", "sweeps"):
        (server.folder / folder).mkdir()
    (server.folder / "sweeps" / "blobs.yaml").write_text(SWEEP, encoding="utf-8")
    write_data(server.folder, blobs=3)
    lay_out_night(server.folder)
    assert "done; a worker runs it" in server.run("steadymap.flows.cli.app", "deploy", "--do")
    assert "nothing to do" in server.run("steadymap.flows.cli.app", "deploy", "--do")  # the second time changes nothing
    listed = httpx.post(f"{server.url}/deployments/filter", json={}).json()
    assert {one["name"] for one in listed} == {"nightly", "sweep", "report", "selftest"}

    server.run("steadymap.flows.cli.app", "alerts", "--webhook", inbox.url, "--do")
    schedule_every_minute(server)
    start = ("prefect", "worker", "start", "--pool", "steadymap", "--type", "process", "--limit", "1")
    with server.running(*start, log="worker.log") as worker:
        wait_until(lambda: bool(nights(server, *ENDED)), "night one", worker, 400)
        assert [one["state"]["type"] for one in nights(server, *ENDED)] == ["COMPLETED"]
        drawn = cells(server)
        assert len(drawn) == 11

        write_data(server.folder, blobs=4)
        wait_until(lambda: len(cells(server)) >= len(drawn) + 2, "two cells of the next night", worker, 400)
        (second,) = nights(server, "RUNNING")
        kill_flow_run(worker.pid)
        half = cells(server)
        wait_until(lambda: state(server, second["id"]) == "CRASHED", "its end", worker, 400)

        wait_until(lambda: len(computed(server)) == 2, "a night that goes on", worker, 400)
        wait_until(lambda: any("C4: new, REAL" in one["subject"] for one in inbox.messages), "a message", worker, 120)
        wait_until(lambda: len(events(server, "steadymap.night.finished")) >= 2, "the sign of life", worker, 120)
    assert len(half) < 22
    after = cells(server)
    assert len(after) == 22
    assert {name: after[name] for name in half} == half  # nothing that was there was computed again
    assert not nights(server, "FAILED")
    reports = sorted((server.folder / "results" / "runs").glob("*/report.html"))
    assert len(reports) == 2
    (message,) = [one for one in inbox.messages if "C4: new, REAL" in one["subject"]]
    assert message["text"].startswith("blobs, z:\n- New REAL cluster: C4, 80 rows.")
    assert any(one.startswith("New REAL cluster") for one in computed(server)["said"].iloc[-1])
    trends = pd.read_parquet(server.folder / "results" / "site" / "trends.parquet")
    assert trends[trends["measure"] == "real_clusters"]["value"].tolist() == [3.0, 4.0]


ENDED = ("COMPLETED", "FAILED", "CRASHED")


def computed(server: Server) -> pd.DataFrame:
    """Return what the record of nights says of those that computed anything."""
    folder = server.folder / "results" / "nights" / "sweeps"
    if not folder.is_dir():
        return pd.DataFrame()
    found = pd.read_parquet(folder)
    return found[found["status"] == "computed"].sort_values("night")


def test_the_night_of_a_machine_that_is_gone_ends_and_the_next_goes_on(server: Server) -> None:
    for folder in ("latents", "sweeps"):
        (server.folder / folder).mkdir()
    (server.folder / "sweeps" / "blobs.yaml").write_text(SWEEP, encoding="utf-8")
    write_data(server.folder, blobs=4)
    lay_out_night(server.folder)
    server.run("steadymap.flows.cli.app", "deploy", "--do")
    # The shipped automation waits for ten minutes; with a heartbeat every 30 s a minute and a half will do.
    shipped = Path(__file__).parents[2] / "deployments" / "automations" / "dead_runs.yaml"
    text = shipped.read_text(encoding="utf-8")
    (server.folder / "dead_runs.yaml").write_text(text.replace("within: 600", "within: 90"), encoding="utf-8")
    server.run("prefect", "--no-prompt", "automation", "delete", "end runs without a heartbeat")
    server.run("prefect", "automation", "create", "--from-file", "dead_runs.yaml")
    schedule_every_minute(server)

    start = ("prefect", "worker", "start", "--pool", "steadymap", "--type", "process", "--limit", "1")
    with server.running(*start, log="worker.log") as worker:
        wait_until(lambda: len(cells(server)) >= 2, "two cells", worker, 400)
        (first,) = nights(server, "RUNNING")
        gone = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
        for process in gone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        half = cells(server)
    assert state(server, first["id"]) == "RUNNING"  # nobody is left who could say otherwise
    with server.running(*start, log="worker.log") as worker:
        wait_until(lambda: state(server, first["id"]) == "CRASHED", "its end by the automation", worker, 400)
        wait_until(lambda: len(computed(server)) == 1, "a night that goes on", worker, 400)
    after = cells(server)
    assert len(half) < len(after) == 11
    assert {name: after[name] for name in half} == half


# --- what is deployed ---------------------------------------------------------------------------------------------

SAME = ("entrypoint", "description", "tags", "concurrency_options", "work_pool_name", "pull_steps")


def test_what_people_changed_on_the_server_stays_and_prefect_yaml_makes_the_same(
    server: Server, tmp_path: Path
) -> None:
    for folder in ("latents", "sweeps", "elsewhere"):
        (server.folder / folder).mkdir()
    (server.folder / "sweeps" / "blobs.yaml").write_text(SWEEP.replace("z.npz", "../latents/z.npz"), encoding="utf-8")
    write_data(server.folder, blobs=3)
    (server.folder / "nightly.yaml").write_text("configs: sweeps\n", encoding="utf-8")
    deploy = ("steadymap.flows.cli.app", "deploy")
    server.run(*deploy, "--do")
    ours = {name: deployed(server, name) for name in NAMES}

    # Somebody works in the UI: other hours, another time.
    nightly = ours["nightly/nightly"]
    place = f"{server.url}/deployments/{nightly['id']}"
    changed = {**nightly["parameters"], "config": {**nightly["parameters"]["config"], "hours": 3}}
    httpx.patch(place, json={"parameters": changed}).raise_for_status()
    schedule_every_minute(server)
    said = server.run(*deploy, "--do", "--cron", "0 5 * * *")
    assert "config.hours: 3 stays" in said
    assert "schedules: * * * * * Etc/UTC stays" in said
    now = deployed(server, "nightly/nightly")
    assert now["parameters"] == changed
    assert [one["schedule"]["cron"] for one in now["schedules"]] == ["* * * * *"]
    server.run(*deploy, "--do", "--cron", "0 5 * * *", "--reset", "schedules", "--reset", "parameters")
    now = deployed(server, "nightly/nightly")
    assert now["parameters"] == nightly["parameters"]
    assert [one["schedule"]["cron"] for one in now["schedules"]] == ["0 5 * * *"]

    # From another folder it is the same night.
    elsewhere = call(*deploy, "../nightly.yaml", environment=server.environment, folder=server.folder / "elsewhere")
    assert "nothing to do" in elsewhere.stdout

    server.run(*deploy, "--remove", "--do")
    assert httpx.post(f"{server.url}/deployments/filter", json={}).json() == []
    by_prefect = Path(__file__).parents[2] / "prefect.yaml"
    environment = {**server.environment, "PWD": str(server.folder)}
    words = ("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(by_prefect))
    call(*words, environment=environment, folder=server.folder)
    for name in NAMES:
        theirs = deployed(server, name)
        assert {key: theirs[key] for key in SAME} == {key: ours[name][key] for key in SAME}, name
        forms = [each["parameter_openapi_schema"] for each in (theirs, ours[name])]
        written = [{key: value for key, value in form.items() if value is not None} for form in forms]
        assert written[0] == written[1]
        timings = [[one["schedule"] for one in each["schedules"]] for each in (theirs, ours[name])]
        assert timings[0] == timings[1]
        assert absolute(theirs["parameters"], server.folder) == ours[name]["parameters"]


NAMES = ("nightly/nightly", "stability-sweep/sweep", "report/report", "selftest/selftest")


def absolute(parameters: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Read relative paths of parameters from the folder that the pull step sets."""
    found = {**parameters, "store": str(folder / parameters["store"])}
    if "config" in found:
        found["config"] = {**found["config"], "configs": str(folder / found["config"]["configs"])}
    return found
