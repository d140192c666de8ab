"""Files as people have them: each is read as its writer meant it, and that is told, or refused with a remedy.

A table of files, built here; every row says the shape, the labels, the note, or the words of the error.
"""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DATA_ENDINGS, DataSource
from steadymap.tasks.input.dataset import look_at_source
from steadymap.tasks.input.latents_file import read_latents
from tests.conftest import three_blobs

ROWS, DIMENSIONS = 40, 4
VECTORS, CLASSES = three_blobs(rows=ROWS, dimensions=DIMENSIONS)
WIDE = three_blobs(rows=ROWS, dimensions=12)[0]
NAMES = [f"z{place}" for place in range(DIMENSIONS)]
KINDS = [("links", "rechts", "Mitte")[one] for one in CLASSES]
IDS = [f"row-{row:02d}" for row in range(ROWS)]
TOKENS = [int(one) for one in np.random.default_rng(5).integers(10, 500, ROWS)]

Write = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A file, and what has to come of it.

    Attributes
    ----------
    name
        Of the file that is read; beside it ``write`` may put others.
    write
        Makes the files in a folder.
    dimensions
        Of the vectors; None: the file is refused.
    says
        Words of what was taken, of a warning, or of the error.
    labels
        The first label of the first three rows.
    ids
        The first id.
    roles
        What the user names.
    same
        Whether the vectors have to be VECTORS.
    """

    name: str
    write: Write
    dimensions: int | None
    says: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    ids: str | None = None
    roles: dict[str, Any] = field(default_factory=dict)
    same: bool = False
    about: str = ""


def frame(**more: Any) -> pd.DataFrame:
    return pd.DataFrame(VECTORS.astype(float), columns=NAMES).assign(**more)


def to_csv(table: pd.DataFrame, name: str = "data.csv", **options: Any) -> Write:
    return lambda folder: table.to_csv(folder / name, **{"index": False, **options})


def to_parquet(columns: dict[str, Any], name: str = "data.parquet") -> Write:
    return lambda folder: pq.write_table(pa.table(columns), folder / name)


def of_pandas(table: pd.DataFrame, name: str = "data.parquet") -> Write:
    return lambda folder: table.to_parquet(folder / name)


def to_npz(name: str = "data.npz", **arrays: Any) -> Write:
    return lambda folder: np.savez(folder / name, **arrays)


def to_text(text: str | bytes, name: str = "data.csv") -> Write:
    raw = text if isinstance(text, bytes) else text.encode()
    return lambda folder: (folder / name).write_bytes(raw) and None


def both(*writers: Write) -> Write:
    def write(folder: Path) -> None:
        for one in writers:
            one(folder)

    return write


def csv_text(table: pd.DataFrame, **options: Any) -> str:
    return str(table.to_csv(**{"index": False, **options}))


def lists(matrix: np.ndarray = WIDE, kind: Any = None) -> pa.Array:
    return pa.array([row.tolist() for row in matrix], type=pa.list_(kind or pa.float32()))


def plain_columns() -> dict[str, Any]:
    return {name: pa.array(VECTORS[:, place].astype(float)) for place, name in enumerate(NAMES)}


def tensor_of_rows(rows: int, columns: int) -> pa.Array:
    kind = pa.fixed_shape_tensor(pa.float32(), (rows, columns))
    storage = pa.FixedSizeListArray.from_arrays(pa.array(WIDE.ravel()), rows * columns)
    return pa.ExtensionArray.from_storage(kind, storage)


def told_as(array: pa.Array, extension: str) -> Write:
    """Write a column under the name of an extension type that nobody has registered, as HuggingFace and Lance do."""

    def write(folder: Path) -> None:
        field_ = pa.field(
            "embedding", array.type, metadata={"ARROW:extension:name": extension, "ARROW:extension:metadata": "{}"}
        )
        pq.write_table(pa.table([array], schema=pa.schema([field_])), folder / "data.parquet")

    return write


def bfloat16_lists() -> pa.Array:
    half = (np.ascontiguousarray(WIDE, "<f4").view("<u4") >> 16).astype("<u2")
    values = pa.array([one.tobytes() for one in half.ravel()], type=pa.binary(2))
    return pa.FixedSizeListArray.from_arrays(values, WIDE.shape[1])


def safetensors_of(name: str = "data.safetensors", **tensors: np.ndarray) -> Write:
    def write(folder: Path) -> None:
        from safetensors.numpy import save_file

        save_file({key: np.ascontiguousarray(one) for key, one in tensors.items()}, folder / name)

    return write


def bfloat16_safetensors(folder: Path) -> None:
    raw = (np.ascontiguousarray(WIDE, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    header = json.dumps({"z": {"dtype": "BF16", "shape": list(WIDE.shape), "data_offsets": [0, len(raw)]}}).encode()
    (folder / "data.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + raw)


def write_feather(folder: Path) -> None:
    pyarrow.feather.write_feather(pa.Table.from_pandas(frame(label=KINDS)), folder / "data.feather")


def write_stream(folder: Path) -> None:
    table = pa.Table.from_pandas(frame(label=KINDS))
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def write_arrow_file(folder: Path) -> None:
    table = pa.Table.from_pandas(frame(label=KINDS))
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def write_shards(folder: Path) -> None:
    (folder / "data").mkdir()
    for shard in range(3):
        frame(label=KINDS).iloc[shard::3].to_parquet(folder / "data" / f"part-{shard:04d}.parquet")
    (folder / "data" / "_SUCCESS").write_text("")


def write_partitions(folder: Path) -> None:
    table = pa.Table.from_pandas(frame(split=["a", "b"] * (ROWS // 2)), preserve_index=False)
    pq.write_to_dataset(table, folder / "data", partition_cols=["split"])


def to_jsonl(rows: list[dict[str, Any]], name: str = "data.jsonl") -> Write:
    return to_text("".join(json.dumps(row) + "\n" for row in rows), name)


def write_gzip(folder: Path) -> None:
    with gzip.open(folder / "data.jsonl.gz", "wt") as file:
        file.writelines(json.dumps({"vector": row.tolist()}) + "\n" for row in WIDE)


def write_zarr(folder: Path) -> None:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(folder / "data.zarr"), mode="w")
    for name, array in {"z": WIDE, "labels": CLASSES}.items():
        group.create_array(name, data=array)


def write_zarr_array(folder: Path) -> None:
    zarr = pytest.importorskip("zarr")
    zarr.save_array(str(folder / "data.zarr"), WIDE)


def annotated(**obsm: Any) -> Any:
    anndata = pytest.importorskip("anndata")
    from steadymap.reports.export.export_files import text_for_anndata
    from tests.tasks.input.formats.test_anndata_file import anndata_version

    with text_for_anndata(anndata_version()):
        names = pd.Index(np.array(IDS, dtype=object), dtype=object)
        kinds = pd.Categorical(np.array(KINDS, dtype=object))
        obs = pd.DataFrame({"cell_type": kinds, "depth": np.arange(float(ROWS))}, index=names)
        parts = {
            key: one.set_axis(names, axis=0) if isinstance(one, pd.DataFrame) else one for key, one in obsm.items()
        }
        return anndata.AnnData(np.ones((ROWS, 2), np.float32), obs=obs, obsm=parts)


def write_h5ad(**obsm: Any) -> Write:
    return lambda folder: annotated(**obsm).write_h5ad(folder / "data.h5ad")


def write_zarr_of_anndata(folder: Path) -> None:
    pytest.importorskip("zarr")
    annotated(X_scvi=WIDE, X_umap=WIDE[:, :2]).write_zarr(folder / "data.zarr")


def as_text(value: Callable[[float], str], column: str = "z1") -> pd.DataFrame:
    table = frame()
    return table.assign(**{column: [value(one) for one in table[column]]})


def vectors_as(spell: Callable[[np.ndarray], str], name: str = "embedding") -> pd.DataFrame:
    return pd.DataFrame({"text": KINDS, name: [spell(row) for row in WIDE], "n_tokens": TOKENS})


def indexed(values: Any, name: str | None) -> pd.DataFrame:
    return frame().set_axis(pd.Index(values, name=name), axis=0)


def shuffled(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1, random_state=3)


META = pd.DataFrame({"id": IDS, "species": KINDS})
WITH_IDS = frame(id=IDS)
FIRST = tuple(KINDS[:3])
SPECIES = {"labels": ["meta.csv#species"]}
BACKWARDS = [1000 - 7 * row for row in range(ROWS)]
ODD = [one * 3 + one % 2 for one in TOKENS]
TWO = both(to_csv(WITH_IDS), to_csv(shuffled(META), "meta.csv"))

CASES: list[Case] = [
    # Arrays
    Case("data.npy", lambda folder: np.save(folder / "data.npy", VECTORS), 4, ("its one array",), same=True),
    Case("data.npz", to_npz(X=VECTORS, y=CLASSES), 4, ("array X", "labels: y"), labels=("0", "1", "2"), same=True),
    Case("data.npz", to_npz(mu=VECTORS, logvar=-np.abs(VECTORS)), 4, ("array mu", "logvar"), same=True),
    Case("data.npz", to_npz(z_mean=VECTORS, x=WIDE), 4, ("array z_mean", "left out: x"), same=True),
    Case("data.npz", to_npz(hidden=VECTORS, images=WIDE), 4, ("array hidden",), same=True),
    Case("data.npz", to_npz(features=VECTORS, a=WIDE), 4, ("array features",), same=True),
    Case("data.npz", to_npz(latents=VECTORS, X=WIDE), 4, ("array latents", "left out: X"), same=True),
    Case("data.npz", to_npz(codes=VECTORS, log_var=WIDE), 4, ("array codes",), same=True),
    Case("data.npz", to_npz(a=VECTORS, b=WIDE), None, ("which of the arrays 'a', 'b'", "--latents")),
    Case("data.npz", to_npz(a=VECTORS, b=WIDE), 4, ("array a",), roles={"latents": ["a"]}, same=True),
    Case("data.npz", to_npz(mu=VECTORS, hidden=WIDE), None, ("which of the arrays",)),
    Case("data.npz", to_npz(logvar=WIDE), None, ("which of the arrays",)),
    Case(
        "data.npz",
        lambda folder: np.savez(folder / "data.npz", X=VECTORS, y=np.array(KINDS, dtype=object)),
        4,
        ("y (Python objects, not read)", "y.astype(str)"),
        about="object labels",
    ),
    Case("data.npz", to_npz(X=VECTORS, labels=np.array(KINDS), ids=np.array(IDS)), 4, labels=FIRST, ids="row-00"),
    Case(
        "data.npz",
        to_npz(X=VECTORS, y=np.array([one.encode("latin-1") for one in ["Genève", "Zürich"] * 20])),
        None,
        ("no UTF-8", "latin-1"),
    ),
    # Parquet
    Case(
        "data.parquet",
        to_parquet({"id": IDS, "text": KINDS, "n_tokens": TOKENS, "embedding": lists()}),
        12,
        ("12 dimensions from the list column embedding", "n_tokens (one integer)", "text", "ids: id"),
        ids="row-00",
    ),
    Case("data.parquet", to_parquet({"id": IDS, "embedding": lists()}), 12, ("list column",)),
    Case("data.parquet", to_parquet({"embedding": lists(kind=pa.float64())}), 12),
    Case("data.parquet", to_parquet({"embedding": lists(kind=pa.float16())}), 12),
    Case("data.parquet", to_parquet({"codes": lists(np.round(WIDE), pa.int16())}), 12, ("list column of integers",)),
    Case("data.parquet", to_parquet({"embedding": lists().cast(pa.large_list(pa.float32())), "n": ODD}), 12),
    Case(
        "data.parquet",
        to_parquet(
            {"label": KINDS, "chunk": ODD, "embedding": pa.FixedSizeListArray.from_arrays(pa.array(WIDE.ravel()), 12)}
        ),
        12,
        labels=FIRST,
    ),
    Case("data.parquet", to_parquet({"embedding": lists(), "input_ids": lists(np.round(VECTORS), pa.int32())}), 12),
    Case(
        "data.parquet",
        to_parquet({"vector": lists(), "input_ids": lists(np.round(VECTORS), pa.int32())}),
        12,
        ("list column vector",),
    ),
    Case("data.parquet", to_parquet({"a": lists(), "b": lists()}), None, ("which of the columns 'a', 'b'",)),
    Case(
        "data.parquet",
        to_parquet({"embedding": lists(), "score": [0.5 + one for one in TOKENS]}),
        12,
        ("score (one number)",),
    ),
    Case(
        "data.parquet",
        to_parquet({"embedding": lists(), **plain_columns()}),
        None,
        ("two readings", "--latents embedding", "--latents z0"),
    ),
    Case(
        "data.parquet", to_parquet({"embedding": lists(), **plain_columns()}), 4, roles={"latents": ["z*"]}, same=True
    ),
    Case("data.parquet", to_parquet({"embedding": lists(), **plain_columns()}), 12, roles={"latents": ["embedding"]}),
    Case(
        "data.parquet",
        to_parquet({"e": pa.array([[1.0] * (1 + row % 3) for row in range(ROWS)])}),
        None,
        ("a list of 2 numbers in row 1, and 25 more such rows; in most rows a list of 1 number", "str.len() == 1"),
    ),
    Case(
        "data.parquet",
        to_parquet({"embedding": pa.array([[1.0, None], *([[2.0, 3.0]] * 39)])}),
        None,
        ("not finite", "row 0"),
    ),
    Case(
        "data.parquet", to_parquet({"embedding": pa.array([None, *([[2.0, 3.0]] * 39)])}), None, ("no list in row 0;",)
    ),
    Case("data.parquet", to_parquet({"embedding": pa.array([[row.tolist()] for row in WIDE])}), 12, ("tensor column",)),
    Case(
        "data.parquet",
        to_parquet({"embedding": pa.array([row.reshape(3, 4).tolist() for row in WIDE])}),
        None,
        ("3 × 4 numbers a row", "mean"),
    ),
    Case("data.parquet", to_parquet({"embedding": tensor_of_rows(1, 12)}), 12),
    Case(
        "data.parquet",
        to_parquet({"embedding": tensor_of_rows(3, 4)}),
        None,
        ("3 × 4 numbers a row",),
        about="a tensor of two axes",
    ),
    Case(
        "data.parquet",
        told_as(pa.array([[row.tolist()] for row in WIDE]), "datasets.features.features.Array2D"),
        12,
        about="HuggingFace",
    ),
    Case("data.parquet", told_as(bfloat16_lists(), "lance.bfloat16"), 12, about="Lance"),
    Case(
        "data.parquet",
        to_parquet(
            {"z0": [decimal.Decimal(f"{one:.4f}") for one in VECTORS[:, 0]], **dict(list(plain_columns().items())[1:])}
        ),
        4,
        about="decimal",
    ),
    Case("data.parquet", to_parquet({**plain_columns(), "z4": CLASSES > 0}), 5, about="bool of the series"),
    Case("data.parquet", to_parquet({**plain_columns(), "is_train": CLASSES > 0}), 4, ("is_train (true or false)",)),
    Case("data.parquet", to_parquet({f"b{place}": WIDE[:, place] > 0 for place in range(12)}), 12, about="all bool"),
    Case(
        "data.parquet",
        to_parquet({**plain_columns(), "z4": pa.array([None, *TOKENS[1:]])}),
        None,
        ("not finite", "row 0", "'z4'"),
    ),
    Case(
        "data.parquet",
        to_parquet({**plain_columns(), "z4": [f"{one:.5f}" for one in WIDE[:, 5]]}),
        5,
        ("z4: numbers written as text",),
    ),
    Case(
        "data.parquet",
        to_parquet({**plain_columns(), "z4": ["n/a", *(f"{one:.5f}" for one in WIDE[1:, 5])]}),
        None,
        ("row 0", "'z4'", "not finite"),
    ),
    Case(
        "data.parquet",
        to_parquet({**plain_columns(), "z4": ["oops", *(f"{one:.5f}" for one in WIDE[1:, 5])]}),
        None,
        ("'oops' in row 0",),
    ),
    Case("data.parquet", to_parquet({**plain_columns(), "zip": [f"{one:05d}" for one in TOKENS]}), 4, ("zip",)),
    Case("data.parquet", to_parquet({**plain_columns(), "z4": pa.array(WIDE[:, 5]).dictionary_encode()}), 5),
    Case(
        "data.parquet", to_parquet({**plain_columns(), "label": pa.array(KINDS).dictionary_encode()}), 4, labels=FIRST
    ),
    Case("data.parquet", to_parquet({**plain_columns(), "day": [datetime.date(2026, 1, 1)] * ROWS}), 4, ("dates",)),
    Case("data.parquet", to_parquet({**plain_columns(), "image": [{"bytes": b"x"}] * ROWS}), 4, ("image (struct)",)),
    Case("data.pq", to_parquet(plain_columns(), "data.pq"), 4, same=True),
    Case("data.parquet", of_pandas(indexed(BACKWARDS, "sample")), 4, ("ids: sample",), ids="1000", same=True),
    Case("data.parquet", of_pandas(indexed(ODD, "sample")), 4, ("ids: sample",), same=True),
    Case("data.parquet", of_pandas(indexed(IDS, None)), 4, ("ids: __index_level_0__",), ids="row-00", same=True),
    Case("data.parquet", of_pandas(shuffled(frame())), 4, ("row numbers",)),
    Case("data.parquet", of_pandas(indexed(IDS, "name")), 4, ids="row-00", same=True),
    # Row numbers and codes
    Case("data.csv", to_csv(frame(), index=True), 4, ("row numbers",), same=True),
    Case("data.csv", to_csv(frame().reset_index()), 4, ("index (row numbers)",), same=True),
    Case("data.csv", to_csv(frame(**{"Unnamed: 0.1": range(ROWS), "Unnamed: 0": range(ROWS)})), 4, same=True),
    Case("data.csv", to_csv(frame(nr=range(1, ROWS + 1))), 4, ("nr (row numbers)",), same=True),
    Case("data.csv", to_csv(frame(sample=BACKWARDS)), 4, ("sample (row numbers)",), same=True),
    Case("data.csv", to_csv(indexed(IDS, None), index=True), 4, ids="row-00", same=True),
    Case("data.csv", to_csv(frame(sample_id=ODD)), 4, ("ids: sample_id",), same=True),
    Case("data.csv", to_csv(frame(uuid=IDS)), 4, ids="row-00", same=True),
    Case("data.csv", to_csv(frame(n_tokens=TOKENS)), 5, ("n_tokens", "whole numbers among the dimensions")),
    Case("data.csv", to_csv(frame(loss=WIDE[:, 7])), 5, ("loss", "beside the numbered columns")),
    Case("data.csv", to_csv(frame(target=CLASSES * 10)), 4, ("labels: target",), labels=("0", "10", "20"), same=True),
    Case("data.csv", to_csv(frame(Species=KINDS)), 4, labels=FIRST, same=True),
    Case("data.csv", to_csv(frame(cluster=CLASSES)), 4, labels=("0", "1", "2"), same=True),
    Case("data.csv", to_csv(frame().set_axis(["x", "y", "z", "w"], axis=1)), 4, same=True, about="y is a coordinate"),
    Case("data.csv", to_csv(frame().set_axis(["x", "y", "z", "w"], axis=1)), 3, roles={"labels": ["y"]}),
    Case("data.csv", to_csv(frame().set_axis(["a", "y", "z", "w"], axis=1)), 3, ("labels: y",)),
    Case("data.csv", to_csv(frame().set_axis(["x", "b", "z", "w"], axis=1).assign(y=KINDS)), 4, labels=FIRST),
    # Separated values
    Case(
        "data.csv",
        to_csv(frame(label=KINDS), sep=";", decimal=","),
        4,
        ("semicolons", "decimal commas"),
        FIRST,
        same=True,
    ),
    Case("data.csv", to_csv(frame(label=KINDS), sep=";"), 4, ("semicolons",), FIRST, same=True),
    Case("data.csv", to_csv(frame(label=KINDS), sep="\t"), 4, ("tabs",), FIRST, same=True),
    Case("data.csv", to_csv(frame(label=KINDS), sep="|"), 4, ("bars",), FIRST, same=True),
    Case("data.csv", to_csv(frame(), sep="\t", decimal=","), 4, ("decimal commas",), same=True),
    Case("data.tsv", to_csv(frame(label=KINDS), "data.tsv", sep="\t"), 4, (), FIRST, same=True),
    Case("data.tsv.gz", to_csv(frame(label=KINDS), "data.tsv.gz", sep="\t"), 4, (), FIRST, same=True),
    Case("data.csv.gz", to_csv(frame(label=KINDS), "data.csv.gz"), 4, (), FIRST, same=True),
    Case("data.csv", to_csv(frame(label=KINDS), encoding="utf-8-sig"), 4, (), FIRST, same=True),
    Case("data.csv", to_csv(frame(label=KINDS), encoding="utf-16"), 4, ("UTF-16",), FIRST, same=True),
    Case("data.csv", to_csv(frame(label=KINDS), encoding="utf-16-le"), 4, ("UTF-16",), FIRST, same=True),
    Case(
        "data.csv",
        to_csv(frame(label=["Genève", "Zürich"] * 20), encoding="latin-1"),
        4,
        ("Latin-1",),
        ("Genève", "Zürich", "Genève"),
        same=True,
    ),
    Case("data.csv", to_text("# made by us\n" + csv_text(frame(label=KINDS))), 4, (), FIRST, same=True),
    Case("data.csv", to_text("# a, b\n#\n\n" + csv_text(frame())), 4, same=True),
    Case("data.csv", to_text("#" + csv_text(frame(id=IDS))), 4, ids="row-00", same=True, about="names after a #"),
    Case("data.csv", to_text(csv_text(frame(label=KINDS)).replace("\n", ",,\n")), 4, (), FIRST, same=True),
    Case(
        "data.csv",
        to_text(csv_text(frame()).replace("\n", ",\n").replace("z3,", "z3", 1)),
        4,
        same=True,
        about="commas after values alone",
    ),
    Case(
        "data.csv",
        to_text(csv_text(indexed(IDS, None), index=True).replace(",", "", 1)),
        4,
        ids="row-00",
        same=True,
        about="as R writes row names",
    ),
    Case("data.csv", to_csv(frame(label=KINDS), lineterminator="\r\n"), 4, (), FIRST, same=True),
    Case("data.csv", to_csv(frame(label=KINDS), lineterminator="\r"), 4, (), FIRST, same=True),
    Case("data.csv", to_text(csv_text(frame()) + "\n\n"), 4, same=True),
    Case("data.csv", to_csv(frame(label=KINDS), quoting=1), 4, (), FIRST, same=True),
    Case(
        "data.csv",
        lambda folder: np.savetxt(folder / "data.csv", VECTORS),
        4,
        ("spaces", "no line of names"),
        same=True,
    ),
    Case(
        "data.csv",
        lambda folder: np.savetxt(folder / "data.csv", VECTORS, delimiter=","),
        4,
        ("no line of names",),
        same=True,
    ),
    Case(
        "data.csv",
        lambda folder: np.savetxt(folder / "data.csv", VECTORS, delimiter=",", header="a,b,c,d"),
        4,
        ("a, b, c, d",),
        same=True,
    ),
    Case("data.csv", to_csv(pd.DataFrame(VECTORS.astype(float), columns=range(1, 5))), 4, same=True),
    Case("data.csv", to_csv(pd.DataFrame(VECTORS.astype(float), columns=range(4)).assign(label=KINDS)), 4, (), FIRST),
    Case("data.csv", to_csv(pd.DataFrame(VECTORS.astype(float), columns=range(1, 5)), index=True), 4, same=True),
    Case(
        "data.csv",
        to_csv(pd.DataFrame(VECTORS.astype(float), columns=[400.0, 402.5, 405.0, 407.5])),
        None,
        ("can be names", "--header", "--no-header"),
    ),
    Case(
        "data.csv",
        to_csv(pd.DataFrame(VECTORS.astype(float), columns=[400.0, 402.5, 405.0, 407.5])),
        4,
        same=True,
        roles={"header": True},
    ),
    Case(
        "data.csv", to_csv(pd.DataFrame(VECTORS.astype(float), columns=[401, 405, 416, 423])), None, ("can be names",)
    ),
    Case(
        "data.csv",
        to_csv(pd.DataFrame(VECTORS.astype(float), columns=[1, 2, 3, 4])),
        4,
        roles={"header": False},
        ids="0",
        about="told that the first line is a row",
    ),
    Case("data.csv", to_text("1,2,3,4\n" + "5,6,7,8\n9,9,9,1\n" * 20), None, ("can be names",)),
    Case("data.csv", to_csv(frame(label=KINDS), header=False), None, ("mixes names and numbers", "--no-header")),
    Case("data.csv", to_csv(frame(label=KINDS), header=False), 4, same=True, roles={"header": False}),
    Case("data.csv", to_csv(as_text(lambda one: f"{one * 1e4:,.2f}")), 4, ("z1: numbers written as text",)),
    Case("data.csv", to_csv(as_text(lambda one: f"{one:.2f}%")), None, ("'z1'", "percent sign")),
    Case("data.csv", to_csv(as_text(lambda one: f"{one:.4f}".replace("-", "−"))), 4, ("z1: numbers written as text",)),
    Case("data.csv", to_csv(as_text(lambda one: "n/a" if one > 12 else repr(one), "z0")), None, ("not finite", "'z0'")),
    Case("data.csv", to_csv(as_text(lambda one: "?" if one > 12 else repr(one), "z0")), None, ("'z0'",)),
    Case("data.csv", to_csv(as_text(lambda one: repr(one).replace(".", ","))), None, ("'z1' holds",)),
    Case(
        "data.csv",
        to_csv(frame(note=["line\nbreak, " + "x" * 60_000] * ROWS)),
        4,
        ("note",),
        same=True,
        about="line breaks in quotes, beyond a megabyte",
    ),
    Case("data.csv", to_text(""), None, ("data.csv",)),
    Case("data.csv", to_text("\n\n# nothing\n"), None, ("empty",)),
    Case("data.csv", to_text("z0,z0\n" + "1.5,2\n" * 20), None, ("'z0' is there twice",)),
    Case("data.csv", to_csv(META), None, ("no numeric column",)),
    Case("data.csv", to_csv(vectors_as(lambda row: str(row.tolist()))), 12, ("lists written as text", "n_tokens")),
    Case("data.csv", to_csv(vectors_as(str, "emb")), 12, ("emb: vectors written as text",)),
    Case("data.csv", to_csv(vectors_as(lambda row: "{" + ",".join(map(str, row)) + "}")), 12, about="PostgreSQL"),
    Case("data.csv", to_csv(vectors_as(lambda row: " ".join(map(str, row)))), 12, about="bare numbers"),
    Case("data.csv", to_csv(vectors_as(lambda row: f"tensor([{', '.join(map(str, row))}])")), 12),
    Case("data.csv", to_csv(vectors_as(lambda row: f"[{row[0]} {row[1]} ... {row[-1]}]")), None, ("shortened",)),
    Case("data.csv", to_csv(vectors_as(lambda row: str(row[: 3 + int(row[0] > 5)].tolist()))), None, ("numbers, ",)),
    # Other formats
    Case("data.feather", write_feather, 4, (), FIRST, same=True),
    Case("data.arrow", write_arrow_file, 4, (), FIRST, same=True),
    Case("data.arrow", write_stream, 4, (), FIRST, same=True),
    Case("data", write_shards, 4, ("labels: label",)),
    Case("data", write_partitions, 4, ("split",)),
    Case("data", lambda folder: (folder / "data").mkdir(), None, ("this is a folder", "shards")),
    Case(
        "data.jsonl",
        to_jsonl([{"id": one, "vector": row.tolist()} for one, row in zip(IDS, WIDE, strict=True)]),
        12,
        ("list column vector",),
        ids="row-00",
    ),
    Case("data.ndjson", to_jsonl(frame(label=KINDS).to_dict("records"), "data.ndjson"), 4, (), FIRST, same=True),
    Case("data.jsonl.gz", write_gzip, 12),
    Case("data.jsonl", to_text("{broken", "data.jsonl"), None, ("cannot be read",)),
    Case("data.safetensors", safetensors_of(z=VECTORS, labels=CLASSES), 4, ("tensor z",), ("0", "1", "2"), same=True),
    Case("data.safetensors", safetensors_of(mu=VECTORS, logvar=-np.abs(VECTORS)), 4, ("tensor mu",), same=True),
    Case("data.safetensors", safetensors_of(a=VECTORS, b=WIDE), None, ("which of the tensors",)),
    Case("data.safetensors", bfloat16_safetensors, 12),
    Case("data.safetensors", to_text(b"no tensors at all", "data.safetensors"), None, ("cannot be read",)),
    Case("data.zarr", write_zarr, 12, (), ("0", "1", "2")),
    Case("data.zarr", write_zarr_array, 12),
    Case("data.zarr", write_zarr_of_anndata, 12, ("matrix X_scvi",), FIRST, "row-00"),
    Case("data.h5ad", write_h5ad(X_scvi=VECTORS, X_umap=VECTORS[:, :2]), 4, ("X_scvi",), FIRST, "row-00", same=True),
    Case("data.h5ad", write_h5ad(factors=pd.DataFrame(VECTORS, columns=NAMES)), 4, ("factors",), same=True),
    *(
        Case(
            f"data{ending}",
            to_text(b"\x80\x04.", f"data{ending}"),
            None,
            (f"'{ending}'", "run whatever code", "numpy.save"),
        )
        for ending in (".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt")
    ),
    *(
        Case(f"data{ending}", to_text(b"x", f"data{ending}"), None, (f"'{ending}'", words))
        for ending, words in (
            (".mat", "loadmat"),
            (".h5", "h5py"),
            (".xlsx", "read_excel"),
            (".txt", "rename"),
            (".bin", ""),
        )
    ),
    # Files beside it
    Case("data.csv", TWO, 4, ("meta.csv joined by id",), FIRST, "row-00", SPECIES, same=True),
    Case("data.csv", both(to_csv(WITH_IDS), to_csv(META, "meta.csv")), 4, ("joined by id",), FIRST, roles=SPECIES),
    Case("data.csv", both(to_csv(WITH_IDS), to_csv(META, "meta.csv")), 4, (), FIRST, roles={"labels": ["meta.csv"]}),
    Case(
        "data.csv",
        both(to_csv(WITH_IDS), to_csv(shuffled(META), "meta.tsv", sep="\t")),
        4,
        ("joined by id",),
        FIRST,
        roles={"labels": ["meta.tsv#species"]},
    ),
    Case(
        "data.csv",
        both(to_csv(WITH_IDS), of_pandas(shuffled(META), "meta.parquet")),
        4,
        ("joined by id",),
        FIRST,
        roles={"labels": ["meta.parquet#species"]},
    ),
    Case(
        "data.csv",
        both(to_csv(frame(name=IDS)), to_csv(shuffled(META.rename(columns={"id": "name"})), "meta.csv")),
        4,
        ("joined by id", "ids: name"),
        FIRST,
        roles={**SPECIES, "id": "name"},
    ),
    Case(
        "data.csv",
        both(to_csv(WITH_IDS), to_csv(META.iloc[:-7], "meta.csv")),
        None,
        ("7 of 40 ids", "'row-33'", "and 2 more"),
        roles=SPECIES,
    ),
    Case(
        "data.csv",
        both(to_csv(WITH_IDS), to_csv(pd.concat([META, META.iloc[:2]]), "meta.csv")),
        None,
        ("2 ids are there more than once", "'row-00'"),
        roles=SPECIES,
    ),
    Case(
        "data.csv",
        both(to_csv(frame(id=["a", "b"] * 20)), to_csv(META, "meta.csv")),
        None,
        ("more than once",),
        roles=SPECIES,
    ),
    Case(
        "data.csv",
        both(to_csv(WITH_IDS.iloc[:30]), to_csv(shuffled(META), "meta.csv")),
        4,
        ("joined by id",),
        FIRST,
        roles=SPECIES,
        about="more rows beside it",
    ),
    Case(
        "data.csv",
        both(to_csv(frame()), to_csv(META, "meta.csv")),
        4,
        ("joined by order of rows",),
        FIRST,
        roles=SPECIES,
    ),
    Case(
        "data.csv",
        both(to_csv(frame()), to_csv(META.iloc[:9], "meta.csv")),
        None,
        ("9 values for 40 rows",),
        roles=SPECIES,
    ),
    Case(
        "data.parquet",
        both(of_pandas(shuffled(frame())), to_csv(META[["species"]], "meta.csv", index=True)),
        4,
        ("joined by the row labels of pandas",),
        roles=SPECIES,
        about="the index of pandas",
    ),
    Case(
        "data.npz",
        both(to_npz(X=VECTORS, ids=np.array(IDS)), to_csv(shuffled(META), "meta.csv")),
        4,
        ("joined by id",),
        FIRST,
        roles=SPECIES,
    ),
    Case(
        "data.csv",
        both(to_csv(WITH_IDS), to_csv(shuffled(META), "meta.csv")),
        4,
        ("group: species",),
        roles={"group": "meta.csv#species"},
    ),
    Case(
        "data.csv",
        both(TWO, to_npz("x.npz", x=WIDE, ids=np.array(IDS))),
        4,
        ("x.npz joined by id",),
        roles={"inputs": ["x.npz#x"]},
    ),
    Case(
        "data.csv",
        to_csv(frame(kind=KINDS)),
        4,
        (),
        FIRST,
        roles={"labels": ["../{folder}/data.csv#kind"]},
        same=True,
        about="the same file, spelt another way",
    ),
    Case(
        "data.csv",
        lambda folder: (to_csv(frame(kind=KINDS))(folder), (folder / "link.csv").symlink_to("data.csv"))[0],
        4,
        (),
        FIRST,
        roles={"labels": ["link.csv#kind"]},
        same=True,
        about="a link to the same file",
    ),
    # Names
    *(
        Case(
            name,
            lambda folder, name=name: (np.save(folder / name, VECTORS), np.save(folder / f"y {name}", CLASSES))[0],
            4,
            labels=("0", "1", "2"),
            roles={"labels": [f"y {name}"]},
            same=True,
        )
        for name in (
            "batch#7.npy",
            "z [v2].npy",
            "données é.npy",
            "~z.npy",
            "a b.npy",
            "#.npy",
            "x#y#z.npy",
            "100%.npy",
        )
    ),
    # What poisons a sweep
    Case(
        "data.csv",
        to_csv(as_text(lambda one: one if one != float(VECTORS[17, 0]) else 9999.0, "z0")),
        4,
        ("row 17: far from all others",),
    ),
    Case(
        "data.npy",
        lambda folder: np.save(folder / "data.npy", np.where(np.arange(ROWS)[:, None] == 3, -1e6, VECTORS)),
        4,
        ("row 3: far",),
    ),
    Case(
        "data.csv",
        to_csv(frame(z4=np.where(np.arange(ROWS) % 9 == 2, -999.0, WIDE[:, 4]))),
        5,
        ("column 'z4' is -999 in 5 rows (2, 11, 20, 29, 38)", "missing one"),
    ),
    Case("data.csv", to_csv(frame(z4=WIDE[:, 4] * 1e4)), 5, ("column 'z4' holds", "variance", "scale: standard")),
    Case("data.csv", to_csv(frame(z4=0.0, z5=1.5)), 6, ("2 of 6 columns never change: 'z4', 'z5'",)),
    Case(
        "data.npy",
        lambda folder: np.save(folder / "data.npy", np.where(np.arange(ROWS)[:, None] < 25, 0, VECTORS)),
        4,
        ("25 of 40 rows are equal (all zeros)",),
    ),
    Case(
        "data.npy",
        lambda folder: np.save(folder / "data.npy", np.tile(VECTORS[:7], (9, 1))),
        None,
        ("only 7 of 63 rows differ",),
    ),
    Case(
        "data.npy",
        lambda folder: np.save(folder / "data.npy", np.tile(VECTORS[:2], (30, 1))),
        None,
        ("only 2 of 60 rows differ",),
    ),
    Case("data.csv", to_csv(frame(label=IDS)), 4, ("label label: 40 classes in 40 rows",)),
    Case("data.csv", to_csv(frame(label=WIDE[:, 5])), 4, ("continuous",)),
    Case("data.csv", to_csv(frame(label="same")), 4, ("every row has the same",)),
    Case("data.csv", to_csv(frame(label=None)), 4, ("no row has one",)),
    Case("none.csv", lambda folder: None, None, ("no such file",)),
    Case("none", lambda folder: None, None, ("no such file",)),
]


def identify(case: Case) -> str:
    return f"{case.name} {case.about or ' '.join(case.says)[:40]}"


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_a_file_is_read_as_it_was_meant_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    check_case(tmp_path, monkeypatch, case)


def check_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    case.write(folder)
    roles = {
        key: [one.format(folder="folder") for one in role] if isinstance(role, list) else role
        for key, role in case.roles.items()
    }
    source = DataSource.model_validate({"path": case.name, **roles})
    if case.dimensions is None:
        with pytest.raises(InputError) as refused:
            look_at_source(source)
        told = str(refused.value)
        assert refused.value.file is not None
    else:
        looked = look_at_source(source)
        latents = read_latents(source)
        told = "\n".join([looked.taken, *looked.warnings])
        assert looked.dimensions == latents.matrix.shape[1] == case.dimensions, told
        assert f"{case.dimensions} dimension{'s' * (case.dimensions != 1)}" in looked.taken
        if case.same:
            np.testing.assert_allclose(latents.matrix, VECTORS, rtol=1e-6)
        if case.labels is not None:
            assert tuple(next(iter(latents.labels.values()))[:3]) == case.labels
        if case.ids is not None:
            assert latents.ids[0] == case.ids
    for words in case.says:
        assert any(word in told for word in words.split("|")), told


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 150


def test_the_document_names_every_ending() -> None:
    told = (Path(__file__).parents[3] / "docs" / "inputs.md").read_text(encoding="utf-8")
    missing = [ending for ending in DATA_ENDINGS if f"`{ending.removesuffix('.gz')}`" not in told]
    assert missing == []
