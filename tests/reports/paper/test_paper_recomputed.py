"""What is written and drawn on paper (scores, tracks, grids, the table of clusters, the map), against pandas.

Read back from the figures' own artists: texts by their place, colours of cells, points with their colours. The tables
are dealt out at random first, so that a column, row, seed or picture taken for another is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from steadymap.configs import schemas
from steadymap.configs.cards import CARD_OF
from steadymap.reports.paper import grid_figure, report_pdf
from steadymap.reports.paper.grid_figure import Colouring, cluster_colouring, comparison_colouring, draw_comparison_grid
from steadymap.reports.paper.report_pdf import PAGE_HEIGHT, SMALL, compose_pages
from steadymap.reports.paper.score_figure import BLUES, MAIN_SCORES, draw_scores
from steadymap.reports.paper.sheet import EDGE, Sheet, line_height
from steadymap.reports.paper.track_figure import draw_tracks
from steadymap.reports.pictures.palette import GREY, LIGHT
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.summary import Summary, summarise
from steadymap.reports.wording import spell_configuration
from tests.reports.elements import plain
from tests.reports.run_folder_fixture import ROWS, T30, RunFolder, cell_id
from tests.reports.scores.test_maps_recomputed import with_every_score

SYMBOLS = {"kept": "●", "merged": "∪", "lost": "○", "split": "⋔"}
SHAPES = {"REAL": "●", "HIDDEN": "◐", "ARTEFACT": "○", "UNCERTAIN": "◇"}
VERDICTS = ("REAL", "UNCERTAIN", "HIDDEN")


def dealt_out(folder: Path) -> Path:
    """Give every cluster, track and row numbers of its own."""
    generator = np.random.default_rng(23)
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("clusters", "tracks", "points")}
    clusters, tracks, points = tables["clusters"], tables["tracks"], tables["points"]
    points["cluster"] = generator.choice(3, ROWS, p=[0.5, 0.3, 0.2])
    points.loc[::11, "cluster"] = None
    clusters["size"] = [int((points["cluster"] == number).sum()) for number in clusters["cluster"]]
    clusters["label"] = ["elm", "oak", "ash"]
    clusters["label_share"] = [0.61, 0.72, 0.83]
    clusters["recovered"], clusters["recovered_by_cut"], clusters["dissolved"] = [6, 4, 1], [5, 4, 0], [0, 1, 5]
    clusters["recurrence"] = generator.uniform(0.2, 1, len(clusters))
    clusters["recurrence_stderr"] = [0.0123, 0.0002, 0.2]
    clusters["p_value"] = [0.0004, 0.0321, 0.71]
    clusters["depth"] = [0.111, 0.222, np.nan]
    clusters["depth_low"] = [0.05, 0.1, np.nan]
    clusters["depth_high"] = [0.2, 0.45, np.nan]
    tracks["recurrence"] = generator.uniform(0, 1, len(tracks))
    tracks["fate"] = generator.choice(["kept", "split", "merged", "lost"], len(tracks))
    tracks["pieces"] = generator.integers(2, 6, len(tracks))
    others = [[other for other in range(3) if other != own] for own in tracks["cluster"]]
    tracks["partners"] = [generator.permutation(own)[: generator.integers(1, 3)].tolist() for own in others]
    for name, table in tables.items():
        schema = schemas.points(()) if name == "points" else schemas.RUN_TABLES[name]
        pq.write_table(pa.Table.from_pandas(table, schema, preserve_index=False), folder / f"{name}.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["tables"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@dataclass(frozen=True)
class Drawn:
    """A run folder, what is read of it, and what is summed up."""

    folder: Path
    run: Run
    summary: Summary

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / f"{name}.parquet")

    @property
    def cells(self) -> pd.DataFrame:
        return self.table("cells").query("kind == 'data' and status == 'ok'")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    kinds = np.random.default_rng(2).choice(["elm", "oak", "ash"], ROWS, p=[0.6, 0.3, 0.1]).tolist()
    kinds[7] = None
    folder = RunFolder(verdicts=VERDICTS, labels={"kind": kinds}).write(tmp_path_factory.mktemp("paper") / "run")
    run = read_run(dealt_out(with_every_score(folder)))
    return Drawn(folder, run, summarise(run))


def places(figure: Figure) -> Iterator[tuple[float, float, Text]]:
    for one in figure.texts:
        x, y = one.get_position()
        yield x, y, one


def heads_above(figure: Figure, axes: Axes, *, centred_at: float | None = None) -> list[str]:
    """Return the lines above axes from the top: from their left edge on, or around a place."""
    box = axes.get_position()
    wanted = box.x0 if centred_at is None else centred_at
    align = "left" if centred_at is None else "center"
    above = [
        (y, one.get_text())
        for x, y, one in places(figure)
        if abs(x - wanted) < 1e-3 and y > box.y1 and y - box.y1 < 0.6 / figure.get_figheight() and one.get_ha() == align
    ]
    return [text for _, text in sorted(above, reverse=True)]


def names_beside(figure: Figure, axes: Axes, rows: int) -> list[str]:
    """Return the names that stand beside the rows of a heat map."""
    box = axes.get_position()
    found = [""] * rows
    for _, y, one in places(figure):
        if one.get_ha() == "right" and one.get_va() == "center" and box.y0 < y < box.y1:
            found[int((box.y1 - y) / (box.y1 - box.y0) * rows)] = plain(one.get_text())
    return found


def cells_of(axes: Axes) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """Return texts and colours of a heat map's cells, (rows, columns) each."""
    (mesh,) = (one for one in axes.collections if isinstance(one, QuadMesh))
    values = np.ma.asarray(mesh.get_array())
    rows, columns = values.shape
    texts = np.full((rows, columns), "", dtype=object)
    for one in axes.texts:
        x, y = one.get_position()
        texts[int(y), int(x)] = one.get_text()
    mesh.update_scalarmappable()
    colours = np.array([to_hex(one) for one in mesh.get_facecolors()]).reshape(rows, columns)
    return texts, colours


