"""A sweep under a budget: what comes first, what is left and said to be, and how it goes on."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path

import pandas as pd
import pytest

from steadymap.configs.sweep import SweepConfig, Workers
from steadymap.tasks.cells.compute_cells import CellResult
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.plan.budget_rounds import budget_rounds
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.steps import compute_graph as step
from steadymap.tasks.store.layout import Store
from steadymap.tasks.verdicts.settling import Snapshot, StoppingRule, is_same
from steadymap.tasks.workers import choose_limits, opened_pool
from tests.flows.test_sweep_flow import blob_config, cell_bytes, digests

AXES: dict[str, object] = {
    "reducers": [
        {"reducer": "tsne", "perplexity": [8, 20]},
        {"reducer": "umap", "n_neighbors": 10},
        {"reducer": "pca"},
    ],
    "resamples": {"pairs": 1, "subsamples": 1, "configurations": 1},
    "nulls": {"gaussian": 1, "copula": 0, "configurations": 1},
}


def laid_out(config: SweepConfig, folder: Path) -> Plan:
    store = Store(folder)
    return lay_out(config, import_dataset(config.data, store), store)


def test_what_says_most_of_the_clusters_comes_first(blobs_file: Path, tmp_path: Path) -> None:
    plan = laid_out(blob_config(blobs_file, seeds=(3, 4, 5), **AXES), tmp_path)
    rounds = budget_rounds(plan)
    assert [(one.name, len(one.cells), one.further_seed) for one in rounds] == [
        ("seed 3", 3, False),
        ("halves", 2, False),
        ("seed 4", 3, True),
        ("seed 5", 3, True),
        ("other parts of the rows", 1, False),
        ("reference data and controls", 2, False),
    ]
    placed = [cell.identity for one in rounds for cell in one.cells]
    assert sorted(placed) == sorted(cell.identity for cell in plan.usable)


# --- settled ------------------------------------------------------------------------------------------------------

THREE = Snapshot([0] * 30 + [1] * 30 + [2] * 30, {0: "REAL", 1: "REAL", 2: "UNCERTAIN"})


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (THREE, True),
        (Snapshot([2] * 30 + [0] * 30 + [1] * 30, {2: "REAL", 0: "REAL", 1: "UNCERTAIN"}), True),  # other numbers
        (Snapshot(THREE.clusters, {0: "REAL", 1: "UNCERTAIN", 2: "REAL"}), False),  # another cluster is UNCERTAIN
        (Snapshot(THREE.clusters, {0: "REAL", 1: "REAL", 2: "REAL"}), False),
        (Snapshot([0] * 45 + [1] * 45, {0: "REAL", 1: "REAL"}), False),
        (Snapshot([0] * 20 + [1] * 40 + [2] * 30, THREE.verdicts), False),  # rows moved
        (Snapshot([-1, *THREE.clusters[1:]], THREE.verdicts), True),  # one row among ninety
    ],
)
def test_two_looks_agree_in_clusters_and_in_every_verdict(other: Snapshot, same: bool) -> None:
    assert is_same(THREE, other) is same


def test_verdicts_settle_after_so_many_seeds_without_a_change() -> None:
    two = Snapshot([0] * 45 + [1] * 45, {0: "REAL", 1: "REAL"})
    settling = StoppingRule(2)
    for name, seen in [("halves", two), ("seed 1", THREE), ("seed 2", THREE), ("seed 3", THREE)]:
        assert settling.settled_after is None
        settling.note(name, seen)
    assert settling.settled_after == "seed 3"
    never = StoppingRule(None)
    for _ in range(5):
        never.note("seed", THREE)
    assert never.settled_after is None


@pytest.mark.engine
def test_settled_verdicts_leave_further_seeds_whatever_the_store_has(
    engine: None, blobs_file: Path, tmp_path: Path
) -> None:
    from steadymap.flows.sweep import stability_sweep

    # Three blobs far apart: no seed changes anything.
    config = blob_config(blobs_file, seeds=(0, 1, 2, 3), budget={"settled": 1}, **AXES)
    first = stability_sweep(config, str(tmp_path / "store"))
    assert (first.left, first.failed, first.cut_short) == (6, 0, False)
    folder = tmp_path / "store" / "runs" / first.run
    cells = pd.read_parquet(folder / "cells.parquet")
    left = cells[cells["status"] == "left"]
    assert sorted(left["seed"].unique()) == [2, 3]
    assert set(left["reason"]) == {"clusters and verdicts had settled after seed 1"}
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "6 left" in summary
    assert "| 6 pictures | left | clusters and verdicts had settled after seed 1 |" in summary.replace("\u00a0", " ")
    again = stability_sweep(config, str(tmp_path / "store"))
    assert (again.run, again.computed, again.left) == (first.run, 0, 6)

    # Another store has every seed already; the run is the same.
    everything = blob_config(blobs_file, seeds=(0, 1, 2, 3), **AXES)
    whole = stability_sweep(everything, str(tmp_path / "other"))
    other = stability_sweep(config, str(tmp_path / "other"))
    assert (whole.left, other.left, other.computed) == (0, 6, 0)
    assert digests(tmp_path / "other", other.run) == digests(tmp_path / "store", first.run)


# --- hours --------------------------------------------------------------------------------------------------------


def held_up(folder: Path) -> list[CellResult]:
    """Stand for a cell, in a worker: say that it has begun, end when told to; pipes block until both ends are there."""
    (folder / "begun").write_text("", encoding="utf-8")
    (folder / "end").read_text(encoding="utf-8")
    return [CellResult("ok")]


def test_once_time_is_up_the_whole_queue_is_called_off(tmp_path: Path) -> None:
    for name in ("begun", "end"):
        os.mkfifo(tmp_path / name)
    with opened_pool(choose_limits(Workers(count=1, timeout_seconds=60))) as pool:
        futures = [pool.submit(held_up, tmp_path) for _ in range(5)]
        (tmp_path / "begun").read_text(encoding="utf-8")
        while not futures[0].running():  # the worker's word is on its way
            wait(futures[:1], timeout=0.01)
        with step._called_off(futures, time.time() - 1):
            for late in futures[1:]:
                with pytest.raises(CancelledError):
                    late.result(timeout=30)
                assert step._results(pool, late, 2) == [CellResult("left", step.NO_TIME)] * 2
        assert not futures[0].cancelled()
        (tmp_path / "end").write_text("", encoding="utf-8")
        assert step._results(pool, futures[0], 1) == [CellResult("ok")]


def test_without_a_budget_nothing_is_called_off() -> None:
    future: Future[CellResult] = Future()
    with step._called_off([future], None):
        pass
    assert not future.cancelled()


@pytest.mark.engine
def test_a_sweep_that_is_cut_short_says_so_and_goes_on(
    engine: None, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadymap.flows.drawing import draw_in_rounds
    from steadymap.flows.sweep import stability_sweep

    store = tmp_path / "store"
    # Time is up once the halves are drawn: the clock is read before every round.
    clock = iter([0.0, 0.0, 0.0, *[1e12] * 50])
    with monkeypatch.context() as patch:
        patch.setattr(draw_in_rounds, "time", type("Clock", (), {"time": staticmethod(lambda: next(clock))}))
        patch.setattr(step, "time", type("Never", (), {"time": staticmethod(lambda: 0.0)}))
        cut = stability_sweep(blob_config(blobs_file, budget={"hours": 1}, **AXES), str(store))
    assert (cut.cut_short, cut.computed, cut.left) == (True, 5, 6)
    folder = store / "runs" / cut.run
    left = pd.read_parquet(folder / "cells.parquet").query("status == 'left'")
    assert set(left["kind"]) == {"data", "resample", "null"}
    assert "run again" in left["reason"].iloc[0]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["cut_short"], manifest["cells"]["left"], manifest["cells"]["failed"]) == (True, 6, 0)
    assert (folder / "report.html").is_file()

    done = stability_sweep(blob_config(blobs_file, budget={"hours": 1}, **AXES), str(store))
    assert (done.run, done.cut_short, done.computed, done.left) == (cut.run, False, 6, 0)
    whole = stability_sweep(blob_config(blobs_file, **AXES), str(tmp_path / "whole"))
    assert whole.run == done.run
    assert digests(store, done.run) == digests(tmp_path / "whole", whole.run)
    assert cell_bytes(store) == cell_bytes(tmp_path / "whole")
