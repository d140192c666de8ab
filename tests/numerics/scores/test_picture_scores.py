"""The scores beyond trustworthiness: by hand, against plain definitions and libraries, at their limits, invariances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.metrics import silhouette_score

from steadymap.configs.cards import CARD_OF
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.scores import ranks
from steadymap.tasks.numerics.scores.all_scores import Scorer, curve_sizes, encode_classes
from steadymap.tasks.numerics.scores.class_scores import centroid_agreement, class_means
from steadymap.tasks.numerics.scores.co_ranking import lcmc, local_global, r_nx
from steadymap.tasks.numerics.scores.mrre import worst_sum
from steadymap.tasks.numerics.scores.triplets import draw_triplets, nearer_first, triplet_accuracy

Found = dict[tuple[str, int | None], tuple[float, float]]


def scores(
    latent: np.ndarray,
    picture: np.ndarray,
    ks: tuple[int, ...] = (5,),
    labels: list[str | None] | None = None,
    anchors: np.ndarray | None = None,
) -> Found:
    keys = row_keys(latent.astype(np.float32))
    looked_from = np.arange(len(latent)) if anchors is None else anchors
    scorer = Scorer(latent, keys, ks, looked_from, None if labels is None else encode_classes(labels))
    return {(score.score, score.k): (score.value, score.stderr) for score in scorer.score([picture])[0]}


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    latent = generator.standard_normal((80, 7))
    return latent, latent[:, :2] + 0.7 * generator.standard_normal((80, 2))


def rank_matrix(points: np.ndarray) -> np.ndarray:
    """Return plain ranks around every row, 1 the nearest other one, and 0 on the diagonal."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, -1)
    return np.argsort(np.argsort(distances, axis=1), axis=1)


def quality_by_definition(latent: np.ndarray, picture: np.ndarray) -> np.ndarray:
    rho, r = rank_matrix(latent), rank_matrix(picture)
    n = len(latent)
    others = ~np.eye(n, dtype=bool)
    return np.array([np.sum((rho <= k) & (r <= k) & others) / (k * n) for k in range(1, n)])


def test_mrre_by_hand() -> None:
    # On a line at 0, 1, 3, 7, 15 the picture exchanges the last two points. With k = 1, H_1 = |5 − 2 + 1| = 4.
    latent = np.array([[0.0], [1], [3], [7], [15]])
    picture = np.array([[0.0, 0], [1, 0], [3, 0], [15, 0], [7, 0]])
    found = scores(latent, picture, (1,))
    # False: row 3's neighbour 4 has ρ = 4, r = 1: error 3; row 4's neighbour 2 has ρ = 2: error 1. 4 / (5 · 4).
    assert found["mrre_false", 1][0] == pytest.approx(1 - 4 / 20)
    # Missing: row 3's neighbour 2 has r = 2: error 1; row 4's neighbour 3 has r = 4: error 3.
    assert found["mrre_missing", 1][0] == pytest.approx(1 - 4 / 20)
    assert worst_sum(5, 2) == pytest.approx(4 / 1 + 2 / 2)


