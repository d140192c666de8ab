"""t-SNE's exact gradient: against its definition, against openTSNE without approximation, and along a whole layout."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from openTSNE.tsne import kl_divergence_bh

from steadymap.tasks.numerics.geometry.affinities import joint_probabilities
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.reducers.exact_gradient import exact_gradient
from steadymap.tasks.numerics.scores.loss.kl_divergence import kl_divergence


def drawn(rows: int = 300, scale: float = 3.0) -> tuple[np.ndarray, scipy.sparse.csr_matrix]:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((rows, 5)).astype(np.float32)
    joint = joint_probabilities(nearest_neighbours(vectors, 60), 20)
    return scale * generator.standard_normal((rows, 2)), joint


def by_definition(picture: np.ndarray, joint: scipy.sparse.csr_matrix) -> np.ndarray:
    differences = picture[:, None, :] - picture[None, :, :]
    weights = 1 / (1 + np.sum(differences**2, axis=2))
    np.fill_diagonal(weights, 0)
    pull = joint.toarray() * weights - weights**2 / weights.sum()
    return np.einsum("ij,ijd->id", pull, differences)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0])
def test_the_gradient_is_its_definition_at_every_extent(scale: float) -> None:
    picture, joint = drawn(scale=scale)
    _, gradient = exact_gradient(picture, joint)
    expected = by_definition(picture, joint)
    # Single precision in the repulsion: about 1e-6 of the largest entry.
    assert np.abs(gradient - expected).max() < 5e-6 * np.abs(expected).max()


def test_far_from_the_origin_nothing_changes() -> None:
    picture, joint = drawn()
    _, here = exact_gradient(picture, joint)
    _, there = exact_gradient(picture + np.array([1e5, -1e5]), joint)
    assert np.allclose(here, there, atol=1e-5 * np.abs(here).max())


def test_barnes_hut_without_approximation_agrees() -> None:
    picture, joint = drawn()
    kl, gradient = exact_gradient(picture, joint, should_eval_error=True)
    theirs, other = kl_divergence_bh(picture, joint, 1, {"theta": 0.0}, should_eval_error=True)
    assert np.abs(gradient - other).max() < 1e-5 * np.abs(other).max()
    assert kl == pytest.approx(theirs, abs=1e-5)
    assert kl == pytest.approx(kl_divergence(joint, picture, np.arange(300)).value, abs=1e-5)


def test_rows_on_one_spot_repel_nobody_and_break_nothing() -> None:
    _, joint = drawn()
    kl, gradient = exact_gradient(np.zeros((300, 2)), joint, should_eval_error=True)
    assert np.array_equal(gradient, np.zeros((300, 2)))
    assert np.isfinite(kl)


def test_the_order_of_rows_and_mirroring_turn_the_gradient_with_them() -> None:
    picture, joint = drawn()
    _, gradient = exact_gradient(picture, joint)
    order = np.random.default_rng(1).permutation(300)
    _, turned = exact_gradient(picture[order] * [-1, 1], joint[order][:, order].tocsr())
    assert np.allclose(turned, gradient[order] * [-1, 1], atol=1e-5 * np.abs(gradient).max())


def test_another_kernel_or_dimension_is_refused() -> None:
    picture, joint = drawn()
    with pytest.raises(ValueError, match="2 dimensions"):
        exact_gradient(np.zeros((300, 3)), joint)
    with pytest.raises(ValueError, match="degree of freedom"):
        exact_gradient(picture, joint, 2)
