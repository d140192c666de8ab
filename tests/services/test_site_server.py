"""The configuration of nginx that compose.yaml mounts and the page for teams prints, in a Debian nginx."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.processes import connects, end_group, free_port, wait_until

pytestmark = pytest.mark.services

PROJECT = Path(__file__).parents[2]
SITE = PROJECT / "deployments" / "site.conf"
AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve a store by the configuration, on a port of loopback."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if nginx is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    store = tmp_path / "results"
    for name in ("site/nights.html", "runs/a/report.html", "cells/secret.parquet", "nights/sweeps/secret.parquet"):
        (store / name).parent.mkdir(parents=True)
        (store / name).write_text(name, encoding="utf-8")
    port = free_port()
    text = SITE.read_text(encoding="utf-8")
    server = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/usr/share/nginx/html", str(store))
    assert server.count(str(port)) == server.count(str(store)) == 1
    user = "user root;" if tmp_path.owner() == "root" else ""
    (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path, server=server, user=user), encoding="utf-8")
    words = [nginx, "-e", str(tmp_path / "error.log"), "-c", str(tmp_path / "nginx.conf")]
    with (tmp_path / "nginx.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until(lambda: connects(port), "nginx", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            end_group(process)


def test_pages_and_runs_are_served_and_nothing_else_of_the_store(site: str) -> None:
    for name in ("site/nights.html", "runs/a/report.html"):
        answer = httpx.get(f"{site}/{name}")
        assert (answer.text, answer.headers["content-type"]) == (name, "text/html")
    hidden = ("cells/secret.parquet", "nights/sweeps/secret.parquet", "runs/%2e%2e/cells/secret.parquet", "nothing")
    assert [httpx.get(f"{site}/{name}").status_code for name in hidden] == [404] * len(hidden)
    assert [httpx.get(f"{site}/{name}/").status_code for name in ("site", "runs")] == [403, 403]  # no listings
    # From outside the port may be another one, so the way to the morning's page names none.
    start = httpx.get(f"{site}/", headers={"Host": "reports.example:8080"})
    assert (start.status_code, start.headers["location"]) == (302, "/site/nights.html")


def test_the_compose_file_mounts_it_and_the_page_prints_it() -> None:
    mounted = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))["services"]["site"]["volumes"]
    assert "./deployments/site.conf:/etc/nginx/conf.d/default.conf:ro" in mounted
    page = (PROJECT / "docs" / "nights" / "team-server.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"^```nginx\n(.*?)^```$", page, re.M | re.S)
    assert printed.replace("127.0.0.1:8080", "80").replace("/srv/steadymap/results", "/usr/share/nginx/html") in (
        SITE.read_text(encoding="utf-8")
    )
