"""What a report says of the last selftest, and of the user's labels tested like clusters."""

from __future__ import annotations

import json
from pathlib import Path

from steadymap.reports.clusters.label_tests import label_tests
from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.run.selftest_rates import cite_selftest
from steadymap.reports.summary.summary import summarise
from tests.reports.run_folder_fixture import RunFolder

SUMMARY = {
    "rows": [2000, 8000],
    "false_real": {"hits": 3, "trials": 200, "share": 0.015, "low": 0.0031, "high": 0.0432},
}


def test_the_last_selftest_of_the_store_is_cited(tmp_path: Path) -> None:
    run = RunFolder().write(tmp_path / "store" / "runs" / "three")
    assert "no selftest in its store yet" in cite_selftest(run)
    (tmp_path / "store" / "selftest.json").write_text(json.dumps(SUMMARY), encoding="utf-8")
    told = cite_selftest(run)
    assert "drew 200 sets of 2,000 to 8,000 rows without a cluster; 3 of them got a REAL or HIDDEN (1.5" in told
    assert "0.3" in told
    assert "4.3" in told
    assert summarise(read_run(run)).selftest == told


def test_a_damaged_selftest_is_no_selftest(tmp_path: Path) -> None:
    run = RunFolder().write(tmp_path / "store" / "runs" / "three")
    for text in ("{", "{}", "[]", json.dumps({**SUMMARY, "false_real": None})):
        (tmp_path / "store" / "selftest.json").write_text(text, encoding="utf-8")
        assert "no selftest in its store yet" in cite_selftest(run)


def test_labels_say_whether_they_are_separate_and_what_they_run_into(tmp_path: Path) -> None:
    run = read_run(RunFolder().write(tmp_path / "three"))
    first, second, third = label_tests(run)
    assert (first.label, first.separated, first.p, first.depth, first.runs_into) == ("c0", True, "p = .004", "0.10", "")
    assert (second.separated, second.runs_into, third.depth) == (False, "c2", "")
    page = render_page(run, summarise(run))
    assert "tested like clusters, and class by cluster" in page
    assert "◇ not shown" in page
