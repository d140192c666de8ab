"""A run as one table for other tools: every row, every value in its place, and told what had to be left out."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, Preprocessing
from steadymap.flows.export import export_run
from steadymap.reports.export.export_files import text_for_anndata, write_parquet
from steadymap.reports.export.flat_table import choose_cells, coordinates, flat_table
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.tasks.geometry.parts import Geometry, neighbours_folder
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.run.stored_rows import stored_neighbours, stored_picture
from steadymap.tasks.store.files import write_arrays, write_table
from steadymap.tasks.store.layout import Store
from tests.conftest import three_blobs
from tests.flows.test_cli import call
from tests.reports.payloads import PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import PCA, ROWS, T30, U15A, RunFolder, cell_id
from tests.reports.run_folder_fixture import coordinates as drawn_at
from tests.tasks.input.formats.test_anndata_file import anndata_version

VERDICTS = ("REAL", "HIDDEN", "ARTEFACT")
T30_NAME, U15A_NAME = "tsne_perplexity=30_seed0", "umap_n_neighbors=15_min_dist=0.1_seed1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return RunFolder(verdicts=VERDICTS).write(tmp_path / "results" / "runs" / "night")


def exported(run: Run, *cells: str) -> pd.DataFrame:
    return flat_table(run, {place.name: coordinates(run, place, None) for place in choose_cells(run, cells)})


def test_a_row_per_row_with_verdict_and_place(folder: Path) -> None:
    table = exported(read_run(folder), T30_NAME)
    assert len(table) == ROWS
    assert table["id"].tolist() == [str(row) for row in range(ROWS)]
    assert table["verdict"].tolist() == [VERDICTS[row % 3] for row in range(ROWS)]
    assert table["cluster"].tolist() == [row % 3 for row in range(ROWS)]
    np.testing.assert_array_equal(table[["x", "y"]].to_numpy(), drawn_at(T30, 0))
    assert "position" not in table
    assert set(schemas.INSTABILITY.names) | set(schemas.RATINGS.names) <= set(table.columns)
    assert table["label"].tolist() == [f"c{row % 3}" for row in range(ROWS)]


def test_the_rows_of_a_sample_are_rows_of_the_file(folder: Path) -> None:
    run = read_run(folder)
    sparse = replace(
        run,
        points=run.points.assign(row=7 * run.points["row"] + 3),
        embeddings=run.embeddings.assign(row=7 * run.embeddings["row"] + 3),
    )
    table = exported(sparse, T30_NAME)
    assert table["row"].tolist() == [7 * row + 3 for row in range(ROWS)]
    np.testing.assert_array_equal(table[["x", "y"]].to_numpy(), drawn_at(T30, 0))


def test_several_pictures_have_columns_of_their_own(folder: Path) -> None:
    run = read_run(folder)
    table = exported(run, "recommended")
    np.testing.assert_array_equal(table[["x", "y"]], drawn_at(T30, 0))
    np.testing.assert_array_equal(table[[f"x_{T30_NAME}", f"y_{T30_NAME}"]], drawn_at(T30, 0))
    np.testing.assert_array_equal(table[[f"x_{U15A_NAME}", f"y_{U15A_NAME}"]], drawn_at(U15A, 1))
    assert len(choose_cells(run, ["all"])) == len(run.drawn)
    assert len(choose_cells(run, ["all", "recommended", T30_NAME])) == len(run.drawn)


def test_a_picture_is_named_by_cell_by_its_beginning_or_by_name(folder: Path) -> None:
    run = read_run(folder)
    cell = cell_id(PCA, 0)
    assert [choose_cells(run, [one])[0].cell for one in (cell, cell[:6], "pca")] == [cell] * 3
    for unknown in ("nothing", cell[:3], "", cell_id("tsne perplexity=200", 0)):
        with pytest.raises(InputError) as fault:
            choose_cells(run, [unknown])
        assert fault.value.place == "--cell"


def test_rows_that_were_not_drawn_come_from_the_stored_picture(tmp_path: Path) -> None:
    sample = np.arange(1, ROWS, 2)
    run = read_run(RunFolder(drawn_rows=sample).write(tmp_path / "run"))
    (place,) = choose_cells(run, [T30_NAME])
    unknown = coordinates(run, place, None)
    assert np.isnan(unknown[::2]).all()
    np.testing.assert_array_equal(unknown[1::2], drawn_at(T30, 0)[1::2])
    # The store has the picture as it was drawn: turned, mirrored, scaled and elsewhere.
    turned = drawn_at(T30, 0).astype(np.float64) @ np.array([[0.0, 30.0], [30.0, 0.0]]) + [5.0, -7.0]
    np.testing.assert_allclose(coordinates(run, place, turned), drawn_at(T30, 0), atol=1e-5)


def test_parquet_has_neighbours_as_embedding_atlas_reads_them(folder: Path, tmp_path: Path) -> None:
    ids = np.tile(np.arange(3, dtype=np.int32), (ROWS, 1))
    distances = np.linspace(0, 1, ROWS * 3, dtype=np.float32).reshape(ROWS, 3)
    write_parquet(exported(read_run(folder), "pca"), (ids, distances), tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("neighbors").type == pa.struct(
        [("ids", pa.list_(pa.int32())), ("distances", pa.list_(pa.float32()))]
    )
    assert found.column("neighbors")[5].as_py() == {"ids": [0, 1, 2], "distances": distances[5].tolist()}


def test_stored_neighbours_are_those_of_the_file(blobs_file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    dataset = import_dataset(DataSource(path=str(blobs_file)), store)
    manifest = {
        "data": {"digest": dataset.digest, "rows": dataset.rows, "dimensions": dataset.dimensions},
        "preprocess": Preprocessing().model_dump(mode="json"),
    }
    position = dataset.points().sort_by("row").column("position").to_numpy()
    assert stored_neighbours(store, manifest, 15, position) is None
    searched = nearest_neighbours(dataset.latents(), 20)
    place = neighbours_folder(Geometry(store, dataset, Preprocessing()), "euclidean", 20)
    write_arrays(place, {"indices": searched.indices, "distances": searched.distances}, {})
    found = stored_neighbours(store, manifest, 15, position)
    assert found is not None
    vectors = three_blobs()[0].astype(np.float32).astype(np.float64)
    squared = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(squared, np.inf)
    np.testing.assert_array_equal(found.indices, np.argsort(squared, axis=1)[:, :15])
    np.testing.assert_allclose(found.distances, np.sqrt(np.sort(squared, axis=1)[:, :15]), rtol=1e-4, atol=1e-5)
    other = {**manifest, "data": {**manifest["data"], "digest": "0" * 32}}
    assert stored_neighbours(store, other, 15, position) is None


def test_a_stored_picture_is_put_into_the_order_of_the_file(tmp_path: Path) -> None:
    store, position = Store(tmp_path), np.array([2, 0, 1])
    table = pa.table(
        {
            "row": [0, 1, 2],
            "x": [0.0, 1.0, 2.0],
            "y": [10.0, 11.0, 12.0],
            "z": [None] * 3,
            "island": [0, 0, -1],
            "island_filled": [0, 0, 0],
        },
        schema=schemas.CELL,
    )
    write_table(table, store.cell("abcdef"), {"cell": "abcdef"})
    found = stored_picture(store, "abcdef", 2, position)
    assert found is not None
    assert found.tolist() == [[2.0, 12.0], [0.0, 10.0], [1.0, 11.0]]
    assert stored_picture(store, "missing", 2, position) is None
    store.cell("abcdef").write_bytes(b"not Parquet")
    assert stored_picture(store, "abcdef", 2, position) is None


def test_the_command_writes_and_says_what_it_left_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = str(tmp_path / "results")
    out = tmp_path / "out.csv"
    status, printed, _ = call(capsys, monkeypatch, "export", "night", "--store", store, "--out", str(out))
    assert status == 0
    assert printed.startswith(f"{out}: 120 rows with {T30_NAME}, {U15A_NAME}\n")
    assert "left out: neighbors" in printed
    assert len(pd.read_csv(out)) == ROWS
    words = ("export", str(folder), "--out", str(tmp_path / "a.parquet"), "--cell", "pca", "--json")
    status, printed, _ = call(capsys, monkeypatch, *words)
    assert (status, json.loads(printed)["pictures"]) == (0, ["pca"])
    assert "neighbors" not in pq.read_table(tmp_path / "a.parquet").column_names
    assert len(json.loads(printed)["left_out"]) == 1
    assert [path.name for path in tmp_path.glob(".writing*")] == []


@pytest.mark.parametrize(
    "words",
    [
        ("night", "--out", "a.xlsx"),
        ("night", "--out", "nowhere/a.csv"),
        ("night", "--out", "results", "--format", "csv"),
        ("night", "--out", "a.csv", "--cell", "tsne"),
        ("other", "--out", "a.csv"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parents[2])
    status, _, told = call(capsys, monkeypatch, "export", *words)
    assert status == 2
    assert "remedy:" in told
    assert not Path("a.csv").exists()


def test_without_anndata_h5ad_is_refused_with_a_remedy(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(InputError) as fault:
        export_run(folder, tmp_path / "a.h5ad", "h5ad", ["all"])
    assert fault.value.remedy == "pip install -e '.[anndata]' in Steadymap's folder"
    assert not (tmp_path / "a.h5ad").exists()


def test_anndata_has_rows_pictures_and_origin(folder: Path, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    export_run(folder, tmp_path / "a.h5ad", "h5ad", [T30_NAME, "pca"])
    with text_for_anndata(anndata_version()):
        found = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert found.obs_names.tolist() == [str(row) for row in range(ROWS)]
    assert sorted(found.obsm) == ["X_pca", f"X_{T30_NAME}"]
    np.testing.assert_array_equal(found.obsm[f"X_{T30_NAME}"], drawn_at(T30, 0))
    assert found.obs["verdict"].tolist() == [VERDICTS[row % 3] for row in range(ROWS)]
    assert found.obs["cluster"].tolist() == [str(row % 3) for row in range(ROWS)]
    assert found.obs["group"].isna().all()
    assert not {"x", "y"} & set(found.obs)
    about = found.uns["steadymap"]
    assert about["run"] == "three-clusters-0123456789"
    assert json.loads(about["manifest"])["data"]["rows"] == ROWS
    assert [one["verdict"] for one in json.loads(about["clusters"])] == list(VERDICTS)


@pytest.mark.parametrize("payload", [*PAYLOADS[::6], "a/b", "nul\0", "same"])
def test_names_of_every_kind_are_exported_as_they_are(payload: str, tmp_path: Path) -> None:
    folder = hostile_folder(payload).write(tmp_path / "runs" / "one")
    for form in ("parquet", "csv"):
        export_run(folder, tmp_path / f"a.{form}", form, ["all"])
    assert pq.read_table(tmp_path / "a.parquet").column("label").to_pylist()[0] == f"{payload}0"
    pytest.importorskip("anndata")
    export_run(folder, tmp_path / "a.h5ad", "h5ad", ["all"])


def test_rows_of_one_id_are_numbered_in_anndata(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    folder = RunFolder(ids=["same"] * ROWS).write(tmp_path / "runs" / "one")
    export_run(folder, tmp_path / "a.h5ad", "h5ad", ["pca"])
    with text_for_anndata(anndata_version()):
        found = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert found.obs_names.tolist() == [str(row) for row in range(ROWS)]
    assert set(found.obs["id"]) == {"same"}
