"""Two workers, each with a home and a cache of its own, over one bucket: nights are shared, no sweep is done twice."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from prefect.client.schemas.objects import State

from tests.processes import beside, wait_until
from tests.services.conftest import Bucket, Server

pytestmark = [pytest.mark.services, pytest.mark.timeout(1200)]

SWEEP = """
name: blobs
data: {path: s3://team/latents/blobs.npz}
reducers:
  - {reducer: tsne, perplexity: [5, 10, 15, 20]}
  - {reducer: pca}
seeds: [0, 1]
resamples: {pairs: 1, configurations: 1}
nulls: {gaussian: 0, copula: 0}
workers: {count: 1}
"""

STORE = "s3://team/store"


def start(server: Server, deployment: str) -> str:
    """Start a run of a deployment now, and return its id; Prefect's own client asks again where SQLite is busy."""
    from prefect.client.orchestration import SyncPrefectClient

    with SyncPrefectClient(server.url) as client:
        found = client.read_deployment_by_name(deployment)
        return str(client.create_flow_run_from_deployment(found.id).id)


def read(server: Server, run: str) -> State[Any]:
    """Return the state of a run."""
    from prefect.client.orchestration import SyncPrefectClient

    with SyncPrefectClient(server.url) as client:
        found = client.read_flow_run(UUID(run)).state
    assert found is not None
    return found


def finish(server: Server, runs: list[str], worker: subprocess.Popen[bytes]) -> None:
    """Wait for the end of runs, which all have to be good."""
    wait_until(lambda: all(read(server, run).is_final() for run in runs), "two nights", worker, 400)
    ended = [read(server, run) for run in runs]
    assert all(one.is_completed() for one in ended), ended


def times_written(bucket: Bucket, kind: str) -> Counter[str]:
    """Count how often every object of a kind was written: the bucket keeps all versions."""
    answer = bucket.files.call_s3("list_object_versions", Bucket="team", Prefix=f"store/{kind}/")
    return Counter(one["Key"] for one in answer.get("Versions", ()))


def sweeps_of(bucket: Bucket, night: str) -> list[dict[str, Any]]:
    """Return what the record in the bucket says of the sweeps of a night, in the order of the nights."""
    import pyarrow.parquet as pq

    names = [name for name in bucket.files.find("team/store/nights/sweeps") if name.endswith(".parquet")]
    rows = [row for name in names for row in pq.read_table(bucket.files.open(name)).to_pylist()]
    return sorted((row for row in rows if row["name"] == night), key=lambda row: row["night"])


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_two_workers_share_nights(bucket: Bucket, server: Server, blobs_file: Path) -> None:
    bucket.files.call_s3("put_bucket_versioning", Bucket="team", VersioningConfiguration={"Status": "Enabled"})
    (server.folder / "sweeps").mkdir()
    (server.folder / "sweeps" / "blobs.yaml").write_text(SWEEP, encoding="utf-8")
    (server.folder / "nightly.yaml").write_text("configs: sweeps\n", encoding="utf-8")
    machines = {}
    for name in ("one", "two"):
        home = server.folder / name
        home.mkdir()
        own = {"HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "STEADYMAP_CACHE": str(home / "cache")}
        machines[name] = {**bucket.environment, **server.environment, **own}
    server.environment |= {name: value for name, value in bucket.environment.items() if name.startswith("AWS_")}
    for name in ("left", "right"):  # two nights over the same sweeps: the worst that several machines can meet
        server.run("steadymap.flows.cli.app", "deploy", "--name", name, "--store", STORE, "--do")

    words = ("-m", "prefect", "worker", "start", "--pool", "steadymap", "--type", "process", "--limit", "1")
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(beside(*words, environment=own, folder=server.folder, log=f"worker-{name}.log"))
            for name, own in machines.items()
        ]
        wait_until(lambda: polling(server) == 2, "two workers", workers[0])
        finish(server, [start(server, "nightly/left"), start(server, "nightly/right")], workers[0])
        cells = times_written(bucket, "cells")
        assert cells
        assert set(cells.values()) == {1}
        computed = [sweeps_of(bucket, night)[-1]["computed"] for night in ("left", "right")]
        assert sorted(computed) == [0, len(cells)]
        # Each machine had a part in it: its cache has the run.
        for name in machines:
            assert list((server.folder / name / "cache").glob("stores/*/runs/*/manifest.json"))

        # The next night, over a row more.
        with np.load(blobs_file) as data:
            np.savez(blobs_file, X=np.concatenate([data["X"], data["X"][:1] + 0.5]))
        bucket.files.put_file(str(blobs_file), "team/latents/blobs.npz")
        finish(server, [start(server, "nightly/left"), start(server, "nightly/right")], workers[0])
    after = times_written(bucket, "cells")
    assert len(after) == 2 * len(cells)
    assert set(after.values()) == {1}
    computed = [sweeps_of(bucket, night)[-1]["computed"] for night in ("left", "right")]
    assert sorted(computed) == [0, len(cells)]
    assert not bucket.files.find("team/store/leases")
    turns = [bucket.files.cat_file(name) for name in bucket.files.find("team/store/turns")]
    assert turns
    assert all(json.loads(one) == {} for one in turns)


def polling(server: Server) -> int:
    """Count the workers that ask for work."""
    answer = httpx.post(f"{server.url}/work_pools/steadymap/workers/filter", json={})
    return len(answer.json()) if answer.is_success else 0
