"""The losses of t-SNE and UMAP, and the sampled sum under both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse
from openTSNE import TSNEEmbedding
from openTSNE.affinity import PrecomputedAffinities
from scipy.special import rel_entr, xlogy

from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.scores.loss import sampled_sum
from steadymap.tasks.numerics.scores.loss.cross_entropy import cross_entropy
from steadymap.tasks.numerics.scores.loss.kl_divergence import kl_divergence
from steadymap.tasks.numerics.scores.loss.sampled_sum import Loss, sum_over_unjoined

ROWS = 300
EVERY = np.arange(ROWS)
TURN = np.array([[0.6, 0.8], [0.8, -0.6]])
A, B = 1.577, 0.8951
"""umap-learn's curve at min_dist 0.1. Its own graph is not used here: it takes ten seconds to compile."""

Graphs = tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]


@pytest.fixture(scope="module")
def latent() -> np.ndarray:
    generator = np.random.default_rng(0)
    centres = 3 * generator.standard_normal((4, 5))
    return (centres[np.arange(ROWS) % 4] + generator.standard_normal((ROWS, 5))).astype(np.float32)


@pytest.fixture(scope="module")
def graphs(latent: np.ndarray) -> Graphs:
    """Return t-SNE's joint probabilities and memberships like those of UMAP's graph: the largest is 1, float32."""
    joint = joint_probabilities(nearest_neighbours(latent, 30), 10)
    return joint, (joint / joint.max()).astype(np.float32)


@pytest.fixture
def picture(latent: np.ndarray) -> np.ndarray:
    return 3 * latent[:, :2].astype(np.float64)


def kl(graphs: Graphs, picture: np.ndarray, sample: np.ndarray = EVERY) -> Loss:
    return kl_divergence(graphs[0], picture, sample)


def ce(graphs: Graphs, picture: np.ndarray, sample: np.ndarray = EVERY) -> Loss:
    return cross_entropy(graphs[1], picture, A, B, sample)


Measure = Callable[..., Loss]
both = pytest.mark.parametrize("loss", [kl, ce])


def edge(rows: int, weight: float) -> scipy.sparse.csr_matrix:
    """Join rows 0 and 1 only."""
    return scipy.sparse.csr_matrix(([weight, weight], ([0, 1], [1, 0])), shape=(rows, rows))


def squared_distances(picture: np.ndarray) -> np.ndarray:
    return np.asarray(np.sum((picture[:, None] - picture[None]) ** 2, axis=2))


# --- a sum over pairs -------------------------------------------------------------------------------------------


def test_a_sum_over_pairs_by_hand() -> None:
    # On a line at 0, 1, 3: squared distances 1, 9, 4. Rows 0 and 1 are joined, so 2 · (9 + 4) is left; row 0 has 9
    # of it, row 1 4, row 2 13.
    line = np.array([[0.0, 0], [1, 0], [3, 0]])
    assert sum_over_unjoined(np.positive, line, edge(3, 0.5), np.arange(3)) == Loss(26, 0)
    half = sum_over_unjoined(np.positive, line, edge(3, 0.5), np.array([0, 2]))
    assert half.value == pytest.approx(3 / 2 * (9 + 13))
    assert half.stderr == pytest.approx(3 * np.std([9, 13], ddof=1) / np.sqrt(2) * np.sqrt(1 / 3))
    with pytest.raises(ValueError, match="a sample of 1 rows"):
        sum_over_unjoined(np.positive, line, edge(3, 0.5), np.array([1]))