def near(colour: str, wanted: str) -> bool:
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(wanted[1:]), strict=True)
    return all(abs(a - b) <= 2 for a, b in pairs)  # a step of 256 is a value of a channel, and its neighbour


# --- scores -----------------------------------------------------------------------------------------------------------


def test_every_cell_of_the_score_figure(drawn: Drawn) -> None:
    sheet = draw_scores(drawn.run)
    assert sheet is not None
    joined = drawn.table("scores").merge(drawn.cells, on="cell")
    titles = {CARD_OF[score].title: score for score in MAIN_SCORES}
    settings = [plain(spell_configuration(name)) for name in drawn.cells["configuration"].unique()]
    seen = []
    for axes in sheet.figure.axes:
        title = " ".join(heads_above(sheet.figure, axes)).replace("- ", "-")  # a long word is broken at its hyphen
        score = titles[title]
        own = joined[joined["score"] == score]
        named = own["configuration"].map(spell_configuration).map(plain)
        means = own.groupby([named, own["k"].fillna(0)])["value"].mean()
        texts, colours = cells_of(axes)
        beside = [one for one in sheet.figure.axes if one.get_position().y0 == axes.get_position().y0]
        leftmost = min(beside, key=lambda one: one.get_position().x0)
        assert names_beside(sheet.figure, leftmost, len(settings)) == settings
        ks = [int(one.get_text()) for one in axes.get_xticklabels()] or [0]
        assert ks == sorted(int(k) for k in own["k"].fillna(0).unique())
        nonlinear = means.drop(index="PCA", level=0)
        for row, name in enumerate(settings):
            for column, k in enumerate(ks):
                mean = means[name, k]
                assert texts[row, column] == f"{mean:.3f}"
                share = (mean - nonlinear.min()) / (nonlinear.max() - nonlinear.min())
                assert near(colours[row, column], to_hex(BLUES(min(1.0, max(0.0, share)))))
        seen.append(score)
    assert sorted(seen) == sorted(MAIN_SCORES)


# --- tracks -----------------------------------------------------------------------------------------------------------


