"""Which row is which, and what its label is: row labels of pandas, ids spelt otherwise, labels of other shapes.

A table as in ``test_what_goes_in``; where files are joined, every row has to get its own label.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.latents_file import read_latents
from tests.tasks.input.test_what_goes_in import (
    CLASSES,
    IDS,
    KINDS,
    ROWS,
    VECTORS,
    WIDE,
    Case,
    Write,
    both,
    check_case,
    frame,
    identify,
    of_pandas,
    safetensors_of,
    to_csv,
    to_jsonl,
    to_npz,
    to_parquet,
    to_text,
)

KIND = pd.DataFrame({"kind": KINDS})
ORDER = np.random.default_rng(3).permutation(ROWS)
BESIDE = {"labels": ["meta.parquet#kind"]}
OF_CSV = {"labels": ["meta.csv#kind"]}
ALONE = {"labels": ["meta.tsv"]}
BY_LABELS = ("joined by the row labels of pandas",)
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]
NUMBERED = ("0", "1", "2")
LINES = "\n".join(KINDS) + "\n"


def numbered(spell: Callable[[int], Any]) -> Write:
    """Write ids in one spelling beside the vectors, and in another one, and order, beside the labels."""
    ids = range(100, 100 + ROWS)
    meta = KIND.assign(id=ids).iloc[ORDER]
    return both(to_csv(frame(id=[spell(one) for one in ids])), to_csv(meta, "meta.csv"))


def listed(rows: Sequence[Any], **more: Any) -> Write:
    return to_parquet({"text": KINDS, "embedding": pa.array(rows), **more})


def changed(row: int, vector: Any) -> list[Any]:
    return [vector if place == row else one for place, one in enumerate(WIDE.tolist())]


JOINED = [
    Case("data.parquet", both(of_pandas(frame().iloc[ORDER]), of_pandas(KIND, "meta.parquet")), 4, BY_LABELS),
    Case("data.parquet", both(of_pandas(frame()), of_pandas(KIND.iloc[ORDER], "meta.parquet")), 4, BY_LABELS),
    Case("data.parquet", both(of_pandas(frame().iloc[::2]), of_pandas(KIND, "meta.parquet")), 4, BY_LABELS),
    Case("data.parquet", both(of_pandas(frame().iloc[ORDER[:20]]), of_pandas(KIND, "meta.parquet")), 4, BY_LABELS),
    Case("data.parquet", both(of_pandas(frame()), of_pandas(KIND, "meta.parquet")), 4, ("by order of rows",)),
    Case(
        "data.parquet",
        both(of_pandas(frame(id=IDS)), of_pandas(KIND.iloc[ORDER], "meta.parquet")),
        4,
        BY_LABELS,
        about="ids in one, row labels in both",
    ),
]
"""Every row has to get its own label, whatever the order of the files."""

CASES = [
    # Row labels in one file alone: both orders are possible
    Case(
        "data.parquet",
        both(of_pandas(frame().iloc[ORDER]), to_csv(KIND, "meta.csv")),
        None,
        (
            "'__index_level_0__'",
            "labelled 0 to 39 in another order",
            "meta.csv has no labels",
            "reset_index(drop=True)",
        ),
        roles=OF_CSV,
    ),
    Case(
        "data.csv",
        both(to_csv(frame().iloc[ORDER], index=True), to_csv(KIND, "meta.csv")),
        None,
        ("'Unnamed: 0'", "two readings", "df.sort_index()"),
        roles=OF_CSV,
    ),
    Case(
        "data.npy",
        both(lambda folder: np.save(folder / "data.npy", VECTORS), to_csv(KIND.iloc[ORDER], "meta.csv", index=True)),
        None,
        ("meta.csv", "data.npy has no labels of rows"),
        roles=OF_CSV,
    ),
    Case(
        "data.parquet",
        both(of_pandas(frame().set_axis(np.arange(ROWS) * 3 % 121)), to_csv(KIND, "meta.csv")),
        4,
        ("joined by order of rows",),
        labels=tuple(KINDS[:3]),
        roles=OF_CSV,
        about="row labels with gaps, as a filter leaves them",
    ),
    Case(
        "data.parquet",
        both(of_pandas(frame().iloc[5:].reset_index(drop=True)), of_pandas(KIND, "meta.parquet")),
        None,
        ("40 values for 35 rows",),
        roles=BESIDE,
        about="0 to 34 beside 0 to 39 says nothing",
    ),
    # Ids that are the same number, spelt otherwise
    Case("data.csv", numbered(float), 4, ("as numbers: '100.0' here is '100' there",), tuple(KINDS[:3]), roles=OF_CSV),
    Case(
        "data.csv",
        numbered(lambda one: f"{one:05d}"),
        4,
        ("as numbers: '00100' here is '100' there",),
        tuple(KINDS[:3]),
        roles=OF_CSV,
    ),
    Case(
        "data.csv",
        both(to_csv(frame(id=["1", "01", *IDS[2:]])), to_csv(KIND.assign(id=["1", "2", *IDS[2:]]), "meta.csv")),
        None,
        ("'01'", "spelt alike ('01' is '1' there)"),
        roles=OF_CSV,
    ),
    Case(
        "data.csv",
        both(to_csv(frame(id=[one.upper() for one in IDS])), to_csv(KIND.assign(id=IDS), "meta.csv")),
        None,
        ("spelt alike ('ROW-00' is 'row-00' there)",),
        roles=OF_CSV,
    ),
    # A lone column without a name
    Case(
        "data.npy",
        both(lambda folder: np.save(folder / "data.npy", VECTORS), to_text(LINES, "meta.tsv")),
        4,
        ("the first line of meta.tsv ('links') is a value",),
        tuple(KINDS[:3]),
        roles=ALONE,
    ),
    Case(
        "data.csv",
        both(to_csv(frame()), to_text("\n".join(map(str, CLASSES)), "meta.tsv")),
        4,
        ("('0') is a value",),
        NUMBERED,
        roles=ALONE,
    ),
    Case(
        "data.csv",
        both(to_csv(frame()), to_text("species\n" + LINES, "meta.tsv")),
        4,
        labels=tuple(KINDS[:3]),
        roles=ALONE,
    ),
    Case(
        "data.csv",
        both(to_csv(frame()), to_text("species\n" + "\n".join(KINDS[1:]), "meta.tsv")),
        None,
        ("39 values for 40 rows",),
        roles=ALONE,
        about="a name and a label too few",
    ),
    Case("data.csv", both(to_csv(frame()), to_text(LINES * 2, "meta.tsv")), None, ("79 values for 40",), roles=ALONE),
    Case(
        "data.csv",
        both(to_csv(frame()), to_text(LINES, "labels.txt")),
        None,
        ("labels.txt: cannot read '.txt' files", "rename it to .csv"),
        roles={"labels": ["labels.txt"]},
    ),
    # Labels of other shapes and names
    Case("data.npz", to_npz(X=VECTORS, y=CLASSES[:, None]), 4, ("labels: y",), NUMBERED, same=True),
    Case("data.npz", to_npz(emb=VECTORS, targets=CLASSES[:, None]), 4, ("labels: targets",), NUMBERED, same=True),
    Case("data.npz", to_npz(X=VECTORS, y=ONE_HOT), 4, ("y: one-hot",), NUMBERED, same=True),
    Case("data.npz", to_npz(X=VECTORS, y=ONE_HOT.astype(bool)), 4, ("y: one-hot",), NUMBERED, same=True),
    Case("data.npz", to_npz(X=VECTORS, Y=ONE_HOT), 4, ("labels: Y",), NUMBERED, same=True),
    Case("data.npz", to_npz(X=VECTORS, Y=CLASSES), 4, ("labels: Y",), NUMBERED, same=True),
    Case("data.npz", to_npz(X=VECTORS, Y=WIDE[:, 0]), 4, ("left out: Y (one number)",), same=True),
    Case("data.npz", to_npz(X=VECTORS, labels_=CLASSES), 4, ("labels: labels_",), NUMBERED, same=True),
    Case("data.npz", to_npz(X=VECTORS, y_true=CLASSES), 4, ("labels: y_true",), NUMBERED, same=True),
    Case("data.npz", to_npz(X=VECTORS, y=WIDE[:, :3]), None, ("shape (40, 3)", "argmax(axis=1)", "another name")),
    Case("data.safetensors", safetensors_of(z=VECTORS, labels=ONE_HOT), 4, ("labels: one-hot",), NUMBERED, same=True),
    Case(
        "data.npy",
        lambda folder: (np.save(folder / "data.npy", VECTORS), np.save(folder / "y.npy", ONE_HOT))[0],
        4,
        ("y.npy: one-hot",),
        NUMBERED,
        roles={"labels": ["y.npy"]},
    ),
    Case(
        "data.csv",
        to_text(
            "PC_1,PC_2,seurat_clusters\n"
            + "".join(f'{a},{b},"{c}"\n' for (a, b), c in zip(VECTORS[:, :2], CLASSES, strict=True))
        ),
        2,
        ("labels: seurat_clusters",),
        NUMBERED,
    ),
    # Lists that are missing, or of another length
    Case(
        "data.parquet", listed(changed(3, None)), None, ("'embedding' holds no list in row 3;", "12 numbers", "df[df")
    ),
    Case("data.parquet", listed(changed(3, [1.0])), None, ("a list of 1 number in row 3; in most rows a list of 12",)),
    Case("data.parquet", listed(changed(3, [])), None, ("a list without numbers in row 3",), about="an empty list"),
    Case("data.parquet", listed(changed(3, None), n=list(ORDER)), None, ("no list in row 3",), about="beside integers"),
    Case("data.parquet", listed(changed(3, [None, *WIDE[3, 1:].tolist()])), None, ("row 3", "'z[0]'", "not finite")),
    Case(
        "data.jsonl",
        to_jsonl(
            [{"id": one} if one == "row-03" else {"id": one, "v": [1.0, row, 2.0]} for row, one in enumerate(IDS)]
        ),
        None,
        ("'v' holds no list in row 3",),
    ),
    Case(
        "data.csv",
        to_csv(pd.DataFrame({"text": KINDS, "v": [json.dumps(one) for one in changed(3, [None] * 12)]})),
        None,
        ("row 3", "not finite"),
    ),
    Case(
        "data.parquet",
        to_parquet({"tokens": [[1] * (1 + row % 3) for row in range(ROWS)], "embedding": WIDE.tolist()}),
        12,
        ("tokens (lists of different lengths)",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_rows_and_labels_are_what_their_writer_meant_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    check_case(tmp_path, monkeypatch, case)


@pytest.mark.parametrize("case", JOINED, ids=identify)
def test_every_row_gets_its_own_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.chdir(tmp_path)
    case.write(tmp_path)
    latents = read_latents(DataSource.model_validate({"path": case.name, **BESIDE}))
    own = {tuple(vector): kind for vector, kind in zip(VECTORS.astype(float).tolist(), KINDS, strict=True)}
    assert latents.labels["kind"] == [own[tuple(vector)] for vector in latents.matrix.tolist()]
    assert case.says[0] in latents.taken
