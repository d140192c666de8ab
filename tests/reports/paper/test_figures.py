"""Static figures: each point has its colour, the legend says what it means, and heat maps say what the tables hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from steadymap.reports.paper.grid_figure import (
    Colouring,
    cluster_colouring,
    comparison_colouring,
    draw_comparison_grid,
    draw_picture,
    lay_out,
)
from steadymap.reports.paper.score_figure import draw_scores, score_lines, score_maps
from steadymap.reports.paper.track_figure import MOST_CLUSTERS, draw_tracks
from steadymap.reports.pictures.palette import GREY, LIGHT
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.summary import Summary, summarise
from tests.reports.run_folder_fixture import PCA, ROWS, T5, T30, T200, U15B, RunFolder, cell_id, coordinates

LABELS = {"kind": [None if row == 4 else f"k{row % 3}" for row in range(ROWS)]}


def hexes(colours: np.ndarray) -> list[str]:
    return [to_hex(colour) for colour in colours]


def texts(figure: Figure) -> list[str]:
    own = [one.get_text() for one in figure.texts]
    return own + [one.get_text() for axes in figure.axes for one in axes.texts]


def test_labels_have_the_colours_of_the_page(tmp_path: Path) -> None:
    run = read_run(RunFolder(labels=LABELS).write(tmp_path / "run"))
    found = comparison_colouring(run, summarise(run))
    assert found.title == "kind"
    assert found.legend == ((LIGHT[0], "k0"), (LIGHT[1], "k1"), (LIGHT[2], "k2"), (GREY, "none"))
    wanted = [GREY if row == 4 else LIGHT[row % 3] for row in range(ROWS)]
    assert hexes(found.by_cell[cell_id(T30, 0)]) == wanted


def test_clusters_are_named_with_their_verdicts(tmp_path: Path) -> None:
    verdicts = ("REAL", "HIDDEN", "ARTEFACT")
    run = read_run(RunFolder(verdicts=verdicts, labels={}).write(tmp_path / "run"))
    found = comparison_colouring(run, summarise(run))  # without labels clusters colour the grid
    assert found.title == "cluster"
    names = [name for _, name in found.legend]
    assert names == ["#0 ● REAL, 40 rows", "#1 ◐ HIDDEN, 40 rows", "#2 ○ ARTEFACT, 40 rows"]
    assert hexes(found.by_cell[cell_id(PCA, 0)]) == [LIGHT[row % 3] for row in range(ROWS)]


def test_clusters_have_the_names_of_their_labels_in_the_legend(run: Run, summary: Summary) -> None:
    found = cluster_colouring(run, summary)
    assert found is not None
    assert [name for _, name in found.legend] == ["c0, 40 rows", "c1, 40 rows", "c2, 40 rows"]


def test_without_labels_and_clusters_islands_keep_their_colour(tmp_path: Path) -> None:
    run = read_run(RunFolder(labels={}).write(tmp_path / "run"))
    bare = replace(run, clusters=run.clusters.iloc[:0])
    found = comparison_colouring(bare, summarise(bare))
    assert (found.title, found.legend) == ("island", ())
    # The islands of the second seed have other numbers and the same rows.
    first, second = (hexes(found.by_cell[cell_id(T30, place)]) for place in (0, 1))
    assert first == second
    assert first[:6] == [GREY] * 6  # noise
    assert len(set(first)) == 4


def test_values_beyond_the_palette_are_counted(tmp_path: Path) -> None:
    run = read_run(RunFolder(labels={"many": [f"v{row % 40:02}" for row in range(ROWS)]}).write(tmp_path / "run"))
    found = comparison_colouring(run, summarise(run))
    assert len(found.legend) == len(LIGHT) + 1
    assert found.legend[-1] == (GREY, "20 more, or none")


def test_every_point_is_drawn_in_its_colour() -> None:
    generator = np.random.default_rng(0)
    picture = pd.DataFrame(generator.standard_normal((50, 2)), columns=["x", "y"])
    colours = generator.random((50, 3)).astype(np.float32)
    axes = Figure().add_subplot()
    draw_picture(axes, picture, colours, 1.0)
    (points,) = axes.collections
    pairs = zip(points.get_offsets(), points.get_facecolors(), strict=True)
    by_place = {tuple(place): tuple(colour) for place, colour in pairs}
    for place, colour in zip(picture.to_numpy(), colours, strict=True):
        assert by_place[tuple(place)][:3] == pytest.approx(tuple(colour))
    assert points.get_rasterized()


def test_the_grid_has_a_place_for_every_panel(run: Run, summary: Summary) -> None:
    figure = draw_comparison_grid(summary.rows, comparison_colouring(run, summary)).figure
    panels = [panel for row in summary.rows for panel in row.panels]
    assert len(figure.axes) == len(panels)
    drawn = [axes for axes in figure.axes if axes.collections]
    assert len(drawn) == len(run.drawn)
    told = " ".join(texts(figure)).replace("\n", " ")
    assert "perplexity 200 needs more than 600 rows" in told
    assert "killed by signal 11" in told
    # Panels lie beside each other, none over another.
    boxes = [axes.get_position() for axes in figure.axes]
    assert not any(a.overlaps(b) for number, a in enumerate(boxes) for b in boxes[:number])


def test_settings_stand_in_reading_order(run: Run, summary: Summary) -> None:
    figure = draw_comparison_grid(summary.rows, comparison_colouring(run, summary)).figure
    layout = lay_out(summary.rows)
    tops = [round(axes.get_position().y1, 3) for axes in figure.axes]
    lines = len(dict.fromkeys(tops))
    assert lines == -(-len(summary.rows) // layout.blocks)
    assert tops == sorted(tops, reverse=True)
    first = next(axes for axes in figure.axes if axes.collections)
    places = np.asarray(first.collections[0].get_offsets())
    np.testing.assert_array_equal(np.sort(places, axis=0), np.sort(coordinates(T5, 0).astype(float), axis=0))


def test_long_names_of_settings_wrap_and_keep_off_the_pictures(run: Run, summary: Summary) -> None:
    long = "tsne perplexity=30 exaggeration=4 learning_rate=200 init=random metric=cosine engine=sklearn"
    rows = [replace(summary.rows[0], configuration=long), *summary.rows[1:]]
    assert lay_out(rows).name_lines > lay_out(summary.rows).name_lines
    figure = draw_comparison_grid(rows, comparison_colouring(run, summary)).figure
    boxes = [axes.get_position() for axes in figure.axes]
    assert not any(box.contains(*one.get_position()) for one in figure.texts for box in boxes)


def test_scores_are_means_over_seeds_and_controls_set_no_scale(run: Run) -> None:
    maps = {one.title: one for one in score_maps(run)}
    trust = maps["Trustworthiness"]
    assert trust.means.loc[T30, 10] == pytest.approx(0.96)  # 0.95 and 0.97
    assert trust.means.loc[PCA, 10] == pytest.approx(0.70)
    assert trust.low == pytest.approx(0.84)  # U5B: 0.85, less 0.01 at the largest k
    assert T200 not in trust.means.index
    assert trust.means.loc[U15B, 10] == pytest.approx(0.92)  # one seed crashed
    assert "0.960" in texts(draw_scores(run).figure)  # type: ignore[union-attr]


def test_many_settings_take_several_maps(run: Run) -> None:
    lines = list(score_lines(run, most=3))
    assert [len(line[0].means) for line in lines] == [3, 3, 1]
    lows = [one.low for line in lines for one in line if one.title == "Trustworthiness"]
    assert len(lows) == 3
    assert len(set(lows)) == 1  # one scale for all


def test_tracks_tell_fate_and_recurrence(run: Run, summary: Summary) -> None:
    told = texts(draw_tracks(summary).figure)  # type: ignore[union-attr]
    assert told.count("● .96") == 6
    assert told.count("⋔2 .80") == 1
    assert told.count("∪c1 .40") == 6
    assert draw_tracks(replace(summary, tracks=None)) is None


def test_only_the_largest_clusters_fit(summary: Summary) -> None:
    tracks = summary.tracks
    assert tracks is not None
    groups = tuple(replace(group, rows=tuple((name, own * 6) for name, own in group.rows)) for group in tracks.groups)
    many = replace(summary, clusters=summary.clusters * 6, tracks=replace(tracks, groups=groups))
    told = texts(draw_tracks(many).figure)  # type: ignore[union-attr]
    assert f"{18 - MOST_CLUSTERS} smaller clusters not shown; tracks.parquet has all." in told
    assert told.count("● .96") == 6 * 5  # of 18 clusters 14 are shown: 0, 3, 6, 9 and 12 are the first one again


def test_a_legend_of_short_names_is_narrow() -> None:
    assert Colouring("digit", tuple((GREY, str(digit)) for digit in range(10)), {}, {}).legend_columns == 10
    assert (
        Colouring("name", ((GREY, "a name that is rather long for a legend, to be sure"),), {}, {}).legend_columns == 4
    )
