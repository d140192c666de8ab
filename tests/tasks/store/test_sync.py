"""A store far away, on a file system in memory: what travels when, and what a half-sent or damaged thing costs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import fsspec.implementations.memory
import numpy as np
import pandas as pd
import pytest

from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NightlyConfig
from steadymap.configs.sweep import DataSource, Workers
from steadymap.flows.cli import app as cli
from steadymap.tasks.input.dataset import Dataset, import_dataset, measure
from steadymap.tasks.plan.find_sweeps import find_datasets
from steadymap.tasks.plan.graphs import graph_of
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.progress import listening
from steadymap.tasks.steps.compute_graph import compute_graph
from steadymap.tasks.steps.prepare_geometry import prepare_geometry
from steadymap.tasks.store import leases
from steadymap.tasks.store import sync as remote_store
from steadymap.tasks.store.collect_garbage import find_garbage, remove_garbage
from steadymap.tasks.store.files import read_meta, write_arrays, write_text
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.leases import hold_lease, refuse_while_leased
from steadymap.tasks.store.run_uses import read_uses, recorded_uses, write_uses
from steadymap.tasks.store.sync import (
    bring_folder,
    bytes_here,
    bytes_of,
    download,
    exists,
    open_store,
    probe_writable,
    send_pages,
    settle_folder,
    sync,
    upload,
)
from steadymap.tasks.workers import choose_limits, opened_pool
from tests.flows.test_sweep_flow import blob_config, cell_bytes, digests

CELL = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}"


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the file system in memory; its readers of one object share a position, which no store far away does."""

    def get_file(files: Any, key: str, file: str) -> None:
        Path(file).write_bytes(files.cat_file(key))

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "get_file", get_file)
    return fsspec.filesystem("memory")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Give a function that makes this process another machine: one with a cache of its own."""

    def become(name: str, url: str) -> Store:
        monkeypatch.setenv("STEADYMAP_CACHE", str(tmp_path / name))
        return open_store(url)

    yield become
    remote_store.open_object_store.cache_clear()


def keys(files: Any, url: str) -> set[str]:
    root = "/" + url.removeprefix("memory://")
    return {name.removeprefix(root + "/") for name in files.find(root)}


def test_a_file_and_a_folder_travel_to_another_machine(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    write_text("a picture", store.cell(CELL))
    write_arrays(store.geometry("working-1"), {"working": np.arange(6.0)}, {"part": "working"})
    upload(store, [store.cell(CELL), store.geometry("working-1"), store.cell(OTHER)])
    assert keys(files, url) == {
        f"cells/01/{CELL}.parquet",
        "geometry/working-1/working.npy",
        "geometry/working-1/meta.json",
    }
    other = machine("two", url)
    assert other.root != store.root
    download(other, [other.cell(CELL), other.cell(OTHER), other.geometry("working-1"), other.geometry("none")])
    assert other.cell(CELL).read_bytes() == store.cell(CELL).read_bytes()
    assert read_meta(other.geometry("working-1")) == read_meta(store.geometry("working-1"))
    assert not other.cell(OTHER).exists()
    assert not other.geometry("none").exists()
    assert not list(other.root.rglob(".writing-*"))


def test_a_folder_without_its_record_is_not_there(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    write_arrays(store.geometry("working-1"), {"working": np.arange(6.0)}, {})
    upload(store, [store.geometry("working-1")])
    root = "/" + url.removeprefix("memory://")
    files.rm_file(f"{root}/geometry/working-1/meta.json")
    other = machine("two", url)
    download(other, [other.geometry("working-1")])
    assert not other.geometry("working-1").exists()
    # The machine that has it sends what is lacking.
    sync(store, [store.geometry("working-1")])
    download(other, [other.geometry("working-1")])
    assert read_meta(other.geometry("working-1"))["files"]


def test_a_run_that_is_sent_anew_is_not_there_until_its_manifest_is(url: str, machine: Any, files: Any) -> None:
    store = machine("one", url)
    for name in ("a.parquet", "z.parquet"):
        write_text(name, store.run("run-1") / name)
    write_text(json.dumps({"tables": {"a.parquet": {}}}), store.run("run-1") / "manifest.json")
    order: list[str] = []
    remote = remote_store.open_object_store(url)
    write, remove = type(remote).write_from, type(remote).remove
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(remote), "write_from", lambda self, file, key: (order.append(key), write(self, file, key)))
        patch.setattr(type(remote), "remove", lambda self, key: (order.append(f"-{key}"), remove(self, key)))
        upload(store, [store.run("run-1")])
        assert [one.rpartition("/")[2] for one in order] == ["manifest.json", "a.parquet", "z.parquet", "manifest.json"]
        assert order.pop(0).startswith("-")
        order.clear()
        upload(store, [store.run("run-1")])  # pages may be new; the run was finished when it was
        write_text("{}", store.run("run-1") / "manifest.json")
        again = [one.rpartition("/")[2] for one in order]
        upload(store, [store.run("run-1")])
    assert again == ["z.parquet"]
    assert [one.rpartition("/")[2] for one in order][1:] == ["manifest.json", "a.parquet", "z.parquet", "manifest.json"]
    assert len(keys(files, url)) == 3


def test_a_folder_outside_the_store_stays_outside(url: str, files: Any, machine: Any, tmp_path: Path) -> None:
    store = machine("one", url)
    write_text("{}", tmp_path / "elsewhere" / "manifest.json")
    for travel in (upload, download, sync):
        travel(store, [store.run(str(tmp_path / "elsewhere"))])
    assert keys(files, url) == set()


def test_a_run_that_went_on_elsewhere_takes_the_place_of_the_copy(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    for name, text in {"cells.parquet": "half", "manifest.json": '{"cut_short": true}'}.items():
        write_text(text, store.run("run-1") / name)
    upload(store, [store.run("run-1")])
    other = machine("two", url)
    for name, text in {"cells.parquet": "whole", "manifest.json": '{"cut_short": false}'}.items():
        write_text(text, other.run("run-1") / name)
    upload(other, [other.run("run-1")])
    download(store, [store.run("run-1")])
    assert (store.run("run-1") / "cells.parquet").read_text() == "whole"
    assert not list(store.root.rglob(".writing-*"))


def test_what_is_only_looked_at_is_not_sent(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    write_text("{}", store.run("run-1") / "manifest.json")
    bring_folder(store, "runs")
    assert keys(files, url) == set()


def test_many_who_bring_the_same_folder_all_find_it_whole(url: str, machine: Any) -> None:
    store = machine("one", url)
    write_arrays(store.geometry("working-1"), {"working": np.arange(1000.0)}, {})
    upload(store, [store.geometry("working-1")])
    other = machine("two", url)

    def bring_and_read(_: int) -> int:
        download(other, [other.geometry("working-1")])
        return len(read_meta(other.geometry("working-1"))["files"])

    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(16) as threads:
            assert list(threads.map(bring_and_read, range(64))) == [1] * 64
    finally:
        sys.setswitchinterval(often)


def test_an_object_cannot_name_its_way_out_of_the_copy(url: str, files: Any, machine: Any, tmp_path: Path) -> None:
    root = "/" + url.removeprefix("memory://")
    for key in ("runs/run-1/manifest.json", "runs/run-1/../../../../../escaped.txt", "runs/../../../escaped.txt"):
        files.store[f"{root}/{key}"] = fsspec.implementations.memory.MemoryFile(files, f"{root}/{key}", b"{}")
    store = machine("one", url)
    settle_folder(store, "runs")
    assert [path.name for path in (store.root / "runs").iterdir()] == ["run-1"]
    assert [path.name for path in store.run("run-1").iterdir()] == ["manifest.json"]
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_run_that_is_being_written_here_is_not_replaced_by_an_older_one(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    for name in ("cells.parquet", "manifest.json"):
        write_text("old", store.run("run-1") / name)
    upload(store, [store.run("run-1")])
    (store.run("run-1") / "manifest.json").unlink()
    write_text("new", store.run("run-1") / "cells.parquet")
    download(store, [store.run("run-1")])
    assert (store.run("run-1") / "cells.parquet").read_text() == "new"
    # Whoever was writing it has died long ago: what the store has is whole.
    for path in (store.run("run-1"), store.run("run-1") / "cells.parquet"):
        os.utime(path, (1, 1))
    download(store, [store.run("run-1")])
    assert (store.run("run-1") / "cells.parquet").read_text() == "old"
    assert (store.run("run-1") / "manifest.json").is_file()


def test_what_was_committed_before_the_process_died_is_sent_by_the_next(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    write_text("a night", store.root / "nights" / "sweeps" / "n1.parquet")
    settle_folder(store, "nights", 2)
    assert keys(files, url) == {"nights/sweeps/n1.parquet"}
    other = machine("two", url)
    write_text("another night", other.root / "nights" / "sweeps" / "n2.parquet")
    settle_folder(other, "nights", 2)
    assert keys(files, url) == {"nights/sweeps/n1.parquet", "nights/sweeps/n2.parquet"}
    assert (other.root / "nights" / "sweeps" / "n1.parquet").read_text() == "a night"


def test_runs_come_with_the_time_of_their_manifest(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    write_text("{}", store.run("run-1") / "manifest.json")
    upload(store, [store.run("run-1")])
    root = "/" + url.removeprefix("memory://")
    other = machine("two", url)
    download(other, [other.run("run-1")])
    written = files.modified(f"{root}/runs/run-1/manifest.json").timestamp()
    assert (other.run("run-1") / "manifest.json").stat().st_mtime == pytest.approx(written, abs=1e-3)


def test_garbage_goes_at_both_ends(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    write_text("{}", store.run("a-0123456789") / "manifest.json")
    with recorded_uses(store) as uses:
        write_text("a picture", store.cell(CELL))
    write_uses(store, "a-0123456789", uses())
    write_text("nobody's", store.cell(OTHER))
    write_arrays(store.geometry(f"working-{OTHER}"), {"working": np.arange(3.0)}, {})
    for folder, depth in (("runs", 1), ("uses", 1), ("cells", 2), ("geometry", 1)):
        settle_folder(store, folder, depth)
    other = machine("two", url)
    for folder in ("runs", "uses"):
        settle_folder(other, folder)
    found = find_garbage(other)
    places = {one.path.relative_to(other.root).as_posix() for one in found.garbage}
    assert places == {f"cells/fe/{OTHER}.parquet", f"geometry/working-{OTHER}"}
    assert all(one.size > 0 for one in found.garbage)
    remove_garbage(other, found)
    assert keys(files, url) == {"runs/a-0123456789/manifest.json", "uses/a-0123456789.json", f"cells/01/{CELL}.parquet"}


def test_a_lease_lasts_as_long_as_its_holder_and_an_hour_no_longer(
    url: str, files: Any, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, root, now = machine("one", url), "/" + url.removeprefix("memory://"), datetime.now(UTC)
    seen: list[datetime] = []
    renewed = threading.Event()
    write = remote_store.Remote.write

    def written(remote: Any, key: str, content: bytes) -> None:
        write(remote, key, content)
        seen.append(files.modified(f"{root}/{key}"))
        if len(seen) == 3:
            renewed.set()

    monkeypatch.setattr(remote_store.Remote, "write", written)
    monkeypatch.setattr(leases, "RENEWED_EVERY_SECONDS", 0.01)
    with hold_lease(store, "sweep x"):
        assert renewed.wait(60)
        with pytest.raises(InputError, match=r"sweep x of process \d+ on .* is under way"):
            refuse_while_leased(store)
    assert seen == sorted(seen)
    assert seen[0] >= now
    refuse_while_leased(store)

    monkeypatch.setattr(leases, "RENEWED_EVERY_SECONDS", 600.0)
    files.pipe_file(f"{root}/leases/dead.json", b"{}")
    with pytest.raises(InputError, match="a sweep on another machine is under way"):
        refuse_while_leased(store)
    files.store[f"{root}/leases/dead.json"].modified = now - timedelta(hours=1)
    refuse_while_leased(store)
    with hold_lease(store, "sweep y"):
        assert f"{root}/leases/dead.json" not in files.find(f"{root}/leases")


def test_pages_of_runs_that_are_gone_go(url: str, files: Any, machine: Any, tmp_path: Path) -> None:
    store = machine("one", url)
    for name in ("index.html", "compare/a.html", "compare/b.html"):
        write_text(name, store.root / "site" / name)
    send_pages(store, store.root / "site")
    (store.root / "site" / "compare" / "a.html").unlink()
    send_pages(store, store.root / "site")
    send_pages(store, tmp_path / "elsewhere")
    assert keys(files, url) == {"site/index.html", "site/compare/b.html"}


def test_a_copy_forgets_runs_that_were_removed_elsewhere_long_ago(url: str, files: Any, machine: Any) -> None:
    store, other = machine("one", url), machine("two", url)
    for run in ("gone-1", "stays-1"):
        write_text("{}", store.run(run) / "manifest.json")
    upload(store, [store.run("gone-1"), store.run("stays-1")])
    bring_folder(other, "runs")
    remote_store.remove_there(store, store.run("gone-1"))
    write_text("{}", other.run("new-1") / "manifest.json")  # finished this moment, and about to be sent
    for path in (other.run("gone-1"), other.run("gone-1") / "manifest.json"):
        os.utime(path, (1, 1))
    bring_folder(other, "runs")  # a bucket without its claim is a wrong one, or was emptied
    assert sorted(path.name for path in (other.root / "runs").iterdir()) == ["gone-1", "new-1", "stays-1"]
    probe_writable(store)
    bring_folder(other, "runs")
    assert sorted(path.name for path in (other.root / "runs").iterdir()) == ["new-1", "stays-1"]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("s3://key:canary@bucket/store", "a user, a password or a query"),
        ("https://bucket/store?token=canary", "a user, a password or a query"),
        ("s3://AKIA:can/ary-canary@bucket/x", "a user, a password or a query"),
        ("ftp://user:canary#ss@host/x", "a user, a password or a query"),
        ("s3://user:canary?@h/x", "a user, a password or a query"),
        ("nosuch://bucket/store", "nosuch"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_secret(where: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        open_store(where)
    assert words in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_store_that_may_not_be_written_is_told_first(url: str, machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = machine("one", url)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(remote_store.open_object_store(url).files, "pipe_file", refuse)
    with pytest.raises(InputError, match="cannot be written: PermissionError: Access Denied"):
        probe_writable(store)


def test_a_store_is_there_once_anybody_works_in_it(url: str, files: Any, machine: Any) -> None:
    store = machine("one", url)
    assert not exists(store)
    probe_writable(store)
    write_text("a picture", store.cell(CELL))
    upload(store, [store.cell(CELL)])
    other = machine("two", url)
    assert exists(other)
    assert bytes_of(other) == sum(files.info(f"{url}/{key}")["size"] for key in keys(files, url)) > len("a picture")
    assert bytes_here(other) == 0


# --- data at a URL ------------------------------------------------------------------------------------------------


def put_data(files: Any, url: str, path: Path, shift: float = 0.0) -> str:
    rng = np.random.default_rng(3)
    np.save(path, (rng.standard_normal((60, 5)) + shift).astype(np.float32))
    files.put_file(str(path), f"{url}/latents/{path.name}")
    return f"{url}/latents/{path.name}"


def test_data_at_a_url_is_read_by_content(url: str, files: Any, machine: Any, tmp_path: Path) -> None:
    store = machine("one", url)
    place = put_data(files, url, tmp_path / "z.npy")
    here = import_dataset(DataSource(path=str(tmp_path / "z.npy")), Store(tmp_path / "local"))
    there = import_dataset(DataSource(path=place), store)
    assert (there.identity, there.source, there.rows) == (here.identity, "z.npy", 60)
    assert measure(DataSource(path=place)) == (60, 5)
    put_data(files, url, tmp_path / "z.npy", shift=1.0)
    assert import_dataset(DataSource(path=place), store).identity != here.identity


def test_data_that_has_not_changed_is_brought_once(
    url: str, files: Any, machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("one", url)
    place = put_data(files, url, tmp_path / "z.npy")
    assert measure(DataSource(path=place)) == (60, 5)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("brought again")

    monkeypatch.setattr(remote_store.open_object_store(place).files, "get_file", refuse)
    assert measure(DataSource(path=place)) == (60, 5)


def test_faults_of_data_at_a_url_name_the_url(url: str, files: Any, machine: Any, tmp_path: Path) -> None:
    machine("one", url)
    with pytest.raises(InputError, match=f"{url}/none.npy: there is no such file"):
        measure(DataSource(path=f"{url}/none.npy"))
    (tmp_path / "bad.npy").write_bytes(b"not an array")
    files.put_file(str(tmp_path / "bad.npy"), f"{url}/bad.npy")
    with pytest.raises(InputError, match=f"{url}/bad.npy: cannot be read"):
        measure(DataSource(path=f"{url}/bad.npy"))


def test_a_night_lists_data_at_urls(url: str, files: Any, tmp_path: Path) -> None:
    for name in ("a.npy", "b.npy", "c.txt"):
        (tmp_path / name).write_bytes(b"1")
        files.put_file(str(tmp_path / name), f"{url}/latents/x/{name}")

    def named(*patterns: str, pick: str = "each") -> dict[str, str]:
        night = NightlyConfig.model_validate({"configs": "sweeps", "datasets": patterns, "pick": pick})
        return {file.name: file.path for file in find_datasets(night)}

    both = {"x/a": f"{url}/latents/x/a.npy", "x/b": f"{url}/latents/x/b.npy"}
    assert named(f"{url}/latents/*/*.npy") == both
    assert named(f"{url}/latents/**/*.npy") == both
    assert set(named(f"{url}/latents/x")) == {"a", "b"}
    assert named(f"{url}/latents/x/a.npy") == {"a": f"{url}/latents/x/a.npy"}
    assert named(f"{url}/latents/x/*.npy", pick="latest") == {"x": f"{url}/latents/x/b.npy"}
    assert named(f"{url}/latents/x/?.npy") == {"a": f"{url}/latents/x/a.npy", "b": f"{url}/latents/x/b.npy"}
    with pytest.raises(InputError, match="there is no data set"):
        named(f"{url}/elsewhere/*.npy")
    for secret in ("memory://me:canary@x/*.npy", f"{url}/latents/x/a.npy?token=canary"):
        with pytest.raises(InputError, match="a user, a password or a query") as refused:
            named(secret)
        assert "canary" not in str(refused.value)


def test_check_takes_a_url(
    files: Any, machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"memory://{uuid.uuid4().hex}"
    machine("one", url)
    place = put_data(files, url, tmp_path / "z.npy")
    monkeypatch.setattr("sys.argv", ["steadymap", "check", place, "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert '"rows": 60' in capsys.readouterr().out


# --- a whole sweep ------------------------------------------------------------------------------------------------


@pytest.mark.engine
def test_a_sweep_far_away_gives_the_same_bytes_and_is_found_elsewhere(
    engine: None, blobs_file: Path, files: Any, machine: Any, tmp_path: Path
) -> None:
    from steadymap.flows.sweep import stability_sweep

    url = f"memory://{uuid.uuid4().hex}"
    axes: dict[str, object] = {
        "resamples": {"pairs": 1, "configurations": 1},
        "nulls": {"gaussian": 1, "copula": 0, "configurations": 1},
    }
    config = blob_config(blobs_file, **axes)
    here = stability_sweep(config, str(tmp_path / "here"))
    elsewhere = machine("four", url)
    refused: list[str] = []

    def collect(_: object) -> None:
        try:
            find_garbage(elsewhere)
        except InputError as error:
            refused.append(error.problem)

    store = machine("one", url)
    with listening(collect):
        there = stability_sweep(config, url)
    assert len(refused) > there.total  # at every step, and no longer than the sweep
    assert refused[0].startswith(f"sweep {config.name} of process {os.getpid()} on ")
    find_garbage(elsewhere)
    assert (there.run, there.computed) == (here.run, here.computed)
    assert digests(store.root, there.run) == digests(tmp_path / "here", here.run)
    assert cell_bytes(store.root) == cell_bytes(tmp_path / "here")

    second = machine("two", url)
    again = stability_sweep(config, url)
    assert (again.computed, again.cached, again.run) == (0, here.computed, here.run)
    assert digests(second.root, again.run) == digests(tmp_path / "here", here.run)
    assert not (second.root / "cells").exists()  # a complete run is all that is asked for
    bring_folder(second, "uses")
    assert read_uses(second, again.run) == read_uses(store, there.run)
    assert len(read_uses(store, there.run) or ()) > here.total

    # One picture is damaged far away, and the run is gone: a third machine draws that one again, and mends the store.
    root = "/" + url.removeprefix("memory://")
    (damaged, *_) = files.find(f"{root}/cells")
    whole = files.cat_file(damaged)
    files.pipe_file(damaged, whole[: len(whole) // 2])
    files.rm(f"{root}/runs", recursive=True)
    third = machine("three", url)
    mended = stability_sweep(config, url)
    assert (mended.computed, mended.cached) == (1, here.computed - 1)
    assert files.cat_file(damaged) == whole
    assert digests(third.root, mended.run) == digests(tmp_path / "here", here.run)


@pytest.mark.engine
def test_a_worker_of_a_cluster_brings_what_it_draws_from(
    engine: None, blobs_file: Path, files: Any, machine: Any, tmp_path: Path
) -> None:
    url = f"memory://{uuid.uuid4().hex}"
    store = machine("one", url)
    config = blob_config(blobs_file)
    plan = lay_out(config, import_dataset(config.data, store), store)
    with opened_pool(choose_limits(Workers(count=1, timeout_seconds=300))):
        assert prepare_geometry.fn(plan) == {}
    shutil.rmtree(store.root)  # what a worker elsewhere has of it
    endings = compute_graph.fn(graph_of(plan.missing[0].configuration), plan, {})
    assert {ending.status for ending in endings.values()} == {"ok"}
    assert list(store.geometry("").glob("neighbours-*/indices.npy"))  # brought, not sought again
    assert {Path(key).stem for key in keys(files, url) if key.startswith("cells/")} == set(endings)


def test_a_cache_that_cannot_be_written_is_said_with_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("STEADYMAP_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="file: File exists") as told:
        open_store("memory://store")
    assert "export STEADYMAP_CACHE=" in str(told.value)
    monkeypatch.delenv("STEADYMAP_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(InputError, match="no home folder is known"):
        open_store("memory://store")
    monkeypatch.setenv("STEADYMAP_CACHE", str(tmp_path / "new" / "cache"))
    assert open_store("memory://store").root.is_relative_to(tmp_path / "new" / "cache")


def test_a_folder_of_shards_may_lie_at_a_url_and_follows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEADYMAP_CACHE", str(tmp_path / "cache"))
    url = f"memory://{uuid.uuid4().hex}/latents"
    files = fsspec.filesystem("memory")
    vectors = np.random.default_rng(0).standard_normal((90, 3))

    def put(name: str, rows: slice) -> None:
        frame = pd.DataFrame(vectors[rows], columns=["z0", "z1", "z2"])
        with files.open(f"{url}/{name}", "wb") as file:
            frame.to_parquet(file)

    def there() -> Dataset:
        return import_dataset(DataSource(path=url), Store(tmp_path / "store"))

    for at in range(3):
        put(f"part-{at}.parquet", slice(30 * at, 30 * at + 30))
    np.save(tmp_path / "z.npy", vectors)
    assert there().digest == import_dataset(DataSource(path=str(tmp_path / "z.npy")), Store(tmp_path / "store")).digest
    files.rm(f"{url}/part-2.parquet")
    assert there().rows == 60
    put("part-0.parquet", slice(0, 10))
    assert there().rows == 40
    put("more/part-3.parquet", slice(10, 30))  # as in a folder here, what lies deeper counts, too
    assert there().rows == 60
    with files.open(f"{url}/other/notes.txt", "wb") as file:
        file.write(b"no table")
    with pytest.raises(InputError, match="a folder without any shards") as told:
        import_dataset(DataSource(path=f"{url}/other"), Store(tmp_path / "store"))
    assert told.value.file == f"{url}/other"
