"""The latent vectors behind two runs are compared by ids, from the store; a turned copy changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steadymap.configs.sweep import DataSource, Preprocessing
from steadymap.flows.compare_latents import compare_encoders
from steadymap.reports.compare.compare_runs import compare_runs
from steadymap.reports.compare.comparison_page import render_comparison
from steadymap.reports.compare.comparison_text import to_json, to_tables
from steadymap.reports.compare.encoder_agreement import spell_agreement
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.parts import Geometry
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.store.layout import Store
from tests.conftest import three_blobs
from tests.reports.run_folder_fixture import ROWS, RunFolder

VECTORS, _ = three_blobs(rows=ROWS, dimensions=5)
TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]


def run_on(vectors: np.ndarray, order: np.ndarray, folder: Path) -> Run:
    """Return the run of the fixture as if it had worked on vectors whose rows lie in a file in another order."""
    np.savez(folder / "z.npz", latents=vectors[order].astype(np.float32), ids=np.array([f"r{row}" for row in order]))
    store = Store(folder / "store")
    dataset = import_dataset(DataSource(path=str(folder / "z.npz")), store)
    read_working(Geometry(store, dataset, Preprocessing()), "euclidean")
    run = read_run(RunFolder().write(store.root / "runs" / "run"))
    data = {**run.manifest["data"], "digest": dataset.digest, "rows": dataset.rows, "dimensions": dataset.dimensions}
    manifest = {**run.manifest, "data": data, "preprocess": Preprocessing().model_dump(mode="json")}
    known = dataset.points().to_pandas()
    points = run.points.assign(id=known["id"], position=known["position"])
    return replace(run, manifest=manifest, points=points)


@pytest.fixture
def before(tmp_path: Path) -> Run:
    (tmp_path / "a").mkdir()
    return run_on(VECTORS, np.arange(ROWS), tmp_path / "a")


def after(vectors: np.ndarray, folder: Path) -> Run:
    (folder / "b").mkdir()
    return run_on(vectors, np.random.default_rng(1).permutation(ROWS), folder / "b")


def test_a_turned_copy_in_another_order_is_the_same_space(before: Run, tmp_path: Path) -> None:
    found = compare_encoders(before, after(4 * VECTORS @ TURN + 7, tmp_path))
    assert found is not None
    assert spell_agreement(found) == (
        "Nothing changed in the latent space: B is A but for a turn, mirroring and scale.",
    )


def test_another_encoder_is_told_with_errors_and_chance_and_its_rows_that_moved(before: Run, tmp_path: Path) -> None:
    moved = VECTORS @ TURN
    moved[[3, 50]] += 30 * np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]])
    run = after(moved, tmp_path)
    found = compare_encoders(before, run)
    assert found is not None
    assert {row.id for row in found.moved[:2]} == {"r3", "r50"}
    compared = compare_runs(before, run, found)
    lines, _ = to_tables(compared)
    assert any(line.startswith("Latent spaces: linear CKA") for line in lines)
    page = render_comparison(compared)
    assert "The latent spaces themselves" in page
    assert "r50 (" in page
    told = to_json(compared)["encoders"]
    assert told["same"] is False
    assert told["kept"]["chance"] == pytest.approx(15 / (ROWS - 1))


def test_without_vectors_in_the_store_nothing_is_said(before: Run, tmp_path: Path) -> None:
    gone = replace(before, manifest={**before.manifest, "data": {**before.manifest["data"], "digest": "0" * 32}})
    assert compare_encoders(before, gone) is None
    assert spell_agreement(None) == ()
    assert "The latent spaces themselves" not in render_comparison(compare_runs(before, gone))
