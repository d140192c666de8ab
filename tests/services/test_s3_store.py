"""Store and data on an S3 API: the tables of a store on this machine, also after kill -9 and on another machine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes import beside, call, connects, free_port, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

SWEEP = """
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


@pytest.fixture
def bucket(tmp_path: Path, blobs_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Start the server, make the bucket, and put the data there."""
    pytest.importorskip("moto")
    s3fs = pytest.importorskip("s3fs")
    port = free_port()
    secrets = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "canary-key-id",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = ("-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    with beside(*words, environment=environment, folder=tmp_path, log="s3.log") as server:
        wait_until(lambda: connects(port), "the S3 server", server)
        files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
        files.mkdir("team")
        files.put_file(str(blobs_file), f"team/latents/{blobs_file.name}")
        data = SWEEP.replace("DATA", f"s3://team/latents/{blobs_file.name}")
        (tmp_path / "blobs.yaml").write_text(data, encoding="utf-8")
        yield Bucket(tmp_path, environment, files)


def tables(objects: dict[str, bytes], run: str) -> dict[str, bytes]:
    """Return tables, pictures and scores; timings and the pages that cite them tell what each machine took."""
    return {
        name: content
        for name, content in objects.items()
        if name.startswith((f"runs/{run}/", "cells/", "scores/"))
        and name.endswith(".parquet")
        and "timings" not in name
    }


def here(store: Path) -> dict[str, bytes]:
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def test_the_same_tables_and_another_machine_computes_nothing(bucket: Bucket) -> None:
    local = bucket.sweep(str(bucket.folder / "local"))
    far = bucket.sweep("s3://team/store")
    assert (far["run"], far["cells"]) == (local["run"], local["cells"])
    there = bucket.objects("team/store")
    assert tables(there, far["run"]) == tables(here(bucket.folder / "local"), local["run"])
    assert f"runs/{far['run']}/report.html" in there
    assert not any(b"canary-" in content for content in there.values())

    again = bucket.sweep("s3://team/store", cache="second")
    assert (again["cells"]["computed"], again["cells"]["cached"]) == (0, far["cells"]["total"])
    listed = json.loads(bucket.command("runs", "--store", "s3://team/store", "--json", cache="third"))
    assert [one["run"] for one in listed] == [far["run"]]
    told = bucket.command("runs", "--store", "s3://team/store", cache="third").replace("\n", " ")
    assert f"s3://team/store: {sum(map(len, there.values())) / 1e6:,.0f} MB (and a copy of" in told
    assert not bucket.garbage("third")
    stray = f"cells/ab/ab{'0' * 30}.parquet"
    bucket.files.pipe_file(f"team/store/{stray}", b"nobody's")
    assert [Path(one["path"]).name for one in bucket.garbage("third", "--do")] == [Path(stray).name]
    assert tables(bucket.objects("team/store"), far["run"]) == tables(there, far["run"])
    out = str(bucket.folder / "rows.parquet")
    told = bucket.command("export", far["run"], "--out", out, "--store", "s3://team/store", cache="fourth")
    assert "lacks the picture" not in told


def test_a_machine_killed_in_the_middle_loses_nothing_that_was_sent(bucket: Bucket) -> None:
    whole = bucket.sweep(str(bucket.folder / "local"))
    words = ("-m", "steadymap.flows.cli.app", "sweep", "blobs.yaml", "--store", "s3://team/store")
    with beside(*words, environment=bucket.machine("killed"), folder=bucket.folder, log="killed.log") as killed:
        wait_until(lambda: len(bucket.files.find("team/store/cells")) >= 5, "cells in the bucket", killed, seconds=300)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    sent = {name: bucket.files.info(name)["LastModified"] for name in bucket.files.find("team/store/cells")}
    assert 5 <= len(sent) < whole["cells"]["total"]
    told = bucket.command("gc", "--do", "--store", "s3://team/store", cache="third", check=False)
    assert f"sweep blobs of process {killed.pid} on " in told  # until an hour has gone by, it may be alive

    resumed = bucket.sweep("s3://team/store", cache="elsewhere")
    assert resumed["cells"]["computed"] == whole["cells"]["total"] - len(sent)
    assert {name: bucket.files.info(name)["LastModified"] for name in sent} == sent
    there = bucket.objects("team/store")
    assert tables(there, resumed["run"]) == tables(here(bucket.folder / "local"), whole["run"])


def test_a_night_over_data_in_a_bucket(bucket: Bucket) -> None:
    (bucket.folder / "sweeps").mkdir()
    (bucket.folder / "blobs.yaml").rename(bucket.folder / "sweeps" / "blobs.yaml")
    words = ("nightly", "sweeps", "--datasets", "s3://team/latents/*.npz", "--store", "s3://team/store", "--json")
    first = json.loads(bucket.command(*words))
    assert [one["status"] for one in first["sweeps"]] == ["computed"]
    second = json.loads(bucket.command(*words, cache="another machine"))
    assert [one["status"] for one in second["sweeps"]] == ["unchanged"]
    assert second["previous"] == first["night"]
    assert "store/site/index.html" in {name.partition("/")[2] for name in bucket.files.find("team/store/site")}


def test_workers_of_a_cluster_send_what_they_draw(bucket: Bucket) -> None:
    pytest.importorskip("prefect_dask")
    local = bucket.sweep(str(bucket.folder / "local"))
    config = bucket.folder / "blobs.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("{count: 1}", "{count: 2, runner: dask}"), encoding="utf-8")
    far = bucket.sweep("s3://team/store")
    assert (far["run"], far["cells"]) == (local["run"], local["cells"])
    assert tables(bucket.objects("team/store"), far["run"]) == tables(here(bucket.folder / "local"), local["run"])


def test_what_cannot_be_reached_is_told_before_any_work(bucket: Bucket) -> None:
    for store, words in {
        "s3://nobody/store": "there is no such bucket",
        "s3://key:secret@team/store": "a user, a password or a query",
        "s4://team/store": "s4",
    }.items():
        told = bucket.command("sweep", "blobs.yaml", "--store", store, check=False)
        assert words in told, told
        assert "remedy" in told
        assert "Traceback" not in told
        assert "secret@" not in told
