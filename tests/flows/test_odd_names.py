"""Names with #, brackets, ~, blanks and accents in every folder and file that a sweep and what follows it touch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import three_blobs
from tests.flows.test_cli import run

CONFIG = """\
name: "odd [1] #2 ~ é"
data: {path: "z #1 [a].npy", labels: "y~ #2.npy"}
reducers:
  - {reducer: tsne, perplexity: 5}
seeds: [0]
fast: true
"""
NIGHT = 'configs: "cfg [x] #"\ndatasets: "z #1 [a].npy"\n'
STORE = "st [o] #re~"


def told(folder: Path, *words: str) -> str:
    printed = run(*words, "--store", STORE, cwd=folder)
    assert printed.returncode == 0, printed.stderr
    assert "Traceback" not in printed.stderr
    return printed.stdout


@pytest.mark.parametrize("name", ["run #3 [v2] ~é"])
def test_a_sweep_and_what_follows_it_go_by_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    (folder / "cfg [x] #").mkdir(parents=True)
    vectors, classes = three_blobs(rows=60, dimensions=4)
    np.save(folder / "z #1 [a].npy", vectors)
    np.save(folder / "y~ #2.npy", classes)
    (folder / "c é#.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "cfg [x] #" / "a.yaml").write_text(CONFIG.replace("y~ #2.npy", "../y~ #2.npy"), encoding="utf-8")
    (folder / "n #.yaml").write_text(NIGHT, encoding="utf-8")
    assert "labels: y~ #2; y~ #2.npy joined by order of rows" in " ".join(told(folder, "sweep", "c é#.yaml").split())
    (made,) = (folder / STORE / "runs").iterdir()
    told(folder, "export", f"{STORE}/runs/{made.name}", "--out", "out #1 [b].csv")
    night = told(folder, "nightly", "n #.yaml")
    assert "z #1 [a].npy" in night
    runs = sorted(one.name for one in (folder / STORE / "runs").iterdir())
    told(folder, "compare", runs[0], runs[-1], "--out", "cmp #1 [b].html")
    stray = folder / STORE / "cells" / "ab" / f"ab{'0' * 30}.parquet"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"no run rests on it")
    assert "removed" in told(folder, "gc", "--keep-runs", "1", "--do")
    assert not stray.exists()
    for file in ("out #1 [b].csv", "cmp #1 [b].html", f"{STORE}/site/nights.html"):
        assert (folder / file).stat().st_size > 0
