"""Reading a run folder: whatever is missing, torn or changed is named with its file and a remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadymap.configs.errors import InputError
from steadymap.configs.schemas import TIMINGS
from steadymap.reports.run.run_folder import LATER_TABLES, MANIFEST_KEYS, TABLES, read_run
from tests.reports.run_folder_fixture import ROWS, RunFolder


def fault_of(folder: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_run(folder)
    assert caught.value.remedy
    assert "remedy:" in str(caught.value)
    return caught.value


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def without_digests(folder: Path) -> Path:
    """Let a test change a table: what is wrong with its columns shall not be told by its digest."""
    change_manifest(folder, lambda manifest: manifest.pop("tables"))
    return folder


def test_a_complete_run_is_read_with_every_table(folder: Path) -> None:
    run = read_run(folder)
    assert len(run.cells) == 15
    assert len(run.drawn) == 12
    assert len(run.embeddings) == 12 * ROWS
    assert len(run.points) == ROWS
    assert set(run.manifest) >= set(MANIFEST_KEYS)


def test_costs_are_read_where_they_can_be_and_missed_nowhere(folder: Path) -> None:
    assert read_run(folder).timings is None
    row = {"cell": "a", "seconds": 1.5, "cpu_seconds": None, "memory_mb": 1.0, "cached": False}
    pq.write_table(pa.Table.from_pylist([row], schema=TIMINGS), folder / "timings.parquet")
    timings = read_run(folder).timings
    assert timings is not None
    assert timings["seconds"].tolist() == [1.5]
    (folder / "timings.parquet").write_bytes(b"torn")
    assert read_run(folder).timings is None


def test_labels_keep_the_users_names_and_their_columns(tmp_path: Path) -> None:
    labels = {"species": ["a"] * ROWS, "label": ["b"] * ROWS, "a:b": ["c"] * ROWS}
    run = read_run(RunFolder(labels=labels).write(tmp_path / "run"))
    assert run.label_columns == {"species": "label", "label": "label:label", "a:b": "label:a:b"}
    for name, column in run.label_columns.items():
        assert set(run.points[column]) == set(labels[name])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    fault = fault_of(tmp_path / "nowhere")
    assert fault.file == str(tmp_path / "nowhere")
    assert fault.problem == "there is no such folder"


def test_a_file_is_not_a_run(folder: Path) -> None:
    assert fault_of(folder / "manifest.json").problem == "there is no such folder"


@pytest.mark.parametrize("file", ["manifest.json", *(f"{name}.parquet" for name in TABLES)])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    fault = fault_of(folder)
    assert fault.file == str(folder)
    assert f"{file} is missing" in fault.problem


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_one_flipped_bit_anywhere_is_found(folder: Path, name: str, place: float) -> None:
    path = folder / f"{name}.parquet"
    content = bytearray(path.read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    fault = fault_of(folder)
    assert fault.file == str(path)
    assert "SHA-256" in fault.problem


def test_a_table_cut_short_is_found_without_a_digest(folder: Path) -> None:
    path = without_digests(folder) / "scores.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    fault = fault_of(folder)
    assert fault.file == str(path)
    assert fault.problem.startswith("is not readable Parquet: ")


def test_an_empty_table_file_is_found_without_a_digest(folder: Path) -> None:
    (without_digests(folder) / "cells.parquet").write_bytes(b"")
    assert fault_of(folder).file == str(folder / "cells.parquet")


def test_a_run_without_digests_is_read(folder: Path) -> None:
    assert len(read_run(without_digests(folder)).cells) == 15


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("cells", "reason"),
        ("scores", "stderr"),
        ("embeddings", "island_filled"),
        ("stability", "between"),
        ("pairs", "configuration_b"),
        ("recommendations", "recommended"),
        ("points", "id"),
    ],
)
def test_a_missing_column_is_named_with_its_table(folder: Path, name: str, column: str) -> None:
    path = without_digests(folder) / f"{name}.parquet"
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    fault = fault_of(folder)
    assert fault.file == str(path)
    assert fault.problem == f"lacks the columns {column}"
    assert f"a {name} table has " in (fault.rule or "")


@pytest.mark.parametrize("key", MANIFEST_KEYS)
def test_a_missing_key_of_the_manifest_is_named(folder: Path, key: str) -> None:
    change_manifest(folder, lambda manifest: manifest.pop(key))
    fault = fault_of(folder)
    assert fault.file == str(folder / "manifest.json")
    assert fault.problem == f"lacks {key}"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"data": None}, "data is NoneType"),
        ({"data": {"source": "x"}}, "data lacks rows, dimensions, digest, labels"),
        ({"cells": {}}, "cells lacks total, ok"),
        ({"tables": []}, "tables is list"),
        ({"tables": None}, "tables is NoneType"),
        ({"seeds": None}, "seeds is no list"),
        ({"versions": "3"}, "versions is str"),
    ],
)
def test_a_part_of_the_manifest_that_is_not_what_it_should_be_is_named(
    folder: Path, changes: dict[str, object], problem: str
) -> None:
    change_manifest(folder, lambda manifest: manifest.update(changes))
    fault = fault_of(folder)
    assert fault.file == str(folder / "manifest.json")
    assert fault.problem == problem


@pytest.mark.parametrize("content", ["", "{", '{"run": ', "\x00", "[1, 2", "nonsense"])
def test_a_manifest_that_is_no_json_is_named(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content, encoding="utf-8")
    fault = fault_of(folder)
    assert fault.file == str(folder / "manifest.json")
    assert fault.problem.startswith("is not JSON: ")


def test_a_manifest_in_another_encoding_is_named(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b'{"run": "\xff\xfe"}')
    assert fault_of(folder).file == str(folder / "manifest.json")


@pytest.mark.parametrize("content", ["[]", "null", "3", '"run"'])
def test_a_manifest_that_is_no_object_lacks_every_key(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content, encoding="utf-8")
    assert fault_of(folder).problem == f"lacks {', '.join(MANIFEST_KEYS)}"


@pytest.mark.parametrize("name", LATER_TABLES)
def test_a_run_of_an_earlier_version_lacks_a_table_and_is_read_all_the_same(folder: Path, name: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest["tables"][f"{name}.parquet"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / f"{name}.parquet").unlink()
    assert getattr(read_run(folder), name).empty
