"""Every interaction of the page by keyboard, at three widths, light and dark: console, requests, axe, nothing cut.

What each interaction does is tested elsewhere in this folder, at one width. Here it is done once everywhere, and after
each the page must be sound: no error, no request, no serious violation that axe finds, nothing wider than the window.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.reports.browsing import AXE, PIXELS, VIOLATIONS, render, wait_until_painted
from tests.reports.run_folder_fixture import ROWS, RunFolder

pytestmark = pytest.mark.browser

THIRD = f"{ROWS // 3} of {ROWS} rows selected"

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"

INSIDE = """element => {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight;
}"""

GREY = """(element, paper) => {
  const canvas = element.querySelector("canvas"), context = canvas.getContext("2d");
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = data.slice(i, i + 3), spread = Math.max(r, g, b) - Math.min(r, g, b);
    if (spread < 16 && Math.abs(r - paper) > 40) count++;
  }
  return count;
}"""
"""Pixels of a picture that are grey and stand out from the paper, whose red is given."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a report that has everything: verdicts, images, halves, noise, a run before it."""
    folder = RunFolder(
        images=(8, 8, 1),
        ids=[f"sample-{row}" for row in range(ROWS)],
        membership=np.linspace(0.1, 1, ROWS),
        halves=True,
        verdicts=("REAL", "UNCERTAIN", "REAL"),
    )
    return render(folder.write(tmp_path_factory.mktemp("walked") / "run"))


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    target.focus()
    page.keyboard.press(key)


def frame(page: Page) -> None:
    page.evaluate("() => new Promise(requestAnimationFrame)")
    page.evaluate("() => new Promise(requestAnimationFrame)")


# --- the interactions, in the order of the page ---------------------------------------------------------------------


def read_a_term(page: Page) -> None:
    for term in (page.locator("#answer .term").first, page.locator("#settings thead .term").last):
        term.focus()
        tip = term.locator("[role=tooltip]")
        assert tip.is_visible()
        assert tip.evaluate(INSIDE)


def open_what_this_cannot_tell(page: Page) -> None:
    line = page.locator("details.line").last
    press(page, line.locator("summary"))
    assert line.locator("p").first.is_visible()


def go_to_a_section(page: Page) -> None:
    press(page, page.locator("nav a[href='#stability']"))
    page.wait_for_selector("#stability details.fold[open]", state="attached")
    assert page.evaluate("location.hash") == "#stability"
    press(page, page.locator("#stability details.fold > summary"))
    assert page.locator("#stability details.fold").get_attribute("open") is None


def press_a_name_on_the_map(page: Page) -> None:
    tag = page.locator(".tag[data-cluster='2']")
    press(page, tag)
    assert page.locator("#status").inner_text().startswith(THIRD)
    assert page.evaluate("location.hash") == "#cluster=2"
    press(page, tag, "Space")
    assert page.locator("#status").inner_text() == ""


def sort_the_table_and_open_a_card(page: Page) -> None:
    head = page.locator("th[data-sort=rows]")
    press(page, head.locator("button"))
    assert head.get_attribute("aria-sort") == "ascending"
    press(page, page.locator("[data-open='1']"))
    card = page.locator("#card-1")
    assert card.is_visible()
    wait_until_painted(card.locator(".picture"))
    press(page, card.locator("[data-member]").first)
    assert page.locator("#status").inner_text().endswith("is marked in every picture")
    page.keyboard.press("Escape")


def enlarge_from_the_table_of_settings(page: Page) -> None:
    setting = page.locator("#settings [data-enlarge]").first
    press(page, setting)
    assert page.locator("#zoom-title").is_visible()
    page.keyboard.press("Escape")
    assert setting.evaluate("element => element === document.activeElement")


def select_from_the_legend_and_leave_the_rest_grey(page: Page) -> None:
    picture = page.locator("#rows [data-cell]").nth(2)
    picture.scroll_into_view_if_needed()
    wait_until_painted(picture)
    paper = picture.evaluate("e => e.querySelector('canvas').getContext('2d').getImageData(1, 1, 1, 1).data[0]")
    before = picture.evaluate(GREY, paper)
    press(page, page.locator("#legend button").nth(1))
    frame(page)
    assert page.locator("#status").inner_text().startswith(THIRD)
    assert picture.evaluate(GREY, paper) > before + 100  # two thirds of the rows stay on the paper
    press(page, page.locator("#clear"))
    assert page.locator("#clear").is_hidden()


