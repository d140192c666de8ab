"""docs/promises.md says what the attacks are and what they reached; and each attack has a line that turns it red."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from steadymap.flows.sweep import stability_sweep
from tests.chaos.breaks import BREAKS
from tests.chaos.page import counted, read_rows
from tests.chaos.rows import ROW_OF, ROWS, Row
from tests.chaos.sweeps import bytes_that_count, sweep_here, tiny_config, tiny_data

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_the_page_says_what_is_promised_attacked_and_reached(row: Row) -> None:
    cells = read_rows()[row.key]
    assert cells[:3] == [row.key, row.promise, row.attack]
    assert cells[4] == BREAKS[row.key].words
    reached = counted(cells[3])
    if reached is None:
        assert len(cells[3]) > len("not run: ")  # it says why
        return
    held, rounds = reached
    assert held == rounds > 0
    assert (rounds < row.goal) == (f"the full form runs {row.goal:,}" in cells[3])
    assert row.unit in cells[3]


def test_the_page_has_no_other_row() -> None:
    assert list(read_rows()) == [row.key for row in ROWS]
    assert set(BREAKS) == set(ROW_OF)


@pytest.mark.parametrize("key", BREAKS)
def test_the_line_that_is_broken_is_there(key: str) -> None:
    one = BREAKS[key]
    assert one.line in (PROJECT / one.file).read_text(encoding="utf-8")
    assert one.line != one.instead


def attack(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.chaos", *words]
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_what_is_printed_is_what_the_page_is_made_of() -> None:
    run = attack("--short", "D3", "S1")
    assert run.returncode == 0, run.stdout
    first, second, last = run.stdout.splitlines()
    for key, line in (("D3", first), ("S1", second)):
        assert line.startswith(f"{key}  {ROW_OF[key].promise}: ")
        told = line.split(": ", 1)[1].rsplit("  [", 1)[0]
        held, rounds = counted(told) or (0, 0)
        assert held == rounds > 20
    assert last == "2 rows, 0 broken"


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_attack_holds_in_short(row: Row) -> None:
    run = attack("--short", row.key)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.engine
def test_the_sweep_that_is_attacked_is_the_one_that_people_run(engine: None, tmp_path: Path) -> None:
    config = tiny_config(tiny_data(tmp_path))
    outcome = stability_sweep(config, str(tmp_path / "flow"))
    assert sweep_here(config, tmp_path / "here").run == outcome.run
    here, flow = bytes_that_count(tmp_path / "here"), bytes_that_count(tmp_path / "flow")
    assert here
    assert {name: digest for name, digest in flow.items() if name in here} == here
    # What is rendered of the run comes on top.
    assert {name.split("/")[0] for name in flow.keys() - here.keys()} == {"runs"}
