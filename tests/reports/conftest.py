"""Run folders that the tests of the reports share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.summary import Summary, summarise
from tests.reports.browsing import QUIET
from tests.reports.run_folder_fixture import RunFolder

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the usual run folder: a fresh copy that a test may spoil."""
    return RunFolder().write(tmp_path / "run")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Read the usual run."""
    return read_run(RunFolder().write(tmp_path_factory.mktemp("usual") / "run"))


@pytest.fixture(scope="session")
def summary(run: Run) -> Summary:
    """Summarise the usual run."""
    return summarise(run)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    assert chromium is not None, "no chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield opened
        opened.close()
