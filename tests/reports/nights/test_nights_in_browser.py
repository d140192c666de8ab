"""The morning's page in a browser: the last night is on the screen, beside the names, however many there were."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from steadymap.reports.nights.nights import write_night
from steadymap.reports.nights.nights_page import build_nights_page
from tests.reports.nights.test_nights_page import cluster, row

pytestmark = pytest.mark.browser

INSIDE = """([inner, outer]) => {
  const [a, b] = [inner, outer].map((one) => document.querySelector(one).getBoundingClientRect());
  return a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
}"""


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write forty nights in which a cluster flips last."""
    store = tmp_path_factory.mktemp("nights")
    for day in range(40):
        verdict = "UNCERTAIN" if day == 39 else "REAL"
        found = [cluster("a", f"a{day}", 1, verdict, "elm"), cluster("a", f"a{day}", 2, "REAL")]
        write_night(
            store,
            f"2026-{day // 28 + 1:02}-{day % 28 + 1:02}T02-n",
            "nightly",
            [row("a", "computed", f"a{day}")],
            found,
        )
    page = build_nights_page(store)
    assert page is not None
    return page


@pytest.mark.parametrize("width", [1400, 400])
def test_the_last_night_is_seen_beside_the_names(browser: Browser, morning: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(morning.as_uri())
    assert page.evaluate(INSIDE, [".verdicts tbody tr:first-child .flip", ".scroll"])
    assert page.evaluate(INSIDE, [".verdicts tbody tr:first-child th", ".scroll"])
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") > 0
    assert page.evaluate(INSIDE, ["#find", "#finder"])
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.close()
