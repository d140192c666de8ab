"""The summary as data: every sentence and number is worked out by hand from the fixture's numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.scores.stability_rows import stability_columns
from steadymap.reports.summary.conclusions import STEADY
from steadymap.reports.summary.summary import LIMIT, Summary, summarise
from steadymap.reports.wording import Estimate, count, list_names, spell_configuration
from tests.reports.run_folder_fixture import PCA, T5, T30, T200, U5A, U5B, U15A, U15B, RunFolder

T5_TOLD, T30_TOLD = "t-SNE, perplexity\u00a05", "t-SNE, perplexity\u00a030"
U5A_TOLD, U5B_TOLD = "UMAP, n_neighbors\u00a05, min_dist\u00a00.1", "UMAP, n_neighbors\u00a05, min_dist\u00a00.5"
U15A_TOLD = "UMAP, n_neighbors\u00a015, min_dist\u00a00.1"
AGREEMENT = "agreement between seeds (ARI, 1 is the same islands, 0 chance) is"


def summary_of(tmp_path: Path, folder: RunFolder) -> Summary:
    return summarise(read_run(folder.write(tmp_path / "run")))


def with_seeds_ari(run: Run, values: dict[str, float]) -> Run:
    """Return the run with no other agreement between seeds than these ARIs."""
    own = (run.stability["between"] == "seeds") & (run.stability["score"] == "ari")
    kept = run.stability[own & run.stability["configuration"].isin(list(values))]
    return replace(run, stability=kept.assign(value=kept["configuration"].map(values)))


# --- facts and findings -------------------------------------------------------------------------------------------


def test_facts_count_rows_settings_and_pictures(summary: Summary) -> None:
    # Two cells of t-SNE with perplexity 200 were skipped, one of UMAP crashed: 15 - 3 = 12.
    assert summary.facts == (
        "120 rows × 6 dimensions from latents.npz",
        "8 settings × 2 seeds",
        "12 of 15 pictures drawn (2 skipped, 1 failed)",
    )


def test_facts_tell_the_notes_of_the_data(tmp_path: Path) -> None:
    notes = {"reconstruction_error": 0.0083839, "epochs": 40}
    assert summary_of(tmp_path, RunFolder(notes=notes)).facts[3:] == ("reconstruction error 0.00838", "epochs 40")


def test_where_no_picture_is_flat_clusters_are_not_said_to_be_missing(run: Run) -> None:
    bare = {name: getattr(run, name).iloc[:0] for name in ("clusters", "tracks", "recurrence", "boundaries")}
    flat, solid = (replace(run, cells=run.cells.assign(dimension=number), **bare) for number in (2, 3))
    assert summarise(flat).findings[0].startswith("No clusters: most pictures keep all rows together")
    assert summarise(solid).findings[0].startswith("Clusters were not sought: ")
    mixed = replace(
        flat, cells=flat.cells.assign(dimension=flat.cells["configuration"].eq(T30).map({True: 2, False: 3}))
    )
    assert summarise(mixed).findings[0].startswith("No clusters: ")


def test_the_headline_counts_steady_settings_and_gives_median_and_range(summary: Summary) -> None:
    # 0.40 0.70 0.80 0.90 0.95: three are at least 0.75, the middle one is 0.80.
    assert summary.findings[1] == (
        f"3 of 5 settings draw much the same islands whatever the seed: median {AGREEMENT} 0.80, "
        f"from 0.40 ({T5_TOLD}) to 0.95 ({U15A_TOLD})."
    )


def test_settings_whose_seeds_disagree_are_named(summary: Summary) -> None:
    # 0.40 and 0.70 are below 0.75.
    expected = f"Do not trust a single picture of {T5_TOLD} and {U5B_TOLD}: another seed draws other islands."
    assert summary.findings[2] == expected


def test_settings_furthest_apart_have_the_lowest_mean_and_not_the_lowest_pair(summary: Summary) -> None:
    # (0.10 + 0.20 + 0.20 + 0.30) / 4 = 0.20; the lowest single pair, 0.05, has the mean 0.4625; PCA's 0.15 is aside.
    assert summary.findings[3] == (
        f"Between different settings, PCA aside, the median ARI is 0.60; furthest apart are {T5_TOLD} and {U15A_TOLD} "
        "(0.20)."
    )


def test_the_number_of_islands_is_told_from_least_to_most(summary: Summary) -> None:
    # Without PCA: 6 6 (T5), 3 3 (T30), 4 4 (U5A), 3 3, 3 3, 3: from 3 to 6, the sixth of eleven is 3.
    assert summary.findings[7] == "The number of islands depends on the picture: 3 to 6, the median is 3."
    assert len(summary.findings) == 8


def test_pictures_with_as_many_islands_are_told_in_one_number(run: Run) -> None:
    cells = run.cells.assign(islands=run.cells["islands"].where(run.cells["islands"].isna(), 7))
    assert summarise(replace(run, cells=cells)).findings[-1] == "Every picture shows 7 islands."


def test_the_bound_itself_is_steady_and_just_below_is_not(run: Run) -> None:
    assert STEADY == 0.75
    findings = summarise(with_seeds_ari(run, {T5: 0.75, T30: 0.7499})).findings
    assert findings[1].startswith("1 of 2 settings")
    assert findings[2] == f"Do not trust a single picture of {T30_TOLD}: another seed draws other islands."


def test_when_every_setting_is_steady_none_is_called_untrustworthy(run: Run) -> None:
    findings = summarise(with_seeds_ari(run, {T5: 0.8, T30: 0.9, U5A: 1.0})).findings
    assert findings[1].startswith("3 of 3 settings")
    assert not any("Do not trust" in finding for finding in findings)


@pytest.mark.parametrize(("value", "islands"), [(0.90, "the same"), (0.40, "other")])
def test_one_compared_setting_gets_a_sentence_of_its_own(run: Run, value: float, islands: str) -> None:
    sentence = summarise(with_seeds_ari(run, {T30: value})).findings[1]
    assert sentence == f"With another seed {T30_TOLD} draws {islands} islands: {AGREEMENT} {value:.2f}."


def test_one_seed_cannot_tell_structure_from_luck(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, RunFolder(seeds=(7,)))
    assert summary.findings[1].startswith("No setting has pictures from two seeds")
    assert not any("Do not trust" in finding for finding in summary.findings)
    assert summary.facts[1] == "8 settings × 1 seed"
    assert all(row.seeds == {} for row in summary.stability)
    # One seed and every row scored: neither a spread over seeds nor over rows.
    assert summary.best[0].estimate == Estimate(0.95, None)


def test_nothing_drawn_says_so_and_lists_every_cell(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, RunFolder(nothing_drawn=True))
    assert summary.findings == ("No picture could be drawn; the reasons are below.",)
    assert summary.facts[2] == "0 of 15 pictures drawn (2 skipped, 13 failed)"
    assert len(summary.lost) == 15
    nothing = (summary.recommended, summary.maps, summary.best, summary.controls, summary.stability, summary.matrix)
    assert nothing == ((),) * 6
    assert (summary.clusters, summary.smallest, summary.tracks, summary.noise) == ((), None, None, ())
    assert [len(row.panels) for row in summary.rows] == [2, 2, 2, 2, 2, 2, 2, 1]


def test_without_labels_there_are_none_and_the_rest_is_as_before(tmp_path: Path, summary: Summary) -> None:
    bare = summary_of(tmp_path, RunFolder(labels={}))
    assert (bare.labels, summary.labels) == ((), ("cluster",))
    assert bare.findings == summary.findings


def test_labels_are_named_in_the_order_of_their_columns(tmp_path: Path) -> None:
    labels = {"zebra": ["a"] * 120, "ant": ["b"] * 120}
    assert summary_of(tmp_path, RunFolder(labels=labels)).labels == ("zebra", "ant")


def test_the_limit_of_the_report_is_always_told(summary: Summary) -> None:
    assert summary.limit == LIMIT
    assert "cannot say" in LIMIT


# --- speed --------------------------------------------------------------------------------------------------------


def with_costs(run: Run, costs: dict[str, list[float | None]]) -> Run:
    """Return the run with these CPU seconds for the first cells of each reducer."""
    cells = run.drawn.groupby("reducer")["cell"].apply(list)
    rows = [(cell, cost) for reducer, own in costs.items() for cell, cost in zip(cells[reducer], own, strict=False)]
    return replace(run, timings=pd.DataFrame(rows, columns=["cell", "cpu_seconds"]))


def speed_of(run: Run) -> list[str]:
    return [one for one in summarise(run).findings if "CPU-seconds" in one]


def test_speed_is_told_by_medians(run: Run) -> None:
    # Medians 2.8 and 1.2: 2.8 / 1.2 = 2.33; a picture without a cost counts nowhere.
    timed = with_costs(run, {"tsne": [2.8, 9.0, 0.1], "umap": [40.0, 1.2, 1.0, None]})
    told = "1.2 against 2.8 CPU-seconds a picture (medians over the pictures of all rows)."
    assert speed_of(timed) == [f"UMAP is 2.3 × faster than t-SNE here: {told}"]


def test_about_equal_costs_name_no_winner(run: Run) -> None:
    (told,) = speed_of(with_costs(run, {"tsne": [2.0], "umap": [2.1]}))
    assert told.startswith("t-SNE and UMAP cost about the same here: 2.0 against 2.1 ")


@pytest.mark.parametrize("costs", [{"tsne": [1.0]}, {"tsne": [1.0], "umap": [None]}, {"tsne": [0.0], "umap": [1.0]}])
def test_unknown_costs_are_left_out(run: Run, costs: dict[str, list[float | None]]) -> None:
    assert speed_of(run) == []
    assert speed_of(with_costs(run, costs)) == []


# --- pictures -----------------------------------------------------------------------------------------------------


def test_recommended_pictures_come_with_the_numbers_that_speak_for_them(summary: Summary) -> None:
    # UMAP 15, 0.1: 0.93 + 0.01 and 0.45 + 0.01, seeds differ by 0.02, so ± 0.02/√2/√2; with others
    # (4 × 0.20 + 12 × 0.60 + 2 × 0.60 + 2 × 0.15) / 20 = 0.475.
    first, second = summary.recommended
    assert first.panel.title == f"{T30_TOLD}, seed 0"
    assert second.panel.title == f"{U15A_TOLD}, seed 1"
    assert second.reason == "the best of the front"
    assert second.numbers == (
        ("islands", "3"),
        ("in no island", "5 %"),
        ("trustworthiness", "0.940 ± 0.010"),
        ("AUC of R_NX", "0.460 ± 0.010"),
        ("ARI between seeds", "0.950"),
        ("ARI with other settings", "0.475"),
    )


def test_the_grid_has_a_row_per_setting_and_a_place_per_seed(summary: Summary) -> None:
    assert [row.configuration for row in summary.rows] == [T5, T30, T200, U5A, U5B, U15A, U15B, PCA]
    assert [[panel.seed for panel in row.panels] for row in summary.rows] == [[0, 1]] * 7 + [[None]]
    by_name = {row.configuration: row for row in summary.rows}
    assert by_name[T30].numbers == (("ARI between seeds", "0.900"), ("trustworthiness", "0.960 ± 0.010"))
    assert by_name[U15B].numbers == (("trustworthiness", "0.920"),)  # one picture: no agreement, no spread
    assert by_name[T200].numbers == ()


def test_seeds_stand_in_the_order_of_the_config(tmp_path: Path) -> None:
    rows = summary_of(tmp_path, RunFolder(seeds=(9, 3))).rows
    assert [panel.seed for panel in rows[0].panels] == [9, 3]


def test_cells_without_a_picture_keep_status_and_reason(summary: Summary) -> None:
    skipped, killed = "perplexity 200 needs more than 600 rows; there are 120", "the worker was killed by signal 11"
    assert [(panel.configuration, panel.seed, panel.status, panel.reason) for panel in summary.lost] == [
        (T200, 0, "skipped", skipped),
        (T200, 1, "skipped", skipped),
        (U15B, 1, "crashed", killed),
    ]
    assert all(panel.islands is None and panel.noise_share is None for panel in summary.lost)


# --- scores and stability -----------------------------------------------------------------------------------------


def test_the_best_setting_has_the_highest_mean_at_the_middle_k(summary: Summary) -> None:
    # The base of the best setting + 0.01, at the middle k where a score has ks; the curve is no number to be best at.
    assert [(best.score, best.configuration, best.k) for best in summary.best] == [
        ("trustworthiness", T30, 10),
        ("continuity", U15A, 10),
        ("auc_ln_k", T30, None),
        ("distance_correlation", U15A, None),  # PCA has 0.80, but is a control
    ]
    assert [best.estimate.value for best in summary.best] == pytest.approx([0.96, 0.97, 0.56, 0.61])
    assert [best.estimate.stderr for best in summary.best[:3]] == pytest.approx([0.01] * 3)


def test_what_is_better_lower_is_best_lowest(run: Run) -> None:
    turned = run.scores[run.scores["score"] == "trustworthiness"].assign(score="procrustes")
    (best,) = summarise(replace(run, scores=turned)).best
    assert (best.score, best.configuration) == ("procrustes", U5B)  # 0.84, the lowest base but that of PCA, a control


def test_stability_keeps_seeds_and_other_settings_apart(summary: Summary) -> None:
    rows = {row.configuration: row for row in summary.stability}
    assert list(rows) == [T5, T30, U5A, U5B, U15A, U15B, PCA]
    assert {name: row.runs for name, row in rows.items()} == {T5: 2, T30: 2, U5A: 2, U5B: 2, U15A: 2, U15B: 1, PCA: 1}
    assert rows[T5].seeds["ari"] == Estimate(0.40, None)
    assert rows[T5].seeds["ami"].value == pytest.approx(0.20)
    assert rows[T5].seeds["procrustes"].value == pytest.approx(0.60)
    # T30: 4 × (0.60 + 0.4625 + 0.60 + 0.60) + 2 × 0.60 + 2 × 0.15 = 10.55 over 20 pairs.
    assert rows[T30].configurations["ari"].value == pytest.approx(0.5275)
    assert rows[U15B].seeds == {}
    assert rows[PCA].configurations["ari"].value == pytest.approx(0.15)


def test_agreement_between_resamples_is_kept_where_it_is_known(summary: Summary) -> None:
    rows = {row.configuration: row for row in summary.stability}
    assert rows[T30].resamples == {"ari": Estimate(0.7, 0.05), "ness": Estimate(0.9, 0.05)}
    assert rows[T5].resamples == {}
    assert stability_columns(summary.stability) == (
        ("seeds", ("ari", "ami", "procrustes")),
        ("configurations", ("ari", "ami", "procrustes")),
        ("resamples", ("ari", "ness")),
    )
    # Median of 0.7 and 0.5; clusters' 0.86, 0.7 and 0.3.
    assert summary.findings[4] == (
        "Drawn from parts of the rows only, islands agree by a median ARI of 0.60 and clusters come back with a median "
        "recurrence of 0.70."
    )


def test_ambiguous_pairs_are_told_with_their_error(summary: Summary) -> None:
    assert summary.findings[5] == (
        "10.0 ± 0.1 % of pairs of rows are ambiguous, in one island in 10 % to 90 % of the pictures "
        "(PAC, from 7,140 pairs and 11 pictures)."
    )


def test_the_matrix_is_symmetric_with_seeds_on_the_diagonal(summary: Summary) -> None:
    names = [T5, T30, U5A, U5B, U15A, U15B, PCA]
    assert [name for name, _ in summary.matrix] == [spell_configuration(name) for name in names]
    values = np.array([row for _, row in summary.matrix], dtype=float)  # None becomes nan
    assert np.array_equal(values, values.T, equal_nan=True)
    assert values.diagonal() == pytest.approx([0.40, 0.90, 0.80, 0.70, 0.95, np.nan, np.nan], nan_ok=True)
    assert values[0] == pytest.approx([0.40, 0.60, 0.60, 0.60, 0.20, 0.60, 0.15])
    assert values[1, 2] == pytest.approx(0.4625)


def test_every_control_is_told_at_every_k(summary: Summary) -> None:
    # Base ± 0.01 at the smallest and the largest k.
    assert summary.controls == (
        (
            "PCA",
            (
                "Trustworthiness 0.710 at k = 5",
                "Trustworthiness 0.700 at k = 10",
                "Trustworthiness 0.690 at k = 20",
                "Continuity 0.890 at k = 5",
                "Continuity 0.880 at k = 10",
                "Continuity 0.870 at k = 20",
                "AUC of R_NX over ln K 0.100",
                "Distance correlation 0.800",
            ),
        ),
    )


def test_a_control_enters_neither_findings_nor_best_settings(run: Run) -> None:
    # The setting that is best and agrees worst turns into a control.
    controls = {T30: "random_projection", T5: "shuffled"}
    cells = run.cells.assign(reducer=run.cells["configuration"].map(controls).fillna(run.cells["reducer"]))
    found = summarise(replace(run, cells=cells))
    assert {best.configuration for best in found.best} == {U15A}
    assert [name for name, _ in found.controls] == ["PCA", "random projection", "shuffled rows"]
    (between,) = [one for one in found.findings if one.startswith("Between different settings, controls aside,")]
    assert T5_TOLD not in between
    # Without 0.40 (T5) and 0.90 (T30): 0.70 0.80 0.95.
    assert found.findings[1].startswith("2 of 3 settings draw much the same islands")
    assert found.findings[2].startswith(f"Do not trust a single picture of {U5B_TOLD}:")


def test_losses_of_different_settings_are_not_compared(run: Run) -> None:
    losses = run.scores[run.scores["score"] == "trustworthiness"].assign(score="kl_divergence")
    found = summarise(replace(run, scores=losses))
    assert found.best == ()
    assert {one.score for one in found.maps} == {"kl_divergence"}


def test_every_score_of_the_run_has_its_card(summary: Summary) -> None:
    of_cells = {"trustworthiness", "continuity", "auc_ln_k", "distance_correlation", "r_nx"}
    assert set(summary.cards) == of_cells | {"ari", "ami", "procrustes", "ness"}


def test_the_arrangement_is_judged_at_the_best_setting_of_each_reducer(summary: Summary, run: Run) -> None:
    # Best means over seeds: t-SNE 0.35 + 0.01, UMAP 0.60 + 0.01, each ± 0.01: a clear difference.
    told = "UMAP keeps more of the global arrangement of this data, each at its best setting: "
    assert f"{told}distance correlation t-SNE 0.36, UMAP 0.61 (PCA 0.80)." in summary.findings
    level = run.scores["value"].where(run.scores["score"] != "distance_correlation", 0.5)
    (close,) = [
        one for one in summarise(replace(run, scores=run.scores.assign(value=level))).findings if "global" in one
    ]
    assert close.startswith("Neither of t-SNE and UMAP clearly keeps more")


def test_no_reducer_is_named_where_no_error_is_known_or_the_scores_disagree(run: Run) -> None:
    def about(scores: pd.DataFrame) -> str:
        return next(one for one in summarise(replace(run, scores=scores)).findings if "global" in one)

    first = run.cells.groupby("configuration")["cell"].first()
    one_seed = about(run.scores[run.scores["cell"].isin(first)])
    assert one_seed.startswith("Neither")
    other = run.scores[run.scores["score"] == "distance_correlation"].assign(score="triplet_accuracy")
    of_tsne = other["cell"].isin(run.cells.loc[run.cells["reducer"] == "tsne", "cell"])
    opposite = other.assign(value=other["value"] + 0.6 * of_tsne)
    assert about(pd.concat([run.scores, opposite])).startswith("Neither")
    assert about(pd.concat([run.scores, other])).startswith("UMAP keeps more")


def test_equal_agreement_everywhere_is_told_once(run: Run) -> None:
    same = run.stability.assign(value=0.9)
    assert summarise(replace(run, stability=same)).findings[1].endswith("is 0.90 for every one of them.")


def test_the_latent_space_is_told_with_its_cards(summary: Summary) -> None:
    assert [(fact.card.score, fact.numbers) for fact in summary.latent_space] == [
        ("intrinsic_dimension", "4.250 ± 0.125 at k = 20"),
        ("label_purity", "0.950 ± 0.010 at k = 15, chance 0.330"),
        ("input_trustworthiness", "0.990 at k = 5; 0.980 at k = 10"),
    ]


def test_faults_of_single_dimensions_are_told_before_any_picture(summary: Summary) -> None:
    assert summary.health == (
        "3 of 4 dimensions are active.",
        "Dimension 2: 0 in every row: dead, as a ReLU unit that nothing switches on.",
    )


def test_the_curve_of_every_setting_is_a_line_over_logarithmic_sizes(summary: Summary) -> None:
    assert summary.curves is not None
    assert [curve.title for curve in summary.curves.curves][:2] == [spell_configuration(T5), T30_TOLD]
    curve = summary.curves.curves[0]
    assert (curve.peak_k, curve.peak) == (10, pytest.approx(0.6))
    (x2, y2), (x10, y10), (x50, y50) = [tuple(map(float, point.split(","))) for point in curve.points.split()]
    assert x10 - x2 == pytest.approx(x50 - x10, abs=0.2)  # 2, 10 and 50 are equally far apart in logarithms
    assert y10 < y50 < y2  # SVG counts downwards
    assert ("30", pytest.approx(x2 + (x50 - x2) * np.log(15) / np.log(25), abs=0.2)) in summary.curves.across


# --- provenance and wording ---------------------------------------------------------------------------------------


def test_provenance_names_what_repeats_the_run(summary: Summary) -> None:
    told = dict(summary.provenance)
    assert told["Run"] == "three-clusters-0123456789"
    assert told["Data"] == "latents.npz, 120 × 6"
    assert told["Preprocessing"] == "metric euclidean, scale none"  # pca is None and left out
    assert told["Seeds"] == "0, 1"
    assert (told["Scored"], told["Drawn"]) == ("every row", "every row")
    assert told["Versions"] == "steadymap 0.1.0, numpy 2.4.6"
    assert "Duplicate rows" not in told


def test_provenance_says_how_many_rows_are_drawn_of_a_sample(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, RunFolder(drawn_rows=np.arange(0, 120, 3)))
    assert dict(summary.provenance)["Drawn"] == "40 of 120 rows, chosen by their content"
    assert (summary.drawn_rows, summary.rows_total) == (40, 120)


@pytest.mark.parametrize(
    ("estimate", "told"),
    [
        (Estimate(0.5), "0.500"),
        (Estimate(0.5, 0.0), "0.500 ± 0.000"),
        (Estimate(0.5, 0.0004), "0.500 ± <.001"),
        (Estimate(0.5, 0.0125), "0.500 ± 0.013"),
        (Estimate(0.5, float("nan")), "0.500"),
    ],
)
def test_an_estimate_shows_its_error_at_its_own_precision(estimate: Estimate, told: str) -> None:
    assert str(estimate) == told


def test_lists_name_the_first_and_count_the_rest() -> None:
    assert list_names(["a"]) == "a"
    assert list_names(["a", "b"]) == "a and b"
    assert list_names(["a", "b", "c"]) == "a; b and c"
    assert list_names(["a", "b", "c", "d", "e"]) == "a; b; c and 2 more"


def test_counts_agree_with_their_nouns() -> None:
    assert [count(number, "row") for number in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