def test_mrre_equals_its_definition_and_both_references_within_their_difference(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    latent, picture = pair
    rho, r = rank_matrix(latent), rank_matrix(picture)
    n, k = len(latent), 6
    false = np.sum((np.abs(rho - r) / np.maximum(r, 1))[(r <= k) & (r > 0)])
    missing = np.sum((np.abs(rho - r) / np.maximum(rho, 1))[(rho <= k) & (rho > 0)])
    found = scores(latent, picture, (k,))
    assert found["mrre_false", k][0] == pytest.approx(1 - false / (n * worst_sum(n, k)), abs=1e-12)
    assert found["mrre_missing", k][0] == pytest.approx(1 - missing / (n * worst_sum(n, k)), abs=1e-12)
    without_one = sum(abs(n - 2 * i) / i for i in range(1, k + 1))  # coRanking's H_k
    assert found["mrre_false", k][0] == pytest.approx(1 - false / (n * without_one), abs=2 * k / n)


def test_the_curve_equals_a_co_ranking_matrix(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, picture = pair
    quality = quality_by_definition(latent, picture)
    n = len(latent)
    found = scores(latent, picture, (5, 12))
    for k in (5, 12):
        assert found["knn_recall", k][0] == pytest.approx(quality[k - 1], abs=1e-12)
        assert found["lcmc", k][0] == pytest.approx(quality[k - 1] - k / (n - 1), abs=1e-12)
    sizes = np.arange(1, n - 1)
    curve = ((n - 1) * quality[:-1] - sizes) / (n - 1 - sizes)
    for k in curve_sizes(n):
        assert found["r_nx", k][0] == pytest.approx(curve[k - 1], abs=1e-12)
    assert found["auc_ln_k", None][0] == pytest.approx(np.sum(curve / sizes) / np.sum(1 / sizes), abs=1e-12)
    split = int(np.argmax(quality - np.arange(1, n) / (n - 1))) + 1
    assert found["q_local", None][0] == pytest.approx(quality[:split].mean())
    assert found["q_global", None][0] == pytest.approx(quality[split:].mean())


def test_a_curve_by_hand() -> None:
    # Three rows: Q_NX(1) = 1/2, Q_NX(2) = 1. R_NX(1) = (2 · ½ − 1) / (2 − 1) = 0; LCMC = 0, 0: the first K is taken.
    quality = np.array([0.5, 1.0])
    np.testing.assert_allclose(r_nx(quality), [0])
    np.testing.assert_allclose(lcmc(quality), [0, 0])
    parts = local_global(quality)
    assert (parts.k_max, parts.q_local, parts.q_global) == (1, 0.5, 1.0)


def test_distance_correlation_equals_scipy_without_the_diagonal(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, picture = pair
    expected = spearmanr(pdist(latent), pdist(picture)).statistic
    assert scores(latent, picture)["distance_correlation", None] == (pytest.approx(expected, abs=1e-12), 0.0)


def test_triplets_are_other_rows_and_their_accuracy_is_worked_by_hand() -> None:
    anchors = np.array([0, 3, 9])
    triplets = draw_triplets(anchors, 10)
    everyone = np.concatenate([np.broadcast_to(anchors[:, None, None], (3, 5, 1)), triplets], axis=2).reshape(-1, 3)
    assert all(len(set(triplet)) == 3 for triplet in everyone.tolist())
    assert ((everyone >= 0) & (everyone < 10)).all()
    line = np.arange(4.0)[:, None]
    pairs = np.array([[[1, 2], [3, 2]]])
    np.testing.assert_array_equal(nearer_first(line, np.array([0]), pairs), [[True, False]])
    mirrored = np.array([[0.0], [1], [3], [2]])
    drawn = nearer_first(mirrored, np.array([0]), pairs)
    np.testing.assert_allclose(triplet_accuracy(nearer_first(line, np.array([0]), pairs), drawn), [0.5])


def test_silhouette_equals_scikit_learn_and_ignores_rows_without_label(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, picture = pair
    labels: list[str | None] = [None if row % 9 == 0 else str(row % 3) for row in range(80)]
    labelled = np.array([label is not None for label in labels])
    numbers = np.array([int(label or -1) for label in labels])
    expected = silhouette_score(picture[labelled], numbers[labelled])
    assert scores(latent, picture, labels=labels)["silhouette", None][0] == pytest.approx(expected, abs=1e-12)


def test_neighbourhood_hit_by_hand() -> None:
    line = np.array([[0.0], [1], [2.5], [10], [11], [12.5]])
    picture = np.hstack([line, np.zeros((6, 1))])
    # Nearest rows: 1 0 1 4 3 4. Labels a a b b b -: hits 1 1 0 1 1, and the last row has no label.
    found = scores(line, picture, (1,), ["a", "a", "b", "b", "b", None])
    assert found["neighbourhood_hit", 1][0] == pytest.approx(4 / 5)


def test_centroids_by_hand() -> None:
    # Means at 0, 1, 3 and in the picture at 0, 3, 1 on a line: distances 1, 3, 2 and 3, 1, 2 for pairs 01, 02, 12.
    latent = np.array([[0.0], [1], [3]])
    picture = np.array([[0.0, 0], [3, 0], [1, 0]])
    found = centroid_agreement(latent, picture, np.array([0, 1, 2]))
    assert found is not None
    assert found.agreement == pytest.approx(0)  # every pair of distances is in the other order
    assert found.spearman == pytest.approx(-1)
    same = centroid_agreement(latent, 2 * latent[:, [0, 0]], np.array([0, 1, 2]))
    assert same is not None
    assert (same.agreement, same.spearman) == (pytest.approx(1), pytest.approx(1))
    assert centroid_agreement(latent, picture, np.array([0, 1, -1])) is None
    many = np.random.default_rng(0).standard_normal((1001, 2))
    assert centroid_agreement(many, many, np.arange(1001)) is None
    np.testing.assert_allclose(class_means(many[:4], np.array([7, -1, 2, 7])), [many[2], many[[0, 3]].mean(axis=0)])


HIGHER_IS_BETTER = {"silhouette", "neighbourhood_hit"}  # no limit of 1 for a faithful picture of mixed classes


def test_limits_a_faithful_picture_and_an_unrelated_one(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, _ = pair
    labels: list[str | None] = [str(row % 4) for row in range(80)]
    faithful = scores(latent, 3 * latent[:, ::-1] + 5, labels=labels)
    for (name, k), (value, _) in faithful.items():
        if name == "lcmc":
            assert k is not None
            assert value == pytest.approx(1 - k / 79)
        elif name not in HIGHER_IS_BETTER:
            assert value == pytest.approx(1), name
    unrelated = scores(latent, np.random.default_rng(0).standard_normal((80, 2)), labels=labels)
    for name, chance in {"auc_ln_k": 0, "distance_correlation": 0, "triplet_accuracy": 0.5}.items():
        assert unrelated[name, None][0] == pytest.approx(chance, abs=0.12), name
    assert unrelated["mrre_false", 5][0] < 0.7


def test_scores_ignore_motion_and_scale_but_not_the_picture(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, picture = pair
    labels: list[str | None] = [str(row % 4) for row in range(80)]
    base = scores(latent, picture, labels=labels)
    turned = scores(latent, picture @ np.array([[0.6, -0.8], [0.8, 0.6]]) * 7 + 2, labels=labels)
    moved = scores(latent, np.random.default_rng(1).permutation(picture), labels=labels)
    for key, (value, _) in base.items():
        assert turned[key][0] == pytest.approx(value, abs=1e-9), key
        assert abs(moved[key][0] - value) > 1e-4, key


def test_row_order_changes_nothing_but_the_draw_of_triplets(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, picture = pair
    labels: list[str | None] = [str(row % 4) for row in range(80)]
    order = np.random.default_rng(1).permutation(80)
    base = scores(latent, picture, labels=labels)
    moved = scores(latent[order], picture[order], labels=[labels[row] for row in order])
    for key, (value, _) in base.items():
        if key[0] != "triplet_accuracy":
            assert moved[key][0] == pytest.approx(value, abs=1e-9), key


def test_collapsed_pictures_get_no_good_rank_score(pair: tuple[np.ndarray, np.ndarray]) -> None:
    latent, _ = pair
    for collapsed in (np.zeros((80, 2)), np.repeat(np.eye(2), 40, axis=0)):
        found = scores(latent, collapsed)
        assert found["trustworthiness", 5][0] < 0.62
        assert found["knn_recall", 5][0] < 0.25
        assert found["auc_ln_k", None][0] < 0.2


def test_a_perfect_picture_of_a_crowded_spot_is_perfect() -> None:
    # 60 of 90 rows on one spot: each shares mid-rank 30 with the others, far above k, though k of them are neighbours.
    latent = np.random.default_rng(7).standard_normal((90, 3))
    latent[:60] = latent[0]
    found = scores(latent, latent, (5,))
    assert [found[name, 5][0] for name in ("trustworthiness", "continuity", "knn_recall", "mrre_false")] == [1] * 4
    torn = scores(latent, np.random.default_rng(8).permutation(latent[:, :2]), (5,))
    assert torn["trustworthiness", 5][0] < 0.9


def cloud(generator: np.random.Generator) -> np.ndarray:
    return generator.standard_normal((1600, 5))


def blobs(generator: np.random.Generator) -> np.ndarray:
    return 4 * generator.standard_normal((6, 8))[np.arange(1600) % 6] + generator.standard_normal((1600, 8))


def roll(generator: np.random.Generator) -> np.ndarray:
    angle, height = generator.uniform(4, 14, 1600), generator.uniform(0, 20, 1600)
    return np.column_stack([angle * np.cos(angle), height, angle * np.sin(angle)])


def test_with_many_duplicates_every_score_stays_in_its_range_and_the_curve_is_that_of_knn_recall() -> None:
    generator = np.random.default_rng(6)
    latent = np.repeat(generator.standard_normal((20, 4)), 10, axis=0).astype(np.float32)
    for picture in (
        np.repeat(generator.standard_normal((20, 2)), 10, axis=0),
        latent[:, :2] + generator.standard_normal((200, 2)),
        np.zeros((200, 2)),
    ):
        found = scores(latent, picture, (5, 30), [str(row % 4) for row in range(200)])
        for (name, k), (value, stderr) in found.items():
            low, high = CARD_OF[name].range
            assert low <= value <= high, (name, k)
            assert stderr >= 0
        same = scores(latent, latent.astype(np.float64), (5, 30))
        assert all(same[name, 5][0] == 1 for name in ("trustworthiness", "continuity", "knn_recall", "mrre_false"))
        for k in (5, 30):
            assert found["lcmc", k][0] == pytest.approx(found["knn_recall", k][0] - k / 199)


@pytest.mark.draws
@pytest.mark.parametrize("make", [cloud, blobs, roll])
def test_anchored_estimates_are_within_three_standard_errors_in_95_of_100_draws(
    make: Callable[[np.random.Generator], np.ndarray],
) -> None:
    generator = np.random.default_rng(8)
    latent = make(generator)
    picture = latent[:, :2] + 0.3 * generator.standard_normal((1600, 2))
    labels: list[str | None] = [str(int(value > 0) + int(value > 1)) for value in latent[:, 0]]
    exact = scores(latent, picture, (10,), labels)
    scorer = Scorer(latent, row_keys(latent.astype(np.float32)), (10,), np.arange(1), encode_classes(labels))
    inside = dict.fromkeys(exact, 0)
    for _ in range(100):
        scorer.anchors = np.sort(generator.choice(1600, 400, replace=False))
        for score in scorer.score([picture])[0]:
            key = (score.score, score.k)
            inside[key] += abs(score.value - exact[key][0]) <= 3 * score.stderr + 1e-12
    assert {key: count for key, count in inside.items() if count < 95} == {}


def test_the_sampled_distance_correlation_knows_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steadymap.tasks.numerics.scores.all_scores.SAMPLE_ROWS", 100)
    generator = np.random.default_rng(4)
    latent = generator.standard_normal((1500, 5))
    picture = latent[:, :2] + 0.5 * generator.standard_normal((1500, 2))
    truth = spearmanr(pdist(latent), pdist(picture)).statistic
    inside = 0
    for _ in range(100):
        keys = generator.integers(0, 2**63, 1500).astype(np.uint64)
        found = {score.score: score for score in Scorer(latent, keys, (5,), np.arange(10)).score([picture])[0]}
        one = found["distance_correlation"]
        assert one.stderr > 0
        inside += abs(one.value - truth) <= 3 * one.stderr
    assert inside >= 95


def test_block_size_changes_no_number(pair: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    latent, picture = pair
    labels: list[str | None] = [str(row % 4) for row in range(80)]
    anchors = np.arange(0, 80, 2)
    whole = scores(latent, picture, labels=labels, anchors=anchors)
    monkeypatch.setattr(ranks, "BLOCK_CELLS", 7 * 80)
    pieces = scores(latent, picture, labels=labels, anchors=anchors)
    for key, (value, stderr) in whole.items():
        assert pieces[key] == (pytest.approx(value, abs=1e-12), pytest.approx(stderr, abs=1e-12)), key
