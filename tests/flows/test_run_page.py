"""What Prefect's pages show: links that a browser opens, forms whose texts fit a form, tasks that differ by pass."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from prefect.assets import Asset

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.flows.deploy.shipped import form_of, load_flow, read_definitions
from steadymap.flows.run_page import (
    OF_FLOWS,
    OF_TASKS,
    ReadableLog,
    Site,
    data_url,
    ends_as_failed,
    rendering_assets,
    verdict_table,
    verdict_words,
)
from steadymap.reports.run.run_folder import read_run
from steadymap.tasks.store.layout import Store
from tests.reports.run_folder_fixture import RunFolder

FLOWS = [one["entrypoint"] for one in read_definitions()]


def test_a_link_leads_where_the_store_is_served_or_nowhere(tmp_path: Path) -> None:
    place = Store(tmp_path, "s3://team/results")
    report = place.run("a & b") / "report.html"
    assert Site(place, "http://host:8080/").address(report) == "http://host:8080/runs/a%20%26%20b/report.html"
    assert Site(place).address(report) is None
    assert Site(place, "http://host:8080").address(Path("/elsewhere/report.html")) is None


@pytest.mark.parametrize("entrypoint", FLOWS)
def test_texts_of_a_form_fit_a_form(entrypoint: str) -> None:
    form = str(form_of(load_flow(entrypoint)))
    assert "this file" not in form  # a form is none
    assert "Paths" not in form or "absolute" in form


@pytest.mark.parametrize("entrypoint", FLOWS)
def test_a_form_has_the_flows_own_parameters_though_bad_input_is_caught_around_it(entrypoint: str) -> None:
    flow = load_flow(entrypoint)
    assert "store" in form_of(flow)["properties"]
    assert "given" not in form_of(flow)["properties"]
    with pytest.raises(Exception, match="no_such_parameter"):
        flow.validate_parameters({"no_such_parameter": 1})


def test_bad_input_is_a_state_and_any_other_fault_is_none() -> None:
    @ends_as_failed
    def meet(what: Exception) -> None:
        raise what

    state = meet(InputError("no rows", file="z.npz", remedy="write some"))
    assert state.is_failed()  # type: ignore[attr-defined]
    assert state.message == "z.npz: no rows\n  remedy: write some"  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        meet(ZeroDivisionError())


def test_the_log_has_messages_instead_of_tracebacks_and_no_line_per_completed_task() -> None:
    try:
        raise InputError("no rows", file="z.npz")
    except InputError:
        ours = logging.LogRecord(OF_FLOWS, logging.ERROR, "", 0, "Encountered %r", ("x",), sys.exc_info())
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        other = logging.LogRecord(OF_FLOWS, logging.ERROR, "", 0, "Encountered %r", ("x",), sys.exc_info())
    assert ReadableLog().filter(ours)
    assert (ours.getMessage(), ours.exc_info) == ("z.npz: no rows", None)
    assert ReadableLog().filter(other)
    assert other.exc_info is not None
    ended = "Finished in state Completed()", "Finished in state Failed('x')"
    lines = [logging.LogRecord(OF_TASKS, logging.INFO, "", 0, one, (), None) for one in ended]
    assert [ReadableLog().filter(one) for one in lines] == [False, True]


def test_passes_of_a_sweep_differ_by_name() -> None:
    from steadymap.flows.drawing.draw_cells import _named
    from steadymap.tasks.steps.prepare_geometry import prepare_geometry

    assert _named(prepare_geometry, "halves").task_run_name == "geometry of {plan.rows} rows, halves"
    assert _named(prepare_geometry, "") is prepare_geometry


@pytest.mark.parametrize("name", ["a & b, c [1]", "50 %", 'x"#?{}|^`\\', "ö" * 600])
def test_any_name_makes_an_asset(tmp_path: Path, name: str) -> None:
    source = DataSource(path=f"/data/{name}.npz")
    made = rendering_assets(tmp_path / "runs" / name, source, Site(Store(tmp_path), "http://host:8080"))
    folder, report = made["assets"]
    assert folder.key.startswith(f"file://{tmp_path}/runs/")
    assert report.key.startswith(folder.key)
    assert report.properties.url.startswith("http://host:8080/runs/")
    assert Asset(key=made["asset_deps"][0]).key.startswith("file:///data/")
    assert data_url(DataSource(example="digits")) == "steadymap://example/digits"
    assert data_url(DataSource(path="s3://team/z.npz")) == "s3://team/z.npz"


def test_no_p_value_is_shown_as_nought(tmp_path: Path) -> None:
    run = read_run(RunFolder().write(tmp_path / "run"))
    table = run.clusters.assign(p_value=[0.0, 3e-9, 0.04321][: len(run.clusters)])
    assert [row["p_value"] for row in verdict_table(replace(run, clusters=table))] == ["< 0.0001", "< 0.0001", 0.0432]


def test_verdicts_in_words() -> None:
    assert verdict_words({"REAL": 3, "HIDDEN": 0, "UNCERTAIN": 1}) == "3 REAL, 1 UNCERTAIN"
    assert verdict_words({"REAL": 0}) == "no cluster"
