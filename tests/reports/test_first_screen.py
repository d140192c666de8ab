"""The first screen and the way through the page, in a browser: names, map, setting, table, sections, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, FloatRect

from benchmarks.report_page import Case, write_run_folder
from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import summarise
from tests.reports.browsing import COLOURS, Opened, render, visit, wait_until_painted
from tests.reports.run_folder_fixture import ROWS, T30, RunFolder

pytestmark = pytest.mark.browser

THIRD = ROWS // 3

KINDS = {
    "verdicts": RunFolder(verdicts=("REAL", "UNCERTAIN", "REAL"), membership=np.linspace(0, 1, ROWS)),
    "no labels": RunFolder(labels={}, verdicts=("REAL", "HIDDEN", "ARTEFACT")),
    "nothing tested": RunFolder(),
    "three dimensions": RunFolder(solid=[T30], verdicts=("REAL", "REAL", "REAL")),
    "long names": RunFolder(labels={"kind": [f"a rather long name, number {row % 3}" for row in range(ROWS)]}),
    "long names, tested": RunFolder(
        labels={"kind": [f"a rather long name, number {row % 3}" for row in range(ROWS)]},
        verdicts=("UNCERTAIN", "ARTEFACT", "UNCERTAIN"),
    ),
    "halves": RunFolder(halves=True, verdicts=("UNCERTAIN",) * 3),
}

SEEN = """selector => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return box.width > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
}"""
"""Whether all of an element is on the screen."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build a report of every kind."""
    folder = tmp_path_factory.mktemp("kinds")
    return {name: render(kind.write(folder / name / "run")) for name, kind in KINDS.items()}


@pytest.fixture
def first(browser: Browser, pages: dict[str, Path]) -> Iterator[Opened]:
    """Open the report with verdicts as a reader finds it: folded."""
    found = visit(browser, pages["verdicts"], unfold=False)
    yield found
    found.page.close()
    assert found.errors == []
    assert found.requests == [pages["verdicts"].as_uri()]


@pytest.mark.parametrize("kind", KINDS)
def test_names_map_and_setting_are_seen_without_scrolling(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    found = visit(browser, pages[kind], unfold=False)
    page = found.page
    said = ".groups" if KINDS[kind].verdicts else ".lead"
    for selector in (said, ".map .picture", ".use"):
        assert page.evaluate(SEEN, selector), selector
    assert page.locator(".map .picture").evaluate(COLOURS) > 20
    assert page.locator(".code").inner_text().startswith("from openTSNE import TSNE")
    assert page.evaluate("document.documentElement.scrollHeight") <= 6 * 900
    assert found.errors == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_names_setting_and_most_of_the_map(browser: Browser, pages: dict[str, Path], scheme: str) -> None:
    page = visit(browser, pages["verdicts"], width=400, height=820, scheme=scheme, unfold=False).page
    assert page.evaluate(SEEN, "#answer .groups")
    assert page.evaluate(SEEN, ".use")
    box = page.locator(".map .picture").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] / 2 < 820
    page.close()


