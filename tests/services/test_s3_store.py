"""Store and data on an S3 API: the tables of a store on this machine, also after kill -9 and on another machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.processes import beside, connects, end_group, free_port, wait_until
from tests.services.conftest import Bucket, secrets_of

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]


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


def test_a_store_that_is_away_for_a_while_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("moto")
    s3fs = pytest.importorskip("s3fs")
    from steadymap.tasks.progress import telling
    from steadymap.tasks.store import object_store

    port = free_port()
    for name, value in secrets_of(port).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(object_store, "PAUSES_SECONDS", (0.0, 0.0, 0.0))

    def start() -> subprocess.Popen[bytes]:
        words = ("-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
        server = stack.enter_context(beside(*words, environment=dict(os.environ), folder=tmp_path, log="s3.log"))
        wait_until(lambda: connects(port), "the S3 server", server)
        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("team")
        return server

    with contextlib.ExitStack() as stack:
        first = start()
        remote = object_store.open_object_store("s3://team/away")
        remote.write("before", b"1")
        end_group(first)
        told: list[str] = []

        def tell(sentence: str) -> None:
            """Bring the server back when it is told that it is away."""
            if not told:
                start()
            told.append(sentence)

        with telling(tell):
            remote.write("after", b"2")
        assert len(told) == 1
        assert "cannot be written: EndpointConnectionError" in told[0]
        assert remote.read("after") == b"2"
    object_store.open_object_store.cache_clear()
