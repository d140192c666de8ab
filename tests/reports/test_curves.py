"""R_NX as lines: means over seeds, a logarithmic axis, and places worked out by hand."""

from __future__ import annotations

import pytest

from reports.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, CurveChart, draw_curves
from reports.run_folder import Run
from reports.wording import spell_configuration
from tests.reports.run_folder_fixture import PCA, T5, T30, U5A, U5B, U15A, U15B


@pytest.fixture
def chart(run: Run) -> CurveChart:
    found = draw_curves(run.drawn, run.scores)
    assert found is not None
    return found


def places(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points.split(" "))]


def test_every_drawn_setting_has_a_line(chart: CurveChart) -> None:
    names = [T5, T30, U5A, U5B, U15A, U15B, PCA]
    assert [curve.title for curve in chart.curves] == [spell_configuration(name) for name in names]
    assert [curve.reducer for curve in chart.curves] == ["tsne"] * 2 + ["umap"] * 4 + ["pca"]


def test_a_line_is_the_mean_over_seeds_and_names_its_peak(chart: CurveChart) -> None:
    first, *_, one_seed, linear = chart.curves
    # 0.2, 0.4, 0.1 with the first seed and 0.02 more with the second.
    assert (first.peak_k, first.peak) == (10, pytest.approx(0.41))
    assert (one_seed.peak_k, one_seed.peak) == (10, pytest.approx(0.40))
    assert (linear.peak_k, linear.peak) == (100, pytest.approx(0.30))


def test_sizes_are_spaced_by_their_logarithm(chart: CurveChart) -> None:
    # 1, 10, 100: the ends of the axis and its middle.
    left, right = LEFT, WIDTH - RIGHT
    for curve in chart.curves:
        assert [x for x, _ in places(curve.points)] == pytest.approx([left, (left + right) / 2, right], abs=0.05)
    assert [text for text, _ in chart.across] == ["1", "3", "10", "30", "100"]
    assert dict(chart.across)["10"] == pytest.approx((left + right) / 2)


def test_values_hang_between_the_lowest_and_one(chart: CurveChart) -> None:
    # The lowest value, PCA's -0.2, lies on the ground, 1 would lie at the top, and 0.4 half way: (1 - 0.4) / 1.2.
    depth = HEIGHT - TOP - BOTTOM
    assert places(chart.curves[-1].points)[0][1] == pytest.approx(TOP + depth, abs=0.05)
    assert places(chart.curves[-2].points)[1][1] == pytest.approx(TOP + depth / 2, abs=0.05)
    assert dict(chart.up)["1"] == pytest.approx(TOP)
    assert [text for text, _ in chart.up] == ["-0.2", "0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_without_curves_there_is_no_chart(run: Run) -> None:
    assert draw_curves(run.drawn, run.scores[run.scores["score"] != "r_nx"]) is None
