"""The store: nothing half-written, damage found, the same bytes for the same thing."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from steadymap.tasks.store import files as store
from steadymap.tasks.store.files import (
    DamagedError,
    file_digest,
    map_array,
    read_if_there,
    read_if_whole,
    read_meta,
    read_provenance,
    read_table,
    save_array,
    write_arrays,
    write_table,
)
from steadymap.tasks.store.identity import digest

TABLE = pa.table({"row": np.arange(5000), "x": np.random.default_rng(0).standard_normal(5000)})


def test_a_table_comes_back_with_its_provenance(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "table.parquet"
    write_table(TABLE, path, {"seed": 3, "name": "Überlauf"})
    assert read_table(path).equals(TABLE)
    assert read_provenance(path) == {"seed": 3, "name": "Überlauf"}
    assert [file.name for file in path.parent.iterdir()] == ["table.parquet"]


def test_the_same_table_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_table(TABLE, tmp_path / name, {"b": 1, "a": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_bit_is_found(tmp_path: Path, place: float) -> None:
    path = tmp_path / "table.parquet"
    write_table(TABLE, path)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 4
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=r"table\.parquet"):
        read_table(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_a_foreign_or_cut_file_is_damage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        read_table(path)


def test_other_columns_are_damage(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "table.parquet")
    with pytest.raises(DamagedError, match="unexpected columns"):
        read_table(tmp_path / "table.parquet", pa.schema([("y", pa.int8())]))


def test_a_failing_disk_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.parquet"
    write_table(TABLE, path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_table(TABLE.slice(0, 10), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]


def test_arrays_are_committed_together_and_verified(tmp_path: Path) -> None:
    folder = tmp_path / "part"
    write_arrays(folder, {"a": np.arange(10), "b": np.eye(3)}, {"kind": "test"})
    assert read_meta(folder)["kind"] == "test"
    np.testing.assert_array_equal(map_array(folder, "b"), np.eye(3))
    with pytest.raises(ValueError, match="read-only"):
        map_array(folder, "a")[0] = 1
    content = bytearray((folder / "a.npy").read_bytes())
    content[-1] ^= 1
    (folder / "a.npy").write_bytes(content)
    with pytest.raises(DamagedError, match=r"a\.npy"):
        read_meta(folder)
    assert not folder.exists()


def test_committing_arrays_twice_keeps_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "part"
    for _ in range(2):
        write_arrays(folder, {"a": np.arange(3)}, {})
    assert [file.name for file in tmp_path.iterdir()] == ["part"]
    assert not list(tmp_path.glob(f"{store.TEMPORARY}*"))


def test_an_identity_is_what_it_says_not_how_it_is_written() -> None:
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({"a": 1}) != digest({"b": 1})


def test_what_is_damaged_or_not_there_reads_as_none(tmp_path: Path) -> None:
    write_table(pa.table({"a": [1]}), tmp_path / "whole.parquet")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    read = [read_if_whole(read_table, tmp_path / f"{name}.parquet") for name in ("whole", "damaged", "absent")]
    assert [None if table is None else table.num_rows for table in read] == [1, None, None]


def test_an_array_for_which_the_disk_is_too_small_is_no_array(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # writing more fails, as on a full disk
    try:
        with pytest.raises(OSError, match="too large"):
            write_arrays(tmp_path / "part", {"small": np.zeros(10), "large": np.zeros(1000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_an_array_is_saved_with_numpys_bytes_and_their_digest(tmp_path: Path) -> None:
    for array in (np.arange(12.0).reshape(3, 4), np.asfortranarray(np.eye(3)), np.array(["a", "ü"]), np.empty((0, 2))):
        assert save_array(array, tmp_path / "ours.npy") == file_digest(tmp_path / "ours.npy")
        np.save(tmp_path / "numpys.npy", array)
        assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpys.npy").read_bytes()


def test_what_cannot_be_read_is_not_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that the disk fails to give are not scores that were lost: a run without them would count as complete."""
    place = tmp_path / "scores.parquet"
    assert read_if_there(read_table, place) is None
    write_table(pa.table({"value": [1.0]}), place)
    found = read_if_there(read_table, place)
    assert found is not None
    assert found.num_rows == 1

    def fails(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "read_bytes", fails)
    with pytest.raises(DamagedError, match="Input/output error"):
        read_if_there(read_table, place)
