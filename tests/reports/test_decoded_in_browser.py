"""What the decoder shows, in a browser: at three widths, light and dark, drawn, quiet, and nothing sticks out."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.reports.browsing import AXE, VIOLATIONS, render, visit
from tests.reports.payloads import PAYLOADS
from tests.reports.run_folder_fixture import ROWS, RunFolder

pytestmark = pytest.mark.browser

STUCK_OUT = """() => [...document.querySelectorAll(".card-row:not([hidden]) .decoded *")]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    && !one.closest(".decoded .scroll"))
  .map((one) => one.outerHTML.slice(0, 80))"""
"""What of the opened cards reaches beyond the window, tables that scroll by themselves aside."""


@pytest.mark.parametrize("kind", ["image", "line", "table"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 820, 400])
def test_axe_is_content_and_nothing_sticks_out(
    browser: Browser, tmp_path: Path, width: int, scheme: str, kind: str
) -> None:
    report = render(RunFolder(decoded=kind, verdicts=("REAL", "HIDDEN", "UNCERTAIN")).write(tmp_path / "run"))
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    page.locator("button.open").first.click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    kept, broken = page.evaluate(VIOLATIONS)
    assert kept > 15
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(STUCK_OUT) == []
    context.close()


def test_images_are_drawn_under_the_pages_own_policy(browser: Browser, tmp_path: Path) -> None:
    report = render(RunFolder(decoded="image").write(tmp_path / "run"))
    opened = visit(browser, report)
    images = opened.page.locator(".decoded img")
    assert images.count() == 3 * 29
    assert images.evaluate_all("all => all.every(one => one.naturalWidth === 3 && one.naturalHeight === 4)")
    assert all(name for name in images.evaluate_all("all => all.map(one => one.alt)"))
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [report.as_uri()]
    opened.page.close()


def test_reconstruction_errors_colour_the_pictures(browser: Browser, tmp_path: Path) -> None:
    opened = visit(browser, render(RunFolder(decoded="line").write(tmp_path / "run")))
    names = opened.page.locator("option").all_inner_texts()
    assert "reconstruction error" in names
    opened.page.close()


@pytest.mark.parametrize("payload", PAYLOADS[:6])
def test_no_name_of_a_column_runs_a_script(browser: Browser, tmp_path: Path, payload: str) -> None:
    folder = RunFolder(decoded="table", labels={payload: [f"{payload} {row % 3}" for row in range(ROWS)]})
    report = render(folder.write(tmp_path / "run"))
    opened = visit(browser, report)
    assert opened.page.locator(".decoded table th[scope=row]").first.inner_text() != ""
    assert opened.page.evaluate("window.__hit === undefined")
    assert opened.errors == []
    assert opened.requests == [report.as_uri()]
    opened.page.close()
