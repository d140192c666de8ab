"""Health of a latent space: values worked by hand, and planted faults that are all found, with no false one."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.scores.latent_space.latent_health import (
    LatentHealth,
    effective_rank,
    examine,
    prior_divergence,
    variance_share,
)


def test_divergence_from_the_prior_by_hand() -> None:
    # μ = 1, σ² = 1: ½ (1 + 1 − 1 − 0) = ½; μ = 0, σ² = e: ½ (e − 2).
    found = prior_divergence(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(found, [0.5, (np.e - 2) / 2])


def test_effective_rank_between_one_line_and_all_directions_alike() -> None:
    assert effective_rank(np.array([4.0, 4.0, 4.0])) == pytest.approx(3)
    assert effective_rank(np.array([4.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_rank(np.zeros(3)) == 0
    # Singular values 3 and 1: shares ¾ and ¼.
    assert effective_rank(np.array([9.0, 1.0])) == pytest.approx(np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25)))


def test_share_of_variance_along_the_first_components() -> None:
    assert variance_share(np.array([6.0, 3.0, 1.0]), 2) == pytest.approx(0.9)


def test_rank_and_shares_are_those_of_the_singular_values_and_do_not_turn() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 6)) * [5, 3, 1, 1, 0.5, 0.2] + 7
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    singular = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)
    for one in (vectors, vectors @ turn):
        found = examine(one)
        assert found.effective_rank.value == pytest.approx(effective_rank(singular**2))
        assert dict(found.variance_shares)[2].value == pytest.approx(np.sum(singular[:2] ** 2) / np.sum(singular**2))


@pytest.mark.draws
def test_standard_error_of_the_effective_rank_is_what_other_draws_do() -> None:
    drawn = [
        examine(np.random.default_rng(seed).standard_t(8, size=(400, 5)) * [4, 2, 1, 1, 1]).effective_rank
        for seed in range(200)
    ]
    told = np.mean([one.stderr for one in drawn if one.stderr is not None])
    assert told == pytest.approx(np.std([one.value for one in drawn]), rel=0.25)


def test_a_space_without_any_variation_says_so_instead_of_failing() -> None:
    found = examine(np.full((50, 3), 2.0))
    assert found.states == ("constant",) * 3
    assert (found.effective_rank.value, found.dependent) == (0, 0)


def test_a_huge_mean_hides_no_variation_and_rounding_is_none() -> None:
    rng = np.random.default_rng(1)
    good = (1000 + rng.normal(size=(200, 2))).astype(np.float32)
    rounding = np.float32(1000) + np.float32(6e-5) * rng.integers(0, 2, size=(200, 1)).astype(np.float32)
    assert examine(np.hstack([good, rounding])).states == ("active", "active", "constant")


def test_directions_that_are_sums_of_others_are_counted() -> None:
    rng = np.random.default_rng(2)
    free = rng.normal(size=(200, 4))
    summed = np.column_stack([free, free[:, 0] + free[:, 1], free[:, 2] - free[:, 3]])
    assert examine(free).dependent == 0
    assert examine(summed).dependent == 2


# --- planted faults -----------------------------------------------------------------------------------------------


def _draw(seed: int) -> tuple[np.ndarray, np.ndarray | None, dict[int, str]]:
    """Draw a latent space of clusters with faults at known dimensions: 20 VAEs, 20 encoders that end in a ReLU."""
    rng = np.random.default_rng(seed)
    rows, width = int(rng.integers(300, 900)), int(rng.integers(8, 33))
    centres = rng.normal(size=(int(rng.integers(1, 6)), width)) * rng.uniform(0.3, 3)
    vectors = centres[rng.integers(len(centres), size=rows)] + rng.normal(size=(rows, width)) * rng.uniform(
        0.3, 1.5, width
    )
    is_vae = seed % 2 == 0
    log_variance = rng.normal(-3, 0.3, size=(rows, width)) if is_vae else None
    if not is_vae:
        # Each unit is on for 40 to 80 % of the rows: what falls below zero everywhere by its centre would be dead, too.
        vectors = np.maximum(vectors - np.diag(np.quantile(vectors, rng.uniform(0.2, 0.6, width), axis=0)), 0)
    truth: dict[int, str] = {}
    places = rng.permutation(width)[: int(rng.integers(0, width // 2))].tolist()
    for place in places:
        kind = str(rng.choice(["collapsed" if is_vae else "dead", "constant", "duplicated"]))
        others = [one for one in range(width) if one not in places]
        if kind == "collapsed" and log_variance is not None:
            vectors[:, place] = rng.normal(0, 0.02, size=rows)
            log_variance[:, place] = rng.normal(0, 0.02, size=rows)
        elif kind == "duplicated":
            source = int(rng.choice(others))
            vectors[:, place] = float(rng.choice([-2.0, 1.0, 0.5])) * vectors[:, source] + rng.choice([0.0, 3.0])
        else:
            vectors[:, place] = 0.0 if kind == "dead" else rng.uniform(0.5, 2)
        truth[place] = kind
    return vectors.astype(np.float32), log_variance, truth


def _agrees(found: LatentHealth, truth: dict[int, str]) -> bool:
    """Whether every planted fault is told and no other; of a dimension and its copies, the first is the original."""
    told = {place: state for place, state in enumerate(found.states) if state != "active"}
    copies = [place for place, kind in truth.items() if kind == "duplicated"]
    faults = {place: state for place, state in told.items() if state != "duplicated"}
    return (
        faults == {place: kind for place, kind in truth.items() if kind != "duplicated"}
        and sum(state == "duplicated" for state in told.values()) == len(copies)
        and found.dependent == 0
    )


@pytest.mark.parametrize("seed", range(40))
def test_planted_faults_are_all_found_and_none_is_false(seed: int) -> None:
    vectors, log_variance, truth = _draw(seed)
    found = examine(vectors, log_variance)
    assert _agrees(found, truth), (found.states, truth)


def test_a_copy_is_told_with_the_dimension_it_repeats() -> None:
    vectors = np.random.default_rng(3).normal(size=(100, 4))
    vectors[:, 3] = 5 - 2 * vectors[:, 1]
    assert examine(vectors).twin.tolist() == [-1, -1, -1, 1]


def test_without_the_posteriors_variance_nothing_is_called_collapsed() -> None:
    vectors = np.random.default_rng(4).normal(size=(300, 4)) * [1, 1, 1, 0.01]
    assert examine(vectors).states[3] == "negligible"
    assert examine(vectors, np.zeros((300, 4))).states[3] == "collapsed"


def test_a_posterior_collapse_of_everything() -> None:
    rng = np.random.default_rng(5)
    found = examine(rng.normal(0, 0.01, size=(200, 8)), rng.normal(0, 0.01, size=(200, 8)))
    assert found.count("collapsed") == 8
