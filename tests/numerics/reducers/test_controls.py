"""Controls of a sweep: what any two directions show, and what chance scores."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.geometry.initialisation import principal_components
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.reducers.interface import Material, Settings, find_reducer
from steadymap.tasks.numerics.scores.all_scores import Scorer

ROWS = 400


def drawn(reducer: str, engine: str, seed: int) -> np.ndarray:
    return find_reducer(reducer, engine)(
        Material(vectors(), base=principal_components(vectors())), Settings("exact", "euclidean", 2, seed)
    )


def vectors() -> np.ndarray:
    generator = np.random.default_rng(0)
    return (generator.standard_normal((ROWS, 10)) * np.linspace(3, 0.3, 10)).astype(np.float32)


def test_shuffled_rows_score_what_chance_scores() -> None:
    scorer = Scorer(vectors(), row_keys(vectors()), (10,), np.arange(ROWS))
    (scores,) = scorer.score([drawn("shuffled", "scikit-learn", 0)])
    found = {score.score: score.value for score in scores}
    assert abs(found["knn_recall"] - 10 / (ROWS - 1)) < 0.02
    assert abs(found["trustworthiness"] - 0.5) < 0.05
    assert abs(found["distance_correlation"]) < 0.05
    assert abs(found["auc_ln_k"]) < 0.05


def test_a_random_projection_is_linear_keeps_something_and_belongs_to_its_seed() -> None:
    picture = drawn("random_projection", "numpy", 0)
    fitted = np.linalg.lstsq(vectors(), picture, rcond=None)[0]
    assert np.allclose(vectors() @ fitted, picture, atol=1e-4)
    assert np.array_equal(picture, drawn("random_projection", "numpy", 0))
    assert not np.allclose(picture, drawn("random_projection", "numpy", 1))
    (scores,) = Scorer(vectors(), row_keys(vectors()), (10,), np.arange(ROWS)).score([picture])
    assert {score.score: score.value for score in scores}["trustworthiness"] > 0.55
