"""R_NX as lines: means over seeds, a logarithmic axis, and places worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from steadymap.reports.scores.rnx_curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, CurveChart, draw_curves

CELLS = pd.DataFrame(
    {
        "cell": ["a0", "a1", "p"],
        "configuration": ["tsne perplexity=5", "tsne perplexity=5", "pca"],
        "reducer": ["tsne", "tsne", "pca"],
    }
)
CURVES = {"a0": (0.2, 0.5, 0.1), "a1": (0.4, 0.3, 0.1), "p": (-0.2, 0.1, 0.3)}
"""Values at K = 1, 10, 100. The mean of the first two is 0.3, 0.4, 0.1."""


def chart_of(curves: dict[str, tuple[float, ...]]) -> CurveChart:
    # Sizes from the largest down: a line has to sort them.
    rows = [(cell, "r_nx", 10.0**place, values[place]) for cell, values in curves.items() for place in (2, 1, 0)]
    found = draw_curves(CELLS, pd.DataFrame(rows, columns=["cell", "score", "k", "value"]))
    assert found is not None
    return found


def places(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points.split(" "))]


def test_a_line_is_the_mean_over_seeds_and_names_its_peak() -> None:
    tsne, pca = chart_of(CURVES).curves
    assert (tsne.title, tsne.reducer, pca.title, pca.reducer) == ("t-SNE, perplexity\u00a05", "tsne", "PCA", "pca")
    # Single seeds peak at 0.5 for K = 10 and 0.4 for K = 1, their mean at 0.4 for K = 10.
    assert (tsne.peak_k, tsne.peak) == (10, pytest.approx(0.4))
    assert (pca.peak_k, pca.peak) == (100, pytest.approx(0.3))


def test_sizes_are_spaced_by_their_logarithm() -> None:
    # 1, 10, 100: the ends of the axis and its middle.
    chart, left, right = chart_of(CURVES), LEFT, WIDTH - RIGHT
    for curve in chart.curves:
        assert [x for x, _ in places(curve.points)] == pytest.approx([left, (left + right) / 2, right], abs=0.05)
    assert [text for text, _ in chart.across] == ["1", "3", "10", "30", "100"]
    assert dict(chart.across)["10"] == pytest.approx((left + right) / 2)


def test_values_hang_between_the_lowest_and_one() -> None:
    # The lowest value, -0.2, lies on the ground, 1 would lie at the top, and 0.4 half way: (1 - 0.4) / 1.2.
    chart, depth = chart_of(CURVES), HEIGHT - TOP - BOTTOM
    assert places(chart.curves[1].points)[0][1] == pytest.approx(TOP + depth, abs=0.05)
    assert places(chart.curves[0].points)[1][1] == pytest.approx(TOP + depth / 2, abs=0.05)
    assert dict(chart.up)["1"] == pytest.approx(TOP)
    assert [text for text, _ in chart.up] == ["-0.2", "0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_where_no_value_is_negative_the_ground_is_chance() -> None:
    chart = chart_of({"a0": CURVES["a0"]})
    assert chart.up[0] == ("0", pytest.approx(HEIGHT - BOTTOM))


def test_without_curves_there_is_no_chart() -> None:
    assert (
        draw_curves(CELLS, pd.DataFrame({"cell": ["a0"], "score": ["auc_ln_k"], "k": [None], "value": [1.0]})) is None
    )