SCREENS = 6


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_has_at_most_six_screens_before_anything_is_opened(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    page = visit(browser, pages[kind], width=400, height=800, unfold=False).page
    assert page.evaluate("document.documentElement.scrollHeight") <= SCREENS * 800
    page.close()


@pytest.fixture(scope="module")
def wide_grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a report of 13 settings by three seeds and 12 clusters, as digits have; the last setting is the best."""
    folder = tmp_path_factory.mktemp("wide")
    run = read_run(write_run_folder(folder / "run", Case(settings=13, seeds=3, rows=600)))
    cells = run.drawn.drop_duplicates("configuration")
    ranked = cells[["configuration", "reducer", "cell"]].assign(
        trustworthiness=0.9,
        auc_ln_k=0.5,
        stability=0.9,
        on_front=False,
        kept=12,
        counted=12,
        rank=np.arange(len(cells), 0, -1),
        recommended=False,
        reason="",
    )
    tracks = run.clusters[["cluster"]].merge(cells[["configuration"]], how="cross")
    tracks = tracks.assign(fate="kept", recurrence=0.9, kept=3, split=0, merged=0, lost=0, pieces=1)
    tracks["partners"] = [[] for _ in range(len(tracks))]
    clusters = run.clusters.assign(verdict="REAL", p_value=0.001, depth=0.2)
    other = replace(run, recommendations=ranked, tracks=tracks, clusters=clusters)
    (folder / "page.html").write_text(render_page(other, summarise(other)), encoding="utf-8")
    return folder / "page.html"


def test_a_phone_folds_a_wide_grid_and_nothing_of_it_is_lost(browser: Browser, wide_grid: Path) -> None:
    found = visit(browser, wide_grid, width=400, height=800, unfold=False)
    page, rows = found.page, found.page.locator("#rows > .row")
    assert page.evaluate("document.documentElement.scrollHeight") <= SCREENS * 800
    shown = [row.locator("h3").inner_text() for row in rows.all() if row.is_visible()]
    ranked = page.locator("#settings [data-enlarge]").all_inner_texts()
    assert len(ranked) == len(rows.all()) == 13
    assert sorted(shown) == sorted(ranked[:4]) != sorted(row.locator("h3").inner_text() for row in rows.all()[:4])
    # A setting that is folded is still a press away, and so are all of them.
    page.locator("#settings [data-enlarge]").last.click()
    assert page.locator("#zoom-title").inner_text().startswith(ranked[-1])
    page.keyboard.press("Escape")
    button = page.locator("#all-settings")
    assert button.inner_text() == f"Show all {rows.count()} settings"
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert all(row.is_visible() for row in rows.all())
    folded = page.locator("#rows > .row.later [data-cell]").first
    folded.scroll_into_view_if_needed()
    wait_until_painted(folded)
    button.focus()
    page.keyboard.press("Enter")
    assert sum(row.is_visible() for row in rows.all()) == 4
    # Laid out in another way it is whole, and on paper, too.
    page.locator("#further").click()
    page.locator("#layout").select_option(index=1)
    assert all(row.is_visible() for row in rows.all())
    assert not button.is_visible()
    page.locator("#layout").select_option(index=0)
    assert sum(row.is_visible() for row in rows.all()) == 4
    page.emulate_media(media="print")
    assert all(row.is_visible() for row in rows.all())
    assert found.errors == []
    page.close()
    wide = visit(browser, wide_grid, unfold=False).page
    assert all(row.is_visible() for row in wide.locator("#rows > .row").all())
    assert not wide.locator("#all-settings").is_visible()
    wide.close()


@pytest.mark.parametrize("kind", ["verdicts", "no labels", "three dimensions", "long names"])
@pytest.mark.parametrize("width", [1400, 400])
def test_names_on_the_map_do_not_overlap_and_stay_inside(
    browser: Browser, pages: dict[str, Path], kind: str, width: int
) -> None:
    page = visit(browser, pages[kind], width=width, unfold=False).page
    tags, frame = page.locator(".tag:visible"), page.locator(".map-frame").bounding_box()
    boxes = [tag.bounding_box() for tag in tags.all()]
    assert len(boxes) >= 2
    whole = "one => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight"
    assert all(tag.evaluate(whole) for tag in page.locator(".tag:visible .named").all())
    assert frame is not None
    for one in boxes:
        assert one is not None
        assert one["x"] >= frame["x"] and one["x"] + one["width"] <= frame["x"] + frame["width"]
        assert one["y"] >= frame["y"] and one["y"] + one["height"] <= frame["y"] + frame["height"]
    assert apart([one for one in boxes if one])
    page.close()


FORTY = 40


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the report of 40 REAL clusters on a grid of 7 × 6, with long names that differ in their last word."""
    folder = tmp_path_factory.mktemp("forty")
    run = read_run(write_run_folder(folder / "run", Case(settings=2, seeds=1, rows=2_000, clusters=FORTY)))
    number = run.embeddings["row"].to_numpy() % FORTY
    jitter = np.random.default_rng(0).normal(0, 0.08, (2, len(number)))
    places = run.embeddings.assign(x=number % 7 + jitter[0], y=number // 7 + jitter[1])
    named = run.clusters.assign(verdict="REAL", label=[f"Passer domesticus of place {one}" for one in range(FORTY)])
    other = replace(run, clusters=named, embeddings=places)
    (folder / "page.html").write_text(render_page(other, summarise(other)), encoding="utf-8")
    return folder / "page.html"


def apart(boxes: list[FloatRect]) -> bool:
    return all(
        a["x"] + a["width"] <= b["x"]
        or b["x"] + b["width"] <= a["x"]
        or a["y"] + a["height"] <= b["y"]
        or b["y"] + b["height"] <= a["y"]
        for a, b in combinations(boxes, 2)
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1400, 900), (820, 1100), (400, 820)])
def test_forty_clusters_are_named_and_each_is_found_on_the_map(
    browser: Browser, forty: Path, width: int, height: int, scheme: str
) -> None:
    found = visit(browser, forty, width=width, height=height, scheme=scheme, unfold=False)
    page = found.page
    said = page.locator("#answer .groups dd")
    assert all(f"place {one}" in said.inner_text() for one in range(FORTY))
    for selector in (".groups", ".use"):
        assert page.evaluate(SEEN, selector), selector
    if width == 1400:
        assert page.evaluate(SEEN, ".map .picture")
        assert said.evaluate("list => list.scrollHeight <= list.clientHeight")  # nothing of it is cut
    else:
        assert said.evaluate("list => list.scrollHeight > list.clientHeight && list.tabIndex === 0")
        assert page.evaluate(
            "document.querySelector('.map .picture').getBoundingClientRect().top < innerHeight / 2 + 60"
        )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if width == 400:
        assert page.evaluate("document.documentElement.scrollHeight") <= SCREENS * 800
    named = [box for one in page.locator(".tag:not(.mark):visible").all() if (box := one.bounding_box())]
    marks = page.locator(".tag.mark:visible")
    assert apart(named)
    assert len(named) + marks.count() >= FORTY - 2
    assert len(named) >= (15 if width == 1400 else 3)
    whole = "one => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight"
    assert all(one.evaluate(whole) for one in page.locator(".tag:not(.mark):visible .named").all())
    assert found.errors == []
    page.close()


