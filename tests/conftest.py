"""Fixtures that many tests share: small latent vectors with known clusters, Prefect's embedded server, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Set before Prefect is imported anywhere; the command line does the same.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_DATABASE_TIMEOUT", "60")

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def three_blobs(rows: int = 150, dimensions: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors with three well separated clusters, float32 (rows, dimensions), and their labels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % 3
    centres = np.zeros((3, dimensions))
    centres[np.arange(3), np.arange(3)] = 12
    vectors = centres[labels] + generator.standard_normal((rows, dimensions))
    return vectors.astype(np.float32), labels


@pytest.fixture
def blobs_file(tmp_path: Path) -> Path:
    """Write an .npz with three clusters (X) and their labels (y)."""
    vectors, labels = three_blobs()
    path = tmp_path / "blobs.npz"
    np.savez(path, X=vectors, y=labels)
    return path


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """Prefect's embedded server on a database of its own, once for all tests that need it."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window and without calls of its own."""
    from playwright.sync_api import sync_playwright

    from tests.reports.browsing import QUIET

    chromium = shutil.which("chromium")
    assert chromium is not None, "no chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield opened
        opened.close()
