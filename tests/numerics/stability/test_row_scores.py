"""Scores of rows: NESS, distance variance, EMBEDR's error and p, scDEED's reliability."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.neighbours import Neighbours, nearest_neighbours
from steadymap.tasks.numerics.scores.embedr import combine_p, conditional_affinities, embedding_errors, empirical_p
from steadymap.tasks.numerics.scores.ranks import rank_blocks
from steadymap.tasks.numerics.scores.scdeed import classify, reliability
from steadymap.tasks.numerics.stability import distance_variance as distance_variance_module
from steadymap.tasks.numerics.stability import ness as neighbour_stability
from steadymap.tasks.numerics.stability.distance_variance import distance_variance
from steadymap.tasks.numerics.stability.neighbour_overlap import picture_neighbours
from steadymap.tasks.numerics.stability.ness import NeighbourCounts, kept_share

ROWS = 60
TURN = np.array([[0.6, 0.8], [0.8, -0.6]])
"""A turn with a mirroring."""

Run = tuple[np.ndarray, np.ndarray | None]


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((ROWS, 2)) * [3, 1]


@pytest.fixture
def runs(picture: np.ndarray) -> list[Run]:
    """Noisy copies of a picture; two of the five drew a part of the rows, and none drew row 7."""
    generator = np.random.default_rng(1)
    drawn: list[Run] = []
    for size in (59, 40, 59, 45, 59):
        present = np.sort(generator.choice(np.delete(np.arange(ROWS), 7), size, replace=False))
        drawn.append((picture[present] + 0.3 * generator.standard_normal((size, 2)), present))
    return drawn


# --- NESS -------------------------------------------------------------------------------------------------------


def ness(rows: int, runs: list[Run], k: int = 5) -> np.ndarray:
    counts = NeighbourCounts(rows)
    for coordinates, present in runs:
        counts.add(picture_neighbours(coordinates, k), present)
    return counts.stability()


def test_ness_by_hand() -> None:
    # Row 0 has neighbour 1, then 2; row 1 has 0, 0; row 2 has 3, 0; row 3 has 2, 2. The larger of both directions:
    # pairs 01 and 23 in 2 of 2 runs, 02 in 1. The upper quartile of {1/2, 1} is 7/8.
    counts = NeighbourCounts(4)
    counts.add(np.array([[1], [0], [3], [2]]))
    counts.add(np.array([[2], [0], [0], [2]]))
    np.testing.assert_allclose(counts.stability(), [7 / 8, 1, 7 / 8, 1])


def ness_by_definition(rows: int, runs: list[Run], k: int) -> np.ndarray:
    counts, together = np.zeros((rows, rows)), np.zeros((rows, rows))
    for coordinates, present in runs:
        drawn = np.arange(rows) if present is None else present
        together[np.ix_(drawn, drawn)] += 1
        for row, near in zip(drawn, picture_neighbours(coordinates, k), strict=True):
            counts[row, drawn[near]] += 1
    counts = np.maximum(counts, counts.T)
    found = np.full(rows, np.nan)
    for row in np.flatnonzero(counts.any(axis=1)):
        near = counts[row] > 0
        found[row] = np.quantile(counts[row, near] / together[row, near], 0.75)
    return found


def test_ness_equals_its_dense_definition_on_parts_of_the_rows_and_beyond_64_runs(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbour_stability, "PAIRS_AT_A_TIME", 50)
    found = ness(ROWS, runs)
    np.testing.assert_allclose(found, ness_by_definition(ROWS, runs, 5), atol=1e-12)
    assert np.flatnonzero(np.isnan(found)).tolist() == [7]
    many = [(coordinates + 0.01 * number, present) for number in range(14) for coordinates, present in runs]
    np.testing.assert_allclose(ness(ROWS, many), ness_by_definition(ROWS, many, 5), atol=1e-12)


def test_ness_at_its_limits(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(ness(ROWS, [(picture, None)] * 4), 1)
    assert np.isnan(NeighbourCounts(5).stability()).all()
    shuffled = [(np.random.default_rng(seed).permutation(picture), None) for seed in range(20)]
    assert ness(ROWS, shuffled).mean() < 0.25
    with pytest.raises(ValueError, match="60 lines of neighbours for 2 rows drawn"):
        NeighbourCounts(ROWS).add(picture_neighbours(picture, 3), np.array([4, 9]))


def test_ness_ignores_motion_the_order_of_runs_and_the_names_of_rows_but_not_the_picture(runs: list[Run]) -> None:
    base = ness(ROWS, runs)
    moved = [(coordinates @ TURN * 5 + 1, present) for coordinates, present in runs[::-1]]
    np.testing.assert_array_equal(ness(ROWS, moved), base)
    whole = [(coordinates[:40], None) for coordinates, _ in runs]
    order = np.random.default_rng(2).permutation(40)
    renamed = [(coordinates[order], None) for coordinates, _ in whole]
    np.testing.assert_allclose(ness(40, renamed), ness(40, whole)[order])
    torn = [*runs[:-1], (np.random.default_rng(3).permutation(runs[-1][0]), runs[-1][1])]
    assert np.nanmean(ness(ROWS, torn)) < np.nanmean(base) - 0.05


def test_ness_counts_runs_where_the_reference_counts_directions() -> None:
    # Row 0 names 1 in the first run only, row 1 names 0 in the second only. The reference takes the larger direction
    # after every run and goes on counting from there, so the pair reaches 2 in one order of naming.
    first, second = np.array([[1], [2], [1]]), np.array([[2], [0], [1]])
    running = np.zeros((3, 3))
    counts = NeighbourCounts(3)
    for neighbours in (first, second):
        running[np.arange(3), neighbours[:, 0]] += 1
        running = np.maximum(running, running.T)
        counts.add(neighbours)
    assert running[0, 1] == 2
    # Row 0: neighbour 1 and neighbour 2 in one of two runs each.
    assert counts.stability()[0] == 0.5


def test_kept_share_by_hand_by_its_definition_and_at_its_limits(picture: np.ndarray) -> None:
    own = np.array([[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]])
    others = [
        np.array([[1, 2], [0, 3], [3, 4], [0, 1], [0, 1]]),
        np.array([[1, 3], [0, 2], [3, 4], [1, 2], [0, 1]]),
    ]
    # Row 0 keeps neighbour 1 in 2 of 2 and neighbour 2 in 1 of 2 pictures: upper quartile of {1/2, 1}.
    np.testing.assert_allclose(kept_share(own, others), [7 / 8, 7 / 8, 0, 7 / 8, 1])
    pictures = [picture + 0.5 * np.random.default_rng(seed).standard_normal((ROWS, 2)) for seed in range(6)]
    near = [picture_neighbours(one, 7) for one in pictures]
    expected = [
        np.quantile(np.mean([np.isin(near[0][row], other[row]) for other in near[1:]], axis=0), 0.75)
        for row in range(ROWS)
    ]
    np.testing.assert_allclose(kept_share(near[0], near[1:]), expected, atol=1e-12)
    np.testing.assert_array_equal(kept_share(near[0], [near[0]] * 3), 1)
    np.testing.assert_array_equal(kept_share(near[0], near[:0:-1]), kept_share(near[0], near[1:]))
    assert np.isnan(kept_share(near[0], [])).all()
    assert kept_share(near[1], [near[0], *near[2:]]).tolist() != kept_share(near[0], near[1:]).tolist()


# --- distance variance ------------------------------------------------------------------------------------------


def test_distance_variance_by_hand() -> None:
    # On a line at 0, 1, 2 and then at 0, 2, 1: distances 01 and 02 are 1 and 2, then 2 and 1, in the same unit, so
    # both have mean 1.5 and variance 0.25; 0.25 / 1.5².
    line = np.array([[0.0, 0], [1, 0], [2, 0]])
    found = distance_variance([(line, None), (7 * line[[0, 2, 1]], None)], np.array([[1], [0], [0]]))
    np.testing.assert_allclose(found, 1 / 9)


def distance_variance_by_definition(runs: list[Run], neighbours: np.ndarray) -> np.ndarray:
    """Follow the reference: lists of distances by pair, np.var, means of means; but scaled, and no lists of one."""
    distances: dict[tuple[int, int], list[float]] = {}
    for coordinates, present in runs:
        drawn = np.arange(len(coordinates)) if present is None else present
        place = {int(row): at for at, row in enumerate(drawn)}
        centred = coordinates - coordinates.mean(axis=0)
        scaled = centred / np.sqrt(np.mean(np.sum(centred**2, axis=1)))
        for i, line in enumerate(neighbours.tolist()):
            for j in line:
                if i in place and j in place:
                    distances.setdefault((i, j), []).append(float(np.linalg.norm(scaled[place[i]] - scaled[place[j]])))
    known = {pair: values for pair, values in distances.items() if len(values) > 1}
    scale = np.mean([np.mean(values) for values in known.values()])
    found = np.full(len(neighbours), np.nan)
    for i, line in enumerate(neighbours.tolist()):
        variances = [np.var(known[i, j] / scale) for j in line if (i, j) in known]
        if variances:
            found[i] = np.mean(variances)
    return found


def test_distance_variance_equals_its_definition_whatever_the_block(
    runs: list[Run], picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = picture_neighbours(picture, 6)
    expected = distance_variance_by_definition(runs, near)
    assert np.flatnonzero(np.isnan(expected)).tolist() == [7]
    np.testing.assert_allclose(distance_variance(runs, near), expected, atol=1e-12)
    monkeypatch.setattr(distance_variance_module, "CELLS_AT_A_TIME", 100)
    np.testing.assert_allclose(distance_variance(runs, near.astype(np.int32)), expected, atol=1e-12)


def test_distance_variance_at_its_limits(picture: np.ndarray) -> None:
    near = picture_neighbours(picture, 6)
    np.testing.assert_allclose(distance_variance([(picture, None)] * 3, near), 0, atol=1e-12)
    assert np.isnan(distance_variance([(picture, None)], near)).all()
    assert np.isnan(distance_variance([], near)).all()
    np.testing.assert_array_equal(distance_variance([(np.zeros((ROWS, 2)), None)] * 2, near), 0)


def test_distance_variance_ignores_motion_and_scale_of_each_run_and_finds_the_row_that_moves(
    picture: np.ndarray,
) -> None:
    near = picture_neighbours(picture, 6)
    noisy = [picture + 0.02 * np.random.default_rng(seed).standard_normal((ROWS, 2)) for seed in range(5)]
    base = distance_variance([(one, None) for one in noisy], near)
    moved = [(one @ TURN * (1 + number) - number, None) for number, one in enumerate(noisy)]
    np.testing.assert_allclose(distance_variance(moved, near), base, atol=1e-12)
    noisy[2][11] += 4
    assert np.argmax(distance_variance([(one, None) for one in noisy], near)) == 11


# --- EMBEDR -----------------------------------------------------------------------------------------------------


@pytest.fixture
def neighbours() -> Neighbours:
    return nearest_neighbours(np.random.default_rng(4).standard_normal((ROWS, 5)).astype(np.float32), 30)


def by_bisection(distances: np.ndarray, perplexity: float) -> np.ndarray:
    """Search each row's bandwidth by halving, as van der Maaten & Hinton define it."""
    squared = distances.astype(np.float64) ** 2
    low, high = np.zeros(len(squared)), np.full(len(squared), 1e6)
    for _ in range(200):
        middle = (low + high) / 2
        weights = np.exp(-middle[:, None] * (squared - squared[:, :1]))
        weights /= weights.sum(axis=1, keepdims=True)
        wide = entropy(weights, axis=1) > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return np.asarray(weights)