@both
def test_block_size_changes_no_number(
    loss: Measure, graphs: Graphs, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = loss(graphs, picture, EVERY[::3])
    monkeypatch.setattr(sampled_sum, "CELLS_AT_A_TIME", 7 * ROWS)
    pieces = loss(graphs, picture, EVERY[::3])
    assert (pieces.value, pieces.stderr) == (pytest.approx(whole.value), pytest.approx(whole.stderr))


@both
def test_a_sample_is_within_three_standard_errors_in_95_of_100_draws(
    loss: Measure, graphs: Graphs, picture: np.ndarray
) -> None:
    exact = loss(graphs, picture)
    assert exact.stderr == 0
    generator = np.random.default_rng(1)
    drawn = [loss(graphs, picture, generator.choice(ROWS, 60, replace=False)) for _ in range(100)]
    assert min(one.stderr for one in drawn) > 0
    assert sum(abs(one.value - exact.value) <= 3 * one.stderr for one in drawn) >= 95
    # Neither too large: the spread of the draws is what the standard error says.
    told = np.sqrt(np.mean([one.stderr**2 for one in drawn]))
    assert np.std([one.value for one in drawn]) == pytest.approx(told, rel=0.25)
    assert np.mean([one.value for one in drawn]) == pytest.approx(exact.value, abs=3 * told / 10)


@both
def test_losses_ignore_motion_and_the_names_of_rows_but_not_scale_nor_the_picture(
    loss: Measure, graphs: Graphs, picture: np.ndarray
) -> None:
    base = loss(graphs, picture).value
    assert loss(graphs, picture @ TURN - 5).value == pytest.approx(base)
    assert loss(graphs, picture.astype(np.float32)).value == pytest.approx(base, rel=1e-5)
    order = np.random.default_rng(2).permutation(ROWS)
    renamed = (graphs[0][order][:, order], graphs[1][order][:, order])
    assert loss(renamed, picture[order]).value == pytest.approx(base)
    assert abs(loss(graphs, 2 * picture).value - base) > 0.01 * base
    assert loss(graphs, picture[order]).value > 1.2 * base
    given = [graph.copy() for graph in graphs]
    loss(graphs, picture)
    assert all((before != after).nnz == 0 for before, after in zip(given, graphs, strict=True))


# --- Kullback-Leibler divergence --------------------------------------------------------------------------------


def test_kl_divergence_by_hand() -> None:
    # On a line at 0, 1, 3: similarities 1/2, 1/10, 1/5, twice each, so Z = 1.6 and q₀₁ = 0.3125. Only p₀₁ = p₁₀ = 1/2.
    line = np.array([[0.0, 0], [1, 0], [3, 0]])
    assert kl_divergence(edge(3, 0.5), line, np.arange(3)).value == pytest.approx(np.log(0.5 / 0.3125))


def test_kl_divergence_equals_its_definition_and_what_opentsne_reports(graphs: Graphs, picture: np.ndarray) -> None:
    p = graphs[0].toarray()
    similarity = 1 / (1 + squared_distances(picture))
    np.fill_diagonal(similarity, 0)
    q = similarity / similarity.sum()
    expected = np.sum(xlogy(p, p) - p * np.log(np.where(p > 0, q, 1)))
    assert kl(graphs, picture).value == pytest.approx(expected, abs=1e-12)
    # openTSNE reports the loss before its last step: one that leads nowhere. With θ = 0 it approximates nothing.
    affinities = PrecomputedAffinities(graphs[0].copy(), normalize=False)
    still = TSNEEmbedding(picture, affinities, negative_gradient_method="bh", theta=0, random_state=0, n_jobs=1)
    still.optimize(1, learning_rate=1e-300, inplace=True)
    assert kl(graphs, picture).value == pytest.approx(still.kl_divergence, abs=1e-6)


def test_kl_divergence_is_zero_where_the_picture_is_its_own_model(picture: np.ndarray) -> None:
    similarity = 1 / (1 + squared_distances(picture))
    np.fill_diagonal(similarity, 0)
    joint = scipy.sparse.csr_matrix(similarity / similarity.sum())
    assert kl_divergence(joint, picture, EVERY).value == pytest.approx(0, abs=1e-12)
    # All pairs are joined, so that nothing is left to sample.
    assert kl_divergence(joint, picture, EVERY[:9]).stderr == pytest.approx(0, abs=1e-12)


# --- cross-entropy ----------------------------------------------------------------------------------------------


def test_cross_entropy_by_hand() -> None:
    # With a = b = 1 on a line at 0, 1, 3: w = 1/2, 1/10, 1/5. The edge 01 has v = w and costs nothing; the other two
    # pairs, twice each, cost −log 0.9 and −log 0.8.
    line = np.array([[0.0, 0], [1, 0], [3, 0]])
    found = cross_entropy(edge(3, 0.5), line, 1, 1, np.arange(3))
    assert found.value == pytest.approx(-2 * np.log(0.9 * 0.8) / 3)
    # With v = 1 it costs log 2, twice.
    found = cross_entropy(edge(3, 1.0), line, 1, 1, np.arange(3))
    assert found.value == pytest.approx(-2 * np.log(0.5 * 0.9 * 0.8) / 3)


def test_cross_entropy_equals_its_definition(graphs: Graphs, picture: np.ndarray) -> None:
    v = graphs[1].toarray().astype(np.float64)
    w = 1 / (1 + A * squared_distances(picture) ** B)
    each = rel_entr(v, w) + rel_entr(1 - v, np.maximum(1 - w, 1e-4))
    np.fill_diagonal(each, 0)
    assert ce(graphs, picture).value == pytest.approx(each.sum() / ROWS, rel=1e-9)


def test_rows_on_one_spot_cost_a_finite_amount_and_a_faithful_picture_costs_nothing() -> None:
    spot = np.zeros((3, 2))
    # Two of three pairs have no edge; the edge of v = 1 costs nothing on one spot.
    assert cross_entropy(edge(3, 1.0), spot, A, B, np.arange(3)).value == pytest.approx(-4 * np.log(1e-4) / 3)
    far = np.array([[0.0, 0], [0, 0], [1e9, 0]])
    assert cross_entropy(edge(3, 1.0), far, A, B, np.arange(3)).value == pytest.approx(0, abs=1e-9)


def test_a_membership_above_1_by_rounding_is_1() -> None:
    line = np.array([[0.0, 0], [1, 0], [3, 0]])
    rounded = edge(3, float(np.nextafter(np.float32(1), np.float32(2))))
    assert cross_entropy(rounded, line, 1, 1, np.arange(3)) == cross_entropy(edge(3, 1.0), line, 1, 1, np.arange(3))
