"""What is wrong with a store is named, nothing else is, and what is damaged moves away without being lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from steadymap.configs import checksum
from steadymap.configs.errors import InputError
from steadymap.flows.cli import app as cli
from steadymap.reports.run.run_folder import read_run
from steadymap.tasks.progress import telling
from steadymap.tasks.store.check_store import check_store, move_damage
from steadymap.tasks.store.files import (
    DamagedError,
    file_digest,
    read_if_whole,
    read_json,
    read_table,
    write_arrays,
    write_json,
    write_table,
)
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.locks import hold_lock, lock_of
from tests.flows.test_cli import call

RUN = "blobs-0123456789"


def name_of(number: int) -> str:
    return f"{number:02x}" * 16


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Write a store with a thing of every kind."""
    from steadymap.configs import schemas

    store = Store(tmp_path / "store")
    picture = schemas.CELL.empty_table()
    for number in range(3):
        write_table(picture, store.cell(name_of(number)), {"cell": name_of(number)})
        write_table(pa.table({"score": [0.5]}), store.scores(name_of(number)))
        write_json({"seconds": 1.5}, store.timing(name_of(number)))
    write_arrays(store.geometry(f"neighbours_euclidean-{name_of(1)}-10"), {"indices": np.arange(50)}, {"part": "x"})
    write_arrays(store.dataset(name_of(2)), {"latents": np.eye(5)}, {"digest": "d"})
    write_table(pa.table({"row": [0]}), store.dataset(name_of(2)) / "points.parquet")
    write_arrays(store.split(name_of(3)), {"halves": np.arange(9)}, {})
    write_table(pa.table({"a": [1]}), store.findings(RUN) / "pairs.parquet")
    write_arrays(store.findings(RUN) / "published-ab", {"clusters": np.arange(4)}, {})
    write_json({"shown": None, "warnings": []}, store.findings(RUN) / "decoded.json")
    cells = pa.table({"cell": [name_of(number) for number in range(3)], "status": ["ok", "ok", "failed"]})
    write_table(cells, store.run(RUN) / "cells.parquet")
    tables = {"cells.parquet": {"sha256": file_digest(store.run(RUN) / "cells.parquet")}}
    write_json({"run": RUN, "tables": tables}, store.run(RUN) / "manifest.json", indent=1)
    write_json({"places": ["cells"]}, store.root / "uses" / f"{RUN}.json")
    return store


def files(store: Store) -> list[Path]:
    return [path for path in sorted(store.root.rglob("*")) if path.is_file()]


def faults(store: Store) -> set[tuple[str, str]]:
    return {(one.state, one.path.relative_to(store.root).as_posix()) for one in check_store(store).faults}


def test_a_whole_store_has_no_fault(store: Store) -> None:
    found = check_store(store)
    assert found.faults == ()
    assert found.things > 12


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "zeros"])
def test_every_file_that_is_harmed_is_named_and_no_other(store: Store, harm: str) -> None:
    chance = np.random.default_rng(0)
    for path in files(store):
        content = path.read_bytes()
        harmed = bytearray(content)
        if harm == "flipped":
            harmed[chance.integers(len(harmed))] ^= 1 << chance.integers(8)
        elif harm == "cut":
            del harmed[chance.integers(len(harmed)) :]
        else:
            harmed = bytearray(0 if harm == "empty" else len(harmed))
        path.write_bytes(harmed)
        (fault,) = check_store(store).of("damaged")
        assert fault.path in (path, path.parent)
        path.write_bytes(content)
    assert check_store(store).faults == ()


