"""Data files: every format gives the same vectors; what cannot be used is refused with its place; nothing runs."""

from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.input.latents_file import read_latents
from steadymap.tasks.store.layout import Store
from tests.chaos.fuzz import mutant, quick_corpus
from tests.conftest import three_blobs

VECTORS, LABELS = three_blobs(rows=40, dimensions=4)


def frame() -> pd.DataFrame:
    table = pd.DataFrame(VECTORS, columns=[f"z{i}" for i in range(4)])
    return table.assign(label=LABELS, id=[f"row {i}" for i in range(40)])


def write_npy(path: Path) -> None:
    np.save(path, VECTORS)


def write_npz(path: Path) -> None:
    np.savez(path, X=VECTORS, y=LABELS, ids=np.array([f"row {i}" for i in range(40)]))


def write_parquet(path: Path) -> None:
    frame().to_parquet(path)


def write_csv(path: Path) -> None:
    frame().to_csv(path, index=False)


@pytest.mark.parametrize(
    ("name", "write", "labelled"),
    [
        ("z.npy", write_npy, False),
        ("z.npz", write_npz, True),
        ("z.parquet", write_parquet, True),
        ("z.csv", write_csv, True),
    ],
)
def test_every_format_gives_the_same_vectors(
    tmp_path: Path, name: str, write: Callable[[Path], None], labelled: bool
) -> None:
    write(tmp_path / name)
    latents = read_latents(DataSource(path=str(tmp_path / name)))
    np.testing.assert_array_equal(np.asarray(latents.matrix, dtype=np.float32), VECTORS)
    if labelled:
        assert list(latents.labels.values()) == [[str(label) for label in LABELS]]
        assert latents.ids[7] == "row 7"
    else:
        assert latents.ids[7] == "7"


def test_the_same_content_is_the_same_data_whatever_its_format_and_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    write_npz(tmp_path / "z.npz")
    frame().iloc[::-1].to_parquet(tmp_path / "z.parquet")
    datasets = [import_dataset(DataSource(path=str(tmp_path / name)), store) for name in ("z.npz", "z.parquet")]
    assert datasets[0].digest == datasets[1].digest
    np.testing.assert_array_equal(datasets[0].latents(), datasets[1].latents())
    # The points lead back to each file's own order.
    for dataset, vectors in zip(datasets, (VECTORS, VECTORS[::-1]), strict=True):
        position = dataset.points().column("position").to_numpy()
        np.testing.assert_array_equal(dataset.latents()[position], vectors)


def test_columns_by_pattern_labels_group_and_inputs(tmp_path: Path) -> None:
    table = frame().rename(columns={"label": "digit"}).assign(session=[f"s{i % 4}" for i in range(40)], p0=1.0, p1=2.0)
    table.to_parquet(tmp_path / "z.parquet")
    source = DataSource(
        path=str(tmp_path / "z.parquet"),
        latents=("z[02]",),
        labels=("digit", "session"),
        group="session",
        inputs=("p*",),
    )
    latents = read_latents(source)
    np.testing.assert_array_equal(latents.matrix, VECTORS[:, [0, 2]])
    assert list(latents.labels) == ["digit", "session"]
    assert latents.group is not None
    assert latents.group[5] == "s1"
    assert latents.inputs is not None
    assert latents.inputs.shape == (40, 2)


def test_a_column_of_lists_is_a_matrix(tmp_path: Path) -> None:
    pd.DataFrame({"embedding": list(VECTORS), "label": LABELS}).to_parquet(tmp_path / "z.parquet")
    latents = read_latents(DataSource(path=str(tmp_path / "z.parquet"), latents=("embedding",)))
    np.testing.assert_array_equal(latents.matrix, VECTORS)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda values: ["oops" if row == 7 else value for row, value in enumerate(values)], "'oops' in row 7, and"),
        (
            lambda values: [str(value).replace(".", ",") for value in values],
            r"'12,.*' in row 0, and what looks like numbers",
        ),
        (lambda values: ["" if row < 30 else "1,5" for row in range(len(values))], "'1,5' in row 30"),
    ],
)
def test_a_column_of_a_csv_is_not_left_out_for_a_bad_value(tmp_path: Path, spoil: Any, words: str) -> None:
    table = frame()
    column = next(name for name in table.columns if table[name].dtype.kind == "f")
    table[column] = spoil(table[column].tolist())
    table.to_csv(tmp_path / "z.csv", index=False)
    with pytest.raises(InputError, match=f"column '{column}' holds {words}"):
        read_latents(DataSource(path=str(tmp_path / "z.csv")))