def test_every_cell_of_the_figure_of_tracks(drawn: Drawn) -> None:
    sheet = draw_tracks(drawn.summary)
    assert sheet is not None
    (axes,) = sheet.figure.axes
    texts, colours = cells_of(axes)
    tracks = drawn.table("tracks").set_index(["configuration", "cluster"])
    clusters = drawn.table("clusters")
    settings = list(drawn.table("tracks")["configuration"].unique())
    assert names_beside(sheet.figure, axes, len(settings)) == [plain(spell_configuration(name)) for name in settings]
    box = axes.get_position()
    names = {int(one["cluster"]): f"{one['label']} #{one['cluster']}" for _, one in clusters.iterrows()}
    alone = clusters["label"].value_counts()
    names = {
        int(one["cluster"]): one["label"] if alone[one["label"]] == 1 else names[int(one["cluster"])]
        for _, one in clusters.iterrows()
    }
    for column, (_, cluster) in enumerate(clusters.iterrows()):
        middle = box.x0 + (column + 0.5) / len(clusters) * (box.x1 - box.x0)
        assert heads_above(sheet.figure, axes, centred_at=middle) == [
            f"{SHAPES[cluster['verdict']]} {names[int(cluster['cluster'])]}",
            f"{cluster['size']}",
            cluster["verdict"],
        ]
        for row, name in enumerate(settings):
            own = tracks.loc[(name, cluster["cluster"])]
            partners = ", ".join(names[number] for number in sorted(own["partners"]))
            beside = {"split": str(own["pieces"]), "merged": partners if len(partners) <= 8 else ""}
            recurrence = f"{own['recurrence']:.2f}".removeprefix("0")
            assert texts[row, column] == f"{SYMBOLS[own['fate']]}{beside.get(own['fate'], '')} {recurrence}"
            assert near(colours[row, column], to_hex(BLUES(own["recurrence"])))
    assert set(drawn.table("tracks")["fate"]) == set(SYMBOLS)  # each was seen


# --- grids ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Handed:
    """What was handed over to be drawn in axes."""

    axes: Axes
    picture: pd.DataFrame
    colours: npt.NDArray[np.float32]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Handed]:
    """Note what is drawn where; that points are drawn as they are handed over is tested beside this file."""
    found: list[Handed] = []

    def note(axes: Axes, picture: pd.DataFrame, colours: npt.NDArray[np.float32], side: float) -> None:
        found.append(Handed(axes, picture, colours))

    monkeypatch.setattr(grid_figure, "draw_picture", note)
    monkeypatch.setattr(report_pdf, "draw_picture", note)
    return found


def labelled_hues(drawn: Drawn) -> dict[object, str]:
    """Return the hue of every label: that of the cluster that most of its rows are in, the most frequent first."""
    points = drawn.table("points")
    taken: dict[object, int] = {}
    for label in points["label"].value_counts().index:
        most = points.loc[points["label"] == label, "cluster"].value_counts().index[0]
        if int(most) not in taken.values():
            taken[label] = int(most)
    free = [slot for slot in range(len(LIGHT)) if slot not in taken.values()]
    rest = [label for label in points["label"].value_counts().index if label not in taken]
    return {label: LIGHT[slot] for label, slot in {**taken, **dict(zip(rest, free, strict=False))}.items()}


def marks_of(sheet: Sheet) -> list[tuple[str, str]]:
    """Return the legend: the colour of every mark, and the text right of it."""
    found = []
    for line in (one for one in sheet.figure.artists if one.get_marker() == "o"):
        x, y = float(line.get_xdata()[0]), float(line.get_ydata()[0])
        beside = [
            (text_x, one.get_text())
            for text_x, text_y, one in places(sheet.figure)
            if text_x > x and 0 <= text_y - y < 0.15 / sheet.height
        ]
        found.append((to_hex(line.get_color()), min(beside)[1]))
    return found


