"""An enlarged picture in a browser: points that move to another, lines to latent neighbours, zoom, images, ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.report_page import Case, write_run_folder
from steadymap.reports.pictures.palette import THEMES
from steadymap.reports.run.run_folder import read_run
from tests.reports.browsing import COLOURS, MOST_FRAMES, PIXELS, Opened, render, visit, wait_until_painted
from tests.reports.run_folder_fixture import ROWS, T30, RunFolder

pytestmark = pytest.mark.browser

INKED = """(element, [place, wanted]) => {
  const canvas = element.querySelectorAll("canvas")[place], context = canvas.getContext("2d");
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (wanted.every((tone, c) => Math.abs(data[i + c] - tone) <= 1)) count++;
  return count;
}"""
"""Pixels of a canvas (0 the points, 1 what lies over them) in a colour of four bytes or three."""


def channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def frame(page: Page) -> None:
    page.evaluate("() => new Promise(requestAnimationFrame)")
    page.evaluate("() => new Promise(requestAnimationFrame)")


def until(page: Page, text: str) -> None:
    """Look once a frame until the note beside the slider says a text."""
    for _ in range(MOST_FRAMES):
        if page.locator("#moved-note").inner_text().replace("\u00a0", " ") == text:
            return
        frame(page)
    raise AssertionError(f"never {text!r}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = RunFolder(
        images=(8, 8, 1),
        ids=[f"sample-{row}" for row in range(ROWS)],
        membership=np.linspace(0.1, 1, ROWS),
        halves=True,
    )
    return render(folder.write(tmp_path_factory.mktemp("enlarged") / "run"))


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    found = visit(browser, report, unfold=False)
    yield found
    found.page.close()
    assert found.errors == []
    assert found.requests == [report.as_uri()]


def enlarge(page: Page, place: int = 2) -> None:
    """Enlarge a picture of the grid; without any other number t-SNE 30, seed 0."""
    page.locator("#rows [data-figure] > [data-cell]").nth(place).click()
    wait_until_painted(page.locator("#zoom-picture"))


def pixels(page: Page) -> str:
    frame(page)
    return str(page.locator("#zoom-picture").evaluate(PIXELS))


def test_a_slider_moves_every_point_to_where_another_picture_has_it(opened: Opened) -> None:
    page = opened.page
    enlarge(page, 4)
    goal = pixels(page)
    goal_title = page.locator("#zoom-title").inner_text()
    page.keyboard.press("Escape")
    enlarge(page, 2)
    start = pixels(page)
    page.locator("#against").select_option(label=goal_title)
    slider = page.locator("#moved")
    slider.focus()
    page.keyboard.press("End")
    assert pixels(page) == goal
    assert page.locator("#moved-note").inner_text() == f"now {goal_title}"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#moved-note").inner_text() == "99 % of the way"
    assert slider.get_attribute("aria-valuetext") == f"99 % of the way to {goal_title}"
    assert pixels(page) not in (start, goal)
    assert page.locator("#zoom-title").inner_text() != goal_title  # the arrow moved the slider, not to the next picture
    page.keyboard.press("Home")
    assert pixels(page) == start
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    enlarge(page, 2)
    assert pixels(page) == start  # each picture is opened as it is


@pytest.mark.parametrize("by", ["pointer", "keyboard"])
def test_the_other_picture_is_shown_as_long_as_a_button_is_pressed(opened: Opened, by: str) -> None:
    page, hold = opened.page, opened.page.locator("#hold")
    enlarge(page)
    start = pixels(page)
    other = page.locator("#against option:checked").inner_text().replace("\u00a0", " ")
    if by == "pointer":
        hold.hover()
        page.mouse.down()
    else:
        hold.focus()
        page.keyboard.down("Space")
    until(page, f"now {other}")
    assert pixels(page) != start
    page.mouse.up() if by == "pointer" else page.keyboard.up("Space")
    until(page, "")
    assert pixels(page) == start


def test_who_wants_no_motion_gets_none(browser: Browser, report: Path) -> None:
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    enlarge(page)
    page.locator("#hold").hover()
    page.mouse.down()
    assert page.locator("#moved-note").inner_text().startswith("now ")
    page.mouse.up()
    assert page.locator("#moved-note").inner_text() == ""
    context.close()


def test_a_half_and_a_picture_of_three_dimensions_move_nowhere(
    browser: Browser, opened: Opened, tmp_path: Path
) -> None:
    page = opened.page
    page.locator("#halves-too").check()
    page.locator("#rows [data-also=halves] .picture").first.click()
    assert page.locator("#moving").is_hidden()
    solid = visit(browser, render(RunFolder(solid=[T30]).write(tmp_path / "run")), unfold=False).page
    enlarge(solid)
    assert solid.locator("#moving").is_hidden()
    solid.keyboard.press("ArrowLeft")
    assert solid.locator("#moving").is_visible()
    assert "perplexity\u00a030" not in "".join(solid.locator("#against option").all_inner_texts())
    solid.close()


def test_lines_lead_to_the_latent_neighbours_and_those_that_are_lost_are_set_apart(
    opened: Opened, report: Path
) -> None:
    page, run = opened.page, read_run(report.parent)
    page.locator("#search").fill("sample-60")
    page.locator("#search").press("Enter")
    enlarge(page)
    frame(page)
    over = page.locator("#zoom-picture")
    lost = [*channels(THEMES["light"]["lost"]), 255]
    assert over.evaluate(INKED, [1, lost]) > 20
    # By another road: row 61 is of another cluster, and 40 rows of the own one are nearer; are 63 and 66 near?
    cell = over.evaluate("() => document.querySelectorAll('#rows [data-figure] > [data-cell]')[2].dataset.cell")
    places = run.embeddings[run.embeddings["cell"] == cell].set_index("row")[["x", "y"]].astype(float)
    away = ((places - places.loc[60]) ** 2).sum(axis=1)
    kept = sum((away < away[row]).sum() - 1 < 30 for row in (63, 66, 61))
    box = over.bounding_box()
    assert box is not None
    middle, extent = (places.min() + places.max()) / 2, (places.max() - places.min()).max() * 1.08
    x, y = (places.loc[60] - middle) / extent + 0.5
    page.mouse.move(box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"])
    told = page.locator("#tip").inner_text()
    assert told.startswith("sample-60")
    assert f"{kept} of 3 latent neighbours among its 30 nearest here" in told
    page.locator("#threads").uncheck()
    frame(page)
    assert over.evaluate(INKED, [1, lost]) == 0


def test_a_picture_zooms_in_by_button_wheel_and_key_and_out_again(opened: Opened) -> None:
    page = opened.page
    enlarge(page)
    whole = pixels(page)
    page.locator("#zoom-in").click()
    once = pixels(page)
    page.locator("#close").focus()
    page.keyboard.press("+")
    twice = pixels(page)
    page.locator("#zoom-picture").hover()
    page.mouse.wheel(0, -100)
    assert len({whole, once, twice, pixels(page)}) == 4
    for _ in range(3):
        page.keyboard.press("-")
    assert pixels(page) == whole


def test_shift_and_drag_move_what_is_zoomed_and_select_nothing(opened: Opened) -> None:
    page = opened.page
    enlarge(page)
    for _ in range(3):
        page.locator("#zoom-in").click()
    before, box = pixels(page), page.locator("#zoom-picture").bounding_box()
    assert box is not None
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 260, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert pixels(page) != before
    assert page.locator("#status").inner_text() == ""


def test_images_stand_at_their_rows_once_a_picture_is_zoomed_in(opened: Opened) -> None:
    page, picture = opened.page, opened.page.locator("#zoom-picture")
    enlarge(page)
    grey = [[row, row, row] for row in range(40, ROWS)]  # every value of row 117's image is 117
    seen = [sum(picture.evaluate(INKED, [0, tone]) > 500 for tone in grey)]
    for _ in range(3):
        page.locator("#zoom-in").click()
    frame(page)
    seen.append(sum(picture.evaluate(INKED, [0, tone]) > 500 for tone in grey))
    page.locator("#thumbs").uncheck()
    frame(page)
    seen.append(sum(picture.evaluate(INKED, [0, tone]) > 500 for tone in grey))
    assert seen[0] == seen[2] == 0
    assert seen[1] > 5


def test_ids_of_a_selection_are_copied(browser: Browser, report: Path) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    page.locator("#legend button").nth(1).click()
    page.locator(".toolbar .copy").click()
    for _ in range(MOST_FRAMES):  # the clipboard answers when it likes
        if page.locator(".toolbar .copy").inner_text() == f"{ROWS // 3} copied":
            break
        frame(page)
    assert page.locator(".toolbar .copy").inner_text() == f"{ROWS // 3} copied"
    ids = [f"sample-{row}" for row in range(1, ROWS, 3)]
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == ids
    context.close()


def test_a_pressed_row_stays_marked_and_its_id_is_copied_without_the_new_clipboard(
    browser: Browser, report: Path
) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.add_init_script("""
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      document.addEventListener("copy", () => { window.copied = document.activeElement.value; });
    """)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    enlarge(page)
    box = page.locator("#zoom-picture").bounding_box()
    assert box is not None
    for step in range(2, 38):  # walk across the picture until a row is under the pointer
        page.mouse.move(box["x"] + box["width"] * step / 40, box["y"] + box["height"] * 0.63)
        if page.locator("#tip").is_visible():
            break
    page.mouse.down()
    page.mouse.up()
    said = page.locator(".said-of-rows").inner_text()
    assert said.endswith("is marked in every picture")
    page.locator(".zoom-said .copy").click()
    assert page.evaluate("window.copied") == said.split(" ")[0]
    assert page.locator(".zoom-said .copy").inner_text() == "1 copied"
    page.close()


def test_under_many_points_lies_their_density_and_under_few_none(browser: Browser, tmp_path: Path) -> None:
    paper, grey = channels(THEMES["light"]["paper"]), channels(THEMES["light"]["grey"])
    step = [round(tone + (other - tone) * 0.34 / 6) for tone, other in zip(paper, grey, strict=True)]
    counts = []
    for rows in (1_000, 6_000):
        folder = write_run_folder(tmp_path / str(rows), Case(settings=2, seeds=1, rows=rows))
        found = visit(browser, render(folder), unfold=False)
        picture = found.page.locator(".map .picture")
        wait_until_painted(picture)
        assert picture.evaluate(COLOURS) > 20
        counts.append(picture.evaluate(INKED, [0, step]))
        assert found.errors == []
        found.page.close()
    assert counts[0] < 50  # edges of points may come close to that grey
    assert counts[1] > 1000
