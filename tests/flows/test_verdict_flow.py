"""Verdicts along the whole path: five blobs are REAL, whatever the order of the rows and the names of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.numerics.selftest.synthetic import generate

pytestmark = pytest.mark.engine


def config_of(path: Path) -> SweepConfig:
    return SweepConfig.model_validate(
        {
            "name": "five blobs",
            "data": {"path": str(path), "latents": "z", "labels": "y"},
            "reducers": [{"reducer": "tsne", "perplexity": [15, 30]}],
            "seeds": [0],
            "resamples": {"pairs": 2, "configurations": 1},
            "nulls": {"gaussian": 0, "copula": 0},
        }
    )


def test_five_blobs_are_real_in_any_order_and_by_any_name(engine: None, tmp_path: Path) -> None:
    from steadymap.flows.sweep import stability_sweep

    drawn = generate("blobs5_8", 1000, 6, 11)
    np.savez(tmp_path / "straight.npz", z=drawn.vectors, y=drawn.truth.astype(str))
    outcome = stability_sweep(config_of(tmp_path / "straight.npz"), str(tmp_path / "store"))
    assert outcome.clusters == {"REAL": 5, "HIDDEN": 0, "ARTEFACT": 0, "UNCERTAIN": 0}
    folder = tmp_path / "store" / "runs" / outcome.run
    clusters = pd.read_parquet(folder / "clusters.parquet")
    assert (clusters["p_value"] <= 0.05).all()
    assert clusters["depth"].between(0, 0.3).all()
    assert (clusters["depth_low"] <= clusters["depth"]).all()
    assert clusters["reason"].str.startswith("Held-out rows show a valley").all()
    points = pd.read_parquet(folder / "points.parquet")
    assert pd.crosstab(points["cluster"], drawn.truth).gt(20).sum(axis=1).eq(1).all()
    labels = pd.read_parquet(folder / "labels.parquet")
    assert labels["separated"].all()
    assert labels["runs_into"].str.len().eq(0).all()

    order = np.random.default_rng(1).permutation(1000)
    names = np.array(["e", "d", "c", "b", "a"])[drawn.truth]
    np.savez(tmp_path / "turned.npz", z=drawn.vectors[order], y=names[order])
    turned = stability_sweep(config_of(tmp_path / "turned.npz"), str(tmp_path / "store"))
    assert turned.computed == 0
    again = tmp_path / "store" / "runs" / turned.run
    unnamed = [name for name in clusters.columns if name not in ("label", "label_share")]
    pd.testing.assert_frame_equal(pd.read_parquet(again / "clusters.parquet")[unnamed], clusters[unnamed])
    moved = pd.read_parquet(again / "points.parquet")["cluster"].to_numpy()
    assert np.array_equal(moved, points["cluster"].to_numpy()[order])
