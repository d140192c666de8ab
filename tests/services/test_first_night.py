"""docs/nights/first-night.md, run as it is printed: an empty folder, an installed wheel, a real server and worker."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from tests.processes import connects, end_group, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(1500)]

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "nights" / "first-night.md"
TEAM = PROJECT / "docs" / "nights" / "team-server.md"
ROOMS = ("flows", "tasks", "reports", "configs")
PORTS = (4200, 8080)
API = "http://127.0.0.1:4200/api"
LAUNCHER = "#!{python}\nimport sys\nfrom {module} import {name}\nsys.exit({name}())\n"


def blocks() -> list[str]:
    """Return the commands of the page, a block each, as they are printed."""
    found = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(found) == 7
    return found


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Install the wheel into an environment that has all else from this one, and return the folder of its commands."""
    dist, place = tmp_path / "dist", tmp_path / "environment"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    (wheel,) = dist.glob("*.whl")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True)
    own = next(place.glob("lib/python*/site-packages"))
    (own / "everything_else.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    script = place / "bin" / "prefect"
    script.write_text(LAUNCHER.format(python=python, module="prefect.cli", name="app"), encoding="utf-8")
    script.chmod(0o755)
    return place / "bin"


@pytest.fixture
def shell(tmp_path: Path, commands: Path) -> Iterator[Any]:
    """Run blocks of the page in an empty folder, one after the other; those that stay end with the test."""
    if any(map(connects, PORTS)):
        pytest.skip(f"somebody listens on one of the ports that the page prints: {PORTS}")
    folder = tmp_path / "team"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))}
    environment |= {
        "PATH": f"{commands}:{environment['PATH']}",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": API,  # every terminal of a person has it; the page exports it where it first matters
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    }

    def run(block: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", block], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    with contextlib.ExitStack() as stack:

        def stay(block: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((tmp_path / "stays.log").open("ab"))
            process = subprocess.Popen(
                ["bash", "-euc", block], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(end_group, process)
            return process

        yield run, stay, folder


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=2).is_success
    return False


def last_run(name: str) -> dict[str, Any]:
    """Return the run of a flow that began last; those that the schedule has for later sort before all that began."""
    begun = {"start_time": {"is_null_": False}}
    asked = {"flows": {"name": {"any_": [name]}}, "flow_runs": begun, "sort": "START_TIME_DESC"}
    found: dict[str, Any] = httpx.post(f"{API}/flow_runs/filter", json=asked).raise_for_status().json()[0]
    return found


def artifacts(run: str) -> dict[str, str]:
    asked = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    return {one["key"]: one["data"] for one in httpx.post(f"{API}/artifacts/filter", json=asked).json()}


def test_the_page_leads_from_an_empty_folder_to_two_nights(shell: Any) -> None:
    run, stay, folder = shell
    prepare, serve, deploy, worker, first, site, second = blocks()
    run(prepare)
    server = stay(serve)
    wait_until(lambda: answers(f"{API}/health"), "the Prefect server", server)

    said = run(deploy)
    assert "encoder: 240 rows × 6 dimensions" in said
    assert "nothing was changed on the server; --do does it" in said
    assert "done; a worker runs it: prefect worker start --pool steadymap" in said
    stay(worker)

    run(first)
    night = last_run("nightly")
    assert (night["state"]["type"], night["state"]["message"]) == (
        "COMPLETED",
        "the first night, with nothing to compare with",
    )
    assert re.fullmatch(r"nightly \d{4}-\d\d-\d\d", night["name"])
    assert "steadymap" in night["tags"]
    sweep = last_run("stability-sweep")
    assert sweep["name"] == "encoder"
    assert {"steadymap", "sweep:encoder"} <= set(sweep["tags"])
    shown = artifacts(sweep["id"])
    report = re.search(r"\((http://127\.0\.0\.1:8080/runs/[^)]+/report\.html)\)", shown["stability-report"])
    assert report is not None

    pages = stay(site)
    wait_until(lambda: answers("http://127.0.0.1:8080/site/nights.html"), "the site", pages)
    assert httpx.get(report[1]).is_success
    assert httpx.get("http://127.0.0.1:8080/nights/").status_code == 404

    # From here on the folder is a project with rooms of the same names as ours, which nobody may take for ours.
    for room in ROOMS:
        (folder / room).mkdir()
        (folder / room / "__init__.py").write_text("raise ImportError('this is the package of the team')\n")
    assert "nothing to do" in run(deploy)
    run(second)
    night = last_run("nightly")
    assert night["state"]["message"] == "C4: new, REAL; 3 scores rose or moved; 1 of 1 sweep changed"
    assert f"`{night['state']['message']}`" in PAGE.read_text(encoding="utf-8")
    assert "changed" in night["tags"]
    assert "C4" in httpx.get("http://127.0.0.1:8080/site/nights.html").text
    told = pd.read_parquet(folder / "results" / "nights" / "sweeps").sort_values("night")["said"].iloc[-1]
    assert any(one.startswith("New REAL cluster: C4, 80 rows") for one in told)

    # A flow of the team's own has a night for a step, as the page for teams prints it.
    (written,) = re.findall(r"^```python\n(.*?)^```$", TEAM.read_text(encoding="utf-8"), re.M | re.S)
    start = 'if __name__ == "__main__":\n    train_and_look("results")\n'
    (folder / "own.py").write_text(f"{written}\n\n{start}", encoding="utf-8")
    said = run("python encode.py 3 && python own.py")
    night = last_run("nightly")
    assert night["parent_task_run_id"] is not None
    assert re.search(r"\{'encoder': .*Lost REAL cluster: C4, 80 rows", said, re.S), said