def test_every_bit_of_a_small_file_counts(tmp_path: Path) -> None:
    write_json({"seconds": 1.5}, tmp_path / "a.json")
    content = (tmp_path / "a.json").read_bytes()
    for bit in range(8 * len(content)):
        harmed = bytearray(content)
        harmed[bit // 8] ^= 1 << bit % 8
        (tmp_path / "a.json").write_bytes(harmed)
        with pytest.raises(DamagedError, match=r"a\.json"):
            read_json(tmp_path / "a.json")


def test_what_is_lost_is_missed(store: Store) -> None:
    store.cell(name_of(0)).unlink()
    (store.dataset(name_of(2)) / "points.parquet").unlink()
    (store.run(RUN) / "cells.parquet").unlink()
    assert faults(store) == {
        ("lost", f"datasets/{name_of(2)}/points.parquet"),
        ("lost", f"runs/{RUN}/cells.parquet"),
    }
    write_table(pa.table({"cell": [name_of(0)], "status": ["ok"]}), store.run(RUN) / "cells.parquet")
    (store.run(RUN) / "manifest.json").unlink()
    assert ("lost", f"runs/{RUN}/manifest.json") in faults(store)


def test_a_picture_that_a_run_rests_on_is_missed(store: Store) -> None:
    store.cell(name_of(1)).unlink()
    assert faults(store) == {("lost", f"cells/01/{name_of(1)}.parquet")}


def test_a_whole_file_under_the_name_of_another_is_damage(store: Store) -> None:
    store.cell(name_of(0)).write_bytes(store.cell(name_of(1)).read_bytes())
    (fault,) = check_store(store).faults
    assert (fault.state, fault.reason) == ("damaged", f"its cell is {name_of(1)}")


def test_what_is_not_ours_is_named_and_stays(store: Store) -> None:
    for place in ("cells/notes.txt", "geometry/mine/a.npy", "runs/notes.txt", f"splits/{name_of(3)}/notes.txt"):
        (store.root / place).parent.mkdir(exist_ok=True)
        (store.root / place).write_text("mine", encoding="utf-8")
    found = check_store(store)
    assert {one.state for one in found.faults} == {"foreign"}
    assert len(found.faults) == 4
    assert move_damage(store, found) is None
    assert (store.root / "cells" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_damage_moves_away_and_nothing_is_lost(store: Store) -> None:
    victim, part = store.cell(name_of(0)), store.split(name_of(3)) / "halves.npy"
    victim.write_bytes(b"harmed")
    part.write_bytes(b"harmed, too")
    aside = move_damage(store, check_store(store))
    assert aside is not None
    assert (aside / victim.relative_to(store.root)).read_bytes() == b"harmed"
    assert (aside / part.relative_to(store.root)).read_bytes() == b"harmed, too"
    assert faults(store) == {("lost", victim.relative_to(store.root).as_posix())}


def test_nothing_moves_while_a_sweep_runs(store: Store) -> None:
    store.cell(name_of(0)).write_bytes(b"")
    with hold_lock(lock_of(store, "some-run"), "sweep", print), pytest.raises(InputError, match="is under way"):
        move_damage(store, check_store(store))


def test_files_of_earlier_versions_have_no_checksum_and_are_read(store: Store) -> None:
    import pyarrow.parquet as pq

    from steadymap.configs import schemas

    footer = {"steadymap": json.dumps({"cell": name_of(0)})}
    old = schemas.CELL.empty_table().replace_schema_metadata(footer)
    pq.write_table(old, store.cell(name_of(0)), compression="zstd", write_page_checksum=True)
    store.timing(name_of(0)).write_text('{"seconds": 2}', encoding="utf-8")
    (store.root / "uses" / f"{RUN}.json").write_text('["cells"]', encoding="utf-8")
    assert check_store(store).faults == ()
    assert read_table(store.cell(name_of(0)), schemas.CELL).num_rows == 0
    assert read_json(store.timing(name_of(0))) == {"seconds": 2}


def test_text_that_looks_like_a_checksum_harms_none(tmp_path: Path) -> None:
    table = pa.table({"label": [checksum.BLANK] * 3})
    write_table(table, tmp_path / "a.parquet", {"name": checksum.BLANK})
    write_json({"name": checksum.BLANK, "zzz": checksum.BLANK}, tmp_path / "a.json")
    assert read_table(tmp_path / "a.parquet").equals(table)
    assert read_json(tmp_path / "a.json") == {"name": checksum.BLANK, "zzz": checksum.BLANK}


def test_damage_that_is_made_again_is_told(store: Store) -> None:
    store.scores(name_of(0)).write_bytes(b"")
    told: list[str] = []
    with telling(told.append):
        assert read_if_whole(read_table, store.scores(name_of(0))) is None
    assert told[0].startswith(f"damaged, and made again: {store.scores(name_of(0))}")


def test_a_report_of_a_damaged_manifest_is_refused(store: Store) -> None:
    manifest = store.run(RUN) / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"cells.parquet", b"cellz.parquet"))
    with pytest.raises(InputError, match="is not the file that was written"):
        read_run(store.run(RUN))


def test_the_command_says_what_it_found_and_its_exit_code_too(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(store.root)
    status, out, _ = call(capsys, monkeypatch, "fsck", "--store", place)
    assert (status, "0 damaged, 0 lost, 0 not ours" in out) == (cli.EXIT_REPORT, True)
    store.scores(name_of(0)).write_bytes(b"")
    status, out, _ = call(capsys, monkeypatch, "fsck", "--store", place)
    assert (status, f"damaged: {store.scores(name_of(0))}: " in out) == (cli.EXIT_NOTHING_USABLE, True)
    status, out, _ = call(capsys, monkeypatch, "fsck", "--repair", "--store", place, "--json")
    assert (status, Path(json.loads(out)["moved"]).is_dir()) == (cli.EXIT_REPORT, True)
    assert call(capsys, monkeypatch, "fsck", "--store", place)[0] == cli.EXIT_REPORT


def test_what_is_no_store_or_lies_far_away_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such store"):
        check_store(Store(tmp_path))
    with pytest.raises(InputError, match="a URL is not walked"):
        check_store(Store(tmp_path, "s3://team/results"))
