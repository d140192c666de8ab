"""Heat maps: where a value stands, means and errors by hand, and that nothing is averaged over settings."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest

from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.heat_maps import HeatCell, HeatMap, heat_maps, mean_over_seeds
from steadymap.reports.scores.null_scores import NullScores
from steadymap.reports.wording import Estimate
from tests.reports.run_folder_fixture import PCA, U5B, U15B


def maps_of(run: Run, score: str = "trustworthiness", cells: pd.DataFrame | None = None) -> dict[str, HeatMap]:
    found = heat_maps(run.drawn if cells is None else cells, run.scores)
    return {one.title: one for one in found if one.score == score}


def row_of(one: HeatMap, name: str) -> tuple[HeatCell | None, ...]:
    return dict(one.rows)[name]


def values_of(cells: tuple[HeatCell | None, ...]) -> list[float | None]:
    return [None if cell is None else round(cell.estimate.value, 6) for cell in cells]


def test_tsne_lies_over_perplexity_and_k(run: Run) -> None:
    one = maps_of(run)["t-SNE"]
    assert (one.column_name, one.columns) == ("perplexity", ("5", "30"))  # 200 was never drawn
    assert (one.row_name, [name for name, _ in one.rows]) == ("k", ["5", "10", "20"])
    # Base + 0.01 over two seeds, ± 0.01 with k.
    assert {name: values_of(cells) for name, cells in one.rows} == {
        "5": [0.92, 0.97],
        "10": [0.91, 0.96],
        "20": [0.90, 0.95],
    }


def test_umap_lies_over_n_neighbors_and_min_dist_with_a_map_per_k(run: Run) -> None:
    maps = maps_of(run)
    assert list(maps) == ["t-SNE", "UMAP, k = 5", "UMAP, k = 10", "UMAP, k = 20"]
    one = maps["UMAP, k = 10"]
    assert (one.column_name, one.columns) == ("min_dist", ("0.1", "0.5"))
    assert (one.row_name, [name for name, _ in one.rows]) == ("n_neighbors", ["5", "15"])
    assert values_of(row_of(one, "5")) == [0.86, 0.85]
    assert values_of(row_of(one, "15")) == [0.94, 0.92]  # one of the last setting's seeds crashed: no + 0.01


def test_every_score_has_the_same_maps(run: Run) -> None:
    assert list(maps_of(run, "continuity")) == list(maps_of(run, "trustworthiness"))
    assert values_of(row_of(maps_of(run, "continuity")["t-SNE"], "10")) == [0.92, 0.95]


def test_the_error_is_the_standard_error_over_seeds(run: Run) -> None:
    (two_seeds, _), (_, one_seed) = (row_of(maps_of(run)["UMAP, k = 10"], name) for name in ("5", "15"))
    assert two_seeds is not None
    assert one_seed is not None
    assert two_seeds.estimate.stderr == pytest.approx(0.01)  # values 0.85 and 0.87: sd √2 · 0.01, over √2
    assert one_seed.estimate == Estimate(0.92, None)


def test_means_and_errors_by_hand() -> None:
    values = pd.DataFrame({"value": [0.1, 0.2, 0.6], "stderr": [0.5, 0.5, 0.5]})
    # Mean 0.3; squared deviations 0.04 + 0.01 + 0.09 = 0.14, variance 0.07, error √(0.07 / 3).
    estimate = mean_over_seeds(values)
    assert estimate.value == pytest.approx(0.3)
    assert estimate.stderr == pytest.approx((0.07 / 3) ** 0.5)


def test_one_seed_keeps_the_error_of_its_scored_rows() -> None:
    assert mean_over_seeds(pd.DataFrame({"value": [0.5], "stderr": [0.02]})) == Estimate(0.5, 0.02)
    assert mean_over_seeds(pd.DataFrame({"value": [0.5], "stderr": [0.0]})) == Estimate(0.5, None)


def test_a_place_without_a_picture_is_none(run: Run) -> None:
    cells = run.drawn[run.drawn["configuration"] != U15B]
    one = maps_of(run, cells=cells)["UMAP, k = 10"]
    assert values_of(row_of(one, "15")) == [0.94, None]
    assert values_of(row_of(one, "5")) == [0.86, 0.85]


def test_shades_compare_all_settings_at_the_same_k_without_pca(run: Run) -> None:
    # At k = 10 single values run from 0.84 (UMAP 5, 0.5, seed 0) to 0.97 (t-SNE 30, seed 1); PCA's 0.70 is aside.
    five, thirty = row_of(maps_of(run)["t-SNE"], "10")
    assert five is not None
    assert thirty is not None
    assert five.shade == pytest.approx((0.91 - 0.84) / 0.13)
    assert thirty.shade == pytest.approx((0.96 - 0.84) / 0.13)
    for one in maps_of(run).values():
        shades = [cell.shade for _, cells in one.rows for cell in cells if cell]
        assert all(shade is not None and 0 <= shade <= 1 for shade in shades)


def test_equal_values_are_all_deep(run: Run) -> None:
    flat = heat_maps(run.drawn, run.scores.assign(value=0.5))
    assert {cell.shade for one in flat for _, cells in one.rows for cell in cells if cell} == {1.0}


def test_pca_is_the_reference_at_every_k_of_a_map(run: Run) -> None:
    maps = maps_of(run)
    assert maps["t-SNE"].references == ("PCA 0.710 at k = 5, 0.700 at k = 10, 0.690 at k = 20",)
    assert maps["UMAP, k = 20"].references == ("PCA 0.690",)


def test_every_control_is_a_reference_and_none_is_shaded(run: Run) -> None:
    turned = {U5B: "random_projection", U15B: "shuffled"}  # the lowest value of all is 0.84, of U5B
    cells = run.drawn.assign(reducer=run.drawn["configuration"].map(turned).fillna(run.drawn["reducer"]))
    one = maps_of(run, cells=cells)["UMAP, k = 10"]
    assert one.references == ("PCA 0.700", "random projection 0.850", "shuffled rows 0.920")
    (lowest,) = row_of(one, "5")
    assert lowest is not None
    assert lowest.shade == pytest.approx((0.86 - 0.85) / (0.97 - 0.85))


def test_a_loss_has_neither_shade_nor_reference(run: Run) -> None:
    losses = run.scores[run.scores["score"] == "trustworthiness"].assign(score="cross_entropy")
    for one in heat_maps(run.drawn, losses, NullScores(run.nulls)):
        assert one.references == ()
        assert {cell.shade for _, cells in one.rows for cell in cells if cell} == {None}


def test_noise_is_told_beside_the_map_of_its_settings(run: Run) -> None:
    # Drawn on noise at k = 10 only: t-SNE 5 (0.60, 0.64) and t-SNE 30 (0.70, 0.75); no setting of UMAP.
    found = heat_maps(run.drawn, run.scores, NullScores(run.nulls))
    maps = {one.title: one for one in found if one.score == "trustworthiness"}
    assert maps["t-SNE"].references[1:] == ("noise 0.60 to 0.75 at k = 10",)
    assert maps["UMAP, k = 10"].references == ("PCA 0.700",)


def test_without_pca_there_is_no_reference(run: Run) -> None:
    assert {one.references for one in maps_of(run, cells=run.drawn[run.drawn["configuration"] != PCA]).values()} == {()}


def test_a_further_axis_gives_maps_of_its_own(run: Run) -> None:
    # The same cells again with another metric and scores 0.1 lower: averaging over metrics would give 0.86, not 0.91.
    suffix = "-cosine"
    cells = pd.concat([run.drawn, run.drawn.assign(cell=run.drawn["cell"] + suffix, metric="cosine")])
    lower = run.scores.assign(cell=run.scores["cell"] + suffix, value=run.scores["value"] - 0.1)
    maps = {
        one.title: one for one in heat_maps(cells, pd.concat([run.scores, lower])) if one.score == "trustworthiness"
    }
    assert set(maps) == {
        f"{name}, metric {metric}"
        for name, metric in product(["t-SNE", *(f"UMAP, k = {k}" for k in (5, 10, 20))], ["euclidean", "cosine"])
    }
    assert values_of(row_of(maps["t-SNE, metric euclidean"], "10")) == [0.91, 0.96]
    assert values_of(row_of(maps["t-SNE, metric cosine"], "10")) == [0.81, 0.86]


def test_a_score_of_the_whole_picture_has_one_row_for_all(run: Run) -> None:
    scores = run.scores[run.scores["k"] == 10].assign(k=float("nan"))
    maps = {one.title: one for one in heat_maps(run.drawn, scores) if one.score == "trustworthiness"}
    assert list(maps) == ["t-SNE", "UMAP"]
    assert [name for name, _ in maps["t-SNE"].rows] == ["all"]
    assert values_of(row_of(maps["t-SNE"], "all")) == [0.91, 0.96]
    assert maps["UMAP"].references == ("PCA 0.700",)