def test_a_mark_without_room_for_its_name_shows_it_to_pointer_keyboard_and_press(browser: Browser, forty: Path) -> None:
    page = visit(browser, forty, width=400, unfold=False).page
    mark, other = page.locator(".tag.mark:visible").nth(0), page.locator(".tag.mark:visible").nth(5)
    name = mark.locator(".named")
    assert not name.is_visible()
    mark.hover(force=True)  # another mark's edge may reach over its middle
    assert name.is_visible()
    page.mouse.move(1, 1)
    assert not name.is_visible()
    other.focus()
    page.keyboard.press("Tab")
    assert page.locator(".tag.mark:focus .named").is_visible()
    mark.focus()
    page.keyboard.press("Enter")
    page.locator("#colour").focus()
    assert name.is_visible()
    assert page.locator("#status").inner_text().startswith("50 of 2,000 rows selected")
    page.close()


def test_a_name_on_the_map_selects_its_cluster_and_makes_a_link_of_it(first: Opened) -> None:
    page = first.page
    tag = page.locator(".tag[data-cluster='2']")
    assert tag.inner_text().split() == ["●", "REAL", "c2"]
    tag.click()
    assert page.locator("#status").inner_text() == f"{THIRD} of {ROWS} rows selected, consensus cluster: cluster c2"
    assert page.evaluate("location.hash") == "#cluster=2"
    assert page.locator("#clusters [data-cluster='2']").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.evaluate("location.hash") == ""
    assert tag.get_attribute("aria-pressed") == "false"


