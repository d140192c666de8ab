"""One picture laid over another: the move that is found, the pair that is chosen, and what is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steadymap.reports.compare.compare_runs import compare_runs
from steadymap.reports.compare.comparison_page import render_comparison
from steadymap.reports.compare.registration import MOST_POINTS, Places, draw_pair, fit_similarity, lay_over
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.tasks.numerics.stability.procrustes import disparity
from tests.reports.page.test_page import Parsed
from tests.reports.run_folder_fixture import ROWS, T30, RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read_run(RunFolder(verdicts=("REAL", "HIDDEN", "UNCERTAIN")).write(tmp_path_factory.mktemp("a") / "run"))


def turned(places: Places, degrees: float, mirror: bool = False) -> Places:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found: Places = 3.0 * (places * [1, -1 if mirror else 1]) @ turn + [40.0, -7.0]
    return found


def moved(run: Run, degrees: float, mirror: bool = False) -> Run:
    """Return the run with every picture turned, mirrored, moved and three times as large."""
    places = turned(run.embeddings[["x", "y"]].to_numpy(np.float64), degrees, mirror)
    return replace(run, embeddings=run.embeddings.assign(x=places[:, 0], y=places[:, 1]))


@pytest.mark.parametrize(("degrees", "mirror"), [(0.0, False), (77.0, False), (200.0, True)])
def test_a_move_a_turn_mirroring_and_a_scale_are_undone(degrees: float, mirror: bool) -> None:
    places = np.random.default_rng(1).normal(size=(50, 2)) * [3, 1]
    found = fit_similarity(turned(places, degrees, mirror), places)
    assert found.apply(turned(places, degrees, mirror)) == pytest.approx(places)
    assert found.disparity == pytest.approx(0.0, abs=1e-12)


def test_what_is_left_is_the_disparity_and_the_spread_is_kept() -> None:
    rng = np.random.default_rng(2)
    places, other = rng.normal(size=(2, 200, 2))
    found = fit_similarity(places, other)
    assert found.disparity == pytest.approx(disparity(places, other))
    assert found.disparity > 0.9  # nothing in common
    assert found.apply(places).std() == pytest.approx(other.std(), rel=0.05)
    assert fit_similarity(np.zeros((20, 2)), other[:20]).disparity == 1.0


def test_the_reference_picture_of_the_first_is_chosen_and_laid_over(run: Run) -> None:
    laid = lay_over(run, moved(run, 130.0, mirror=True))
    assert laid is not None
    assert laid.title.replace("\u00a0", " ") == "t-SNE, perplexity 30, seed 0"
    assert laid.shared == ROWS
    assert laid.after[["x", "y"]].to_numpy() == pytest.approx(laid.before[["x", "y"]].to_numpy(), abs=1e-4)
    assert laid.disparity == pytest.approx(0.0, abs=1e-6)
    # 1 − ARI between the seeds of this setting, as the fixture writes it.
    assert laid.between_seeds == pytest.approx(0.1)


def test_rows_that_only_one_has_are_laid_over_as_well(run: Run) -> None:
    fewer = replace(run, embeddings=run.embeddings[run.embeddings["row"] < 40])
    laid = lay_over(fewer, moved(run, 30.0))
    assert laid is not None
    assert (laid.shared, len(laid.before), len(laid.after)) == (40, 40, ROWS)
    rest = lay_over(run, moved(run, 30.0))
    assert rest is not None
    assert laid.after[["x", "y"]].to_numpy() == pytest.approx(rest.after[["x", "y"]].to_numpy(), abs=1e-3)


def test_without_a_setting_and_seed_that_both_draw_nothing_is_laid_over(run: Run) -> None:
    other = replace(run, cells=run.cells.assign(seed=run.cells["seed"] + 100))
    assert lay_over(run, other) is None
    few = replace(run, embeddings=run.embeddings[run.embeddings["row"] < 5])
    assert lay_over(few, run) is None
    assert "before and after</h2>" not in render_comparison(compare_runs(run, other))


def test_both_pictures_are_drawn_on_one_scale_in_the_colours_of_their_clusters(run: Run) -> None:
    laid = lay_over(run, moved(run, 10.0))
    assert laid is not None
    before, after = draw_pair(laid, {0: 5, 1: 2}, {0: 5, 1: 2})
    assert [one.slot for one in before] == [None, 2, 5]  # cluster 2 has no colour, and grey lies below
    assert sum(one.path.count("M") for one in before) == ROWS
    assert [one.slot for one in after] == [one.slot for one in before]
    highest = int(laid.before["y"].to_numpy().argmax())
    (grey, *_), _ = draw_pair(laid, {}, {})
    heights = [float(dot.split(" ")[1].removesuffix("h0")) for dot in grey.path.split("M")[1:]]
    assert heights[highest] == min(heights)  # up is up
    many = replace(laid, before=laid.before.sample(5000, replace=True, random_state=0))
    assert sum(one.path.count("M") for one in draw_pair(many, {}, {})[0]) == MOST_POINTS


def test_the_page_shows_the_pair(run: Run, tmp_path: Path) -> None:
    page = render_comparison(compare_runs(run, moved(run, 90.0)))
    assert page.count('<svg class="dots"') == 2
    assert "Procrustes disparity of 0.000" in page
    assert "two seeds of one run leave up" in page
    assert T30.split("=")[1] in page
    Parsed(page)