def test_affinities_equal_a_bisection_have_the_perplexity_and_lead_to_those_of_tsne(neighbours: Neighbours) -> None:
    found = conditional_affinities(neighbours, 8)
    assert found.shape == (ROWS, 24)
    np.testing.assert_allclose(found, by_bisection(neighbours.distances[:, :24], 8), atol=1e-6)  # openTSNE's tolerance
    np.testing.assert_allclose(np.exp(entropy(found, axis=1)), 8, rtol=1e-4)
    dense = np.zeros((ROWS, ROWS))
    np.put_along_axis(dense, neighbours.indices[:, :24].astype(np.int64), found, axis=1)
    np.testing.assert_allclose((dense + dense.T) / (2 * ROWS), joint_probabilities(neighbours, 8).toarray(), atol=1e-12)
    with pytest.raises(ValueError, match="give 36"):
        conditional_affinities(neighbours, 12)


def test_embedding_error_by_hand_and_as_scipy_has_it(neighbours: Neighbours, picture: np.ndarray) -> None:
    # Distances² 0 and 1 give similarities 1 and 1/2, normalised 2/3 and 1/3.
    line = np.array([[0.0, 0], [0, 0], [1, 0]])
    found = embedding_errors(np.array([[1, 2], [0, 2], [0, 1]]), np.array([[0.5, 0.5], [1, 0], [0.5, 0.5]]), line)
    np.testing.assert_allclose(found, [np.log(3 / 4) / 2 + np.log(3 / 2) / 2, np.log(3 / 2), 0], atol=1e-15)
    affinities = conditional_affinities(neighbours, 8)
    near = neighbours.indices[:, :24]
    similarity = 1 / (1 + np.sum((picture[near] - picture[:, None]) ** 2, axis=2))
    found = embedding_errors(near, affinities, picture.astype(np.float32))
    np.testing.assert_allclose(found, entropy(affinities, similarity, axis=1), rtol=1e-5)


