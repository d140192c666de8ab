"""Nights over changing data: what is computed, what is said, which events leave; nothing of it happens twice."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import steadymap.flows.sweep
from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NightlyConfig, read_nightly
from steadymap.configs.sweep import SweepConfig
from steadymap.flows.cli import app as cli
from steadymap.reports.run.run_folder import read_run
from steadymap.tasks.plan.find_sweeps import find_sweeps
from steadymap.tasks.store.locks import hold_lock
from tests.reports.run_folder_fixture import RunFolder

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90

SWEEP = """\
name: small
data: {path: ../latents/a.npz}
reducers: [{reducer: tsne, perplexity: 15}]
seeds: [0, 1]
scores: {k: [5]}
resamples: {pairs: 2, configurations: 1}
nulls: {gaussian: 0, copula: 0}
workers: {count: 1}
"""
"""Two pictures of all rows, and four of halves: 200 rows far apart need one pair for REAL, and an alert two."""


def write_blobs(path: Path, centres: Sequence[int], rows: int = 200, rare: int = 0) -> None:
    """Write vectors around four centres in turn, equal numbers are one cluster, and then rows of a rare fifth kind."""
    kind = np.concatenate([np.arange(rows) % 4, np.full(rare, 4)])
    places = np.zeros((5, 6))
    places[np.arange(5), (*centres, 4)] = 12
    vectors = places[kind] + np.random.default_rng(0).standard_normal((rows + rare, 6))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, X=vectors.astype(np.float32), y=kind)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay out a night: one sweep config, two data sets, nightly.yaml."""
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "small.yaml").write_text(SWEEP, encoding="utf-8")
    write_blobs(tmp_path / "latents" / "a.npz", (0, 1, 2, 2))
    write_blobs(tmp_path / "latents" / "b.npz", (0, 0, 1, 1))
    (tmp_path / "nightly.yaml").write_text("configs: sweeps\ndatasets: latents/*.npz\n", encoding="utf-8")
    return tmp_path


# --- the config ---------------------------------------------------------------------------------------------------


