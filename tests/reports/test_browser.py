"""The page in a browser: pictures are there at once, linked, reachable by keyboard, and no name runs a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.report_page import Case, write_run_folder
from steadymap.reports.pictures.picture_data import MARGIN
from steadymap.reports.run.run_folder import read_run
from tests.reports.browsing import (
    AXE,
    COLOURS,
    MOST_FRAMES,
    PIXELS,
    UNFOLD,
    VIOLATIONS,
    Opened,
    render,
    visit,
    wait_until_painted,
)
from tests.reports.payloads import PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import ROWS, T30, RunFolder

pytestmark = pytest.mark.browser

HUES = """element => {
  const canvas = element.querySelector("canvas"), context = canvas.getContext("2d"), counts = new Map();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]], high = Math.max(r, g, b), low = Math.min(r, g, b);
    if (high - low < 80) continue;
    const span = high - low, turn = high === r ? (g - b) / span : high === g ? 2 + (b - r) / span : 4 + (r - g) / span;
    counts.set(Math.round(turn), (counts.get(Math.round(turn)) ?? 0) + 1);
  }
  return [...counts.values()].filter((count) => count > 20).length;
}"""
"""How many of six hues a picture has, greys aside; the first three inks on light ground are blue, yellow and red."""


TONES = """element => {
  const canvas = element.querySelector("canvas"), context = canvas.getContext("2d"), counts = new Map();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    if (Math.max(r, g, b) - Math.min(r, g, b) > 24) coloured++;
    counts.set(g, (counts.get(g) ?? 0) + 1);
  }
  return [coloured, [...counts.values()].filter((count) => count >= 20).length];
}"""
"""Pixels that are no grey, and how many greys a picture has, the paper among them; edges of points are too few."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(RunFolder().write(tmp_path_factory.mktemp("usual") / "run"))


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a report in which the later a row, the more firmly it belongs to its cluster."""
    folder = RunFolder(membership=np.linspace(0.1, 1, ROWS), ids=[f"sample-{row}" for row in range(ROWS)])
    return render(folder.write(tmp_path_factory.mktemp("ranked") / "run"))


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    found = visit(browser, report)
    yield found
    found.page.close()
    assert found.errors == []
    assert found.requests == [report.as_uri()]


def test_pictures_are_painted_as_soon_as_the_page_is_ready(browser: Browser, report: Path) -> None:
    # Frames never come in a background tab or a screenshot: what is on the screen must not wait for one.
    page = browser.new_page(viewport={"width": 1400, "height": 1600})
    page.add_init_script("window.requestAnimationFrame = () => 0")
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.locator("#answer .picture").first.evaluate(COLOURS) > 20
    page.close()


def test_pictures_below_are_painted_when_they_are_scrolled_to(opened: Opened) -> None:
    last = opened.page.locator("#rows [data-cell]").last
    last.scroll_into_view_if_needed()
    wait_until_painted(last)


def test_a_box_in_one_picture_selects_its_rows_in_all(opened: Opened) -> None:
    page = opened.page
    picture = page.locator("#rows [data-cell]").nth(2)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] - 1, steps=5)
    page.mouse.up()
    assert page.locator("#status").inner_text().startswith(f"{ROWS} of {ROWS} rows selected, in a box of")
    assert "% in one island" in page.locator("#rows .together").nth(4).inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#status").inner_text() == ""
    assert page.locator("#rows .together").nth(4).inner_text() == ""


def test_a_box_around_one_cluster_says_what_is_in_it_and_which_pictures_keep_it_together(opened: Opened) -> None:
    page = opened.page
    picture = page.locator("#rows [data-cell]").nth(2)  # t-SNE 30, seed 0: cluster c0 alone in the left third
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.33 * box["width"], box["y"] + box["height"] - 1, steps=5)
    page.mouse.up()
    assert page.locator("#status").inner_text().replace("\u00a0", " ") == (
        "40 of 120 rows selected, in a box of t-SNE, perplexity 30, seed 0: cluster c0 100 %"
    )
    # t-SNE 5 splits every cluster into halves, t-SNE 30 none, whatever numbers its islands have.
    assert page.locator("#rows .together").all_inner_texts()[:4] == [
        *["50 % in one island"] * 2,
        *["100 % in one island"] * 2,
    ]


def test_a_drag_draws_its_own_picture_first_and_the_others_follow(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    # A clock that leaps: after one picture the time of a frame is up. Frames come when they are asked for.
    page.add_init_script("""
      let clock = 0, asked = [];
      performance.now = () => (clock += 1000);
      window.requestAnimationFrame = (draw) => asked.push(draw);
      window.frame = () => { const now = asked; asked = []; for (const draw of now) draw(0); };
    """)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    grid, pictures = page.locator("#rows"), page.locator("#rows [data-cell]")
    pictures.nth(1).scroll_into_view_if_needed()
    for _ in range(MOST_FRAMES):  # the observer of what is on the screen comes with the browser's own frames
        page.evaluate("frame()")
        if grid.get_attribute("aria-busy") == "false" and pictures.nth(1).evaluate(COLOURS) > 5:
            break
    before = [pictures.nth(place).evaluate(PIXELS) for place in (0, 1)]
    box = pictures.nth(1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.evaluate("frame()")
    assert [pictures.nth(place).evaluate(PIXELS) == before[place] for place in (0, 1)] == [True, False]
    assert grid.get_attribute("aria-busy") == "true"
    for _ in range(MOST_FRAMES):
        page.evaluate("frame()")
        if grid.get_attribute("aria-busy") == "false":
            break
    assert pictures.nth(0).evaluate(PIXELS) != before[0]
    page.mouse.up()
    page.close()


def test_of_many_rows_a_sample_is_drawn_and_the_page_stays_small(browser: Browser, tmp_path: Path) -> None:
    report = render(write_run_folder(tmp_path / "run", Case(settings=12, seeds=3, rows=70_000)))
    assert report.stat().st_size < 15e6  # at most 40 MB was promised
    found = visit(browser, report)
    assert "Drawn are 10,000 of 70,000 rows" in found.page.locator("#grid").inner_text().replace("\n", " ")
    wait_until_painted(found.page.locator("#answer .picture").first)
    assert found.errors == []
    found.page.close()


def test_a_name_in_the_legend_selects_its_rows(opened: Opened) -> None:
    button = opened.page.locator("#legend button").nth(1)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert (
        opened.page.locator("#status").inner_text()
        == f"{ROWS // 3} of {ROWS} rows selected, consensus cluster: cluster c1"
    )
    opened.page.locator("#clear").click()
    assert button.get_attribute("aria-pressed") == "false"
    assert opened.page.locator("#clear").is_hidden()


def test_pictures_can_be_coloured_by_island_and_by_instability(opened: Opened) -> None:
    page = opened.page
    names = page.locator("#colour option").all_inner_texts()
    assert names[:3] == ["consensus cluster", "cluster", "island of the picture"]
    page.locator("#colour").select_option(label="consensus cluster")
    assert [name.split("\n")[0] for name in page.locator("#legend button").all_inner_texts()] == [
        "cluster c0",
        "cluster c1",
        "cluster c2",
    ]
    page.locator("#colour").select_option(label="belongs firmly to its cluster")
    assert "100 % is firm" in page.locator("#legend-note").inner_text()
    page.locator("#colour").select_option(label="neighbours change between settings")
    assert page.locator("#legend button").first.inner_text().startswith("0 to 10 %")
    assert page.locator("#legend button").count() == 10


def test_pictures_can_be_coloured_by_verdict(browser: Browser, tmp_path: Path) -> None:
    report = render(RunFolder(verdicts=("REAL", "UNCERTAIN", "REAL")).write(tmp_path / "run"))
    page = visit(browser, report).page
    page.locator("#colour").select_option(label="verdict of the cluster")
    legend = page.locator("#legend button")
    third = ROWS // 3
    assert legend.all_inner_texts() == [f"● REAL\n{2 * third}", f"◇ UNCERTAIN\n{third}"]
    legend.nth(0).click()
    assert (
        page.locator("#status").inner_text() == f"{2 * third} of {ROWS} rows selected, verdict of the cluster: ● REAL"
    )


def test_a_cluster_card_selects_its_rows_in_all_pictures(opened: Opened) -> None:
    page = opened.page
    card = page.locator("#clusters [data-cluster='1']")
    card.click()
    assert card.get_attribute("aria-pressed") == "true"
    assert page.locator("#status").inner_text() == f"{ROWS // 3} of {ROWS} rows selected, consensus cluster: cluster c1"
    assert page.locator("#colour option:checked").inner_text() == "consensus cluster"
    legend = page.locator("#legend button")
    assert [legend.nth(place).get_attribute("aria-pressed") for place in range(3)] == ["false", "true", "false"]
    # t-SNE 5 splits every cluster into halves, t-SNE 30 none: the selection is the same rows in each.
    assert page.locator("#rows .together").all_inner_texts()[:4] == [
        *["50 % in one island"] * 2,
        *["100 % in one island"] * 2,
    ]
    legend.nth(1).click()  # card and legend are two handles of one selection
    assert card.get_attribute("aria-pressed") == "false"
    assert page.locator("#status").inner_text() == ""


@pytest.mark.parametrize("release", ["the escape key", "another colour"])
def test_a_pressed_card_can_be_released(opened: Opened, release: str) -> None:
    page, card = opened.page, opened.page.locator("#clusters [data-cluster='0']")
    card.focus()
    page.keyboard.press("Enter")
    assert card.get_attribute("aria-pressed") == "true"
    if release == "the escape key":
        page.keyboard.press("Escape")
    else:
        page.locator("#colour").select_option(index=1)
    assert card.get_attribute("aria-pressed") == "false"
    assert page.locator("#status").inner_text() == ""


MARKS = """element => {
  const canvas = element.querySelectorAll("canvas")[1], context = canvas.getContext("2d");
  const { data, width } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0, x = 0, y = 0;
  for (let i = 0; i < data.length / 4; i++) {
    if (data[4 * i + 3]) { count++; x += i % width; y += Math.floor(i / width); }
  }
  return count ? [Math.round(x / count), Math.round(y / count)] : null;
}"""
"""The middle of what is drawn over a picture, in pixels of its canvas, or null."""


def marks(page: Page) -> list[list[int] | None]:
    """Return the marks of the first four pictures of the grid once they are drawn."""
    page.locator("#rows [data-cell]").first.scroll_into_view_if_needed()
    wait_until_painted(page.locator("#rows [data-cell]").nth(3))
    page.evaluate("() => new Promise(requestAnimationFrame)")
    return [page.locator("#rows [data-cell]").nth(place).evaluate(MARKS) for place in range(4)]


def test_a_member_of_a_cluster_is_marked_in_every_picture_by_keyboard(browser: Browser, ranked: Path) -> None:
    page = (found := visit(browser, ranked)).page
    card = page.locator(".cluster").first  # rows 0, 3 … 117 of 120
    names = card.locator("[data-member]").all_inner_texts()
    assert names == [f"sample-{row}" for row in (117, 114, 111, 108, 105, 0, 3, 6, 9, 12)]
    member = card.locator("[data-member]").first
    member.focus()
    assert page.locator("#tip").inner_text().splitlines()[:3] == ["sample-117", "row 117", "cluster: c0"]
    focused = marks(page)
    assert None not in focused
    page.keyboard.press("Enter")
    assert member.get_attribute("aria-pressed") == "true"
    assert page.locator("#status").inner_text() == "sample-117 is marked in every picture"
    page.locator("#colour").focus()  # a pressed member stays marked when the focus goes on
    assert page.locator("#tip").is_hidden()
    assert marks(page) == focused
    page.keyboard.press("Escape")
    assert marks(page) == [None] * 4
    assert member.get_attribute("aria-pressed") == "false"
    assert page.locator("#status").inner_text() == ""
    assert found.errors == []
    page.close()


def test_another_member_is_marked_elsewhere_and_pressing_twice_releases(browser: Browser, ranked: Path) -> None:
    page = visit(browser, ranked).page
    places = []
    for place in (0, 1):
        page.locator("[data-member]").nth(place).click()
        page.mouse.move(1, 1)
        places.append(marks(page))
    assert places[0] != places[1]
    assert page.locator("[data-member][aria-pressed=true]").count() == 1
    page.locator("[data-member]").nth(1).click()
    page.locator("#colour").focus()
    page.mouse.move(1, 1)
    assert marks(page) == [None] * 4
    page.close()


def test_the_picture_of_a_card_shows_its_cluster_in_one_colour(opened: Opened) -> None:
    page = opened.page
    own, whole = page.locator(".cluster .picture").first, page.locator("#rows [data-cell]").nth(2)
    hues = []
    for picture in (own, whole):
        picture.scroll_into_view_if_needed()
        wait_until_painted(picture)
        hues.append(picture.evaluate(HUES))
    assert hues == [1, 3]


@pytest.mark.parametrize(
    ("way", "rows", "first", "shown"),
    [
        ("perplexity", 3, ["seed 0 · ", "seed 1 · "], 6),
        ("n_neighbors and min_dist", 4, ["min_dist\u00a00.1 · ", "min_dist\u00a00.5 · "], 8),
        ("seed", 3, ["t-SNE, perplexity\u00a05 · ", "t-SNE, perplexity\u00a030 · "], 15),
    ],
)
def test_the_grid_lays_out_by_choice(opened: Opened, way: str, rows: int, first: list[str], shown: int) -> None:
    page = opened.page
    figures, where = page.locator("#rows [data-figure]"), page.locator("#rows .where")
    before, captions = page.locator("#rows").inner_text(), where.all_text_contents()
    page.locator("#layout").select_option(label=way)
    assert (page.locator("#rows .row").count(), figures.count()) == (rows, shown)
    assert where.all_text_contents()[:2] == first
    last = page.locator("#rows [data-cell]").last
    last.scroll_into_view_if_needed()
    wait_until_painted(last)
    last.click()  # stepping follows the rows on the screen
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    assert page.locator("#rows [data-cell]").nth(1).evaluate("element => element === document.activeElement")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator("#layout").select_option(index=0)
    assert (page.locator("#rows").inner_text(), where.all_text_contents()) == (before, captions)


def test_halves_show_beside_their_setting_and_are_linked(browser: Browser, tmp_path: Path) -> None:
    found = visit(browser, render(RunFolder(halves=True, membership=np.linspace(0, 1, ROWS)).write(tmp_path)))
    page = found.page
    halves = page.locator("#rows [data-also=halves]")
    assert halves.count() == 2
    assert not halves.first.is_visible()
    page.locator("#halves-too").check()
    even, odd = (halves.nth(place).locator(".picture") for place in (0, 1))
    for half in (even, odd):
        half.scroll_into_view_if_needed()
        wait_until_painted(half)
        assert half.evaluate(HUES) == 3
    box = even.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] - 1, steps=5)
    page.mouse.up()
    # A box over the whole picture takes the half's rows and none of those it lacks.
    assert page.locator("#status").inner_text().startswith(f"{ROWS // 2} of {ROWS} rows selected, in a box of")
    assert halves.nth(0).locator(".together").inner_text() == "33 % in one island"
    assert halves.nth(1).locator(".together").inner_text() == ""
    page.keyboard.press("Escape")
    page.locator("[data-member]").first.click()  # row 117, an odd one
    page.mouse.move(1, 1)
    odd.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert even.evaluate(MARKS) is None
    assert odd.evaluate(MARKS) is not None
    page.locator("#layout").select_option(label="perplexity")
    own = page.locator("#rows .row").nth(1).locator("figcaption:visible").all_inner_texts()
    assert [text.split(" · ")[0] for text in own] == ["seed 0", "seed 1", "half 0a", "half 0b"]
    odd.click()
    assert page.locator("#zoom-title").inner_text().endswith("seed 0, half 0b")
    assert found.errors == []
    page.close()


def test_noise_shows_beside_its_setting_in_every_layout(opened: Opened) -> None:
    page = opened.page
    beside = page.locator("#rows [data-also=noise]")
    assert beside.count() == 4  # two settings, a Gaussian and a copula each
    assert not beside.first.is_visible()
    page.locator("#noise-too").check()
    copula = beside.nth(1).locator(".picture")
    copula.scroll_into_view_if_needed()
    wait_until_painted(copula)
    assert copula.evaluate(HUES) == 0  # islands of noise are no clusters, and have none of their hues
    page.locator("#layout").select_option(label="perplexity")
    own = page.locator("#rows .row").first.locator("figcaption").all_inner_texts()
    assert [text.split(" · ")[0] for text in own] == ["seed 0", "seed 1", "noise: Gaussian", "noise: copula"]
    page.locator("#noise-too").uncheck()
    assert not beside.first.is_visible()


def test_pictures_of_reference_data_are_drawn_and_stay_out_of_the_linking(opened: Opened) -> None:
    page = opened.page
    null = page.locator("#noise [data-null]").nth(1)  # the copula's points are in two islands, the Gaussian's in none
    null.scroll_into_view_if_needed()
    wait_until_painted(null)
    coloured, tones = null.evaluate(TONES)
    assert coloured == 0
    assert tones >= 3
    before = null.evaluate(PIXELS)
    page.locator("#clusters [data-cluster='0']").click()
    null.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert null.evaluate(PIXELS) == before
    null.hover()
    assert page.locator("#tip").is_hidden()
    null.click()
    assert page.locator("#zoom").is_hidden()


def test_controls_have_names_and_tables_have_captions_and_heads(opened: Opened) -> None:
    unnamed = """() => [...document.querySelectorAll("button, [role=button], [role=img], [role=region], select")]
      .filter((one) => !(one.closest("#zoom") || one.getAttribute("aria-label") || one.labels?.length
        || one.textContent.trim())).length"""
    assert opened.page.evaluate(unnamed) == 0
    bare = """() => [...document.querySelectorAll("table")].filter((one) => !one.caption
      || !one.closest(".scroll[tabindex='0'][role=region][aria-label]")
      || [...one.querySelectorAll("th")].some((head) => !head.scope)).length"""
    assert opened.page.evaluate(bare) == 0


def test_the_keyboard_enlarges_a_picture_steps_and_comes_back(opened: Opened) -> None:
    page = opened.page
    picture = page.locator("#rows [data-cell]").first
    picture.focus()
    page.keyboard.press("Enter")
    assert page.locator("#zoom").is_visible()
    title = page.locator("#zoom-title").inner_text()
    wait_until_painted(page.locator("#zoom-picture"))
    page.keyboard.press("ArrowRight")
    assert page.locator("#zoom-title").inner_text() != title
    page.keyboard.press("ArrowLeft")
    assert page.locator("#zoom-title").inner_text() == title
    page.keyboard.press("Escape")
    assert page.locator("#zoom").is_hidden()
    assert picture.evaluate("element => element === document.activeElement")


@pytest.fixture
def solid(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """Open a picture of three dimensions: t-SNE 30, its even rows in front and its odd rows behind."""
    found = visit(browser, render(RunFolder(solid=[T30]).write(tmp_path / "run")))
    found.page.locator("#rows [data-cell]").nth(2).click()
    wait_until_painted(found.page.locator("#zoom-picture"))
    yield found.page
    found.page.close()
    assert found.errors == []


def drag(page: Page, right: float, down: float) -> None:
    """Drag across the enlarged picture from near its upper left corner, in shares of its side."""
    box = page.locator("#zoom-picture").bounding_box()
    assert box is not None
    x, y = box["x"] + 3, box["y"] + 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right * (box["width"] - 6), y + down * (box["height"] - 6), steps=4)
    page.mouse.up()
    page.evaluate("() => new Promise(requestAnimationFrame)")


def test_a_picture_of_three_dimensions_turns_by_dragging_and_by_arrow_keys(solid: Page) -> None:
    picture, title = solid.locator("#zoom-picture"), solid.locator("#zoom-title").inner_text()
    views = [picture.evaluate(PIXELS)]
    drag(solid, 0.4, 0.1)
    views.append(picture.evaluate(PIXELS))
    picture.focus()
    for key in ("ArrowLeft", "ArrowDown", "Home"):
        solid.keyboard.press(key)
        solid.evaluate("() => new Promise(requestAnimationFrame)")
        views.append(picture.evaluate(PIXELS))
    assert len(set(views[:4])) == 4
    assert views[4] == views[0]
    assert solid.locator("#zoom-title").inner_text() == title  # no arrow led to another picture
    assert solid.locator("#status").inner_text() == ""  # and nothing was selected


def test_a_quarter_turn_shows_the_third_dimension(solid: Page) -> None:
    # From the side the even rows, in front, and the odd ones, behind, lie at the two ends, whatever their cluster. The
    # first of the odd rows is of c1, so that of three equal shares c1 is named first.
    solid.locator("#zoom-picture").focus()
    for _ in range(9):
        solid.keyboard.press("ArrowRight")
    solid.evaluate("() => new Promise(requestAnimationFrame)")
    solid.keyboard.down("Shift")
    drag(solid, 0.5, 1)
    solid.keyboard.up("Shift")
    assert solid.locator("#status").inner_text().replace("\u00a0", " ") == (
        f"{ROWS // 2} of {ROWS} rows selected, "
        "in a box of t-SNE, perplexity 30, seed 0: cluster c1 33 %, c0 33 %, c2 33 %"
    )


def test_dragging_selects_where_it_is_told_not_to_turn_and_where_nothing_turns(solid: Page) -> None:
    solid.locator("#turning").click()
    drag(solid, 1, 1)
    assert solid.locator("#status").inner_text().startswith(f"{ROWS} of {ROWS} rows selected")
    solid.locator("#next").click()
    assert solid.locator("#zoom-note").inner_text() == "seed 1 · 3 islands"  # no more of x and y alone
    assert solid.locator("#turning").is_visible()  # seed 1 of the same setting
    solid.locator("#next").click()
    assert solid.locator("#turning").is_hidden()
    assert solid.locator("#zoom-picture").get_attribute("tabindex") is None


def test_closing_gives_the_focus_to_the_picture_that_was_enlarged_last(opened: Opened) -> None:
    page = opened.page
    pictures = page.locator("#rows [data-cell]")
    for steps in (0, 1):
        pictures.nth(1).focus()
        page.keyboard.press("Enter")
        for _ in range(steps):
            page.locator("#next").click()
        page.locator("#close").click()
        assert page.locator("#zoom").is_hidden()
        assert pictures.nth(1 + steps).evaluate("element => element === document.activeElement")


def test_pointing_at_a_row_tells_its_id_row_and_label(browser: Browser, tmp_path: Path) -> None:
    # Three rows, one of each cluster, so that the nearest to a place is known: c1 lies in the lower right.
    folder = RunFolder(ids=[f"sample-{row}" for row in range(ROWS)], drawn_rows=np.arange(30, 33))
    found = visit(browser, render(folder.write(tmp_path / "run")))
    page, run = found.page, read_run(tmp_path / "run")
    picture = page.locator("#rows [data-cell]").nth(2)
    picture.scroll_into_view_if_needed()
    wait_until_painted(picture)
    cell = picture.get_attribute("data-cell")
    places = run.embeddings[run.embeddings["cell"] == cell][["x", "y"]].to_numpy(dtype=float)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    extent = np.ptp(places, axis=0).max() * (1 + 2 * MARGIN)
    across, up = (places[1] - middle) / extent + 0.5
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"])
    lines = page.locator("#tip").inner_text().splitlines()
    assert lines[:3] == ["sample-31", "row 31", "cluster: c1"]
    assert lines[3].startswith("island ")
    page.mouse.move(1, 1)
    assert page.locator("#tip").is_hidden()
    page.close()


TIP_IMAGE = """() => {
  const canvas = document.getElementById("tip-image"), { width, height } = canvas;
  return [canvas.hidden, width, height, ...canvas.getContext("2d").getImageData(width - 1, height - 1, 1, 1).data];
}"""


@pytest.mark.parametrize("shape", [(8, 6, 1), (4, 4, 3)])
def test_pointing_at_a_row_shows_its_image(browser: Browser, tmp_path: Path, shape: tuple[int, int, int]) -> None:
    folder = RunFolder(images=shape, membership=np.linspace(0, 1, ROWS))
    page = visit(browser, render(folder.write(tmp_path / "run"))).page
    member = page.locator("[data-member]").first  # row 117, and every value of its image is 117
    member.hover()
    assert page.locator("#tip").is_visible()
    assert page.evaluate(TIP_IMAGE) == [False, shape[1], shape[0], 117, 117, 117, 255]
    assert member.locator("canvas").is_visible()
    page.close()


def test_a_row_without_an_image_shows_none(browser: Browser, ranked: Path) -> None:
    page = visit(browser, ranked).page
    page.locator("[data-member]").first.hover()
    assert page.locator("#tip-text").is_visible()
    assert page.locator("#tip-image").is_hidden()
    assert page.locator("[data-member] canvas").count() == 0
    page.close()


def test_pointing_at_a_row_names_it(opened: Opened) -> None:
    page = opened.page
    page.locator("#answer .picture").first.click()
    wait_until_painted(page.locator("#zoom-picture"))
    box = page.locator("#zoom-picture").bounding_box()
    assert box is not None
    found = ""
    for step in range(2, 38):  # walk across the picture until a row is under the pointer
        page.mouse.move(box["x"] + box["width"] * step / 40, box["y"] + box["height"] * 0.63)
        if page.locator("#tip").is_visible():
            found = page.locator("#tip").inner_text()
            break
    assert found.startswith("row ")
    assert "cluster: c" in found


@pytest.mark.parametrize("width", [1400, 820, 400])
def test_nothing_sticks_out_of_the_page(browser: Browser, report: Path, width: int) -> None:
    found = visit(browser, report, width=width)
    assert found.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    found.page.close()


@pytest.mark.parametrize("width", [1400, 400])
def test_long_names_without_a_space_do_not_stick_out(browser: Browser, tmp_path: Path, width: int) -> None:
    found = visit(browser, render(hostile_folder("x" * 300).write(tmp_path / "run")), width=width)
    assert found.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    found.page.close()


def test_the_dark_page_is_dark_and_its_pictures_too(browser: Browser, report: Path) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        found = visit(browser, report, scheme=scheme)
        picture = found.page.locator("#answer .picture canvas").first
        grounds[scheme] = (
            found.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"),
            picture.evaluate("canvas => canvas.getContext('2d').getImageData(1, 1, 1, 1).data[0]"),
        )
        found.page.close()
    assert min(grounds["light"]) > 240
    assert max(grounds["dark"]) < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 820, 400])
def test_axe_finds_no_serious_violation(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    folder = RunFolder(
        images=(8, 8, 1), membership=np.linspace(0, 1, ROWS), solid=[T30], verdicts=("REAL", "HIDDEN", "UNCERTAIN")
    )
    report = render(folder.write(tmp_path / "run"))
    # The page's policy lets no other script in; only for this test it is set aside.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    page.evaluate(UNFOLD)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    kept, broken = page.evaluate(VIOLATIONS)
    assert kept > 20
    assert broken == []
    page.locator("#rows [data-cell]").nth(2).click()  # and with a picture enlarged
    assert page.locator("#turning").is_visible()
    assert page.evaluate(VIOLATIONS)[1] == []
    context.close()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_runs_a_script_or_makes_a_request(browser: Browser, tmp_path: Path, payload: str) -> None:
    report = render(hostile_folder(payload).write(tmp_path / "run"))
    found = visit(browser, report)
    page = found.page
    page.locator("#legend button").first.click()
    page.locator("#colour").select_option(index=1)
    page.locator("#answer .picture").first.click()
    page.locator("#zoom-picture").hover()
    assert page.evaluate("window.__hit") is None
    assert found.errors == []
    assert found.requests == [report.as_uri()]
    page.close()