def test_embedding_error_ignores_motion_but_neither_scale_nor_neighbours(
    neighbours: Neighbours, picture: np.ndarray
) -> None:
    affinities, near = conditional_affinities(neighbours, 8), neighbours.indices[:, :24]
    base = embedding_errors(near, affinities, picture)
    np.testing.assert_allclose(embedding_errors(near, affinities, picture @ TURN - 4), base, atol=1e-12)
    assert np.abs(embedding_errors(near, affinities, 3 * picture) - base).min() > 1e-4
    # A picture of one spot has even similarities: what is left is the entropy that even affinities would have more.
    spot = embedding_errors(near, affinities, np.zeros((ROWS, 2)))
    np.testing.assert_allclose(spot, np.log(24) - entropy(affinities, axis=1), atol=1e-12)


def test_p_by_hand_and_never_zero() -> None:
    null = np.array([3.0, 1, 2, 2])
    # At or below 0, 1, 2, 2.5, 9 lie 0, 1, 3, 3, 4 of four.
    np.testing.assert_allclose(empirical_p(np.array([0, 1, 2, 2.5, 9]), null), [1 / 5, 2 / 5, 4 / 5, 4 / 5, 1])
    generator = np.random.default_rng(5)
    same = empirical_p(generator.standard_normal(20_000), generator.standard_normal(999))
    for alpha in (0.05, 0.2, 0.5):
        assert np.mean(same <= alpha) == pytest.approx(alpha, abs=0.04)
    scale = empirical_p(np.exp([1.5]), np.exp(null))
    assert scale == empirical_p(np.array([1.5]), null)