@pytest.mark.parametrize("by", ["label", "cluster"])
def test_every_picture_of_the_grid_and_every_colour_in_it(drawn: Drawn, handed: list[Handed], by: str) -> None:
    found = (comparison_colouring if by == "label" else cluster_colouring)(drawn.run, drawn.summary)
    assert isinstance(found, Colouring)
    sheet = draw_comparison_grid(drawn.summary.rows, found)
    points = drawn.table("points").set_index("row")
    embeddings = drawn.table("embeddings")
    clusters = drawn.table("clusters").set_index("cluster")
    hues: dict[object, str] = (
        labelled_hues(drawn) if by == "label" else {float(number): LIGHT[number] for number in range(3)}
    )
    values = points["label"] if by == "label" else points["cluster"].astype(float)
    counted = values.value_counts()
    told = {name: colour for colour, name in marks_of(sheet)}
    if by == "label":
        assert told == {**{name: hues[name] for name in counted.index}, "none": GREY}
    else:
        names = [
            next(name for name in told if f"{SHAPES[one['verdict']]} {one['verdict']}, {one['size']} rows" in name)
            for _, one in clusters.iterrows()
        ]
        assert [told[name] for name in names] == [LIGHT[number] for number in range(3)]
        assert told["none"] == GREY
    assert len(handed) == len(drawn.cells)
    of_cell = drawn.cells.set_index("cell")
    seen = []
    for one in handed:
        box = one.axes.get_position()
        # The seed stands right above its picture; the setting above the first picture of its row.
        seed = [
            text.get_text()
            for x, y, text in places(sheet.figure)
            if abs(x - box.x0) < 1e-3 and 0 < y - box.y1 < 0.2 / sheet.height and text.get_text().startswith("seed")
        ]
        titles = [
            (y, -x, plain(text.get_text()))
            for x, y, text in places(sheet.figure)
            if text.get_weight() == "bold" and x <= box.x0 + 1e-3 and 0 < y - box.y1 < 0.5 / sheet.height
        ]
        nearest = max(-x for _, x, _ in titles) if titles else 0.0
        title = " ".join(text for y, x, text in sorted(titles, reverse=True) if abs(-x - nearest) < 1e-3)
        candidates = of_cell[of_cell["configuration"].map(spell_configuration).map(plain) == title]
        if seed:
            candidates = candidates[candidates["seed"] == int(seed[0].split(" ")[1])]
        (cell,) = candidates.index
        own = embeddings[embeddings["cell"] == cell].set_index("row")
        drawn_at = one.picture.set_index("row")
        pd.testing.assert_frame_equal(drawn_at[["x", "y"]], own[["x", "y"]].loc[drawn_at.index])
        wanted = [hues.get(value, GREY) for value in values.loc[drawn_at.index]]
        assert [to_hex(colour) for colour in one.colours] == wanted
        seen.append(cell)
    assert sorted(seen) == sorted(drawn.cells["cell"])


def test_what_stands_where_there_is_no_picture(drawn: Drawn, handed: list[Handed]) -> None:
    sheet = draw_comparison_grid(drawn.summary.rows, comparison_colouring(drawn.run, drawn.summary))
    lost = drawn.table("cells").query("kind == 'data' and status != 'ok'")
    with_picture = {id(one.axes) for one in handed}
    told = [
        " ".join(one.get_text() for one in axes.texts).replace("\n", " ").replace("- ", "-")
        for axes in sheet.figure.axes
        if id(axes) not in with_picture
    ]
    wanted = [f"{one['status']} {one['reason']}" for _, one in lost.iterrows()]
    assert sorted(" ".join(text.split()) for text in told) == sorted(wanted)


# --- the first page ---------------------------------------------------------------------------------------------------