def test_a_link_to_a_cluster_selects_it_and_opens_its_card(browser: Browser, pages: dict[str, Path]) -> None:
    found = visit(browser, pages["verdicts"], unfold=False, anchor="#cluster=1")
    page = found.page
    assert page.locator("#status").inner_text().startswith(f"{THIRD} of {ROWS} rows selected")
    assert page.locator("#card-1").is_visible()
    assert page.locator("#card-0").is_hidden()
    wait_until_painted(page.locator("#card-1 .picture"))
    assert found.errors == []
    page.close()


def test_the_table_has_real_first_sorts_by_its_heads_and_opens_cards_by_keyboard(first: Opened) -> None:
    page = first.page
    names = page.locator("#clusters [data-cluster]")
    assert [one.split("\n")[0] for one in names.all_inner_texts()] == ["cluster c0", "cluster c2", "cluster c1"]
    head = page.locator("th[data-sort=recurrence]")
    head.locator("button").focus()
    page.keyboard.press("Enter")  # .96, .80 and .40
    assert names.all_inner_texts() == ["cluster c0", "cluster c1", "cluster c2"]
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert names.all_inner_texts() == ["cluster c2", "cluster c1", "cluster c0"]
    opener = page.locator("[data-open='1']")
    opener.focus()
    page.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    assert page.locator("#card-1 [data-member]").first.is_visible()
    page.keyboard.press("Enter")
    assert page.locator("#card-1").is_hidden()


@pytest.mark.parametrize("width", [1400, 820, 400])
def test_an_open_card_is_read_without_scrolling_sideways(browser: Browser, pages: dict[str, Path], width: int) -> None:
    page = visit(browser, pages["verdicts"], width=width, unfold=False).page
    page.locator("[data-open='1']").click()
    for part in page.locator("#card-1 p, #card-1 dd, #card-1 .members, #card-1 .picture").all():
        box = part.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    arrow, name = (page.locator(f"#clusters button[{one}='1']").bounding_box() for one in ("data-open", "data-cluster"))
    assert arrow is not None and name is not None
    assert arrow["y"] < name["y"] + name["height"] and name["y"] < arrow["y"] + arrow["height"]  # side by side
    page.close()


def test_a_table_of_many_clusters_sorts_all_of_them_and_shows_the_first(browser: Browser, tmp_path: Path) -> None:
    run = read_run(RunFolder(verdicts=("REAL", "REAL", "REAL")).write(tmp_path / "run"))
    summary = summarise(run)
    cards = tuple(replace(summary.clusters[0], number=number, size=100 + number) for number in range(20))
    page_file = tmp_path / "many.html"
    page_file.write_text(render_page(run, replace(summary, clusters=cards, tracks=None)), encoding="utf-8")
    page = visit(browser, page_file, unfold=False).page
    shown = page.locator("table.clusters [data-cluster]:visible")

    def numbers() -> list[int]:
        return [int(one.get_attribute("data-cluster") or -1) for one in shown.all()]

    assert numbers() == list(range(12))
    page.locator("th[data-sort=rows] button").click()
    assert numbers() == list(range(19, 7, -1))  # the largest were below the twelfth
    page.locator("#all-clusters").focus()
    page.keyboard.press("Enter")
    assert numbers() == list(range(19, -1, -1))
    assert page.locator("#all-clusters").inner_text() == "Show the first 12 clusters"
    page.keyboard.press("Enter")
    assert len(numbers()) == 12
    page.close()


def test_a_setting_leads_to_its_picture_and_back(first: Opened) -> None:
    page = first.page
    setting = page.locator("#settings [data-enlarge]").first
    setting.focus()
    page.keyboard.press("Enter")
    assert page.locator("#zoom-title").inner_text().startswith(setting.inner_text())
    page.keyboard.press("Escape")
    assert setting.evaluate("element => element === document.activeElement")