def test_combined_p_by_hand_and_valid_where_a_mean_is_not() -> None:
    np.testing.assert_allclose(combine_p(np.array([[0.01, 0.9], [0.03, 0.8], [0.5, 0.1]])), [0.06, 1])
    np.testing.assert_allclose(combine_p(np.array([[0.01], [0.03]])), [0.04])
    even = np.random.default_rng(6).uniform(size=(9, 40_000))
    even[1:5] = even[0]
    combined = combine_p(even)
    for alpha in (0.01, 0.05, 0.2):
        assert np.mean(combined <= alpha) <= alpha
    # Two p that are even each, but small together, one just when the other is large for its kind: below 0.1 they add
    # up to 0.1, so that their mean is 0.05 a tenth of the time.
    small = np.where(even[0] < 0.1, np.array([[0], [0.1]]) + np.array([[1], [-1]]) * even[0], even[0])
    assert np.mean(small.mean(axis=0) <= 0.05) > 0.09
    assert np.mean(combine_p(small) <= 0.05) == 0


def test_a_picture_of_structure_has_smaller_p_than_one_of_none() -> None:
    generator = np.random.default_rng(7)
    centres = 10 * generator.standard_normal((3, 6))
    latent = (centres[np.arange(90) % 3] + generator.standard_normal((90, 6))).astype(np.float32)
    null = np.column_stack([generator.choice(column, 90) for column in latent.T])
    null = null[np.lexsort(null.T)]

    def errors(vectors: np.ndarray) -> np.ndarray:
        near = nearest_neighbours(vectors, 15)
        return embedding_errors(near.indices, conditional_affinities(near, 5), vectors[:, :2])

    p = empirical_p(errors(latent), errors(null))
    assert np.median(p) < 0.5
    assert np.median(empirical_p(errors(null), errors(null))) == pytest.approx(0.5, abs=0.02)


