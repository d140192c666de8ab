"""What is proposed, published and judged: rules by hand, and whole paths on data with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.numerics.candidates import latent_pieces, propose
from tasks.numerics.halves import prepare_halves
from tasks.numerics.known_truth import compare_with_truth, rate_of
from tasks.numerics.neighbours import nearest_neighbours
from tasks.numerics.published_clusters import publish
from tasks.numerics.row_order import canonical_order, row_keys
from tasks.numerics.separating_valley import separating_valleys
from tasks.numerics.split_consensus import SplitOutcome
from tasks.numerics.synthetic import generate
from tasks.numerics.valley_test import run_split
from tasks.numerics.verdicts import Evidence, judge

TESTED = Evidence(
    p=0.4,
    depth=0.6,
    low=0.4,
    high=0.9,
    rows_needed=None,
    recovered=0.9,
    dissolved=0.0,
    unmatched=0.0,
    splits=10,
    rows=2000,
)


def test_separated_clusters_are_real_or_hidden_by_how_many_settings_show_them() -> None:
    assert judge(replace(TESTED, p=0.05, recovered=0.5)).verdict == "REAL"
    assert judge(replace(TESTED, p=0.05, recovered=0.49)).verdict == "HIDDEN"
    assert judge(replace(TESTED, p=0.051)).verdict == "UNCERTAIN"
    assert "p = 0.004" in judge(replace(TESTED, p=0.004)).reason
    assert "p < 0.001" in judge(replace(TESTED, p=0.0001)).reason


def test_an_artefact_needs_evidence_of_its_own() -> None:
    no_valley = replace(TESTED, depth=0.95, low=0.85, high=1.0)
    assert judge(no_valley).verdict == "ARTEFACT"
    assert judge(replace(no_valley, low=0.79)).verdict == "UNCERTAIN"
    assert judge(replace(no_valley, recovered=0.4)).verdict == "UNCERTAIN"
    dissolved = replace(TESTED, dissolved=0.5)
    assert judge(dissolved).verdict == "ARTEFACT"
    # Without the rows to see a valley, falling apart is no evidence.
    assert judge(replace(dissolved, rows_needed=5000)).verdict == "UNCERTAIN"


def test_uncertain_says_what_would_settle_it() -> None:
    assert "about 3,000 more" in judge(replace(TESTED, rows_needed=5000)).reason
    assert "nothing corresponds" in judge(replace(TESTED, depth=None, low=None, high=None, unmatched=0.6)).reason
    assert "shallow valley" in judge(TESTED).reason
    untested = judge(replace(TESTED, splits=0)).reason
    assert "resamples.pairs" in untested
    assert (untested[0], untested[-1]) == ("N", ".")


def test_a_hidden_cluster_is_published_and_a_lasting_piece_stays() -> None:
    consensus = np.repeat([0, 1, 2, 3], [60, 20, 20, 20])
    # The tests part the first cluster in two, and keep the other three together.
    agreed = np.repeat([0, 1, 2], [30, 30, 60])
    hidden = publish(consensus, agreed, [0, 1], [], 5)
    assert np.bincount(hidden).tolist() == [30, 30, 20, 20, 20]
    joined = publish(consensus, agreed, [2], [], 5)
    assert np.bincount(joined).tolist() == [60, 60]
    assert np.array_equal(publish(consensus, agreed, [2], [1], 5), consensus)
    assert np.array_equal(publish(consensus, agreed, [], [], 5), consensus)


def test_what_is_left_of_a_cluster_goes_where_most_of_it_went() -> None:
    consensus = np.zeros(100, np.int64)
    agreed = np.repeat([0, 1, 2], [48, 48, 4])
    published = publish(consensus, agreed, [0, 1], [], 10)
    assert np.bincount(published).tolist() == [52, 48]


def known(family: str, rows: int = 1200, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    drawn = generate(family, rows, 8, seed)
    order = canonical_order(drawn.vectors, row_keys(drawn.vectors))
    return drawn.vectors[order], drawn.truth[order]


def test_a_cluster_that_every_picture_hides_is_proposed_from_the_latent_space() -> None:
    vectors, truth = known("two_5")
    blind = [np.zeros(len(vectors), np.int32)] * 6
    pieces = propose(blind, nearest_neighbours(vectors, 15).indices, vectors, 20)
    assert len(np.unique(pieces)) > 1
    # Every piece lies on one side, but for the few rows that any cut gets wrong.
    own = [np.bincount(truth[pieces == piece], minlength=2) for piece in np.unique(pieces)]
    assert sum(counts.max() for counts in own) > 0.97 * len(vectors)


def test_one_picture_of_six_alone_parts_nothing_and_two_do() -> None:
    vectors, _ = known("gauss_iso", 300)
    near = nearest_neighbours(vectors, 15).indices
    whole = np.zeros(300, np.int32)
    odd = (vectors[:, 0] > 0).astype(np.int32)
    alone = propose([whole] * 6, near, vectors, 20)
    assert np.array_equal(propose([odd, *[whole] * 5], near, vectors, 20), alone)
    assert len(np.unique(propose([odd] * 2 + [whole] * 4, near, vectors, 20))) > len(np.unique(alone))


def test_few_rows_are_one_latent_piece() -> None:
    assert set(latent_pieces(np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32))) == {0}


def split_of(family: str, pieces: int = 6) -> tuple[SplitOutcome, np.ndarray]:
    from sklearn.cluster import KMeans

    vectors, truth = known(family, 2000)
    keys = row_keys(vectors)
    discovery = np.arange(2000) % 2 == 0
    halves = prepare_halves(vectors[discovery], vectors[~discovery], keys[discovery], keys[~discovery])
    cut = KMeans(pieces, n_init=1, random_state=0).fit_predict(vectors[discovery])
    return SplitOutcome(discovery, run_split(halves, cut)), truth


def test_the_valley_of_a_cluster_is_deep_between_blobs_and_absent_in_one_cloud() -> None:
    split, truth = split_of("blobs5_8")
    for valley in separating_valleys(truth, split):
        assert valley is not None
        assert valley.depth is not None
        assert valley.depth.value < 0.2
    split, _ = split_of("gauss_iso")
    piece = np.zeros(2000, np.int64)
    piece[split.discovery] = split.test.fragments == 0
    (other, own) = separating_valleys(piece, split)
    assert own is not None
    assert own.depth is not None
    assert own.depth.high > 0.5
    assert other is None or other.p > 0.05


def test_nothing_corresponds_to_a_random_set_of_rows() -> None:
    split, _ = split_of("blobs5_8")
    scattered = np.random.default_rng(0).integers(0, 4, 2000)
    assert separating_valleys(scattered, split) == (None,) * 4


def test_verdicts_against_the_truth_by_hand() -> None:
    truth = np.repeat([0, 1], 50)
    perfect = compare_with_truth(truth, ["REAL", "REAL"], truth)
    assert (perfect.false, perfect.found, perfect.ari) == (0, 1.0, 1.0)
    half = compare_with_truth(truth, ["REAL", "UNCERTAIN"], truth)
    assert (half.false, half.found) == (0, 0.5)
    quarters = compare_with_truth(np.repeat([0, 1, 2, 3], 25), ["REAL", "HIDDEN", "ARTEFACT", "UNCERTAIN"], None)
    assert (quarters.false, quarters.found, quarters.ari) == (2, None, None)
    # A fifth of a true cluster corresponds to none.
    fifths = compare_with_truth(np.repeat([0, 1, 2], [50, 40, 10]), ["REAL", "REAL", "REAL"], truth)
    assert (fifths.false, fifths.found) == (1, 1.0)
    # Three fifths of a true cluster correspond to it and do not recover it.
    most = compare_with_truth(np.repeat([0, 1, 2], [50, 30, 20]), ["REAL", "REAL", "UNCERTAIN"], truth)
    assert (most.false, most.found) == (0, 0.5)


def test_rates_have_exact_intervals() -> None:
    rate = rate_of(0, 200)
    assert (rate.share, rate.low) == (0.0, 0.0)
    assert rate.high == pytest.approx(1 - 0.025 ** (1 / 200))
