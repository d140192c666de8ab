"""Files as other tools write them: scanpy, HuggingFace, polars, R, Excel, wandb, LanceDB, BERTopic, UMAP, web servers.

The columns and quirks are those of the tool; every row says the shape, the labels, the note, or the words of the error.
"""

from __future__ import annotations

import gzip
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
import scipy.sparse

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.latents_file import read_latents
from tests.tasks.input.test_what_goes_in import (
    CLASSES,
    IDS,
    KINDS,
    NAMES,
    ROWS,
    VECTORS,
    WIDE,
    Case,
    Write,
    both,
    check_case,
    csv_text,
    frame,
    identify,
    lists,
    of_pandas,
    to_csv,
    to_jsonl,
    to_parquet,
    to_text,
    write_h5ad,
)

BARCODES = [f"ACGT{row:04d}-1" for row in range(ROWS)]
NUMBERS = [int(one) for one in CLASSES]
TOPICS = [one - 1 for one in NUMBERS]
SHARES = np.random.default_rng(8).random(ROWS)
COMPONENTS = frame().rename(columns=lambda name: f"PC_{int(name[1:]) + 1}")
CLASS_NAMES = {"info": {"features": {"label": {"names": ["neg", "neu", "pos"], "_type": "ClassLabel"}}}}


def of_datasets(labels: list[int]) -> pa.Table:
    table = pa.table({"text": IDS, "label": labels, "embeddings": lists()})
    return table.replace_schema_metadata({"huggingface": json.dumps(CLASS_NAMES)})


