"""The example with its decoder, the whole way: a sweep, its tables, its report, held against the models themselves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from steadymap.configs.sweep import SweepConfig

pytestmark = pytest.mark.engine


class Swept(NamedTuple):
    """A run of the example, and the models that it used."""

    run: Path
    encoder: Path
    decoder: Path


@pytest.fixture(scope="module")
def swept(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    from steadymap.flows.sweep import stability_sweep

    store = tmp_path_factory.mktemp("digits")
    config = SweepConfig.model_validate(
        {
            "name": "digits decoded",
            "data": {"example": "digits", "input_shape": [8, 8], "decode": {"model": "example"}},
            "reducers": [{"reducer": "umap", "n_neighbors": [10, 30]}],
            "seeds": [0],
            "fast": True,
        }
    )
    outcome = stability_sweep(config, str(store))
    (models,) = (store / "example_models").iterdir()
    return Swept(Path(outcome.report).parent, models / "encoder.onnx", models / "decoder.onnx")


def run_onnx(model: Path, rows: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(model))
    (output,) = session.run(None, {session.get_inputs()[0].name: rows.astype(np.float32)})
    return np.asarray(output)


def test_decoded_medoids_are_read_as_the_digit_of_their_cluster(swept: Swept) -> None:
    pictures, labels = load_digits(return_X_y=True)
    reader = KNeighborsClassifier(5).fit(pictures, labels)
    decoded = pd.read_parquet(swept.run / "decoded.parquet")
    clusters = pd.read_parquet(swept.run / "clusters.parquet").set_index("cluster")
    medoids = decoded[decoded["kind"] == "medoid"].set_index("cluster")
    assert len(medoids) == len(clusters) >= 8
    seen = np.array([np.frombuffer(one, np.uint8) for one in medoids["pixels"]]) / 255 * 16
    read = reader.predict(seen).astype(str)
    assert np.mean(read == clusters.loc[medoids.index, "label"]) >= 0.9


def test_errors_and_landings_are_those_of_the_models(swept: Swept) -> None:
    pictures, _ = load_digits(return_X_y=True)
    latents = run_onnx(swept.encoder, pictures)
    rebuilt = run_onnx(swept.decoder, latents)
    points = pd.read_parquet(swept.run / "points.parquet")
    expected = np.mean((rebuilt - pictures) ** 2, axis=1)
    np.testing.assert_allclose(points["reconstruction_error"], expected[points["row"]], rtol=1e-3)
    ways = np.linalg.norm(run_onnx(swept.encoder, rebuilt) - latents, axis=1)
    for _, one in pd.read_parquet(swept.run / "decoded_clusters.parquet").iterrows():
        own = points["cluster"].to_numpy() == one["cluster"]
        mean = latents[own].mean(axis=0, keepdims=True)
        way = np.linalg.norm(run_onnx(swept.encoder, run_onnx(swept.decoder, mean)) - mean)
        assert one["landing"] == pytest.approx(way, rel=1e-3)
        assert one["landing_p"] == pytest.approx((1 + np.sum(ways >= way)) / (1 + len(ways)), abs=2 / len(ways))
        assert one["error"] == pytest.approx(expected[own].mean(), rel=1e-3)
        assert one["error_stderr"] == pytest.approx(expected[own].std(ddof=1) / np.sqrt(own.sum()), rel=1e-3)


def test_the_manifest_knows_both_models(swept: Swept) -> None:
    told = json.loads((swept.run / "manifest.json").read_text(encoding="utf-8"))
    models = told["data"]["models"]
    for role, file in (("decoder", swept.decoder), ("encoder of reconstructions", swept.encoder)):
        assert models[role]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert told["decoded"] == {"kind": "image", "shape": [8, 8, 1]}


def test_the_report_shows_what_is_decoded(swept: Swept) -> None:
    page = (swept.run / "report.html").read_text(encoding="utf-8")
    clusters = len(pd.read_parquet(swept.run / "clusters.parquet"))
    assert page.count("What the decoder shows") == clusters
    assert page.count("data:image/png") == len(pd.read_parquet(swept.run / "decoded.parquet"))
    assert "img-src data:;" in page
    assert "reconstruction error" in page