# --- reliability ------------------------------------------------------------------------------------------------


def reliabilities(latent: np.ndarray, picture: np.ndarray) -> np.ndarray:
    blocks = rank_blocks(latent, [picture], np.arange(len(latent)), 1)
    return np.concatenate([reliability(block[0]) for block in blocks])


def test_reliability_by_hand() -> None:
    # Of six rows the nearest three count. Around row 0 they are 1, 2, 3, drawn at 1, 3, 2: the correlation of
    # (1, 3, 2) with (1, 2, 3) is 1/2.
    latent = np.array([[0.0], [1], [2], [3], [10], [20]])
    picture = np.array([[0.0, 0], [1, 0], [3, 0], [2, 0], [10, 0], [20, 0]])
    assert reliabilities(latent, picture)[0] == pytest.approx(0.5)


def reliability_by_definition(latent: np.ndarray, picture: np.ndarray) -> np.ndarray:
    half, found = len(latent) // 2, []
    for x, y in zip(latent, picture, strict=True):
        drawn = np.linalg.norm(picture - y, axis=1)
        order = np.argsort(np.linalg.norm(latent - x, axis=1), kind="stable")
        found.append(np.corrcoef(drawn[order][1 : half + 1], np.sort(drawn)[1 : half + 1])[0, 1])
    return np.array(found)


@pytest.mark.parametrize("rows", [9, 80])
def test_reliability_equals_numpy_row_by_row(rows: int) -> None:
    generator = np.random.default_rng(8)
    latent = generator.standard_normal((rows, 4))
    picture = latent[:, :2] + generator.standard_normal((rows, 2))
    np.testing.assert_allclose(reliabilities(latent, picture), reliability_by_definition(latent, picture), atol=1e-12)


def test_reliability_at_its_limits() -> None:
    generator = np.random.default_rng(9)
    latent = generator.standard_normal((200, 2))
    np.testing.assert_allclose(reliabilities(latent, latent), 1)
    assert abs(reliabilities(latent, generator.standard_normal((200, 2))).mean()) < 0.05
    # Equal distances correlate with nothing, not even by their rounding errors.
    np.testing.assert_array_equal(reliabilities(latent, np.zeros((200, 2))), 0)
    spot = np.full((200, 2), 0.1)
    spot[0] = 0.3
    np.testing.assert_array_equal(reliabilities(latent, spot), 0)
    assert reliabilities(latent[:2], latent[:2]).tolist() == [0, 0]


def test_reliability_ignores_motion_and_scale_but_not_the_picture() -> None:
    generator = np.random.default_rng(10)
    latent = generator.standard_normal((80, 4))
    picture = latent[:, :2] + generator.standard_normal((80, 2))
    base = reliabilities(latent, picture)
    np.testing.assert_allclose(reliabilities(5 * latent, picture @ TURN * 7 + 2), base, atol=1e-12)
    order = generator.permutation(80)
    np.testing.assert_allclose(reliabilities(latent[order], picture[order]), base[order], atol=1e-12)
    assert np.abs(reliabilities(latent, picture[order]) - base).max() > 0.1


def test_rows_are_called_by_the_quantiles_of_the_null() -> None:
    null = np.linspace(0, 1, 101)
    values = np.array([0.049, 0.05, 0.5, 0.95, 0.951])
    assert classify(values, null).tolist() == [-1, 0, 0, 0, 1]
    assert classify(2 * values, 2 * null).tolist() == [-1, 0, 0, 0, 1]
    assert classify(values, null).dtype == np.int8
    generator = np.random.default_rng(11)
    called = classify(generator.standard_normal(20_000), generator.standard_normal(20_000))
    assert np.mean(called == 1) == pytest.approx(0.05, abs=0.01)
    assert np.mean(called == -1) == pytest.approx(0.05, abs=0.01)