def test_a_column_of_text_in_a_csv_is_left_out(tmp_path: Path) -> None:
    table = frame()
    expected = read_latents(DataSource(path=str(csv_of(table, tmp_path)), labels=("label",))).matrix
    table["note"] = ["12" if row < 20 else "twelve" for row in range(len(table))]
    table["remark"] = [None if row else "late" for row in range(len(table))]
    again = read_latents(DataSource(path=str(csv_of(table, tmp_path)), labels=("label",)))
    np.testing.assert_array_equal(again.matrix, expected)


def csv_of(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(folder / "z.csv", index=False)
    return folder / "z.csv"


def test_a_parquet_file_that_unpacks_to_more_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rows = tmp_path / "z.parquet", 10_000_000
    pq.write_table(pa.table({"z0": np.zeros(rows), "z1": np.ones(rows)}), path)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=16 * rows - 1))
    with pytest.raises(InputError, match=r"0\.2 GB do not fit into the 0\.2 GB of free memory"):
        read_latents(DataSource(path=str(path)))


def test_a_csv_without_header(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "z.csv", VECTORS, delimiter=",")
    assert read_latents(DataSource(path=str(tmp_path / "z.csv"))).matrix.shape == VECTORS.shape


def test_class_numbers_are_spelled_out_where_the_file_has_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "z.npz", X=VECTORS, y=LABELS, y_names=np.array(["cat", "dög", "猫"]))
    latents = read_latents(DataSource(path=str(tmp_path / "z.npz")))
    assert latents.labels["y"][:3] == ["cat", "dög", "猫"]


def test_an_index_that_pandas_wrote_is_no_latent_dimension(tmp_path: Path) -> None:
    plain = pd.DataFrame(VECTORS)
    plain.to_csv(tmp_path / "indexed.csv")
    plain.to_csv(tmp_path / "numbered.csv", index=False)
    plain.sample(frac=1, random_state=0).rename(columns=str).to_parquet(tmp_path / "shuffled.parquet")
    for name in ("indexed.csv", "numbered.csv", "shuffled.parquet"):
        matrix = read_latents(DataSource(path=str(tmp_path / name))).matrix
        assert matrix.shape == VECTORS.shape, name
        assert np.sort(matrix, axis=0) == pytest.approx(np.sort(VECTORS, axis=0))


def test_a_csv_whose_first_line_is_neither_names_nor_numbers_is_refused(tmp_path: Path) -> None:
    lines = "".join(f"{row[0]},{row[1]},cat\n" for row in VECTORS)
    (tmp_path / "z.csv").write_text(lines, encoding="utf-8")
    with pytest.raises(InputError, match=r"(?s)line 1.*mixes names and numbers.*write a header line"):
        read_latents(DataSource(path=str(tmp_path / "z.csv")))


def test_ids_keep_their_zeros_and_empty_labels_are_missing(tmp_path: Path) -> None:
    table = frame().assign(
        id=[f"{row:05d}" for row in range(40)], label=["" if row % 4 else "cat" for row in range(40)]
    )
    table.to_csv(tmp_path / "z.csv", index=False)
    latents = read_latents(DataSource(path=str(tmp_path / "z.csv")))
    assert latents.ids[7] == "00007"
    assert latents.labels["label"][:2] == ["cat", None]


def test_small_whole_numbers_do_not_wrap(tmp_path: Path) -> None:
    quantised = np.clip(np.random.default_rng(0).normal(0, 60, (200, 4)), -128, 127).astype(np.int8)
    np.save(tmp_path / "z.npy", quantised)
    np.testing.assert_array_equal(read_latents(DataSource(path=str(tmp_path / "z.npy"))).matrix, quantised)


def test_a_file_named_twice_gives_its_role_to_its_column(tmp_path: Path) -> None:
    frame().rename(columns={"label": "kind"}).to_csv(tmp_path / "z.csv", index=False)
    path = str(tmp_path / "z.csv")
    latents = read_latents(DataSource(path=path, labels=(f"{path}#kind",)))
    assert latents.matrix.shape == VECTORS.shape
    assert list(latents.labels) == ["kind"]