def test_the_shipped_config_is_valid_and_has_every_key() -> None:
    text = (PROJECT / "configs" / "nightly.yaml").read_text(encoding="utf-8")
    read_nightly(PROJECT / "configs" / "nightly.yaml")
    assert [key for key in NightlyConfig.model_fields if not re.search(rf"^(# )?{key}:", text, re.M)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("configs: sweeps\ndataset: z.npz\n", ["nightly.yaml, line 2", "no such key", "datasets", "hours"]),
        ("datasets: z.npz\n", ["`configs` is required"]),
        ("configs: sweeps\nhours: -1\n", ["line 2", "hours = -1", "greater than 0"]),
        ("configs: sweeps\npick: newest\nhours: soon\n", ["2 problems", "line 2", "line 3"]),
        ("configs: [\n", ["not valid YAML"]),
        ("- a\n", ["`configs: sweeps`"]),
    ],
)
def test_a_config_at_fault_is_answered_with_its_line_and_the_keys_of_a_night(
    tmp_path: Path, text: str, said: list[str]
) -> None:
    (tmp_path / "nightly.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_nightly(tmp_path)
    for part in said:
        assert part in str(caught.value)
    assert "example.yaml" not in str(caught.value)
    assert "did you mean" not in str(caught.value)  # that would be a key of a sweep


# --- what a night finds -------------------------------------------------------------------------------------------


def names(night: NightlyConfig) -> list[str]:
    return [sweep.name for sweep in find_sweeps(night)]


def test_every_config_goes_over_every_data_set_under_a_lasting_name(folder: Path) -> None:
    found = find_sweeps(read_nightly(folder))
    assert [sweep.name for sweep in found] == ["small, a", "small, b"]
    assert found[1].config is not None
    assert found[1].config.data.path == str(folder / "latents" / "b.npz")
    assert found[1].config.name == "small, b"
    write_blobs(folder / "latents" / "deep" / "a.npz", (0, 1, 2, 2))
    np.save(folder / "latents" / "a.npy", np.zeros((3, 3)))
    (folder / "latents" / "notes.txt").write_text("no data")
    night = NightlyConfig(configs=str(folder / "sweeps"), datasets=(str(folder / "latents" / "**" / "*"),))
    assert names(night) == ["small, a.npy", "small, a.npz", "small, b", "small, deep/a"]


def test_a_folder_of_configs_alone_sweeps_the_data_that_they_name(folder: Path) -> None:
    found = find_sweeps(read_nightly(folder / "sweeps"))
    assert [(sweep.name, Path(sweep.data).name) for sweep in found] == [("small", "a.npz")]


def test_of_dated_files_the_latest_is_swept_under_the_name_of_the_pattern(folder: Path) -> None:
    for day in ("2026-11-24", "2026-11-25", "2026-09-30"):
        write_blobs(folder / "dated" / f"encoder7-{day}.npz", (0, 1, 2, 2))
    patterns = (str(folder / "dated" / "encoder7-*.npz"), str(folder / "latents"))
    found = find_sweeps(NightlyConfig(configs=str(folder / "sweeps"), datasets=patterns, pick="latest"))
    assert [(one.name, Path(one.data).name) for one in found] == [
        ("small, encoder7", "encoder7-2026-11-25.npz"),
        ("small, latents", "b.npz"),
    ]


def test_roles_of_a_night_are_those_of_its_data_sets_from_the_folder_of_its_file(folder: Path) -> None:
    (folder / "night.yaml").write_text(
        "configs: sweeps\ndatasets: latents\nroles: {latents: z*, labels: meta.csv#kind, id: name}\n", encoding="utf-8"
    )
    data = find_sweeps(read_nightly(folder / "night.yaml"))[0].config.data
    assert (data.latents, data.labels, data.id) == (("z*",), (f"{folder / 'meta.csv'}#kind",), "name")
    with pytest.raises(ValueError, match="`roles` go with `datasets`"):
        NightlyConfig(configs=str(folder / "sweeps"), roles={"id": "name"})
    text = SWEEP.replace("{path: ../latents/a.npz}", "{encode: {model: m.onnx, inputs: 'old.npz#x'}}")
    (folder / "sweeps" / "small.yaml").write_text(text, encoding="utf-8")
    (refused,) = [one for one in find_sweeps(read_nightly(folder / "night.yaml")) if one.config is None][:1]
    assert "`latents` belongs to `path`" in str(refused.problem)


def test_a_data_set_takes_the_place_of_an_encoders_inputs(folder: Path) -> None:
    text = SWEEP.replace("{path: ../latents/a.npz}", "{encode: {model: m.onnx, inputs: 'old.npz#x'}}")
    (folder / "sweeps" / "small.yaml").write_text(text, encoding="utf-8")
    config = find_sweeps(read_nightly(folder))[0].config
    assert config is not None
    assert config.data.encode is not None
    assert config.data.encode.inputs == f"{folder / 'latents' / 'a.npz'}#x"
    assert config.data.path is None


def test_what_is_not_there_is_said(folder: Path) -> None:
    night = read_nightly(folder)
    with pytest.raises(InputError, match="no data set"):
        find_sweeps(night.model_copy(update={"datasets": (str(folder / "latent" / "*.npz"),)}))
    with pytest.raises(InputError, match="no sweep config"):
        find_sweeps(night.model_copy(update={"configs": str(folder / "latents")}))
    (folder / "sweeps" / "again.yaml").write_text(SWEEP, encoding="utf-8")
    with pytest.raises(InputError, match=r"2 sweeps are called 'small, a': again\.yaml"):
        find_sweeps(night)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nightly.yaml", "--datasets", "latent/*.npz"], "there is no data set"),
        (["nightly.yaml", "--hours", "-1"], "greater than 0"),
        (["tonight.yaml"], "there is no such file"),
    ],
)
def test_bad_input_exits_with_2_before_any_server_starts(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["steadymap", "nightly", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (cli.EXIT_BAD_INPUT, "")
    assert said in printed.err
    assert not (folder / "results").exists()


def test_a_config_at_fault_costs_its_own_sweeps_only(folder: Path) -> None:
    (folder / "sweeps" / "worse.yaml").write_text("name: worse\ndata: {}\n", encoding="utf-8")
    found = find_sweeps(read_nightly(folder))
    assert [(sweep.name, sweep.config is None) for sweep in found] == [
        ("small, a", False),
        ("small, b", False),
        ("worse", True),
    ]
    assert "worse.yaml, line 2" in str(found[2].problem)


# --- locks --------------------------------------------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from steadymap.tasks.store.locks import hold_lock
from tests.reports.run_folder_fixture import RunFolder
with hold_lock(Path(sys.argv[1]), "sweep", print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_names_its_holder_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "one.lock"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    with holder.stdout, holder.stdin:
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []

        def tell(sentence: str) -> None:
            told.append(sentence)
            holder.send_signal(signal.SIGKILL)  # it holds the lock now, and will never free it itself

        with hold_lock(lock, "sweep x", tell):
            assert holder.wait(timeout=60) == -signal.SIGKILL
        assert len(told) == 1
        assert f"sweep x: waiting for process {holder.pid} on " in told[0]
    with hold_lock(lock, "sweep x", told.append):
        pass
    assert len(told) == 1  # free again: nobody to wait for


def test_where_a_file_system_has_no_locks_that_is_said_and_the_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    told: list[str] = []
    with hold_lock(tmp_path / "one.lock", "sweep x", told.append):
        assert "no locks" in told[0]


# --- nights -------------------------------------------------------------------------------------------------------


def test_a_flip_on_one_split_is_said_and_wakes_nobody(tmp_path: Path) -> None:
    from steadymap.flows.emit_changes import Told
    from steadymap.flows.nightly import _tell
    from steadymap.reports.nights.nights import Past, SweepOfNight
    from steadymap.tasks.store.layout import Store

    def flipped(store: Path, fast: bool) -> Told:
        for age, name in enumerate(("earlier", "now")):
            verdicts = (("REAL", "REAL", "UNCERTAIN"), ("REAL",) * 3)[age]
            folder = RunFolder(verdicts=verdicts).write(store / "runs" / name)
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            (folder / "manifest.json").write_text(json.dumps({**manifest, "fast": fast}), encoding="utf-8")
            os.utime(folder / "manifest.json", (age, age))
        ended = _tell(SweepOfNight("a", "", "", "computed", run="now"), None, Past(), Store(store))
        assert (ended.row.flipped, ended.briefs[0][:2]) == (1, "C3")
        return Told(ended.row, ended.changes)

    assert "verdict.flipped" in [one.kind for one in flipped(tmp_path / "whole", fast=False).loud]
    quiet = flipped(tmp_path / "fast", fast=True)
    assert "verdict.flipped" not in [one.kind for one in quiet.loud]
    assert any("Verdicts rest on one split" in said for said in quiet.sweep.said)


def test_the_flow_compares_with_the_verdict_that_stands(tmp_path: Path) -> None:
    from steadymap.flows.nightly import _tell
    from steadymap.reports.nights.nights import SweepOfNight, read_past, write_night
    from steadymap.tasks.store.layout import Store

    told, before = [], None
    # 6 of 10 and 3 of 10 halves are one share; 6 and 1 are not.
    for day, (verdict, proving) in enumerate([("REAL", 6), ("UNCERTAIN", 3), ("UNCERTAIN", 1)]):
        run = RunFolder(run=f"r{day}", verdicts=(verdict, "REAL", "REAL"), proving=(proving, 9, 9))
        folder = run.write(tmp_path / "runs" / f"r{day}")
        row = SweepOfNight("a", "", "", "computed", run=f"r{day}", state=f"{day}")
        ended = _tell(row, before, read_past(tmp_path, "nightly"), Store(tmp_path))
        write_night(tmp_path, f"2026-01-0{day + 1}", "nightly", [ended.row], ended.clusters)
        told.append([one.brief for one in ended.changes if one.kind == "verdict.flipped"])
        before = read_run(folder)
    assert told == [[], [], ["C1 (c0): REAL → UNCERTAIN"]]
    record = pd.read_parquet(tmp_path / "nights" / "clusters")
    own = record[record["lasting"] == 1].sort_values("night")
    assert own["halves_proving"].tolist() == [6, 3, 1]
    assert own["stands_from"].notna().tolist() == [False, True, False]


@pytest.mark.engine
def test_bad_input_ends_a_run_as_failed_with_its_message_and_no_traceback(
    engine: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = SweepConfig.model_validate({"name": "gone", "data": {"path": str(tmp_path / "gone.npz")}})
    state = steadymap.flows.sweep.stability_sweep(config, str(tmp_path / "s"), return_state=True)
    assert state.is_failed()
    assert str(state.message).startswith(f"{tmp_path / 'gone.npz'}: there is no such file")
    told = [record for record in caplog.records if record.name.startswith("prefect.")]
    assert told
    assert not [record for record in told if record.exc_info or "Traceback" in record.getMessage()]
    with pytest.raises(InputError, match="there is no such file"):  # who calls it as a function gets the error
        steadymap.flows.sweep.stability_sweep(config, str(tmp_path / "s"))


def test_log_lines_come_by_time_not_by_step(caplog: pytest.LogCaptureFixture) -> None:
    from steadymap.flows.progress.log_lines import LogProgress
    from steadymap.tasks.progress import Announcement

    caplog.set_level(logging.INFO, "lines")
    now = 0.0
    follow = LogProgress(logging.getLogger("lines"), lambda: now)
    follow(Announcement("scores", total=1000))
    for _ in range(1000):
        follow(Announcement("scores", done=1))
    assert caplog.records == []  # a thousand of them within no time are not worth a line
    follow(Announcement("cells", total=60))
    for _ in range(60):
        now += 1.0
        follow(Announcement("cells", done=1))
    assert [record.getMessage() for record in caplog.records] == [
        "cells: 20 of 60, 20 s",
        "cells: 40 of 60, 40 s",
        "cells: 60 of 60, 60 s",
    ]


@pytest.fixture
def events(engine: None) -> Iterator[Any]:
    """Record every event on its way to the server, and let it pass."""
    from prefect.events.clients import AssertingPassthroughEventsClient
    from prefect.events.worker import EventsWorker

    AssertingPassthroughEventsClient.reset()
    EventsWorker.set_client_override(AssertingPassthroughEventsClient)
    seen: set[Any] = set()

    def new() -> list[Any]:
        """Return our events that were not returned before."""
        sent = [event for client in AssertingPassthroughEventsClient.all for event in client.events]
        fresh = [one for one in sent if one.event.startswith("steadymap.") and one.id not in seen]
        seen.update(one.id for one in fresh)
        return fresh

    yield new
    EventsWorker.instance().drain()
    EventsWorker.set_client_override(None)


def run_night(folder: Path, *words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Run a night as the command line does, on the server that the tests share."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(
            sys, "argv", ["steadymap", "nightly", str(folder), "--store", str(folder / "s"), "--json", *words]
        )
        cli.main()
    night: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert isinstance(ended.value.code, int)
    return ended.value.code, night


def statuses(night: dict[str, Any]) -> dict[str, str]:
    return {one["sweep"]: one["status"] for one in night["sweeps"]}


def manifests(folder: Path) -> dict[str, int]:
    paths = (folder / "s" / "runs").glob("*/manifest.json")
    return {path.parent.name: path.stat().st_mtime_ns for path in paths}


@pytest.mark.engine
@pytest.mark.timeout(900)  # three sweeps and a server: on a busy machine more than the 300 s of other tests
def test_four_nights_over_changing_data(folder: Path, events: Any, capsys: pytest.CaptureFixture[str]) -> None:
    # No time at all: b is left, and nothing is computed.
    only_b = str(folder / "latents" / "b.npz")
    code, night = run_night(folder, "--hours", "1e-9", "--datasets", only_b, capsys=capsys)
    assert (code, statuses(night), manifests(folder)) == (0, {"small, b": "left"}, {})
    assert [one.event for one in events()] == ["steadymap.night.finished"]

    # Day one: both are new. What was left goes first. There is nothing to compare with, so nothing is said. Of the rare
    # kind a has 14 rows: too few for any test.
    write_blobs(folder / "latents" / "a.npz", (0, 1, 2, 2), rare=14)
    code, night = run_night(folder, capsys=capsys)
    assert (code, statuses(night)) == (0, {"small, a": "computed", "small, b": "computed"})
    runs = {one["sweep"]: one["run"] for one in night["sweeps"]}
    finished = manifests(folder)
    assert finished[runs["small, b"]] < finished[runs["small, a"]]
    assert [(one["real"], one["said"]) for one in night["sweeps"]] == [(3, []), (2, [])]
    assert Path(night["site"]).is_file()
    assert [one.event for one in events()] == ["steadymap.night.finished"]

    # Day two: in a, one of three clusters has become two, and the rare kind has rows enough; a broken file has come.
    write_blobs(folder / "latents" / "a.npz", (0, 1, 2, 3), rare=50)
    (folder / "latents" / "c.npz").write_bytes(b"half a file")
    code, night = run_night(folder, capsys=capsys)
    assert code == cli.EXIT_NOTHING_USABLE
    assert statuses(night) == {"small, a": "computed", "small, b": "unchanged", "small, c": "failed"}
    assert "cannot be read" in night["sweeps"][2]["reason"]
    said = night["sweeps"][0]["said"]
    assert any(one.startswith("Lost REAL cluster: C1 (2), 100 rows; it split into C5") for one in said), said
    assert any("The pictures moved more than seeds move them in 1 of 1 setting" in one for one in said), said
    assert {name: at for name, at in manifests(folder).items() if name in finished} == finished
    told = events()
    _assert_the_events_tell_the_same(told, night)

    # Day three: nothing new. Nothing is computed, and nothing is said again, the broken file included.
    before = manifests(folder)
    code, night = run_night(folder, capsys=capsys)
    assert code == cli.EXIT_NOTHING_USABLE  # there is still no result for c
    assert statuses(night) == {"small, a": "unchanged", "small, b": "unchanged", "small, c": "failed"}
    assert manifests(folder) == before
    assert [one["said"] for one in night["sweeps"]] == [[], [], []]
    (finished_event,) = events()
    assert (finished_event.event, finished_event.payload["changes"]) == ("steadymap.night.finished", 0)
    _assert_the_record_is_whole(folder / "s")

    # Day four: the data are as on day one. Nothing is computed; the clusters of then have come back.
    write_blobs(folder / "latents" / "a.npz", (0, 1, 2, 2), rare=14)
    (folder / "latents" / "c.npz").unlink()
    code, night = run_night(folder, capsys=capsys)
    assert (code, statuses(night)) == (0, {"small, a": "found", "small, b": "unchanged"})
    assert night["sweeps"][0]["run"] == runs["small, a"]
    assert manifests(folder) == before
    assert night["gone"] == ["small, c"]
    assert "steadymap.cluster.new" in {one.event for one in events()}
    _assert_the_server_has(told)


def _assert_the_events_tell_the_same(sent: list[Any], night: dict[str, Any]) -> None:
    kinds = [one.event for one in sent]
    row = night["sweeps"][0]
    assert kinds.count("steadymap.cluster.new") == row["new"]
    assert kinds.count("steadymap.cluster.lost") == row["lost"] == 1
    assert kinds.count("steadymap.verdict.flipped") == row["flipped"] == 1
    assert kinds.count("steadymap.sweep.failed") == 1
    assert kinds.count("steadymap.sweep.changed") == 2  # one message a sweep, whatever the number of changes
    (message,) = [one.payload for one in sent if one.event == "steadymap.sweep.changed" and one.payload["run"]]
    assert message["message"].startswith("small, a:\n- ")
    assert "C1 (2): REAL, split" in message["subject"]
    assert "two seeds of one night by at least" in message["message"]
    flipped = next(one for one in sent if one.event == "steadymap.verdict.flipped")
    assert (flipped.resource["steadymap.before"], flipped.resource["steadymap.verdict"]) == ("UNCERTAIN", "REAL")
    assert (flipped.payload["rows_before"], flipped.payload["rows"]) == (14, 50)
    told = flipped.payload["message"].removeprefix("small, a: ")
    assert told in row["said"]
    assert f"- {told}" in message["message"]
    assert message["subject"].startswith(
        "small, a: C4 (4): UNCERTAIN → REAL; "
    )  # whatever else a headline has no room for
    assert kinds[-1] == "steadymap.night.finished"
    lost = next(one for one in sent if one.event == "steadymap.cluster.lost")
    assert lost.resource.id.startswith("steadymap.cluster.small-a.")
    assert (lost.resource["steadymap.verdict"], lost.resource["steadymap.fate"]) == ("REAL", "split")
    assert lost.payload["message"].removeprefix("small, a: ") in row["said"]
    assert (lost.payload["run"], lost.payload["previous"]) == (row["run"], row["previous"])
    assert "prefect.flow-run" in {one.id.rpartition(".")[0] for one in lost.related}


def _assert_the_server_has(sent: list[Any]) -> None:
    """Wait until the server answers with these events; it writes them down a few seconds after they came."""
    from prefect.client.orchestration import get_client

    ids = {str(one.id) for one in sent}
    asked = {"filter": {"id": {"id": sorted(ids)}}, "limit": 50}
    deadline = time.monotonic() + PATIENCE_SECONDS
    with get_client(sync_client=True) as client:
        while True:
            answer = client.request("POST", "/events/filter", json=asked).json()
            if {one["id"] for one in answer["events"]} == ids:
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)  # between two looks; what is waited for is the answer


