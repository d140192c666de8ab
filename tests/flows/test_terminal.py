"""What commands write into a terminal of 80 columns: a sweep's answer in eight lines, runs, gc and score."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from steadymap.configs.cards import CARD_OF
from steadymap.flows.cli.runs import gc, runs
from steadymap.flows.cli.scoring import score
from steadymap.flows.cli.sweeping import _print_outcome
from steadymap.flows.sweep import SweepOutcome
from steadymap.reports.compare.since_last_run import Changes
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import Summary, summarise
from steadymap.tasks.store.layout import Store
from tests.conftest import three_blobs
from tests.reports.run_folder_fixture import RunFolder

WIDTH, MOST_LINES = 80, 8
RUN = "a-run-with-a-long-name-and-so-on-0123456789"


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))


def written(summary: Summary, monkeypatch: pytest.MonkeyPatch, store: Path, *, verbose: bool = False) -> list[str]:
    """Return what a sweep writes below its bars."""
    monkeypatch.setattr("steadymap.reports.summary.summary.summarise", lambda run: summary)
    outcome = SweepOutcome(
        run=RUN, report="report.html", total=1_234, computed=1_000, cached=200, failed=12, skipped=12, left=10,
        clusters={}, pictures=1_200, cut_short=True,
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=WIDTH)
    _print_outcome(outcome, 12_345, Store(store), console, verbose=verbose)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


KINDS = {
    "four verdicts, a run before": RunFolder(verdicts=("REAL", "HIDDEN", "ARTEFACT")),
    "long names": RunFolder(
        verdicts=("REAL",) * 3, labels={"kind": [f"a rather long name for a cluster, {row % 3}" for row in range(120)]}
    ),
    "untested": RunFolder(),
    "fast": RunFolder(fast=True, verdicts=("REAL",) * 3),
    "nothing drawn": RunFolder(nothing_drawn=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_ends_with_at_most_eight_lines_of_eighty_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    run = read_run(KINDS[kind].write(tmp_path / "runs" / RUN))
    summary = summarise(run)
    if "before" in kind:  # the most there can be: every verdict, and a run before it
        group = replace(summary.answer.groups[0], word="UNCERTAIN", names="cluster c7", count=1)
        changed = Changes("the-run-before-0123456789", ("REAL → UNCERTAIN: cluster c7 " + "and so on " * 20,), "")
        answer = replace(summary.answer, groups=(*summary.answer.groups, group))
        summary = replace(summary, answer=answer, changes=changed)
    lines = written(summary, monkeypatch, tmp_path)
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= WIDTH
    fast = " (fast)" if kind == "fast" else ""
    told = f"1000 cells computed{fast}, 200 cached, 12 failed, 12 skipped, 10 left in 12345 s"
    assert lines[0] == (told if len(told) <= WIDTH else f"{told[: WIDTH - 1]}…")
    assert lines[-1] == "report: report.html"
    if "before" in kind:
        assert [line.split(" ")[1] for line in lines[1:5]] == ["REAL", "HIDDEN", "ARTEFACT", "UNCERTAIN"]
        assert lines[5].startswith("use t-SNE, perplexity 30: it keeps the one REAL cluster, ")
        assert lines[6].startswith("since the-run-before-0123456789: REAL → UNCERTAIN: cluster c7")
        assert len(written(summary, monkeypatch, tmp_path, verbose=True)) > 2 * MOST_LINES


def test_runs_are_listed_with_verdicts_and_names_that_can_be_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    RunFolder(run=RUN, verdicts=("REAL", "UNCERTAIN", "REAL")).write(tmp_path / "runs" / RUN)
    runs(store=str(tmp_path))
    printed = capsys.readouterr().out
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith("│")]
    assert max(map(len, printed.splitlines())) <= WIDTH
    assert "".join(row[0] for row in cells) == RUN
    assert " ".join(" ".join(row[4] for row in cells).split()) == "2 REAL, 1 UNCERTAIN"
    assert " ".join(" ".join(row[3] for row in cells).split()) == "12, 1 failed"


def test_gc_says_that_there_is_nothing_to_remove(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs").mkdir()
    gc(store=str(tmp_path))
    told = capsys.readouterr().out.replace("\n", "")  # a long folder makes two lines of it
    assert told.replace(" ", "") == f"{tmp_path}: nothing to remove, its runs rest on all of it".replace(" ", "")


def test_score_stands_beside_chance_and_pca_and_leaves_the_curve_to_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors, _ = three_blobs()
    np.save(tmp_path / "latents.npy", vectors)
    # The first two columns: what no reducer drew. Chance and PCA must not be read off it.
    pd.DataFrame(vectors[:, :2], columns=["x", "y"]).to_csv(tmp_path / "picture.csv", index=False)
    score(tmp_path / "latents.npy", tmp_path / "picture.csv", k=[5])
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith("│")]
    (trust,) = [row for row in rows if row[0] == "Trustworthiness"]
    value, pca, chance = float(trust[2]), float(trust[4]), float(trust[5])
    assert chance == pytest.approx(0.5, abs=0.06)
    assert chance + 0.1 < value < pca <= 1
    assert CARD_OF["r_nx"].title not in [row[0] for row in rows]
    assert max(map(len, printed.splitlines()[1:])) <= WIDTH
    score(tmp_path / "latents.npy", tmp_path / "picture.csv", k=[5], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert sum(one["score"] == "r_nx" for one in told["scores"]) > 5
    assert {one["score"] for one in told["chance"]} >= {"trustworthiness", "auc_ln_k"}
    assert {one["score"] for one in told["pca"]} >= {"trustworthiness", "auc_ln_k"}
