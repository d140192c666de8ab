"""`steadymap site --serve`: pages for the browsers of this machine, and nothing else of the store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from steadymap.configs.errors import InputError
from steadymap.flows.cli.serve_site import LOOPBACK, open_site, serve_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    for name in ("site/nights.html", "runs/a/report.html", "cells/secret.parquet"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    with open_site(tmp_path, 0) as server:
        assert server.server_address[0] == LOOPBACK
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


def test_pages_are_shown(site: str) -> None:
    for name in ("site/nights.html", "runs/a/report.html"):
        assert httpx.get(f"{site}/{name}").text == name


@pytest.mark.parametrize(
    "way", ["cells/secret.parquet", "site/", "", "runs/../cells/secret.parquet", "site/%2e%2e/cells/secret.parquet"]
)
def test_what_is_no_page_is_not_shown(site: str, way: str) -> None:
    assert httpx.get(f"{site}/{way}").status_code == 404


def test_a_page_elsewhere_cannot_read_it_under_a_name_of_its_own(site: str) -> None:
    # DNS rebinding: a foreign name that is made to mean this machine.
    assert httpx.get(f"{site}/site/nights.html", headers={"Host": "evil.example:8080"}).status_code == 404


def test_a_port_that_is_taken_is_said(site: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in use"):
        open_site(tmp_path, int(site.rpartition(":")[2]))
    with pytest.raises(InputError, match="--serve shows the site in the store"):
        serve_site(tmp_path, Path("/elsewhere/index.html"), 0)