def _assert_the_record_is_whole(store: Path) -> None:
    nights = pd.read_parquet(store / "nights" / "sweeps")
    assert list(nights.columns) == schemas.NIGHTS.names
    assert nights["night"].nunique() == 4
    assert set(nights["status"]) <= set(schemas.NIGHT_STATUSES)
    clusters = pd.read_parquet(store / "nights" / "clusters")
    of_a = clusters[clusters["sweep"] == "small, a"]
    by_run = [set(part["lasting"]) for _, part in of_a.groupby("night")]
    assert by_run[0] == {1, 2, 3, 4}
    assert by_run[0] & by_run[1] == {2, 3, 4}  # three of the four were found again, and kept their numbers


def test_cells_that_fail_in_the_same_way_every_night_are_told_of_once(tmp_path: Path) -> None:
    from steadymap.flows.nightly import _tell
    from steadymap.reports.nights.nights import Past, SweepOfNight
    from steadymap.tasks.store.layout import Store

    RunFolder(verdicts=("REAL", "REAL", "REAL")).write(tmp_path / "runs" / "x")
    row = SweepOfNight("a", "", "", "computed", run="x", state="as it is")
    first = _tell(row, None, Past(), Store(tmp_path))
    assert [one.kind for one in first.changes] == ["cells.failed"]
    assert (first.row.failed, first.row.real, [one["lasting"] for one in first.clusters]) == (1, 3, [1, 2, 3])
    numbers = {("a", "x"): {0: 1, 1: 2, 2: 3}}
    past = Past(sweeps={"a": first.row}, numbers=numbers, free={"a": 4})
    again = _tell(row, read_run(tmp_path / "runs" / "x"), past, Store(tmp_path))
    assert again.changes == ()
    assert again.row.failed == 1
    # Mended: the run is written anew, and is compared with what it was.
    mended = _tell(replace(row, state="another"), read_run(tmp_path / "runs" / "x"), past, Store(tmp_path))
    assert [one.kind for one in mended.changes] == ["cells.failed"]
    assert [one["lasting"] for one in mended.clusters] == [1, 2, 3]