def test_the_table_of_clusters_on_the_first_page(drawn: Drawn, handed: list[Handed]) -> None:
    first = compose_pages(drawn.run, drawn.summary).sheets[0]
    texts = [(y, x, plain(one.get_text())) for x, y, one in places(first.figure)]
    (head,) = (y for y, _, text in texts if text == "Depth of the valley")
    for _, own in drawn.table("clusters").iterrows():
        interval = f"(95 % interval {own['depth_low']:.2f} to {own['depth_high']:.2f})"
        depth = "" if pd.isna(own["depth"]) else f"{own['depth']:.2f} {interval}"
        error = "<.001" if own["recurrence_stderr"] < 0.0005 else f"{own['recurrence_stderr']:.3f}"
        p = {0: "< .001", 1: ".032", 2: ".71"}[own["cluster"]]
        wanted = [
            f"{SHAPES[own['verdict']]} {own['verdict']}",
            f"{own['size']}",
            p,
            *([depth] if depth else []),
            f"{own['recurrence']:.3f} ± {error}",
        ]
        lines = {y for y, _, text in texts if text == wanted[0] and y < head}
        row = [text for y, _, text in sorted(texts, key=lambda one: one[1]) if y in lines]
        assert row[0].startswith("kind ")
        assert [text for text in row[1:] if text] == wanted


def test_the_map_on_the_first_page(drawn: Drawn, handed: list[Handed]) -> None:
    first = compose_pages(drawn.run, drawn.summary).sheets[0]
    (axes,) = first.figure.axes
    (own,) = (one for one in handed if one.axes is axes)
    best = drawn.table("recommendations").sort_values("rank").iloc[0]
    assert best["cell"] == cell_id(T30, 0)
    points = drawn.table("embeddings").query(f"cell == '{best['cell']}'").set_index("row")
    pd.testing.assert_frame_equal(own.picture.set_index("row")[["x", "y"]], points[["x", "y"]])
    clusters = drawn.table("points").set_index("row")["cluster"].reindex(own.picture["row"])
    assert [to_hex(one) for one in own.colours] == [
        GREY if pd.isna(number) else LIGHT[int(number)] for number in clusters
    ]
    verdicts = drawn.table("clusters").set_index("cluster")
    assert len(axes.texts) == len(verdicts)
    for text, (number, cluster) in zip(axes.texts, verdicts.iterrows(), strict=True):
        rows = clusters.index[clusters == number]
        assert text.get_position() == pytest.approx((points.loc[rows, "x"].median(), points.loc[rows, "y"].median()))
        assert text.get_text().startswith(f"{SHAPES[cluster['verdict']]} ")
        assert str(cluster["label"]) in text.get_text()
    box = axes.get_position()
    below = [
        one.get_text()
        for x, y, one in places(first.figure)
        if abs(x - box.x0) < 1e-3 and 0 < box.y0 - y < EDGE / first.height
    ]
    assert plain(below[0]) == "t-SNE, perplexity 30, seed 0"


def test_what_is_told_of_every_cluster(drawn: Drawn, handed: list[Handed]) -> None:
    texts = [
        (page, y, x, plain(one.get_text()))
        for page, sheet in enumerate(compose_pages(drawn.run, drawn.summary).sheets)
        for x, y, one in places(sheet.figure)
    ]
    ((page, head, _, _),) = (one for one in texts if one[3] == "Cluster by cluster")
    below = [one for one in texts if one[:2] > (page, 0) and (one[0] > page or one[1] < head)]
    names = sorted((one[0], -one[1], one[3]) for one in below if one[3].startswith("kind ") and one[2] < 0.1)
    clusters = drawn.table("clusters").reset_index(drop=True)
    for (on, up, name), (_, own) in zip(names, clusters.iterrows(), strict=False):
        assert own["label"] in name
        line = line_height(SMALL) / PAGE_HEIGHT
        beside = [one for one in below if one[0] == on and one[2] > 0.1 and -3.5 * line < one[1] + up <= 1e-6]
        told = " ".join(one[3] for one in sorted(beside, key=lambda one: -one[1]))
        found = f"Found again in {own['recovered']} of {own['configurations']} settings"
        assert found in told
        if own["recovered_by_cut"] != own["recovered"]:
            assert f"(in {own['recovered_by_cut']} by their drawn islands alone)" in told
        if own["dissolved"]:
            assert f"dissolved in {own['dissolved']}." in told
        assert f"Mostly kind {own['label']}: {100 * own['label_share']:.0f} %." in told
    assert len(names) >= len(clusters)
    for column in ("recovered", "recovered_by_cut", "dissolved", "label_share", "label"):
        assert clusters[column].nunique() == len(clusters), column  # one cluster's is never another's
