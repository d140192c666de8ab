"""Files as other tools write them: scanpy, HuggingFace, polars, R, Excel, wandb, LanceDB, BERTopic, UMAP, web servers.

The columns and quirks are those of the tool; every row says the shape, the labels, the note, or the words of the error.
"""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    check_case,
    csv_text,
    frame,
    identify,
    lists,
    to_csv,
    to_parquet,
    to_text,
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
    Case("data.csv", to_text(BLANKS), None, ("mixes names and numbers", "--no-header")),
    Case("data.csv", to_text(BLANKS), 4, ("left out: f0",), roles={"header": False}, same=True),
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
