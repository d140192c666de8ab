"""What is proposed, published and judged: rules by hand, and whole paths on data with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steadymap.tasks.numerics.clusters.candidates import latent_candidates, propose
from steadymap.tasks.numerics.geometry.neighbours import nearest_neighbours
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.numerics.selftest.known_truth import compare_with_truth, rate_of
from steadymap.tasks.numerics.selftest.synthetic import generate
from steadymap.tasks.numerics.valleys.valley_depth import Interval
from steadymap.tasks.numerics.verdicts.published_clusters import publish
from steadymap.tasks.numerics.verdicts.verdicts import Evidence, judge


def between(value: float, low: float, high: float) -> Interval:
    """Return the interval whose bounds these are; what is certain lies 1.645 errors below, not 1.96."""
    return Interval(value, low, high, value * (low / value) ** (1.645 / 1.96) if value else 0.0)


TESTED = Evidence(
    p=0.4,
    depth=between(0.6, 0.4, 0.9),
    own=between(0.5, 0.3, 0.8),
    hint=0.4,
    lone_peak=False,
    whole=False,
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
    flank = replace(TESTED, own=between(0.95, 0.85, 1.0))
    assert judge(flank).verdict == "ARTEFACT"
    assert "no peak of its own" in judge(flank).reason
    assert judge(replace(flank, own=between(0.95, 0.79, 1.0))).verdict == "ARTEFACT"
    assert (
        "is still 0.95 of its highest, and at least 0.81 with 95 % certainty"
        in judge(replace(flank, own=between(0.95, 0.79, 1.0))).reason
    )
    assert judge(replace(flank, own=between(0.95, 0.76, 1.0))).verdict == "UNCERTAIN"
    assert judge(replace(flank, recovered=0.4)).verdict == "UNCERTAIN"
    # A hint of a valley that the test could not confirm, or ground that no half has seen.
    assert judge(replace(flank, hint=0.09)).verdict == "UNCERTAIN"
    assert judge(replace(flank, hint=None)).verdict == "UNCERTAIN"


def test_a_peak_is_an_artefact_only_where_it_is_the_only_one() -> None:
    even = replace(TESTED, depth=between(1.0, 0.9, 1.0))
    # Its flank is the artefact; the peak may be separated from another one beyond.
    assert judge(even).verdict == "UNCERTAIN"
    lone = judge(replace(even, lone_peak=True))
    assert (lone.verdict, "nothing is separated from it" in lone.reason) == ("ARTEFACT", True)
    assert judge(replace(even, lone_peak=True, depth=between(0.9, 0.7, 1.0))).verdict == "UNCERTAIN"


def test_falling_apart_counts_where_a_valley_would_have_been_seen() -> None:
    dissolved = replace(TESTED, dissolved=0.5, depth=between(0.9, 0.6, 1.0), recovered=0.0)
    assert judge(dissolved).verdict == "ARTEFACT"
    assert judge(replace(dissolved, dissolved=0.4)).verdict == "UNCERTAIN"
    assert judge(replace(dissolved, rows_needed=5000)).verdict == "UNCERTAIN"
    assert judge(replace(dissolved, depth=between(0.6, 0.4, 0.9))).verdict == "UNCERTAIN"
    assert judge(replace(dissolved, hint=0.01)).verdict == "UNCERTAIN"


def test_uncertain_says_what_would_settle_it() -> None:
    assert "about 3,000 more rows would settle it" in judge(replace(TESTED, rows_needed=5000)).reason
    assert "nothing corresponds" in judge(replace(TESTED, depth=None, own=None, hint=None, unmatched=0.6)).reason
    assert "shallow valley" in judge(TESTED).reason
    assert "down to 0.60 (95 % 0.40 to 0.90)" in judge(TESTED).reason
    # At least .746 is certain, log .187 below .9; to come down to log .118 takes 2.53 times the rows.
    even = replace(TESTED, own=between(0.9, 0.72, 1.0))
    assert "about 3,100 more" in judge(replace(even, rows=2000)).reason
    assert "every row" in judge(replace(TESTED, whole=True)).reason
    untested = judge(replace(TESTED, splits=0)).reason
    assert "resamples.pairs" in untested
    assert (untested[0], untested[-1]) == ("N", ".")


def test_no_reason_asks_for_more_than_ten_times_the_data() -> None:
    beyond = "cannot be settled with data of this kind"
    assert beyond in judge(replace(TESTED, rows_needed=20_001)).reason
    assert "about 18,000 more" in judge(replace(TESTED, rows_needed=20_000)).reason
    assert beyond in judge(replace(TESTED, own=between(0.81, 0.6, 1.0))).reason
    # A valley down to .99 whose interval is as wide as its depth asks for many times the rows.
    assert beyond in judge(replace(TESTED, depth=between(0.99, 0.8, 1.0))).reason


def test_a_deep_valley_that_is_not_proven_is_not_called_shallow_or_small() -> None:
    deep = replace(TESTED, p=1.0, depth=between(0.03, 0.01, 0.06), own=between(0.03, 0.01, 0.06), neighbour=4)
    alone = judge(replace(deep, proven=0.3)).reason
    assert "sinks to 0.03 (95 % 0.01 to 0.06) of the lower peak towards cluster 4, which is deep" in alone
    assert "only 30 % of the halves prove it" in alone
    assert "about 2,000 more rows" in alone
    assert "no candidate corresponds" in judge(replace(deep, unmatched=0.6)).reason
    assert "too few rows prove it; about 1,000 more" in judge(replace(deep, rows_needed=3000)).reason
    assert "shallow" not in alone + judge(replace(deep, unmatched=0.6)).reason


@pytest.mark.parametrize("depth", [0.0, 0.2, 0.5, 0.8, 0.99, 1.0, None])
@pytest.mark.parametrize("needed", [None, 3000, 900_000])
@pytest.mark.parametrize("unmatched", [0.0, 1.0])
def test_every_reason_is_one_sentence_that_agrees_with_the_card(
    depth: float | None, needed: int | None, unmatched: float
) -> None:
    seen = None if depth is None else between(depth, depth * 0.7, min(1.0, depth * 1.2))
    told = judge(replace(TESTED, p=1.0, depth=seen, own=seen, rows_needed=needed, unmatched=unmatched, neighbour=2))
    assert told.verdict == "UNCERTAIN"
    assert told.reason.count(". ") == 0
    if "shallow" in told.reason:
        assert seen is not None
        assert seen.high > 0.5
    if "deep" in told.reason:
        assert seen is not None
        assert seen.high <= 0.5
    asked = [float(word.replace(",", "")) for word in told.reason.split() if word[0].isdigit() and word[-1].isdigit()]
    assert all(number <= 10 * TESTED.rows for number in asked)


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
    pieces = propose(blind, nearest_neighbours(vectors, 15).indices, vectors)
    assert len(np.unique(pieces)) > 1
    # Every piece lies on one side, but for the few rows that any cut gets wrong.
    own = [np.bincount(truth[pieces == piece], minlength=2) for piece in np.unique(pieces)]
    assert sum(counts.max() for counts in own) > 0.97 * len(vectors)


def test_one_picture_of_six_alone_parts_nothing_and_two_do() -> None:
    vectors, _ = known("gauss_iso", 300)
    near = nearest_neighbours(vectors, 15).indices
    whole = np.zeros(300, np.int32)
    odd = (vectors[:, 0] > 0).astype(np.int32)
    alone = propose([whole] * 6, near, vectors)
    assert np.array_equal(propose([odd, *[whole] * 5], near, vectors), alone)
    assert len(np.unique(propose([odd] * 2 + [whole] * 4, near, vectors))) > len(np.unique(alone))


@pytest.mark.filterwarnings("error")
def test_few_different_values_among_many_rows_are_cut_without_a_word_from_the_library() -> None:
    cut = latent_candidates(np.repeat(np.eye(3, dtype=np.float32), 300, axis=0))
    assert len(set(cut.tolist())) == 3


def test_few_rows_are_one_latent_piece() -> None:
    assert set(latent_candidates(np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32))) == {0}


def test_verdicts_against_the_truth_by_hand() -> None:
    truth = np.repeat([0, 1], 50)
    perfect = compare_with_truth(truth, ["REAL", "REAL"], truth)
    assert (perfect.false, perfect.found, perfect.ari) == (0, 1.0, 1.0)
    half = compare_with_truth(truth, ["REAL", "UNCERTAIN"], truth)
    assert (half.false, half.found, half.false_artefacts) == (0, 0.5, 0)
    assert compare_with_truth(truth, ["REAL", "ARTEFACT"], truth).false_artefacts == 1
    # A piece of a tenth corresponds to nothing true.
    assert compare_with_truth(np.repeat([0, 1], [90, 10]), ["UNCERTAIN", "ARTEFACT"], truth).false_artefacts == 0
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
