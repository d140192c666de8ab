"""A name has one hue, on the page and on paper: read off the page's legend in Chromium, and off the figure's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.colors import to_hex
from playwright.sync_api import Browser, Page

from steadymap.configs import schemas
from steadymap.reports.paper.grid_figure import cluster_colouring, comparison_colouring
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import summarise
from tests.reports.browsing import render, visit
from tests.reports.run_folder_fixture import ROWS, T30, RunFolder, cell_id, clusters, without_clusters

pytestmark = pytest.mark.browser

LABELS: dict[str, Sequence[str | None]] = {
    "turned": [f"k{(2 * cluster + 1) % 3}" for cluster in clusters()],
    "halved": [f"k{cluster}{row % 2}" for row, cluster in enumerate(clusters())],
    "coarse": ["few" if cluster == 1 else "many" for cluster in clusters()],
    "other": [None if row % 7 == 0 else f"v{row * row % 5}" for row in range(ROWS)],
    "more than hues": [f"v{row % 40:02}" for row in range(ROWS)],
}


def hues_of_the_page(page: Page, mode: str) -> dict[str, str]:
    """Return the hue of every name that the legend of a mode has."""
    page.locator("#colour").select_option(label=mode)
    found = {}
    for one in page.locator("#legend button").all():
        red, green, blue = one.locator("i").evaluate(
            "one => getComputedStyle(one).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
        )
        found[one.evaluate("one => one.childNodes[1].textContent")] = f"#{red:02x}{green:02x}{blue:02x}"
    return found


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("with_clusters", [True, False])
def test_a_label_has_one_hue(browser: Browser, tmp_path: Path, kind: str, with_clusters: bool) -> None:
    folder = RunFolder(labels={"kind": LABELS[kind]}).write(tmp_path / "run")
    if not with_clusters:
        without_clusters(folder)
    run = read_run(folder)
    paper = {name: colour for colour, name in comparison_colouring(run, summarise(run)).legend}
    found = visit(browser, render(folder), unfold=False)
    page = hues_of_the_page(found.page, "kind")
    assert len(set(LABELS[kind]) - {None}) == len(page)
    named = {name: hue for name, hue in page.items() if name in paper}
    assert named == {name: hue for name, hue in paper.items() if name in page}
    assert len(named) == min(20, len(page))
    if kind in ("turned", "coarse") and with_clusters:
        colouring = cluster_colouring(run, summarise(run))
        assert colouring is not None
        of_clusters = [colour for colour, _ in colouring.legend]
        wanted = {"turned": ["k1", "k0", "k2"], "coarse": ["many", "few"]}[kind]
        assert [paper[name] for name in wanted] == of_clusters[: len(wanted)]
    assert found.errors == []
    found.page.close()


def test_an_island_has_one_hue_where_there_are_neither_labels_nor_clusters(browser: Browser, tmp_path: Path) -> None:
    folder = RunFolder(labels={}).write(tmp_path / "run")
    # Islands of other sizes, so that the order by size is not that of their numbers.
    table = pq.read_table(folder / "embeddings.parquet").to_pandas()
    table["island"] = np.where(table["row"] < 40, 0, np.where(table["row"] < 90, 1, table["island"]))
    table["island_filled"] = table["island"].where(table["island"] >= 0, 2)
    pq.write_table(pa.Table.from_pandas(table, schemas.EMBEDDINGS, preserve_index=False), folder / "embeddings.parquet")
    without_clusters(folder)
    run = read_run(folder)
    colouring = comparison_colouring(run, summarise(run))
    assert colouring.title == "island"
    cell = cell_id(T30, 0)
    islands = colouring.pictures[cell]["island"].to_numpy()
    paper = {
        chr(ord("A") + number): to_hex(colouring.by_cell[cell][islands == number][0])
        for number in sorted(set(islands) - {-1})
    }
    found = visit(browser, render(folder), unfold=False)
    page = hues_of_the_page(found.page, "island of the picture")
    assert page == paper
    assert len(set(paper.values())) == len(paper) == 3
    assert found.errors == []
    found.page.close()
