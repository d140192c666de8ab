"""ARI, AMI, Procrustes, element-centric similarity, neighbour overlap, jackknife and the recommendation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes

from steadymap.tasks.numerics.clusters.recommendation import Candidate, Wanted, recommend
from steadymap.tasks.numerics.stability.element_centric import element_centric_similarity
from steadymap.tasks.numerics.stability.island_agreement import island_agreement
from steadymap.tasks.numerics.stability.jackknife import jackknife_over_runs
from steadymap.tasks.numerics.stability.neighbour_overlap import (
    chance_jaccard,
    compared_neighbours,
    neighbour_jaccard,
    picture_neighbours,
)
from steadymap.tasks.numerics.stability.procrustes import align, disparity


def labels(text: str) -> np.ndarray:
    """Spell islands as letters and noise as a dot."""
    return np.array([-1 if letter == "." else ord(letter) for letter in text], dtype=np.int32)


def test_ari_worked_by_hand() -> None:
    # Contingency [[2, 1], [0, 3]]: Σ pairs in cells 1 + 0 + 3 = 4, rows 3 + 3 = 6, columns 1 + 6 = 7, of 15.
    # Expected 6 · 7 / 15 = 2.8, maximum (6 + 7) / 2 = 6.5, so ARI = (4 − 2.8) / (6.5 − 2.8).
    found = island_agreement(labels("aaabbb"), labels("xxyyyy"))
    assert found.ari == pytest.approx(1.2 / 3.7)
    assert found.shared == 1


def test_names_of_islands_do_not_matter_but_membership_does() -> None:
    assert island_agreement(labels("aabbcc"), labels("zzxxyy")) == island_agreement(labels("aabbcc"), labels("aabbcc"))
    assert island_agreement(labels("aabbcc"), labels("aabbcc")).ami == pytest.approx(1)
    assert island_agreement(labels("aabbcc"), labels("abcabc")).ari < 0.1


def test_noise_is_left_out_and_the_share_is_told() -> None:
    found = island_agreement(labels("aabb.."), labels("xx.y.."))
    assert found.shared == pytest.approx(3 / 6)
    assert found.ari == pytest.approx(1)


def test_pictures_without_islands_have_defined_values() -> None:
    assert island_agreement(labels("......"), labels("......")).ari == 1
    assert island_agreement(labels("......"), labels("aabbcc")).ari == 0
    assert island_agreement(labels("aaa..."), labels("...bbb")) == island_agreement(labels("a....."), labels(".....b"))
    assert island_agreement(labels("aaa..."), labels("...bbb")).shared == 0


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((60, 2)) * [3, 1]


def test_disparity_equals_scipy(picture: np.ndarray) -> None:
    other = picture + np.random.default_rng(1).standard_normal((60, 2))
    assert disparity(picture, other) == pytest.approx(scipy_procrustes(picture, other)[2], abs=1e-12)


def test_disparity_ignores_motion_mirroring_and_scale_only(picture: np.ndarray) -> None:
    mirrored = picture @ np.array([[0.6, 0.8], [0.8, -0.6]]) * 4 - 3
    assert disparity(picture, mirrored) == pytest.approx(0, abs=1e-12)
    assert disparity(picture, picture * [1, 4]) > 0.1
    assert disparity(picture, np.random.default_rng(2).standard_normal((60, 2))) > 0.8


def test_aligning_recovers_the_reference(picture: np.ndarray) -> None:
    mirrored = picture @ np.array([[0.6, 0.8], [0.8, -0.6]]) * 4 - 3
    np.testing.assert_allclose(align(mirrored, picture), align(picture, picture), atol=1e-9)
    assert np.sqrt(np.mean(np.sum(align(mirrored, picture) ** 2, axis=1))) == pytest.approx(1)


def test_jackknife_by_hand() -> None:
    # Pairs of runs a, b, c: 1, 2, 6. Leaving out a run leaves one pair: 6, 2, 1 with mean 3.
    pairs = [("a", "b", 1.0), ("a", "c", 2.0), ("b", "c", 6.0)]
    assert jackknife_over_runs(pairs) == pytest.approx(np.sqrt(2 / 3 * (9 + 1 + 4)))
    assert jackknife_over_runs(pairs[:1]) is None


def test_recommends_the_best_of_each_reducer_and_never_the_reference() -> None:
    candidates = [
        Candidate("tsne good", "tsne", 0.99, 0.98, 0.9),
        Candidate("tsne worse", "tsne", 0.98, 0.97, 0.8),
        Candidate("umap steady", "umap", 0.97, 0.99, 0.99),
        Candidate("umap only", "umap", 0.90, 0.90, None),
        Candidate("pca", "pca", 1.0, 1.0, None),
    ]
    judged = {recommendation.candidate.configuration: recommendation for recommendation in recommend(candidates, 15)}
    assert [name for name, one in judged.items() if one.recommended] == ["tsne good", "umap steady"]
    assert [name for name, one in judged.items() if one.on_front] == ["tsne good", "umap steady"]
    assert "0.990" in judged["tsne good"].reason
    assert "the best of the 2 tsne settings" in judged["tsne good"].reason
    assert judged["tsne worse"].reason.startswith("another setting is more faithful: ")
    assert "never recommended" in judged["pca"].reason
    # Mean ranks in the two scores: 0.5, 1.5, 1 and 3.
    assert [one.rank for one in judged.values()] == [1, 3, 2, 4, None]


def test_clusters_kept_come_before_faithfulness_and_faithfulness_before_steadiness() -> None:
    candidates = [
        Candidate("faithful, merges", "tsne", 0.99, 0.99, 0.9, kept=3),
        Candidate("keeps all", "tsne", 0.80, 0.80, 0.1, kept=5),
        Candidate("keeps all, faithful", "tsne", 0.90, 0.90, 0.1, kept=5),
        Candidate("keeps all, faithful, steady", "tsne", 0.90, 0.90, 0.8, kept=5),
        Candidate("not followed", "umap", 1.0, 1.0, 1.0),
    ]
    judged = recommend(candidates, 15, Wanted(5, "REAL cluster"))
    assert [one.rank for one in judged] == [4, 3, 2, 1, 5]
    assert [one.recommended for one in judged] == [False, False, False, True, True]
    assert "keeps 5 of 5 REAL clusters, trustworthiness 0.900" in judged[3].reason
    assert [one.reason.split(":")[0].removeprefix("another setting ") for one in judged[:3]] == [
        "keeps more clusters",
        "keeps as many clusters and is more faithful",
        "keeps as many clusters and is as faithful and as steady or steadier",
    ]


def test_recommends_with_one_seed_and_with_the_reference_alone() -> None:
    alone = recommend([Candidate("pca", "pca", 0.8, 0.9, None)], 7)
    assert [one.recommended for one in alone] == [False]
    single = recommend([Candidate("umap", "umap", 0.8, 0.9, None)], 7)
    assert single[0].recommended


def test_element_centric_similarity_by_hand_and_by_its_definition() -> None:
    a, b = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    # Row 0: island of 3 and of 2, 2 in common: 2/3. Row 2: 3 and 3, 1 in common: 1/3.
    found = element_centric_similarity(a.astype(np.int32), b.astype(np.int32))
    np.testing.assert_allclose(found, [2 / 3, 2 / 3, 1 / 3, 2 / 3, 2 / 3])
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 4, 50).astype(np.int32), generator.integers(0, 6, 50).astype(np.int32)
    np.testing.assert_allclose(element_centric_similarity(a, b), by_walks(a, b, damping=0.9), atol=1e-12)
    np.testing.assert_array_equal(element_centric_similarity(a, a), 1)
    np.testing.assert_array_equal(element_centric_similarity(a, 5 - b), element_centric_similarity(a, b))


def by_walks(a: np.ndarray, b: np.ndarray, damping: float) -> np.ndarray:
    """Return ECS from the personalised PageRank that defines it: α spread over the island, 1 − α at home."""

    def walks(labels: np.ndarray) -> np.ndarray:
        together = labels[:, None] == labels[None]
        return damping * together / together.sum(axis=1, keepdims=True) + (1 - damping) * np.eye(len(labels))

    return np.asarray(1 - np.abs(walks(a) - walks(b)).sum(axis=1) / (2 * damping))


def test_neighbours_in_a_picture_by_hand_and_with_many_rows_on_one_spot() -> None:
    line = np.array([[0.0, 0], [1, 0], [3, 0], [3.5, 0]])
    np.testing.assert_array_equal(picture_neighbours(line, 2), [[1, 2], [0, 2], [1, 3], [1, 2]])
    crowded = picture_neighbours(np.zeros((30, 2)), 4)
    assert crowded.shape == (30, 4)
    assert all(row not in near and len(set(near.tolist())) == 4 for row, near in enumerate(crowded))


def test_neighbour_overlap_by_hand_and_at_its_limits(picture: np.ndarray) -> None:
    first, second = np.array([[1, 2, 3]]), np.array([[2, 3, 9]])
    rows = np.repeat(first, 60, axis=0), np.repeat(second, 60, axis=0)
    np.testing.assert_allclose(neighbour_jaccard(*rows), (2 / 4 - chance_jaccard(3, 60)) / (1 - chance_jaccard(3, 60)))
    # With 2 of 3 other rows: the overlap is 1 with probability 2/3 (Jaccard 1/3), and 2 with 1/3 (Jaccard 1).
    assert chance_jaccard(2, 4) == pytest.approx(2 / 3 * 1 / 3 + 1 / 3)
    near = picture_neighbours(picture, 10)
    np.testing.assert_allclose(neighbour_jaccard(near, near), 1)
    turned = picture_neighbours(picture @ np.array([[0.6, 0.8], [0.8, -0.6]]) * 4, 10)
    np.testing.assert_allclose(neighbour_jaccard(near, turned), 1)
    assert [compared_neighbours(rows) for rows in (10, 16, 46, 1000)] == [3, 5, 15, 15]
    shuffled = [
        neighbour_jaccard(near, picture_neighbours(np.random.default_rng(seed).permutation(picture), 10)).mean()
        for seed in range(40)
    ]
    assert np.mean(shuffled) == pytest.approx(0, abs=3 * np.std(shuffled) / np.sqrt(40))
