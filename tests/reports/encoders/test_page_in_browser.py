"""The page of several encoders in a browser: nothing runs, nothing is fetched, nothing sticks out, axe is content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from steadymap.reports.encoders.axis import EncoderRun, MovingRow, PairOfEncoders, build_axis, share_rows
from steadymap.reports.encoders.axis_page import write_axis
from steadymap.reports.run.run_folder import read_run
from tests.reports.browsing import AXE, VIOLATIONS
from tests.reports.encoders.test_axis import agreement
from tests.reports.payloads import PAYLOADS
from tests.reports.run_folder_fixture import ROWS, RunFolder

pytestmark = pytest.mark.browser


def page_of(folder: Path, name: str = "three") -> Path:
    kind = RunFolder(
        name=name, labels={name: [f"{name} {row % 3}" for row in range(ROWS)]}, verdicts=("REAL", "HIDDEN", "UNCERTAIN")
    )
    run = read_run(kind.write(folder / "runs" / "a"))
    clusters = run.points["cluster"].to_numpy()
    other = replace(run, points=run.points.assign(cluster=np.where(clusters == 1, 0, clusters)))
    encoders = [EncoderRun(f"{name} {place}", one) for place, one in enumerate((run, other, run))]
    pairs = [PairOfEncoders(0, 1, agreement(0.5)), PairOfEncoders(0, 2, agreement(0.6)), PairOfEncoders(1, 2, None)]
    links = dict.fromkeys((one.name for one in encoders), "../runs/a/report.html")
    shared = share_rows(encoders)
    axis = build_axis(name, encoders, shared, pairs, [MovingRow(name, 0.2)])
    return write_axis(axis, encoders, shared, folder / "encoders", links)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 820, 400])
def test_axe_is_content_and_nothing_sticks_out(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(page_of(tmp_path).as_uri())
    page.evaluate(AXE.read_text(encoding="utf-8"))
    kept, broken = page.evaluate(VIOLATIONS)
    assert kept > 15
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    # What is wider than the page scrolls inside it, by the keyboard, too.
    for region in page.locator(".scroll").all():
        assert region.get_attribute("tabindex") == "0"
    context.close()


def test_pictures_are_drawn_in_the_colours_of_the_table(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(page_of(tmp_path).as_uri())
    assert page.locator("#pictures figure").count() == 3
    strokes = (
        page.locator("#pictures figure").first.locator("path").evaluate_all("all => all.map(one => one.style.stroke)")
    )
    fills = page.locator("#river rect").evaluate_all("all => all.map(one => one.style.fill)")
    assert len(set(strokes) & set(fills)) == 3
    page.close()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_runs_a_script_or_makes_a_request(browser: Browser, tmp_path: Path, payload: str) -> None:
    target = page_of(tmp_path, payload)
    page = browser.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(target.as_uri())
    assert page.evaluate("window.__hit") is None
    assert requests == [target.as_uri()]
    assert page.locator("h1").inner_text().strip() != ""
    page.close()
