"""Nights on a real server with a real worker: deployed from prefect.yaml, killed in the middle, resumed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psutil
import pytest

from tests.services.conftest import Server, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(1500)]

SWEEP = """
name: blobs
data: {path: z.npz}
reducers:
  - {reducer: tsne, perplexity: [5, 10, 15, 20, 25, 30]}
  - {reducer: pca}
seeds: [0]
resamples: {pairs: 0}
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


def start_night(server: Server) -> str:
    """Ask for a run of the deployment, as its schedule does, and return its id."""
    deployment = httpx.get(f"{server.url}/deployments/name/nightly/nightly").json()["id"]
    parameters = {"config": {"configs": "sweeps", "datasets": ["latents/*.npz"]}, "store": "results"}
    asked = httpx.post(f"{server.url}/deployments/{deployment}/create_flow_run", json={"parameters": parameters})
    return str(asked.raise_for_status().json()["id"])


def state(server: Server, run: str) -> str:
    return str(httpx.get(f"{server.url}/flow_runs/{run}").json()["state"]["type"])


def cells(server: Server) -> dict[str, tuple[int, int]]:
    """Return inode and time of every cell's file: one that is computed again has others."""
    found = (server.folder / "results" / "cells").rglob("*.parquet")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def events(server: Server, name: str) -> list[dict[str, Any]]:
    asked = {"filter": {"event": {"name": [name]}}, "limit": 50}
    return list(httpx.post(f"{server.url}/events/filter", json=asked).raise_for_status().json()["events"])


def kill_flow_run(worker: int) -> None:
    """Kill the process in which the worker runs a flow, and all that it has started."""
    for process in psutil.Process(worker).children(recursive=True):
        os.kill(process.pid, signal.SIGKILL)


def test_three_nights_of_which_one_is_killed(server: Server) -> None:
    for folder in ("latents", "sweeps"):
        (server.folder / folder).mkdir()
    (server.folder / "sweeps" / "blobs.yaml").write_text(SWEEP, encoding="utf-8")
    write_data(server.folder, blobs=3)
    assert "created" in server.run("flows.cli", "deploy", "--do")
    assert "there already" in server.run("flows.cli", "deploy", "--do")  # the second time changes nothing
    listed = httpx.post(f"{server.url}/deployments/filter", json={}).json()
    assert {one["name"] for one in listed} == {"nightly", "sweep", "report", "selftest"}

    start = ("prefect", "worker", "start", "--pool", "steadymap", "--type", "process", "--limit", "1")
    with server.running(*start, log="worker.log") as worker:
        first = start_night(server)
        wait_until(lambda: state(server, first) in {"COMPLETED", "FAILED", "CRASHED"}, "night one", worker, 400)
        assert state(server, first) == "COMPLETED"
        drawn = cells(server)
        assert len(drawn) == 7

        write_data(server.folder, blobs=4)
        second = start_night(server)
        wait_until(lambda: len(cells(server)) >= len(drawn) + 2, "two cells of night two", worker, 400)
        kill_flow_run(worker.pid)
        half = cells(server)
        wait_until(lambda: state(server, second) == "CRASHED", "the end of night two", worker, 400)

        third = start_night(server)
        wait_until(lambda: state(server, third) in {"COMPLETED", "FAILED", "CRASHED"}, "night three", worker, 400)
        assert state(server, third) == "COMPLETED"
    after = cells(server)
    assert len(after) == 14
    assert {name: after[name] for name in half} == half  # nothing that was there was computed again
    reports = sorted((server.folder / "results" / "runs").glob("*/report.html"))
    assert len(reports) == 2
    nights = pd.read_parquet(server.folder / "results" / "nights" / "sweeps")
    assert list(nights["status"]) == ["computed", "computed"]
    wait_until(lambda: len(events(server, "steadymap.night.finished")) == 2, "the events", None, 60)
    assert (server.folder / "results" / "site" / "index.html").is_file()
    assert "steadymap" in json.dumps(listed)
