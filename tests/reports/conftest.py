"""Run folders that the tests of the reports share."""

from __future__ import annotations

from pathlib import Path

import pytest

from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.summary import Summary, summarise
from tests.reports.run_folder_fixture import RunFolder


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