def test_two_label_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    write_npy(tmp_path / "z.npy")
    files = (tmp_path / "kind.npy", tmp_path / "other" / "kind.npy")
    for file in files:
        np.save(file, LABELS)
    with pytest.raises(InputError, match="two label columns are called 'kind'"):
        read_latents(DataSource(path=str(tmp_path / "z.npy"), labels=tuple(map(str, files))))


@pytest.mark.parametrize("inputs", [np.array(5), np.empty((40, 0)), np.full((40, 2), np.nan)])
def test_raw_inputs_that_cannot_be_used_are_refused_before_anything_is_computed(
    tmp_path: Path, inputs: np.ndarray
) -> None:
    np.savez(tmp_path / "z.npz", X=VECTORS, x=inputs)
    with pytest.raises(InputError, match=r"z\.npz"):
        read_latents(DataSource(path=str(tmp_path / "z.npz"), inputs=("x",)))


def test_any_damage_to_a_header_is_an_error_that_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    write_npy(tmp_path / "whole.npy")
    content = (tmp_path / "whole.npy").read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        for place in generator.integers(0, 128, 2):
            damaged[place] = generator.integers(256)
        (tmp_path / "z.npy").write_bytes(damaged)
        with pytest.raises(InputError, match=r"z\.npy") as caught:  # even in the padding: it is part of the header
            read_latents(DataSource(path=str(tmp_path / "z.npy")))
        assert caught.value.rule or caught.value.remedy, caught.value


