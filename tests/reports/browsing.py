"""Pages in a browser: opened with all that goes wrong on them, unfolded, looked at pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, Locator, Page

from steadymap.reports.build import REPORT
from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import summarise

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

COLOURS = """element => {
  const canvas = element.querySelector("canvas"), context = canvas.getContext("2d");
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return new Set(pixels).size;
}"""

PIXELS = "element => element.querySelector('canvas').toDataURL()"

MOST_FRAMES = 300


@dataclass
class Opened:
    """A page with all that went wrong on it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


UNFOLD = """() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  for (const one of document.querySelectorAll("button.open[aria-expanded=false]")) one.click();
}"""
"""Open every section and every card."""

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"

VIOLATIONS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return [found.passes.length, found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => node.html).join(" | ")}`)];
}"""
"""How many rules the page keeps, and the serious and critical ones that it breaks."""


def visit(
    browser: Browser,
    report: Path,
    *,
    width: int = 1400,
    height: int = 900,
    scheme: str = "light",
    unfold: bool = True,
    anchor: str = "",
) -> Opened:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    opened = Opened(page)
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    page.on("console", lambda message: opened.errors.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: opened.errors.append(f"dialog {dialog.message}"))
    page.goto(report.as_uri() + anchor)
    page.wait_for_selector("html[data-ready=true]", state="attached")
    if unfold:
        page.evaluate(UNFOLD)
    return opened


def wait_until_painted(picture: Locator) -> None:
    """Look once a frame; the page's own policy forbids the waiting that Playwright has for this."""
    for _ in range(MOST_FRAMES):
        if picture.evaluate(COLOURS) > 5:
            return
        picture.page.evaluate("() => new Promise(requestAnimationFrame)")
    raise AssertionError(f"nothing was painted in {MOST_FRAMES} frames")


def render(folder: Path) -> Path:
    """Render a run's page alone: figures and PDF take most of the time of a report, and no page needs them."""
    run = read_run(folder)
    (folder / REPORT).write_text(render_page(run, summarise(run)), encoding="utf-8")
    return folder / REPORT
