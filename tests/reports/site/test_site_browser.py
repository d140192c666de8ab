"""The site and its comparisons in a browser: found by keyboard from a file, and no name runs a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from steadymap.reports.site.site import build_site
from tests.reports.payloads import PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import RunFolder
from tests.reports.site.test_site import add

pytestmark = pytest.mark.browser

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site of three runs: two of a name with a cluster that was split, and one that is damaged."""
    store = tmp_path_factory.mktemp("site")
    add(store, "night-one", 0)
    add(store, "night-two", 1, RunFolder(run="night-two", verdicts=("REAL", "ARTEFACT", "UNCERTAIN")))
    (add(store, "night-three", 2) / "scores.parquet").write_bytes(b"")
    return build_site(store).index


def visit(browser: Browser, page: Path, *, width: int = 1400, scheme: str = "light") -> tuple[Page, list[str]]:
    """Open a file and note all that goes wrong: errors, and requests other than for pages beside it."""
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    wrong: list[str] = []
    opened.on("request", lambda request: wrong.append(request.url) if not request.url.startswith("file:") else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
    opened.goto(page.as_uri())
    return opened, wrong


def shown(page: Page) -> list[str]:
    rows = page.locator("#runs tbody tr")
    return [rows.nth(place).locator("th").inner_text().split()[0] for place in range(3) if rows.nth(place).is_visible()]


def test_runs_are_found_by_keyboard(browser: Browser, index: Path) -> None:
    page, wrong = visit(browser, index)
    assert shown(page) == ["night-three", "night-two", "night-one"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("Artefact TWO")
    assert shown(page) == ["night-two"]
    assert page.locator("#found").inner_text() == "1 of 3 runs"
    page.keyboard.press("Control+A")
    page.keyboard.type("damaged")
    assert shown(page) == ["night-three"]
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    assert len(shown(page)) == 3
    assert page.locator("#found").inner_text() == ""
    assert wrong == []
    page.close()


def test_a_comparison_opens_from_the_list_and_shows_its_drawing(browser: Browser, index: Path) -> None:
    page, wrong = visit(browser, index)
    page.get_by_role("link", name="1 flipped").click()
    assert page.locator("h1").inner_text() == "three clusters"
    drawing = page.get_by_role("img", name="3 clusters of A on the left")
    box = drawing.bounding_box()
    assert box is not None
    assert box["width"] > 500
    assert box["height"] > 300
    assert page.locator(".river rect").count() == 6
    assert page.locator(".river .band").count() == 3
    # The strict policy lets the colours through.
    assert len(set(page.locator(".river .band").evaluate_all("all => all.map(one => getComputedStyle(one).fill)"))) == 3
    assert wrong == []
    page.close()


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_and_dark_is_dark(browser: Browser, index: Path, width: int, scheme: str) -> None:
    for path in (index, index.parent / "compare" / "night-two" / "index.html"):
        page, wrong = visit(browser, path, width=width, scheme=scheme)
        assert page.evaluate(FITS)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
        assert (ground < 60) == (scheme == "dark")
        assert wrong == []
        page.close()


def test_tables_have_captions_and_heads_and_pictures_names(browser: Browser, index: Path) -> None:
    bare = """() => [...document.querySelectorAll("table")].filter((one) => !one.caption
      || !one.closest(".scroll[tabindex='0'][role=region][aria-label]")
      || [...one.querySelectorAll("th")].some((head) => !head.scope)).length
      + [...document.querySelectorAll("[role=img]")].filter((one) => !one.getAttribute("aria-label")).length"""
    for path in (index, index.parent / "compare" / "night-two" / "index.html"):
        page, _ = visit(browser, path)
        assert page.evaluate(bare) == 0
        page.close()


@pytest.mark.parametrize("payload", [*PAYLOADS, "x" * 300])
def test_no_name_runs_a_script_or_makes_a_request(browser: Browser, tmp_path: Path, payload: str) -> None:
    for day in range(2):
        folder = f"{day} {payload}".replace("/", "∕")[:80]
        add(tmp_path, folder, day, hostile_folder(payload))
    site = build_site(tmp_path).index.parent
    (comparison,) = site.glob("compare/*/index.html")
    for path in (site / "index.html", comparison):
        page, wrong = visit(browser, path, width=400)
        if path.parent == site:
            page.locator("#find").fill(payload[:20])
        assert page.evaluate("window.__hit") is None
        assert page.evaluate(FITS)
        assert wrong == []
        page.close()
