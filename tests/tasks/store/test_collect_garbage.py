"""What no run rests on goes, what a kept run needs stays, and what is not ours is never touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from steadymap.configs.errors import InputError
from steadymap.reports.build import build_report
from steadymap.tasks.store.collect_garbage import find_garbage, remove_garbage
from steadymap.tasks.store.files import write_text
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.locks import hold_lock, lock_of
from steadymap.tasks.store.run_uses import read_uses, recorded_uses, write_uses
from tests.flows.test_sweep_flow import blob_config

CELL = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


def finished(store: Store, run: str, at: int, cell: str | None = CELL) -> None:
    """Write what gc sees of a run: its manifest, and what it rests on."""
    write_text("{}", store.run(run) / "manifest.json")
    os.utime(store.run(run) / "manifest.json", (at, at))
    if cell is not None:
        with recorded_uses(store) as uses:
            write_text("a picture", store.cell(cell))
        write_uses(store, run, uses())


def removed(store: Store, **asked: float) -> set[str]:
    return {one.path.relative_to(store.root).as_posix() for one in find_garbage(store, **asked).garbage}


def test_what_no_run_rests_on_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    finished(store, "a-0123456789", at=1000)
    write_text("a picture", store.cell(OTHER))
    assert removed(store) == {f"cells/fe/{OTHER}.parquet"}


def test_of_every_name_the_latest_runs_stay_and_what_they_share(tmp_path: Path) -> None:
    store = Store(tmp_path)
    finished(store, "a-0000000001", at=1000)
    finished(store, "a-0000000002", at=2000)
    finished(store, "b-0000000001", at=500, cell=OTHER)
    assert removed(store, keep_runs=1) == {"runs/a-0000000001", "uses/a-0000000001.json"}
    assert removed(store, keep_runs=1, older_than_days=1e9) == set()
    assert removed(store, older_than_days=1) == {"runs/a-0000000001", "uses/a-0000000001.json"}
    finished(store, "b-0000000002", at=600)
    assert f"cells/fe/{OTHER}.parquet" in removed(store, older_than_days=1)


def test_runs_that_were_cut_short_do_not_count(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number, cut_short in enumerate((False, True, False, True)):
        finished(store, f"a-000000000{number}", at=1000 + number)
        manifest = store.run(f"a-000000000{number}") / "manifest.json"
        write_text(json.dumps({"cut_short": cut_short}), manifest)
        os.utime(manifest, (1000 + number, 1000 + number))
    assert find_garbage(store, keep_runs=1).kept == ("a-0000000003", "a-0000000002")
    assert find_garbage(store, keep_runs=2).kept == ("a-0000000003", "a-0000000002", "a-0000000001", "a-0000000000")


def test_while_it_is_not_known_what_a_run_rests_on_nothing_shared_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    finished(store, "a-0123456789", at=1000, cell=None)
    write_text("a picture", store.cell(OTHER))
    found = find_garbage(store)
    assert found.unknown == ("a-0123456789",)
    assert found.garbage == ()


def test_foreign_files_are_never_ours(tmp_path: Path) -> None:
    store = Store(tmp_path)
    foreign = [
        "notes.txt",
        "cells/notes.txt",
        "cells/no/notes.parquet",
        "geometry/mine/a.npy",
        f"cells/zz/{OTHER}.parquet",
    ]
    for name in foreign:
        write_text("mine", tmp_path / name)
    remove_garbage(store, find_garbage(store))
    assert all((tmp_path / name).is_file() for name in foreign)


def test_what_was_begun_long_ago_is_abandoned(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("old", "new"):
        write_text("half", tmp_path / "cells" / "01" / f".writing-{name}")
    os.utime(tmp_path / "cells" / "01" / ".writing-old", (0, 0))
    remove_garbage(store, find_garbage(store))
    assert [path.name for path in (tmp_path / "cells" / "01").iterdir()] == [".writing-new"]


def test_nothing_is_removed_while_a_sweep_runs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with (
        hold_lock(lock_of(store, "some-run"), "sweep", print),
        pytest.raises(InputError, match="some-run is under way"),
    ):
        find_garbage(store)
    assert find_garbage(store).garbage == ()


def test_after_gc_a_kept_run_is_whole(engine: None, blobs_file: Path, tmp_path: Path) -> None:
    from steadymap.flows.sweep import stability_sweep

    axes = {"resamples": {"pairs": 1, "configurations": 1}, "nulls": {"copula": 0, "configurations": 1}}
    place = tmp_path / "store"
    first = stability_sweep(blob_config(blobs_file, **axes), str(place))
    wider = stability_sweep(blob_config(blobs_file, seeds=(0, 2), **axes), str(place))
    store = Store(place.resolve())
    assert len(read_uses(store, wider.run) or ()) > wider.total
    # Neighbours, density trees: whatever workers found or wrote by themselves is in use as well.
    assert removed(store) == set()
    found = find_garbage(store, keep_runs=1)
    assert found.kept == (wider.run,)
    assert {one.kind for one in found.garbage} >= {"runs", "cells", "scores", "findings", "timings"}
    remove_garbage(store, found)
    assert not store.run(first.run).exists()
    again = stability_sweep(blob_config(blobs_file, seeds=(0, 2), **axes), str(place))
    assert (again.run, again.computed, again.failed) == (wider.run, 0, 0)
    assert build_report(store.run(wider.run)).is_file()
    assert json.loads((store.run(wider.run) / "manifest.json").read_text())["run"] == wider.run
    assert removed(store) == set()
    back = stability_sweep(blob_config(blobs_file, **axes), str(place))
    assert (back.run, back.failed) == (first.run, 0)
    assert back.computed > 0