def save_to_disk(folder: Path) -> None:
    """Write what ``Dataset.save_to_disk`` does, and a result of ``map`` that it has kept beside."""
    (folder / "data").mkdir()
    whole = of_datasets(NUMBERS)
    half = ROWS // 2
    shards = {"data-00000-of-00002": whole[:half], "data-00001-of-00002": whole[half:], "cache-1f2e": whole}
    for name, table in shards.items():
        with (
            pa.OSFile(str(folder / "data" / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_stream(sink, table.schema) as to,
        ):
            to.write_table(table)
    (folder / "data" / "dataset_info.json").write_text("{}")


def of_polars(folder: Path) -> None:
    columns = {"id": pa.array(IDS, pa.string_view()), "vec": lists(), "kind": pa.array(KINDS, pa.string_view())}
    table = pa.table(columns)
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def categories_of_polars(folder: Path) -> None:
    kinds = pa.DictionaryArray.from_arrays(pa.array([("links", "rechts", "Mitte").index(one) for one in KINDS]), VIEWS)
    table = pa.table({"emb": lists(), "label": kinds})
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def of_two_tables(folder: Path) -> None:
    (folder / "data").mkdir()
    frame().to_parquet(folder / "data" / "a.parquet")
    pd.DataFrame({"id": IDS, "kind": KINDS}).to_parquet(folder / "data" / "b.parquet")


def of_write_table(folder: Path) -> None:
    lines = [" ".join(f'"V{place + 1}"' for place in range(len(NAMES)))]
    lines += [f'"cell {row}" ' + " ".join(map(str, vector)) for row, vector in enumerate(VECTORS)]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")


def continental(value: float) -> str:
    return f"{value:,.3f}".replace(",", ";").replace(".", ",").replace(";", ".")


def of_excel(first: str = "", *, times: float = 1, encoding: str = "utf-8") -> Write:
    rows = [";".join([*NAMES, "label"])]
    rows += [
        ";".join([*(continental(times * one) for one in vector), kind])
        for vector, kind in zip(VECTORS.astype(float), KINDS, strict=True)
    ]
    return to_text((first + "\r\n".join(rows)).encode(encoding))


def records(folder: Path) -> None:
    kind = [(name, "f4") for name in NAMES]
    np.save(folder / "data.npy", np.array([tuple(vector) for vector in VECTORS], dtype=kind))


VIEWS = pa.array(["links", "rechts", "Mitte"], pa.string_view())
TAGS = {"labels": ["tags"]}
TWO_LEVELS = pd.MultiIndex.from_arrays([KINDS, range(ROWS)])
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
BLANKS = "\n".join(f"w{row} " + " ".join(map(str, vector)) for row, vector in enumerate(VECTORS))

CASES = [
    # scanpy, Seurat, scVI
    Case("data.csv", to_csv(frame(leiden=NUMBERS)), 4, ("labels: leiden",), labels=("0", "1", "2"), same=True),
    Case(
        "data.csv",
        to_csv(COMPONENTS.set_axis(BARCODES).assign(louvain=NUMBERS), index=True),
        4,
        ("labels: louvain",),
        ids=BARCODES[0],
    ),
    Case("data.csv", to_csv(COMPONENTS.set_axis(BARCODES), index=True, quoting=2), 4, ("PC_1",), ids=BARCODES[0]),
    Case("data.csv", to_csv(frame(celltype=KINDS, batch=["a", "b"] * (ROWS // 2))), 4, ("left out: batch",)),
    Case("data.h5ad", write_h5ad(lsi=scipy.sparse.csr_matrix(VECTORS)), 4, ("matrix lsi",), same=True),
    Case(
        "data.csv",
        both(write_h5ad(X_scvi=VECTORS), to_csv(frame().set_axis(IDS).sample(frac=1, random_state=1), index=True)),
        4,
        ("data.h5ad joined by id",),
        roles={"labels": ["data.h5ad#cell_type"]},
    ),
    # UMAP and what clusters it
    Case(
        "data.csv",
        to_csv(pd.DataFrame({"umap_x": VECTORS[:, 0], "umap_y": VECTORS[:, 1], "hdbscan_label": TOPICS})),
        2,
        ("labels: hdbscan_label", "coordinates of a picture"),
        labels=("-1", "0", "1"),
    ),
    Case(
        "data.csv",
        to_csv(pd.DataFrame({"UMAP1": VECTORS[:, 0], "UMAP2": VECTORS[:, 1], "cluster": NUMBERS})),
        2,
        ("UMAP1, UMAP2: by their names the coordinates of a picture",),
    ),
    Case("data.csv", to_csv(frame(kmeans_cluster=NUMBERS, ward_cluster=TOPICS)), 4, ("left out: kmeans_cluster",)),
    # Names of labels
    Case("data.csv", to_csv(frame(LABEL=KINDS)), 4, ("labels: LABEL",), labels=tuple(KINDS[:3])),
    Case("data.csv", to_csv(frame(**{"Class Label": KINDS})), 4, ("labels: Class Label",)),
    Case("data.csv", to_csv(frame(trueClass=NUMBERS)), 4, ("labels: trueClass",)),
    # BERTopic: documents without vectors, and with
    Case(
        "data.csv",
        to_csv(pd.DataFrame({"Document": IDS, "Topic": TOPICS, "Name": KINDS, "Probability": SHARES})),
        None,
        ("only numbers", "'Probability'", "--latents Probability"),
    ),
    Case(
        "data.csv",
        to_csv(pd.DataFrame({"Document": IDS, "Topic": TOPICS, "Probability": SHARES})),
        1,
        ("1 dimension from the column Probability",),
        roles={"latents": ["Probability"]},
    ),
    Case(
        "data.csv",
        to_csv(pd.DataFrame({"Document": IDS, "Topic": TOPICS, "embedding": [str(one.tolist()) for one in WIDE]})),
        12,
        ("labels: Topic", "vectors written as text"),
    ),
    # wandb, LanceDB: columns that begin with an underscore are the tool's
    Case(
        "data.csv",
        to_csv(frame(_step=range(ROWS), _timestamp=1.7e9 + SHARES, _runtime=SHARES)),
        4,
        ("left out: _step (row numbers), _timestamp (one number), _runtime",),
        same=True,
    ),
    Case(
        "data.parquet",
        to_parquet({"vector": lists(), "_distance": SHARES, "_relevance_score": SHARES, "doc_id": IDS}),
        12,
        ("list column vector", "left out: _distance"),
        ids=IDS[0],
    ),
    Case("data.csv", to_csv(frame().rename(columns=lambda name: f"_{name[1:]}")), 4, ("columns _0",), same=True),
    Case("data.csv", to_csv(frame().set_axis(["_a", "_b", "_c", "_d"], axis=1)), 4, ("columns _a",), same=True),
    Case(
        "data.json",
        to_text(json.dumps({"columns": NAMES, "data": VECTORS.tolist()}), "data.json"),
        None,
        ("orient='split'", "to_parquet"),
    ),
    Case("data.json", to_text(json.dumps([{"z0": 1.0}]), "data.json"), None, ("orient='records'",)),
    # HuggingFace datasets
    Case(
        "data.parquet",
        lambda folder: pq.write_table(of_datasets(NUMBERS), folder / "data.parquet"),
        12,
        ("list column embeddings", "labels: label"),
        labels=("neg", "neu", "pos"),
    ),
    Case(
        "data.parquet",
        lambda folder: pq.write_table(of_datasets([-1, *NUMBERS[1:]]), folder / "data.parquet"),
        12,
        labels=(None, "neu", "pos"),
        about="a class that is not known",
    ),
    Case("data", save_to_disk, 12, ("list column embeddings",), labels=("neg", "neu", "pos")),
    # polars
    Case("data.arrow", of_polars, 12, ("list column vec", "left out: kind"), ids=IDS[0]),
    # R
    Case("data.csv", of_write_table, 4, ("columns V1", "separated by spaces"), ids="cell 0", same=True),
    Case("data.csv", to_csv(frame(), sep=" ", quoting=2), 4, ("separated by spaces",), same=True),
    Case("data.csv", to_csv(frame(label=KINDS), sep=" "), 4, ("labels: label",), same=True),
    # Excel
    Case("data.csv", of_excel("sep=;\r\n"), 4, ("decimal commas", "semicolons"), labels=tuple(KINDS[:3])),
    Case("data.csv", of_excel(times=1000), 4, ("decimal commas", "numbers written as text"), labels=tuple(KINDS[:3])),
    Case("data.csv", of_excel("sep=;\r\n", times=1e6, encoding="utf-16"), 4, ("UTF-16",)),
    # By hand
    Case(
        "data.csv",
        to_text(csv_text(frame(label=KINDS)).replace(",", ", ")),
        4,
        ("labels: label",),
        labels=tuple(KINDS[:3]),
        same=True,
    ),
    Case(
        "data.csv",
        to_text(csv_text(frame(id=IDS)).replace(",", ", ")),
        4,
        ids=IDS[0],
    ),
    # Word vectors: GloVe, word2vec, fastText
    Case("data.csv", to_text(BLANKS), 4, ("word vectors: the words are the ids",), ids="w0", same=True),
    Case("data.csv", to_text(f"{ROWS} 4\n{BLANKS}\n"), 4, ("word vectors", "columns z0, z1"), ids="w0", same=True),
    Case(
        "data.vec",
        to_text(f"{ROWS} 4\n{BLANKS}\n".replace("\n", " \n"), "data.vec"),
        4,
        ids="w0",
        same=True,
        about="fastText ends lines with a blank",
    ),
    Case(
        "data.vec.gz",
        to_text(gzip.compress(f"{ROWS} 4\n{BLANKS}".encode()), "data.vec.gz"),
        4,
        ids="w0",
        same=True,
    ),
    *(
        Case(
            "data.vec",
            to_text(f"{ROWS} 4\n" + BLANKS.replace("w0 ", f"{word} ", 1), "data.vec"),
            4,
            ids=word,
            same=True,
            about=word,
        )
        for word in ('"', "#", "NaN", "null", "été", "new\u00a0york", ". .", "it's", "a,b")
    ),
    Case("data.vec", to_text(f"{ROWS} 4\n" + BLANKS.replace("w1 ", "17 "), "data.vec"), 4, ids="w0", same=True),
    Case("data.vec", to_text(f"400000 4\n{BLANKS}\n", "data.vec"), None, ("40 word vectors", "says 400,000")),
    Case("data.vec", to_text(f"41 4\n{BLANKS}\nw9 1.5 2.5\n", "data.vec"), None, ("3 values where 5 are expected",)),
    Case("data.csv", to_text(re.sub("w[0-9]+", "setosa", BLANKS)), None, ("mixes names", "--no-header")),
    Case(
        "data.txt",
        to_text(BLANKS, "data.txt"),
        None,
        ("cannot read '.txt'", "rename it to .csv"),
        about="GloVe's ending",
    ),
    # Spreadsheets and logs
    Case("data.csv", to_text(csv_text(frame()) + ",,,\r\n" * 9), 4, ("9 empty lines at the end left out",), same=True),
    Case("data.csv", to_text(csv_text(frame()) + ",,,"), 4, ("1 empty line at the end left out",), same=True),
    Case("data.csv", to_text("\n".join(str(one) for one in VECTORS.tolist())), 4, ("a list a line",), same=True),
    Case("data.csv", to_text(csv_text(frame()).encode() + bytes(99)), None, ("zero bytes",)),
    Case("data.csv", to_csv(frame().assign(z1=[f"${one:.2f}" for one in SHARES])), None, ("'z1' holds '$",)),
    Case("data.csv", to_csv(frame().assign(z1=[f"{one:.2f} mV" for one in SHARES])), None, ("'z1' holds",)),
    Case("data.csv", to_csv(frame(code=[f"{row}b" for row in range(ROWS)])), 4, ("left out: code",), same=True),
    Case("data.csv", to_text(csv_text(frame(n=KINDS)) + "1,2,3,4,Total\n"), 4, ("the last row is called 'Total'",)),
    Case("data.csv", to_csv(frame(dose=[f"{one:.1f} mg" for one in SHARES])), 4, ("left out: dose",), same=True),
    Case("data.csv", to_csv(frame(price=[f"${one:.2f}" for one in SHARES])), 4, ("left out: price",), same=True),
    Case(
        "data.csv",
        to_csv(frame().assign(z1=[f"{4e4 * one:_.2f}".replace("_", " ") for one in SHARES])),
        None,
        ("'z1'",),
    ),
    Case(
        "data.csv",
        to_csv(frame().assign(z1=[f"{4e4 * one:_.2f}".replace("_", "'") for one in SHARES])),
        None,
        ("'z1'",),
    ),
    Case(
        "data.csv", to_csv(frame().assign(z1=[f"{one:.4e}".replace("e", "D") for one in SHARES])), None, ("'z1' holds",)
    ),
    Case(
        "data.csv", to_csv(frame(phone=[f"030 {row + 100} 456" for row in range(ROWS)])), 4, ("out: phone",), same=True
    ),
    Case(
        "data.csv",
        to_text("My export;\n" + csv_text(frame()).replace(",", ";")),
        None,
        ("a line has 4 values where 3 are", "if the first line is a title"),
        about="a title above semicolons",
    ),
    Case("data.csv", to_text("z0,z1\n"), None, ("no line of values",)),
    Case("data.csv", to_text(csv_text(frame()).replace("z2,z3", ",", 1)), 4, ("Unnamed: 3",), same=True),
    Case("data.csv", to_csv(frame().set_axis(np.arange(ROWS) / 4, axis=0), index=True), 4, ("row numbers",), same=True),
    # Codes of text
    *(
        Case("data.csv", to_csv(frame(label=["кот", "пёс"] * 20), encoding=code), None, ("UTF-8", "iconv"), about=code)
        for code in ("cp1251", "koi8-r", "cp866")
    ),
    Case("data.csv", to_csv(frame(label=["日本", "東京"] * 20), encoding="shift_jis"), None, ("UTF-8", "iconv")),
    Case(
        "data.csv",
        to_csv(frame(label=["日本", "東京"] * 20), encoding="utf-32"),
        4,
        ("UTF-32",),
        ("日本", "東京", "日本"),
    ),
    Case(
        "data.csv",
        to_csv(frame(label=["été", "ÄÖÜ", "Ærø", "naïve"] * 10), encoding="cp1252"),
        4,
        ("Windows-1252",),
        ("été", "ÄÖÜ", "Ærø"),
    ),
    # Row numbers and ids
    Case(
        "data.csv", to_csv(frame(row=np.random.default_rng(1).permutation(ROWS))), 4, ("row (row numbers)",), same=True
    ),
    Case("data.csv", to_csv(frame(**{"row ID": IDS})), 4, ("ids: row ID",), ids=IDS[0], same=True),
    Case("data.csv", to_csv(frame(ID=IDS)), 4, ids=IDS[0], same=True),
    # Lines of JSON
    Case("data.jsonl", to_text("[1.5, 2.5]\n" * ROWS, "data.jsonl"), None, ("begins with a list", "rename it to .csv")),
    Case("data.jsonl", to_text('[{"z": [1.5]}]', "data.jsonl"), None, ("an object a line", "read_json")),
    Case(
        "data.jsonl",
        to_text("".join(json.dumps({"z": [1.5], "a": row or "x"}) + "\n" for row in range(ROWS)), "data.jsonl"),
        None,
        ("line 2: 'a' is a number, and a string in the lines before", "drop(columns='a')"),
    ),
    # Folders
    Case("data", of_two_tables, None, ("column 'id' of b.parquet is not in a.parquet", "other folders")),
    # Labels
    Case("data.parquet", to_parquet({"z": lists(), "tags": [["a", "b"]] * ROWS}), None, ("a list a row",), roles=TAGS),
    # polars, pandas
    Case("data.arrow", categories_of_polars, 12, ("labels: label",), labels=tuple(KINDS[:3])),
    Case(
        "data.parquet",
        of_pandas(frame().set_axis(TWO_LEVELS, axis=0)),
        4,
        ("left out: __index_level_0__",),
        ids="0",
        about="an index of two levels",
    ),
    # Arrays
    Case("data.npy", lambda folder: np.save(folder / "data.npy", VECTORS.T), None, ("4 rows", "array.T")),
    Case(
        "data.npy",
        lambda folder: np.save(folder / "data.npy", np.where(WIDE.max() == WIDE, 1e20, WIDE)),
        None,
        ("1e+20", f"row {int(WIDE.max(axis=1).argmax())}", "missing"),
    ),
    Case("data.npz", lambda folder: np.savez(folder / "data.npz", codes=WIDE > 0), None, ("'codes' (40 × 12, bool)",)),
    Case("data.csv", to_csv(frame(age=[None, *range(ROWS - 1)])), None, ("'age'", "other columns with --latents")),
    Case(
        "data.csv",
        to_text("Export of 3 May\n" + csv_text(frame())),
        None,
        ("a line has 4 values where", "begin with #"),
    ),
    Case(
        "data.csv",
        to_text(csv_text(frame()) + "1.5,2.5\n"),
        None,
        ("a line has 2 values where 4 are expected: '1.5,2.5'", "mend the line"),
    ),
    Case(
        "data.csv",
        to_csv(frame().set_axis(pd.MultiIndex.from_product([["z"], range(4)]), axis=1)),
        None,
        ("'z' is there twice", "'_'.join"),
    ),
    Case("data.npy", records, None, ("a record a row: z0", "structured_to_unstructured")),
    Case(
        "data.csv",
        to_csv(frame().set_axis(["PAR1", "PAR2", "BZh9", "ARROW1"], axis=1)),
        4,
        ("columns PAR1",),
        same=True,
    ),
    # Not what the ending says
    Case("data.csv", lambda folder: frame().to_parquet(folder / "data.csv"), None, ("a Parquet file", "rename")),
    Case("data.parquet", to_csv(frame(), "data.parquet"), None, ("this is text", "rename it to .csv")),
    Case("data.csv", to_text(gzip.compress(csv_text(frame()).encode())), None, ("packed by gzip", ".gz")),
    Case("data.npy", to_text(pickle.dumps(VECTORS), "data.npy"), None, ("a pickle", "pickle.load", "numpy.save")),
    Case("data.csv", to_text("<!DOCTYPE html>\n<html><body>404</body></html>"), None, ("a web page",)),
    *(
        Case(f"data{ending}", to_text(LFS, f"data{ending}"), None, ("Git LFS", "git lfs pull"), about=ending)
        for ending in (".csv", ".npy", ".npz", ".parquet", ".safetensors", ".h5ad", ".jsonl")
    ),
]


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_what_a_tool_writes_is_read_as_it_was_meant_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    check_case(tmp_path, monkeypatch, case)


def of_matlab(folder: Path) -> None:
    scipy.io.savemat(folder / "data.mat", {"NAME": VECTORS})


def of_matlab_7_3(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "data.mat", "w", userblock_size=512) as file:
        file["NAME"] = VECTORS.T  # MATLAB keeps columns together
    raw = bytearray((folder / "data.mat").read_bytes())
    raw[:19] = b"MATLAB 7.3 MAT-file"
    (folder / "data.mat").write_bytes(raw)


def of_spark(write: Callable[[pd.DataFrame, Path], object], ending: str) -> Write:
    def parts(folder: Path) -> None:
        (folder / "data").mkdir()
        (folder / "data" / "_SUCCESS").touch()
        for part in range(2):
            write(frame().iloc[20 * part : 20 * (part + 1)], folder / "data" / f"part-0000{part}-9f{ending}")

    return parts


def of_arrays(folder: Path) -> None:
    (folder / "data").mkdir()
    for part in range(2):
        np.save(folder / "data" / f"part{part}.npy", VECTORS[20 * part : 20 * (part + 1)])


def within_structs(folder: Path) -> None:
    kind = pa.struct([("type", pa.int8()), ("values", pa.list_(pa.float64()))])
    vectors = pa.array([{"type": 1, "values": vector.tolist()} for vector in VECTORS], type=kind)
    pq.write_table(pa.table({"id": IDS, "features": vectors}), folder / "data.parquet")


CONVERTED: list[tuple[str, Write]] = [
    ("data.mat", of_matlab),
    ("data.mat", of_matlab_7_3),
    ("data.npz", lambda folder: scipy.sparse.save_npz(folder / "data.npz", scipy.sparse.csr_matrix(VECTORS))),
    ("data.npz", lambda folder: scipy.sparse.save_npz(folder / "data.npz", scipy.sparse.coo_matrix(VECTORS))),
    ("data.pkl", to_text(pickle.dumps(VECTORS), "data.pkl")),
    ("data.orc", lambda folder: frame().to_orc(folder / "data.orc")),
    ("data", of_spark(lambda part, path: part.to_csv(path, index=False), ".csv")),
    ("data", of_spark(lambda part, path: part.to_json(path, orient="records", lines=True), ".json")),
    ("data.json", lambda folder: frame().to_json(folder / "data.json", orient="records")),
    ("data.json", lambda folder: frame().to_json(folder / "data.json", orient="split")),
    ("data.json", lambda folder: frame().to_json(folder / "data.json")),
    ("data.parquet", within_structs),
    (
        "data.jsonl",
        to_jsonl([{"id": one, "data": {"v": list(map(float, z))}} for one, z in zip(IDS, VECTORS, strict=True)]),
    ),
    ("data", of_arrays),
    ("data.parquet", to_parquet({"id": IDS, "embedding": [vector.tobytes() for vector in VECTORS]})),
]


@pytest.mark.parametrize(("name", "write"), CONVERTED)
def test_the_lines_that_convert_a_file_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Write
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    with pytest.raises(InputError) as refused:
        read_latents(DataSource(path=name))
    lines = [line.strip() for line in refused.value.remedy.splitlines()]
    lines[0] = lines[0][lines[0].index("import ") :]
    exec("\n".join(lines), {})  # noqa: S102 - what a person would paste
    (made,) = tmp_path.glob("latents.*")
    np.testing.assert_allclose(read_latents(DataSource(path=made.name)).matrix, VECTORS, rtol=1e-6)


def test_a_records_file_is_split_by_the_line_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    array = np.zeros(ROWS, dtype=[("id", "U10"), ("embedding", "f4", (4,))])
    array["id"], array["embedding"] = IDS, VECTORS
    np.save("data.npy", array)
    with pytest.raises(InputError, match="a record a row: id, embedding") as refused:
        read_latents(DataSource(path="data.npy"))
    exec(refused.value.remedy.partition(";")[0], {"numpy": np, "array": array})  # noqa: S102
    latents = read_latents(DataSource(path="latents.npz"))
    np.testing.assert_array_equal(latents.matrix, VECTORS)
    assert latents.ids == IDS


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("z.csv.zip", "unzip"),
        ("z.csv.bz2", "bunzip2"),
        ("z.csv.zst", "unzstd"),
        ("z.csv.xz", "unxz"),
        ("z.npy.gz", "gunzip"),
        ("z.tar.gz", "tar xf"),
        ("z.rds", "arrow::write_parquet"),
        ("z.loom", "read_loom"),
    ],
)
def test_a_packed_file_is_refused_with_what_unpacks_it(tmp_path: Path, name: str, command: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError) as refused:
        read_latents(DataSource(path=str(tmp_path / name)))
    assert command in refused.value.remedy
    assert repr(name) in refused.value.remedy


def test_binary_word_vectors_are_refused_with_the_lines_that_convert_them(tmp_path: Path) -> None:
    (tmp_path / "v.bin").write_bytes(b"40 4\nword " + VECTORS[0].tobytes())
    with pytest.raises(InputError, match="load_word2vec_format"):
        read_latents(DataSource(path=str(tmp_path / "v.bin")))