def open_further_controls(page: Page) -> None:
    further = page.locator("#further")
    if further.is_visible():  # on a phone
        assert not page.locator("#size").is_visible()
        press(page, further)
        assert (further.get_attribute("aria-expanded"), further.inner_text()) == ("true", "Less")
    assert page.locator("#size").is_visible()


def colour_size_and_lay_out_anew(page: Page) -> None:
    for name in ("colour", "size", "layout"):
        choice = page.locator(f"#{name}")
        first = choice.input_value()
        choice.focus()
        page.keyboard.press("ArrowDown")
        assert choice.input_value() != first
        choice.select_option(first)
    for box in ("#halves-too", "#noise-too"):
        press(page, page.locator(box), "Space")
        assert page.locator(box).is_checked()


def search_a_row_and_rows(page: Page) -> None:
    if page.locator("#further").is_visible():  # where it is folded, the key unfolds it
        press(page, page.locator("#further"))
        assert not page.locator("#search").is_visible()
    page.locator("#grid-title").click()
    page.keyboard.press("/")
    page.keyboard.type("sample-17")
    page.keyboard.press("Enter")
    assert page.locator("#status").inner_text() == "sample-17 is marked in every picture"
    page.locator("#search").fill("c1")
    page.keyboard.press("Enter")
    assert page.locator("#status").inner_text().startswith(THIRD)
    assert page.locator(".toolbar .copy").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#status").inner_text() == ""


def enlarge_move_zoom_and_step(page: Page) -> None:
    picture = page.locator("#rows [data-figure] > [data-cell]").nth(2)
    press(page, picture)
    zoomed, title = page.locator("#zoom-picture"), page.locator("#zoom-title").inner_text()
    wait_until_painted(zoomed)
    assert page.locator("#zoom").evaluate(INSIDE)
    seen = [zoomed.evaluate(PIXELS)]
    press(page, page.locator("#moved"), "End")
    frame(page)
    seen.append(zoomed.evaluate(PIXELS))
    assert page.locator("#moved-note").inner_text().startswith("now ")
    page.keyboard.press("Home")
    press(page, page.locator("#close"), "+")
    frame(page)
    seen.append(zoomed.evaluate(PIXELS))
    assert len(set(seen)) == 3
    for box in ("#threads", "#thumbs"):
        press(page, page.locator(box), "Space")
        assert not page.locator(box).is_checked()
        page.keyboard.press("Space")
    page.locator("#close").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#zoom-title").inner_text() != title


def show_the_pictures_of_all_settings(page: Page) -> None:
    if page.locator("#zoom").is_visible():
        page.keyboard.press("Escape")
    button, rows = page.locator("#all-settings"), page.locator("#rows > .row")
    if button.is_visible():  # on a phone
        best = page.locator("#rows > .row:not(.later)")
        assert (page.locator("#rows > .row:visible").count(), best.count()) == (4, 4)
        press(page, button)
        last = rows.last.locator("[data-cell]").last
        last.scroll_into_view_if_needed()
        wait_until_painted(last)
    assert all(row.is_visible() for row in rows.all())


def unfold_every_section(page: Page) -> None:
    if page.locator("#zoom").is_visible():
        page.keyboard.press("Escape")
    folds = page.locator("details.fold:not([open]) > summary")
    while folds.count():
        press(page, folds.first)
        frame(page)


INTERACTIONS: tuple[Callable[[Page], None], ...] = (
    read_a_term,
    open_what_this_cannot_tell,
    go_to_a_section,
    press_a_name_on_the_map,
    sort_the_table_and_open_a_card,
    enlarge_from_the_table_of_settings,
    select_from_the_legend_and_leave_the_rest_grey,
    open_further_controls,
    colour_size_and_lay_out_anew,
    search_a_row_and_rows,
    enlarge_move_zoom_and_step,  # leaves the picture enlarged, so that axe sees it
    show_the_pictures_of_all_settings,
    unfold_every_section,
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1400, 900), (820, 1100), (400, 820)])
def test_the_page_stays_sound_through_every_interaction(
    browser: Browser, report: Path, width: int, height: int, scheme: str
) -> None:
    # The page's policy lets no other script in; only so that axe can look it is set aside.
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page, wrong, requests = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for interact in INTERACTIONS:
        interact(page)
        kept, broken = page.evaluate(VIOLATIONS)
        assert (interact.__name__, broken) == (interact.__name__, [])
        assert kept > 20
        assert page.evaluate(FITS), interact.__name__
        assert (interact.__name__, wrong) == (interact.__name__, [])
    assert requests == [report.as_uri()]
    context.close()
