"""Values that others have published, on the data they were published for.

The digits come with scikit-learn, and the picture of them, made once by umap-learn 0.5 with seed 42, lies in ``data``.
The data sets of the survey are not ours to ship: those tests need them in ``../shared/data``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.scores.all_scores import Scorer, encode_classes

DATA = Path(__file__).parents[4] / "shared" / "data"

PICTURE = Path(__file__).parent / "data" / "umap_digits_seed42.npz"


def scores(latent: np.ndarray, picture: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    classes = encode_classes([str(label) for label in labels])
    scorer = Scorer(latent, row_keys(latent.astype(np.float32)), (7,), np.arange(len(latent)), classes)
    return {score.score: score.value for score in scorer.score([picture])[0]}


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets of the survey are not there")
@pytest.mark.parametrize("name", ["har", "seismic"])
def test_pca_of_the_espadoto_survey(name: str) -> None:
    with np.load(DATA / "espadoto" / f"{name}.npz") as arrays:
        latent, labels = arrays["X"].astype(np.float64), arrays["y"]
    published = pd.read_csv(DATA / "espadoto" / "published_metrics.csv")
    row = published.query("dataset_name == @name and projection_name == 'PCA'").iloc[0]
    found = scores(latent, PCA(2, random_state=42).fit_transform(latent), labels)
    assert found["trustworthiness"] == pytest.approx(row["metric_pq_trustworthiness_k_07"], abs=5e-7)
    assert found["continuity"] == pytest.approx(row["metric_pq_continuity_k_07"], abs=5e-7)


def test_a_umap_of_digits() -> None:
    latent, labels = load_digits(return_X_y=True)
    with np.load(PICTURE) as arrays:
        picture = arrays["Y"].astype(np.float64)
    # Pixels are whole numbers, so distances tie: scikit-learn's value is .9917170 to .9917187 by the order of the
    # rows (.991719 in the file's); mid-ranks give one value for all orders.
    assert scores(latent, picture, labels)["trustworthiness"] == pytest.approx(0.991719, abs=2e-6)