def test_a_first_night_goes_on_from_a_run_of_the_same_name(tmp_path: Path) -> None:
    from steadymap.flows.nightly import _tell
    from steadymap.reports.nights.nights import Past, SweepOfNight
    from steadymap.tasks.store.layout import Store

    for age, name in enumerate(("earlier", "now")):
        folder = RunFolder(verdicts=(("REAL", "REAL", "UNCERTAIN"), ("REAL",) * 3)[age]).write(tmp_path / "runs" / name)
        os.utime(folder / "manifest.json", (age, age))
    ended = _tell(SweepOfNight("a", "", "", "computed", run="now"), None, Past(), Store(tmp_path))
    assert ended.row.previous == "earlier"
    assert "Flipped verdict: C3" in ended.row.said[0]
    assert (ended.row.flipped, ended.row.new, ended.row.lost, ended.row.agreement) == (1, 0, 0, 1.0)


@pytest.mark.engine
def test_two_overlapping_runs_of_one_sweep_do_the_work_once(
    engine: None, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    config = SweepConfig.model_validate(
        {
            "name": "twice",
            "data": {"path": str(blobs_file)},
            "reducers": [{"reducer": "tsne", "perplexity": 8}],
            "seeds": [0, 1],
            "scores": {"k": [5]},
            "resamples": {"pairs": 0},
            "nulls": {"gaussian": 0, "copula": 0},
        }
    )
    waiting = threading.Event()
    told: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "waiting for process" in record.getMessage():
                told.append(record.getMessage())
                waiting.set()

    def sweep_once(which: str) -> None:
        outcomes[which] = steadymap.flows.sweep.stability_sweep(config, str(tmp_path / "store"))

    outcomes: dict[str, Any] = {}  # which of the two returns first is not said
    second = threading.Thread(target=sweep_once, args=["second"])
    draw = steadymap.flows.sweep.draw_cells

    def draw_while_another_waits(plan: Any) -> Any:
        """Start the other one when this one has its lock, and go on when it waits."""
        second.start()
        assert waiting.wait(timeout=120)
        return draw(plan)

    monkeypatch.setattr(steadymap.flows.sweep, "draw_cells", draw_while_another_waits)
    listener = Listener()
    logging.getLogger("prefect.flow_runs").addHandler(listener)
    try:
        sweep_once("first")
        second.join(timeout=120)
    finally:
        logging.getLogger("prefect.flow_runs").removeHandler(listener)
    found = {which: (one.computed, one.cached) for which, one in outcomes.items()}
    assert found == {"first": (2, 0), "second": (0, 2)}
    assert outcomes["first"].run == outcomes["second"].run
    assert f"process {os.getpid()} on " in told[0]
    _assert_the_ui_shows_the_end(outcomes["first"].run)


def _assert_the_ui_shows_the_end(run: str) -> None:
    from prefect.client.orchestration import get_client

    asked = {"artifacts": {"key": {"any_": ["stability-progress"]}}}
    with get_client(sync_client=True) as client:
        (artifact,) = client.request("POST", "/artifacts/latest/filter", json=asked).json()
    assert (artifact["data"], artifact["description"]) == (100.0, f"{run}: 2 of 2 cells")


def test_a_server_that_does_not_answer_ends_the_progress_not_the_sweep(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from steadymap.flows.progress import artifact as progress_artifact
    from steadymap.tasks.progress import Announcement

    def unreachable(*values: object, **named: object) -> None:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(progress_artifact, "create_progress_artifact", unreachable)
    follow = progress_artifact.ProgressArtifact("a run", logging.getLogger("progress"))
    for announcement in (Announcement("cells", total=2), Announcement("cells", done=1), Announcement("cells", done=1)):
        follow(announcement)
    assert [record.getMessage() for record in caplog.records] == ["no progress in the UI: nobody answers"]
