"""Trustworthiness, continuity, kNN recall: by hand, against scikit-learn, at their limits, invariances; ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.scores import ranks
from steadymap.tasks.numerics.scores.all_scores import Score, Scorer, choose_anchors
from steadymap.tasks.numerics.scores.ranks import rank_blocks

RANK_SCORES = ("trustworthiness", "continuity", "knn_recall")


def scores_of(latent: np.ndarray, picture: np.ndarray, ks: tuple[int, ...] = (5,)) -> dict[tuple[str, int], Score]:
    return scores_from(np.arange(len(latent)), latent, picture, ks)


def scores_from(
    anchors: np.ndarray, latent: np.ndarray, picture: np.ndarray, ks: tuple[int, ...]
) -> dict[tuple[str, int], Score]:
    (found,) = Scorer(latent, row_keys(latent.astype(np.float32)), ks, anchors).score([picture])
    return {(score.score, score.k): score for score in found if score.score in RANK_SCORES and score.k is not None}


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    latent = generator.standard_normal((90, 7))
    return latent, latent[:, :2] + 0.7 * generator.standard_normal((90, 2))


def test_a_value_worked_by_hand() -> None:
    # On a line at 0, 1, 3, 7, 15 the picture exchanges the last two points: 0, 1, 3, 15, 7. With k = 1 the
    # nearest rows are, in the latent space, 1 0 1 2 3 and in the picture 1 0 1 4 2.
    latent = np.array([[0.0], [1], [3], [7], [15]])
    picture = np.array([[0.0, 0], [1, 0], [3, 0], [15, 0], [7, 0]])
    found = scores_of(latent, picture, (1,))
    # False neighbours: row 3 sees row 4, which is its 4th in the latent space (2, 1, 0 are nearer): excess 3.
    # Row 4 sees row 2, its 2nd in the latent space: excess 1. 2/(5·1·(10 − 3 − 1)) · 4 = 4/15.
    assert found["trustworthiness", 1].value == pytest.approx(1 - 4 / 15)
    # Missing neighbours: row 3 has lost row 2 (2nd in the picture: 8, 12, 14, 15): excess 1;
    # row 4 has lost row 3 (8 away in the picture; 2, 1, 0 are 4, 6, 7 away): excess 3.
    assert found["continuity", 1].value == pytest.approx(1 - 4 / 15)
    assert found["knn_recall", 1].value == pytest.approx(3 / 5)


@pytest.mark.parametrize("k", [1, 5, 15, 44])
def test_equals_scikit_learn(pair: tuple[np.ndarray, np.ndarray], k: int) -> None:
    latent, picture = pair
    found = scores_of(latent, picture, (k,))
    assert found["trustworthiness", k].value == pytest.approx(
        sklearn_trustworthiness(latent, picture, n_neighbors=k), abs=1e-12
    )
    assert found["continuity", k].value == pytest.approx(
        sklearn_trustworthiness(picture, latent, n_neighbors=k), abs=1e-12
    )


def test_a_faithful_picture_scores_one_and_an_unrelated_one_scores_chance(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, _ = pair
    faithful = scores_of(latent, 3 * latent[:, ::-1] + 5)
    assert {score.value for score in faithful.values()} == {1.0}
    shuffled = scores_of(latent, np.random.default_rng(0).standard_normal((90, 2)))
    assert shuffled["trustworthiness", 5].value == pytest.approx(0.5, abs=0.05)
    assert shuffled["knn_recall", 5].value == pytest.approx(5 / 89, abs=0.04)


def test_scores_ignore_row_order_motion_and_scale_but_not_the_picture(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, picture = pair
    base = scores_of(latent, picture)
    order = np.random.default_rng(1).permutation(90)
    turned = picture @ np.array([[0.6, -0.8], [0.8, 0.6]]) * 7 + 2
    for same in (scores_of(latent[order], picture[order]), scores_of(latent, turned)):
        for key, score in base.items():
            assert same[key].value == pytest.approx(score.value, abs=1e-9)
    other = scores_of(latent, picture[order])
    assert other["trustworthiness", 5].value < base["trustworthiness", 5].value - 0.05


def test_duplicated_rows_do_not_make_a_score_depend_on_row_order() -> None:
    generator = np.random.default_rng(5)
    latent = np.repeat(generator.standard_normal((30, 4)), 3, axis=0)
    picture = np.repeat(generator.standard_normal((30, 2)), 3, axis=0)
    base = scores_of(latent, picture, (6,))
    blocks = generator.permutation(30)
    order = (3 * blocks[:, None] + np.arange(3)).ravel()
    moved = scores_of(latent[order], picture[order], (6,))
    for key, score in base.items():
        assert moved[key].value == pytest.approx(score.value, abs=1e-9)


def test_anchors_estimate_the_exact_value_within_their_standard_error() -> None:
    generator = np.random.default_rng(8)
    latent = generator.standard_normal((1200, 5))
    picture = latent[:, :2] + 0.3 * generator.standard_normal((1200, 2))
    exact = scores_from(np.arange(1200), latent, picture, (10,))
    sampled = scores_from(np.arange(0, 1200, 4), latent, picture, (10,))
    for key, truth in exact.items():
        estimate = sampled[key]
        assert truth.stderr == 0
        assert 0 < estimate.stderr < 0.02
        assert abs(truth.value - estimate.value) < 4 * estimate.stderr


def test_block_size_changes_nothing(pair: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    latent, picture = pair
    whole = scores_of(latent, picture)
    monkeypatch.setattr(ranks, "BLOCK_CELLS", 7 * 90)
    assert scores_of(latent, picture) == whole


def test_refuses_a_k_where_trustworthiness_is_not_defined(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, picture = pair
    with pytest.raises(ValueError, match="half of the 90 rows"):
        scores_of(latent, picture, (45,))


def test_every_row_is_an_anchor_until_there_are_too_many() -> None:
    keys = np.random.default_rng(0).integers(0, 2**63, 6000).astype(np.uint64)
    assert len(choose_anchors(keys[:5000], exact=False)) == 5000
    sampled = choose_anchors(keys, exact=False)
    assert len(sampled) == ranks.ANCHORS
    assert len(np.unique(sampled)) == ranks.ANCHORS
    assert len(choose_anchors(keys, exact=True)) == 6000
    # The sample belongs to the rows, not to their places.
    order = np.random.default_rng(1).permutation(6000)
    moved = choose_anchors(keys[order], exact=False)
    assert set(keys[order][moved]) == set(keys[sampled])


def test_places_and_ranks_are_those_of_sorting_by_distance_and_row() -> None:
    # A lattice: many distances are equal, and some rows are.
    generator = np.random.default_rng(0)
    latent, picture = generator.integers(0, 4, (120, 3)), generator.integers(0, 5, (120, 2))
    anchors = np.array([0, 1, 57, 119])
    (block,) = next(iter(rank_blocks(latent, [picture], anchors, 20)))
    for line, anchor in enumerate(anchors):
        around, drawn = (_order_by_hand(points, anchor) for points in (latent, picture))
        assert block.picture_nearest[line].tolist() == drawn.rows[:20]
        assert block.places_of_picture[line].tolist() == [around.rows.index(row) for row in drawn.rows[:20]]
        assert block.places_of_latent[line].tolist() == [drawn.rows.index(row) for row in around.rows[:20]]
        assert block.latent_ranks_of_picture[line].tolist() == [around.ranks[row] for row in drawn.rows[:20]]
        assert block.picture_ranks_of_picture[line].tolist() == [drawn.ranks[row] for row in drawn.rows[:20]]
        assert block.picture_ranks_of_latent[line].tolist() == [drawn.ranks[row] for row in around.rows[:20]]
        assert block.latent_ranks_of_latent[line].tolist() == [around.ranks[row] for row in around.rows[:20]]
        worse = [1 + max(place, around.rows.index(row)) for place, row in enumerate(drawn.rows)]
        assert sorted(block.worse_rank[line].tolist()) == sorted(worse)
        np.testing.assert_allclose(block.distances_of_picture[line], [drawn.distances[row] for row in drawn.rows[:60]])
        np.testing.assert_allclose(block.distances_of_latent[line], [drawn.distances[row] for row in around.rows[:60]])


@dataclass(frozen=True)
class _ByHand:
    rows: list[int]
    distances: dict[int, float]
    ranks: dict[int, float]


def _order_by_hand(points: np.ndarray, anchor: int) -> _ByHand:
    others = [row for row in range(len(points)) if row != anchor]
    distances = {row: float(np.linalg.norm(points[row] - points[anchor])) for row in others}
    mid = rankdata([distances[row] for row in others])
    return _ByHand(
        sorted(others, key=lambda row: (distances[row], row)), distances, dict(zip(others, mid.tolist(), strict=True))
    )