@pytest.mark.parametrize("width", [1400, 820, 400])
def test_the_sections_are_links_that_unfold_what_they_lead_to(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    page = visit(browser, pages["verdicts"], width=width, unfold=False).page
    links = page.locator("nav a")
    assert links.count() >= 10
    folded = page.locator("#stability details.fold")
    assert folded.get_attribute("open") is None
    page.locator("nav a[href='#stability']").click()
    page.wait_for_selector("#stability details.fold[open]", state="attached")
    assert page.evaluate("location.hash") == "#stability"
    page.close()


def test_a_deep_link_unfolds_its_section(browser: Browser, pages: dict[str, Path]) -> None:
    page = visit(browser, pages["verdicts"], unfold=False, anchor="#scores").page
    assert page.locator("#scores details.fold").get_attribute("open") is not None
    page.close()


def test_the_toolbar_and_the_legend_stay_while_pictures_scroll(first: Opened) -> None:
    page = first.page
    page.locator("#size").select_option("large")
    page.locator("#rows [data-cell]").last.scroll_into_view_if_needed()
    for selector in ("#colour", "#legend button"):
        assert page.evaluate(SEEN, selector), selector


@pytest.fixture
def every_page(pages: dict[str, Path], forty: Path, wide_grid: Path) -> dict[str, Path]:
    """Return the reports of every kind, of forty clusters and of a wide grid."""
    return {**pages, "forty": forty, "wide": wide_grid}


COVERED = """() => {
  const boxes = ["nav", ".toolbar"].map((one) => document.querySelector(one).getBoundingClientRect());
  return [Math.min(...boxes.map((box) => box.top)), Math.max(...boxes.map((box) => box.bottom)) / innerHeight];
}"""
"""Where what stays begins, and the share of the screen above its end."""

FREE = """element => {
  const { left, top, width, height } = element.getBoundingClientRect();
  const seen = document.elementFromPoint(left + width / 2, top + Math.min(10, height / 2));
  return element.contains(seen);
}"""
"""Whether the upper edge of an element is under nothing."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["verdicts", "forty", "wide"])
def test_on_a_phone_a_compact_toolbar_and_legend_stay_while_pictures_scroll(
    browser: Browser, every_page: dict[str, Path], which: str, scheme: str
) -> None:
    report = every_page[which]
    found = visit(browser, report, width=400, height=800, scheme=scheme, unfold=False)
    page = found.page
    frames = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.locator("#rows > .row:visible [data-cell]").last.scroll_into_view_if_needed()
    for selector in ("nav a", "#colour", "#further"):
        assert page.evaluate(SEEN, selector), selector
    legend = page.locator("#legend button")
    assert legend.first.evaluate(FREE)
    assert page.evaluate(COVERED)[0] == 0
    assert page.evaluate(COVERED)[1] < 0.15
    # The legend is one line; what does not fit scrolls sideways, and the keyboard brings it.
    tops = {round(one.evaluate("one => one.getBoundingClientRect().top")) for one in legend.all()}
    assert len(tops) == 1
    legend.last.focus()
    assert legend.last.evaluate(FREE)
    page.keyboard.press("Enter")
    page.evaluate(frames)
    assert "rows selected" in page.locator("#status").inner_text()
    for selector in ("#status", "#clear", ".toolbar .copy"):
        assert page.evaluate(SEEN, selector), selector
    assert page.evaluate(COVERED)[1] < 0.22
    # A picture that the keyboard comes to is not under it.
    page.locator("#rows > .row:visible [data-cell]").first.focus()
    page.evaluate(frames)
    assert page.locator("#rows > .row:visible [data-cell]").first.evaluate(FREE)
    page.keyboard.press("Escape")
    # What is folded is a press away, and the key of the search unfolds it.
    assert not page.locator("#size").is_visible()
    page.locator("#further").focus()
    page.keyboard.press("Enter")
    for selector in ("#size", "#search"):
        assert page.locator(selector).is_visible()
    page.keyboard.press("Enter")
    assert not page.locator("#search").is_visible()
    page.locator("#rows > .row:visible [data-cell]").last.focus()
    page.keyboard.press("/")
    assert page.locator("#search").evaluate("one => one === document.activeElement")
    # However long what is said, it takes two lines.
    page.keyboard.type("no such row " * 20)
    page.keyboard.press("Enter")
    page.locator("#further").click()
    assert page.locator("#status").inner_text().startswith("no row is found by")
    assert page.evaluate(COVERED)[1] < 0.22
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert found.errors == []
    page.close()


@pytest.mark.parametrize("which", ["verdicts", "long names, tested", "forty", "wide"])
def test_on_a_phone_the_table_shows_mark_name_rows_and_p_of_every_cluster(
    browser: Browser, every_page: dict[str, Path], which: str
) -> None:
    page = visit(browser, every_page[which], width=400, height=800, unfold=False).page
    edge = page.locator("#clusters .scroll").evaluate("one => one.getBoundingClientRect().right")
    assert edge <= 400
    for row in page.locator("table.clusters tbody tr:first-child").all():
        if not row.is_visible():
            continue  # of many clusters the first
        for part in (".verdict > span", "[data-cluster]", "td.right >> nth=0", "td.right >> nth=1"):
            box = row.locator(part).first.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= edge
        # The word is there for who does not see the mark, and above the table for who does.
        assert row.locator(".verdict .word").evaluate("one => getComputedStyle(one).display") != "none"
        assert row.locator(".verdict .word").inner_text() in page.locator("#clusters .marks").inner_text()
    assert page.locator("#clusters .marks").is_visible()
    page.close()


@pytest.mark.parametrize("width", [1100, 400])
def test_the_sections_stay_on_top_where_there_is_no_room_beside(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    page = visit(browser, pages["verdicts"], width=width, unfold=False).page
    page.locator("#provenance").scroll_into_view_if_needed()
    assert page.evaluate("scrollY") > 500
    assert page.evaluate(SEEN, "nav a")
    page.close()


def test_a_row_is_found_by_id_and_rows_by_label(first: Opened) -> None:
    page, search = first.page, first.page.locator("#search")
    page.keyboard.press("/")
    page.keyboard.type("17")
    page.keyboard.press("Enter")
    assert page.locator("#status").inner_text() == "row 17 is marked in every picture"
    search.fill("C1")
    search.press("Enter")
    assert page.locator("#status").inner_text().startswith(f"{THIRD} of {ROWS} rows selected, found by “C1”")
    search.fill("nothing like it")
    search.press("Enter")
    assert page.locator("#status").inner_text() == "no row is found by “nothing like it”"


def test_a_term_is_explained_for_pointer_and_keyboard(first: Opened) -> None:
    term = first.page.locator("#answer .term").first
    tip = term.locator("[role=tooltip]")
    assert not tip.is_visible()
    term.focus()
    assert tip.is_visible()
    assert "held out" in tip.inner_text()


def test_a_term_in_the_head_of_a_table_is_explained_where_nothing_cuts_it(first: Opened) -> None:
    page = first.page
    term = page.locator("#settings thead .term").last
    term.scroll_into_view_if_needed()
    term.focus()
    tip = term.locator("[role=tooltip]")
    assert tip.is_visible()
    box = tip.bounding_box()
    assert box is not None
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] - 4]
    on_top = "([x, y]) => document.elementFromPoint(x, y)?.closest('.term')?.textContent ?? ''"
    assert "Adjusted Rand index" in page.evaluate(on_top, middle)


def test_one_palette_has_one_meaning(first: Opened) -> None:
    page = first.page
    buttons = page.locator("#legend button")
    dot = "one => getComputedStyle(one.querySelector('i')).backgroundColor"
    legend = {one.inner_text().split("\n")[0]: one.evaluate(dot) for one in buttons.all()}
    table = {one.inner_text(): one.evaluate(dot) for one in page.locator("#clusters [data-cluster]").all()}
    assert legend == table
    assert page.locator("#legend-title").inner_text() == "Colour: consensus cluster"
    page.locator("#colour").select_option(label="cluster")  # the label's values borrow the hues of their clusters
    labels = {one.inner_text().split("\n")[0]: one.evaluate(dot) for one in buttons.all()}
    assert {f"cluster {value}": hue for value, hue in labels.items()} == table
    page.locator("#colour").select_option(label="verdict of the cluster")
    verdicts = {one.evaluate(dot) for one in buttons.all()}
    assert verdicts.isdisjoint(table.values())