def test_labels_ids_groups_and_inputs_may_lie_in_files_of_their_own(tmp_path: Path) -> None:
    write_npy(tmp_path / "z.npy")
    np.save(tmp_path / "digits.npy", LABELS)
    np.save(tmp_path / "images.npy", np.arange(40 * 6, dtype=np.uint8).reshape(40, 2, 3))
    frame().assign(session=[f"s{i % 4}" for i in range(40)]).to_csv(tmp_path / "meta.csv", index=False)
    source = DataSource(
        path=str(tmp_path / "z.npy"),
        labels=(str(tmp_path / "digits.npy"), f"{tmp_path / 'meta.csv'}#session"),
        id=f"{tmp_path / 'meta.csv'}#id",
        group=f"{tmp_path / 'meta.csv'}#session",
        inputs=(str(tmp_path / "images.npy"),),
    )
    latents = read_latents(source)
    assert list(latents.labels) == ["digits", "session"]
    assert latents.labels["digits"][:4] == ["0", "1", "2", "0"]
    assert latents.ids[3] == "row 3"
    assert latents.group is not None
    assert latents.group[6] == "s2"
    assert latents.inputs is not None
    np.testing.assert_array_equal(latents.inputs[1], [6, 7, 8, 9, 10, 11])


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ({"labels": ["meta.csv"]}, ["meta.csv", "which of", "meta.csv#NAME"]),
        ({"labels": ["meta.csv#klass"]}, ["meta.csv", "there is no 'klass'"]),
        ({"labels": ["none.npy"]}, ["none.npy", "no such file"]),
        ({"labels": ["short.npy"]}, ["short.npy", "3 values for 40 rows"]),
        ({"inputs": ["broken.npz"]}, ["broken.npz", "cannot be read"]),
        ({"labels": ["z"]}, ["z.npy", "there is no 'z' in an .npy file", "labels.npy"]),
    ],
)
def test_a_fault_in_a_file_of_its_own_names_that_file(
    tmp_path: Path, role: dict[str, list[str]], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_npy(Path("z.npy"))
    frame().to_csv("meta.csv", index=False)
    np.save("short.npy", LABELS[:3])
    Path("broken.npz").write_bytes(b"PK no archive")
    with pytest.raises(InputError) as caught:
        read_latents(DataSource.model_validate({"path": "z.npy", **role}))
    for word in words:
        assert word in str(caught.value)


def with_value(value: float) -> np.ndarray:
    broken = VECTORS.astype(np.float64)
    broken[17, 3] = value
    return broken


class Payload:
    """A pickle that would write a file."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("payload-ran"),))


BAD_ARRAYS: dict[str, tuple[np.ndarray, list[str]]] = {
    "nan": (with_value(np.nan), ["row 17", "z[3]", "drop or impute"]),
    "inf": (with_value(-np.inf), ["row 17", "z[3]", "-inf"]),
    "huge": (with_value(1e30), ["1e+30", "rescale"]),
    "tiny": (VECTORS * 1e-30, ["e-", "rescale"]),
    "constant": (np.ones((40, 3)), ["all 40 rows are the same"]),
    "offset": (1e9 + VECTORS.astype(float), ["float32", "mean"]),
    "one row": (VECTORS[:1], ["1 row", "at least 10"]),
    "no rows": (VECTORS[:0], ["0 rows"]),
    "1-d": (VECTORS[:, 0], ["shape (40,)", "2-d"]),
    "3-d": (VECTORS.reshape(20, 2, 4), ["shape (20, 2, 4)", "reshape"]),
    "no columns": (VECTORS[:, :0], ["no columns"]),
    "text": (VECTORS.astype(str), ["dtype <U", "real numbers"]),
    "complex": (VECTORS.astype(complex), ["complex", "real numbers"]),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_unusable_arrays_are_refused_with_their_place(tmp_path: Path, name: str) -> None:
    array, words = BAD_ARRAYS[name]
    np.save(tmp_path / "z.npy", array)
    with pytest.raises(InputError) as caught:
        read_latents(DataSource(path=str(tmp_path / "z.npy")))
    for word in ["z.npy", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize("ending", ["npy", "npz", "parquet", "csv"])
@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04 broken", b"\xff\xfe\x00a,b\n1", b"a,b\n1,2\n3\n"]
)
def test_damaged_files_are_refused(tmp_path: Path, ending: str, content: bytes) -> None:
    (tmp_path / f"z.{ending}").write_bytes(content)
    with pytest.raises(InputError, match=rf"z\.{ending}"):
        read_latents(DataSource(path=str(tmp_path / f"z.{ending}")))


def test_pickles_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "z.npy", np.array([Payload()] * 20, dtype=object), allow_pickle=True)
    np.savez(tmp_path / "z.npz", X=np.array([[Payload()]] * 20, dtype=object))
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Payload()))
    for name in ("z.npy", "z.npz", "raw.npy"):
        with pytest.raises(InputError):
            read_latents(DataSource(path=str(tmp_path / name), latents=None if name != "z.npz" else ("X",)))
    assert not (tmp_path / "payload-ran").exists()


def test_an_object_array_that_nobody_asks_for_is_no_obstacle(tmp_path: Path) -> None:
    np.savez(tmp_path / "z.npz", X=VECTORS, batch=np.array(["a", None] * 20, dtype=object))
    assert read_latents(DataSource(path=str(tmp_path / "z.npz"))).matrix.shape == (40, 4)
    with pytest.raises(InputError, match=r"'batch'.*Python objects"):
        read_latents(DataSource(path=str(tmp_path / "z.npz"), labels=("batch",)))


def test_a_header_that_claims_gigabytes_costs_nothing(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 30, 1)})
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        archive.writestr("X.npy", header.getvalue() + bytes(80))
    with pytest.raises(InputError, match="claims 8,589,934,592 bytes, the file has 80"):
        read_latents(DataSource(path=str(tmp_path / "z.npz")))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"latents": ["Q"]}, ["there is no 'Q'", "data.latents", "'X'"]),
        ({"labels": ["klass"]}, ["there is no 'klass'", "data.labels"]),
        ({"labels": ["short"]}, ["3 values for 40 rows"]),
        ({"id": "name"}, ["there is no 'name'"]),
        ({"inputs": ["short"]}, ["3 raw inputs for 40 rows"]),
    ],
)
def test_names_that_are_not_there(tmp_path: Path, source: dict[str, object], words: list[str]) -> None:
    np.savez(tmp_path / "z.npz", X=VECTORS, short=np.arange(3))
    with pytest.raises(InputError) as caught:
        read_latents(DataSource.model_validate({"path": str(tmp_path / "z.npz"), **source}))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "uint16"])
def test_other_number_types_are_fine(tmp_path: Path, dtype: str) -> None:
    numbers = np.abs(VECTORS * 3).astype(dtype)
    np.save(tmp_path / "z.npy", numbers)
    np.testing.assert_array_equal(read_latents(DataSource(path=str(tmp_path / "z.npy"))).matrix, numbers)


def test_unknown_endings_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.npy, \.npz, \.parquet, \.csv"):
        read_latents(DataSource(path=str(tmp_path / "z.mat")))
    with pytest.raises(InputError, match="no such file"):
        read_latents(DataSource(path=str(tmp_path / "z.npy")))


def test_other_files_are_joined_by_the_column_with_the_same_ids_whatever_it_is_called(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(40)
    ids = np.array([f"row {row}" for row in range(40)])
    frame().drop(columns="label").to_csv(tmp_path / "z.csv", index=False)
    meta = pd.DataFrame({"sample": ids[order], "kind": LABELS[order]})

    def read(table: pd.DataFrame, vectors: str = "z.csv") -> tuple[list[str | None], str]:
        table.to_csv(tmp_path / "meta.csv", index=False)
        found = read_latents(DataSource(path=str(tmp_path / vectors), labels=(f"{tmp_path / 'meta.csv'}#kind",)))
        return found.labels["kind"], found.taken

    right = [str(label) for label in LABELS]
    labels, told = read(meta)
    assert (labels, "joined by id (sample there)" in told) == (right, True)
    # Nothing is guessed: two such columns, or ids that only count the rows, say nothing.
    by_order = [str(label) for label in LABELS[order]]
    labels, told = read(meta.assign(other=meta["sample"]))
    assert (labels, "joined by order of rows" in told) == (by_order, True)
    frame().drop(columns="label").assign(id=range(40)).to_csv(tmp_path / "counted.csv", index=False)
    labels, told = read(pd.DataFrame({"rank": order, "kind": LABELS[order]}), "counted.csv")
    assert (labels, "joined by order of rows" in told) == (by_order, True)
    with pytest.raises(InputError, match=r"1 of 40 ids of .* are not there: 'row 0' \(those that are there: 'nobody'"):
        read(pd.DataFrame({"id": ["nobody", *ids[1:]], "kind": LABELS}))


@pytest.mark.parametrize("as_categories", [True, False])
def test_a_text_that_is_repeated_beyond_memory_is_refused_before_it_is_unpacked(
    tmp_path: Path, as_categories: bool
) -> None:
    rows = 2_000_000
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"z0": np.arange(rows), "note": text}), tmp_path / "z.parquet", store_schema=as_categories)
    with pytest.raises(InputError, match=r"2000\.0 GB do not fit") as caught:
        read_latents(DataSource(path=str(tmp_path / "z.parquet")))
    assert caught.value.place == "column 'note'"


def test_long_texts_that_fit_are_read(tmp_path: Path) -> None:
    names = [f"{'n' * 3000} {row}" for row in range(40)]
    table = pa.table({**{f"z{place}": VECTORS[:, place] for place in range(4)}, "note": names})
    pq.write_table(table, tmp_path / "z.parquet")
    found = read_latents(DataSource(path=str(tmp_path / "z.parquet"), labels=("note",)))
    assert found.labels["note"] == names


def test_a_packed_csv_that_unpacks_a_thousand_times_and_a_line_without_end_are_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "z.csv.gz", "wb", compresslevel=9) as packed:
        packed.write(b"z0,z1\n" + b"0,0\n" * 20_000_000)
    (tmp_path / "line.csv").write_bytes(b"z0,z1\n1," + b"9" * 40_000_000)
    with pytest.raises(InputError, match="times its size"):
        read_latents(DataSource(path=str(tmp_path / "z.csv.gz")))
    with pytest.raises(InputError, match="a line has 16,000,000 bytes or more"):
        read_latents(DataSource(path=str(tmp_path / "line.csv")))


def test_an_archive_without_an_array_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(InputError, match="there is no array in it"):
        read_latents(DataSource(path=str(tmp_path / "z.npz")))


def test_a_footer_that_would_end_the_process_and_offsets_that_lead_outside_do_not(tmp_path: Path) -> None:
    corpus = quick_corpus()
    for number in (1223, 5364, 6972, 9549, 10380):  # found by `make chaos`; of other versions' files they may be legal
        ending, content, _ = mutant(corpus, number)
        (tmp_path / f"z{ending}").write_bytes(content)
        with contextlib.suppress(InputError):
            found = read_latents(DataSource(path=str(tmp_path / f"z{ending}"), labels=("kind",), id="name"))
            assert len(found.matrix) == len(found.labels["kind"])
