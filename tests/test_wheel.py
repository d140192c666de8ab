"""The wheel, installed alone, used from a folder whose packages have the names of our rooms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import three_blobs

PROJECT = Path(__file__).parents[1]
ROOMS = ("flows", "tasks", "reports", "configs")

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(1200)]

CONFIG = """
name: three blobs
data: {path: blobs.npz}
reducers: [{reducer: tsne, perplexity: 8}, {reducer: pca}]
seeds: [0]
scores: {k: [5]}
resamples: {pairs: 0}
nulls: {gaussian: 0, copula: 0}
"""

OWN_FLOW = """
from prefect import flow
import steadymap
import tasks

@flow
def of_a_team():
    return steadymap.sweep("sweep.yaml", "own").run

if __name__ == "__main__":
    run = of_a_team()
    print(tasks.WHOSE, len(steadymap.open_run(run, "own").cells))
"""


def call(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(words, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    # The wheel is built from the sdist, as who publishes it would.
    call(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(place), folder=PROJECT)
    (sdist,) = place.glob("*.tar.gz")
    call("tar", "xzf", str(sdist), folder=place)
    unpacked = place / sdist.name.removesuffix(".tar.gz")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place), folder=unpacked)
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, alone, with the pinned versions of what it asks for; return the folder of its commands."""
    place = tmp_path_factory.mktemp("environment")
    call(sys.executable, "-m", "venv", str(place), folder=place)
    constraints = str(PROJECT / "constraints.txt")
    pip = (str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    call(*pip, "-c", constraints, str(wheel), folder=place)
    return place / "bin"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """Make a folder of a team that has packages with the names of our rooms, a data file, a config and a flow."""
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(f"WHOSE = 'the team, {room}'\n")
    vectors, labels = three_blobs(90)
    np.savez(tmp_path / "blobs.npz", X=vectors, y=labels)
    (tmp_path / "sweep.yaml").write_text(CONFIG)
    (tmp_path / "own_flow.py").write_text(OWN_FLOW)
    return tmp_path


def sweep_in(folder: Path, installed: Path, **environment: str) -> dict[str, Any]:
    done = call(str(installed / "steadymap"), "sweep", "sweep.yaml", "--json", folder=folder, **environment)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_wheel_holds_the_package_and_what_it_reads(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = call("git", "ls-files", *ROOMS, "deployments", "prefect.yaml", folder=PROJECT).stdout.split()
    wanted = {f"steadymap/{name}" for name in tracked if not name.endswith("README.md")}
    assert wanted <= held
    assert not [name for name in held if name.partition("/")[0] in ROOMS]


def test_it_sweeps_beside_packages_of_the_same_names(team: Path, installed: Path) -> None:
    told = sweep_in(team, installed, PYTHONPATH=".")
    assert told["cells"]["computed"] == 2
    assert Path(told["report"]).is_file()


def test_a_flow_of_the_team_sweeps(team: Path, installed: Path) -> None:
    done = call(str(installed / "python"), "own_flow.py", folder=team)
    assert done.stdout.splitlines()[-1] == "the team, tasks 2"
