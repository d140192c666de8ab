"""Several encoders through the real flow: swept, followed by ids, told on one page; a training as it is watched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import steadymap
from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NightlyConfig
from steadymap.configs.sweep import SweepConfig
from steadymap.flows.cli import app as cli
from steadymap.tasks.input.checkpoint import log_checkpoint
from steadymap.tasks.plan.find_sweeps import find_sweeps
from tests.conftest import three_blobs
from tests.flows.test_cli import call

pytestmark = pytest.mark.engine

ROWS, DIMENSIONS = 240, 6
VECTORS, LABELS = three_blobs(rows=ROWS, dimensions=DIMENSIONS)
TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(DIMENSIONS, DIMENSIONS)))[0]
NAMES = np.array([f"r{row:03d}" for row in range(ROWS)])
REDUCERS = (
    "reducers:\n  - {reducer: tsne, perplexity: 20}\n  - {reducer: umap, n_neighbors: 10}\nseeds: [0]\nfast: true\n"
)


def write(folder: Path, name: str, vectors: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(vectors))
    np.savez(folder / f"{name}.npz", latents=vectors[order], ids=NAMES[order], y=LABELS[order])


def merged(vectors: np.ndarray) -> np.ndarray:
    """Return a space in which the second class lies where the first does."""
    return np.where((LABELS == 1)[:, None], vectors[LABELS == 0][np.cumsum(LABELS == 1) - 1], vectors)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    spread = np.random.default_rng(5).normal(size=VECTORS.shape)
    write(tmp_path, "run1", VECTORS, 1)
    write(tmp_path, "run2", (3 * VECTORS @ TURN + 5).astype(np.float32), 2)
    write(tmp_path, "run3", (merged(VECTORS) + 0.3 * spread).astype(np.float32), 3)
    path = tmp_path / "sweep.yaml"
    path.write_text(f"name: three runs\ndata:\n  encoders: run*.npz\n{REDUCERS}", encoding="utf-8")
    return path


def test_encoders_are_swept_followed_by_ids_and_told(
    engine: None, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = call(capsys, monkeypatch, "sweep", str(config), "--store", str(tmp_path / "store"), "--json")
    assert code == 0
    said = " ".join(err.split())
    for name in ("run1", "run2", "run3"):  # what is taken of every file is said before the first is drawn
        assert f"three runs, {name}: 240 rows × 6 dimensions" in said
    assert said.count("6 dimensions from the array latents; labels: y; ids: ids") == 3
    told = json.loads(out)
    assert [one["name"] for one in told["encoders"]] == ["run1", "run2", "run3"]
    assert told["joined_by"] == "id"
    in_all = [one for one in told["clusters"] if one["in_all"]]
    assert [one["name"] for one in in_all] == ["y 2"]
    merged_there = [one for one in told["clusters"] if one["through"]["run3"]["fate"] == "merged"]
    assert sorted(one["name"] for one in merged_there) == ["y 0", "y 1"]
    assert all(one["shown_in"] == 2 for one in merged_there)
    folder = tmp_path / "store" / "encoders" / told["folder"]
    pairs = pd.read_parquet(folder / "encoder_pairs.parquet").set_index(["encoder_a", "encoder_b", "score"])["value"]
    assert pairs["run1", "run2", "cka"] == pytest.approx(1)  # a turned copy
    assert pairs["run1", "run2", "kept"] == pytest.approx(1)
    assert pairs["run1", "run3", "cka"] < 0.9
    assert {path.stem for path in folder.glob("*.parquet")} == set(schemas.ENCODER_TABLES)
    page = (folder / "encoders.html").read_text(encoding="utf-8")
    for name in ("run1", "run2", "run3"):
        link = page.split(f'">{name}</a>')[0].rpartition('href="')[2]
        assert (folder / link).resolve().is_file()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = steadymap.sweep_encoders(config, tmp_path / "store")
    assert again.folder == told["folder"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_encoder_that_cannot_be_swept_is_named_and_the_others_followed(
    engine: None, config: Path, tmp_path: Path
) -> None:
    np.savez(config.parent / "run2.npz", latents=np.full((ROWS, 3), np.nan), ids=NAMES)
    found = steadymap.sweep_encoders(config, tmp_path / "store")
    assert list(found.failed) == ["run2"]
    assert [one.name for one in found.axis.encoders] == ["run1", "run3"]
    assert found.axis.notices[0].startswith("run2 could not be swept: ")
    np.savez(config.parent / "run3.npz", latents=np.full((ROWS, 3), np.nan), ids=NAMES)
    with pytest.raises(InputError, match="only 1 of 3 encoders could be swept"):
        steadymap.sweep_encoders(config, tmp_path / "store")


def test_a_training_is_followed_as_it_is_watched(
    engine: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, store = tmp_path / "checkpoints", str(tmp_path / "store")
    watch = ("watch", str(folder), "--every", "0.1", "--store", store)
    code, _, err = call(capsys, monkeypatch, *watch)
    assert (code, "there is no such folder" in err) == (cli.EXIT_BAD_INPUT, True)
    noise = np.random.default_rng(1).normal(size=VECTORS.shape)
    log_checkpoint(noise, NAMES, step=100, folder=folder, labels=LABELS)
    code, out, _ = call(capsys, monkeypatch, *watch, "--until", "100")
    assert code == 0
    assert "step 100: " in out
    log_checkpoint(VECTORS, NAMES, step=200, folder=folder, labels=LABELS)
    code, out, _ = call(capsys, monkeypatch, *watch, "--until", "200")
    assert code == 0
    assert "REAL at step 200: label 0, 1 and 2 (since step 200)." in " ".join(out.split())


def test_a_night_sweeps_every_encoder_of_a_config(config: Path) -> None:
    found = find_sweeps(NightlyConfig(configs=str(config)))
    assert [one.name for one in found] == ["three runs, run1", "three runs, run2", "three runs, run3"]
    assert all(one.config is not None and not one.config.data.several for one in found)


def test_a_file_at_fault_is_told_before_anything_is_drawn(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(config.parent / "run3.npz", latents=np.full((ROWS, 3), np.nan), ids=NAMES)
    code, _, err = call(capsys, monkeypatch, "encoders", str(config), "--store", str(tmp_path / "store"))
    assert code == cli.EXIT_BAD_INPUT
    assert "run3.npz" in err
    assert "not finite" in err
    assert not (tmp_path / "store" / "cells").exists()


def test_check_looks_at_every_encoder(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ("--store", str(tmp_path / "store"))
    code, out, _ = call(capsys, monkeypatch, "check", str(config), *store)
    assert code == 0
    assert [out.count(f"run{number}.npz: 6 dimensions from the array latents") for number in (1, 2, 3)] == [1, 1, 1]
    assert "3 encoders, one after the other: about " in out
    code, out, _ = call(capsys, monkeypatch, "check", str(config), *store, "--json")
    told = json.loads(out)["encoders"]
    assert [(name, one["rows"], one["cells"]) for name, one in told.items()] == [
        (f"run{number}", ROWS, 6) for number in (1, 2, 3)
    ]


def test_roles_do_not_go_with_a_config(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = call(capsys, monkeypatch, "encoders", str(config), "--labels", "y")
    assert code == cli.EXIT_BAD_INPUT
    assert "--labels goes with a data file" in err


def test_one_encoder_is_sent_to_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.yaml").write_text("data: {path: a.npz}\n", encoding="utf-8")
    code, _, err = call(capsys, monkeypatch, "encoders", str(tmp_path / "one.yaml"))
    assert code == cli.EXIT_BAD_INPUT
    assert "`steadymap sweep " in err


def test_the_config_keeps_what_it_says_of_encoders() -> None:
    config = SweepConfig.model_validate({"name": "x", "data": {"encoders": "checkpoints/*.npz"}})
    assert config.data.several
    assert config.data.encoders == ("checkpoints/*.npz",)
    assert not SweepConfig.model_validate({"name": "x", "data": {"path": "z.npz"}}).data.several
