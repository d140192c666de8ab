"""What is shipped for servers: prefect.yaml, templates of work pools, the compose file, and what they name is there."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from steadymap.configs.errors import InputError
from steadymap.flows.cli.app import app
from steadymap.flows.deploy.automations import dead_runs, late_night, longest_pause
from steadymap.flows.deploy.check_night import check_night
from steadymap.flows.deploy.deploy import deploy
from steadymap.flows.deploy.differences import merge
from steadymap.flows.deploy.shipped import AUTOMATIONS, POOL, PREFECT_FILE, worker_command
from steadymap.flows.deploy.wanted import Request, read_night, wanted_deployments

ROOT = Path(__file__).parents[2]
POOLS = sorted((ROOT / "deployments" / "work-pools").glob("*.json"))
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_a_deployment_names_a_flow_and_parameters_that_it_takes(deployment: dict[str, Any]) -> None:
    from prefect import Flow
    from prefect.utilities.callables import parameter_schema
    from prefect.utilities.schema_tools.validation import validate

    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    assert set(deployment["parameters"]) <= set(inspect.signature(flow.fn).parameters)
    assert deployment["work_pool"]["name"] == POOL
    given = {"run": "any", "config": {"name": "any", "data": {"example": "digits"}}}
    needed = {name: given[name] for name in flow.parameters.required if name not in deployment["parameters"]}
    flow.validate_parameters({**deployment["parameters"], **needed})
    # The server's own check, which is stricter: it knows the JSON schema only.
    schema = parameter_schema(flow).model_dump()
    assert validate({**deployment["parameters"], **needed}, schema, raise_on_error=False) == []


def test_nights_have_a_time_zone_and_never_overlap() -> None:
    nightly = next(one for one in DEPLOYMENTS if one["name"] == "nightly")
    assert all(schedule["timezone"] for schedule in nightly["schedules"])
    assert nightly["concurrency_limit"] == {"limit": 1, "grace_period_seconds": 600, "collision_strategy": "CANCEL_NEW"}


@pytest.mark.parametrize("path", POOLS, ids=lambda path: path.stem)
def test_a_template_of_a_work_pool_is_one_for_prefect(path: Path) -> None:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.server.schemas.actions import WorkPoolCreate as Checked
    from prefect.utilities.schema_tools.validation import is_valid_schema, validate

    template = json.loads(path.read_text(encoding="utf-8"))
    WorkPoolCreate(name="a", type=path.stem, base_job_template=template)
    Checked(name="a", type=path.stem, base_job_template=template)  # the server's own check of placeholders
    variables = template["variables"]
    is_valid_schema(variables)
    defaults = {name: one["default"] for name, one in variables["properties"].items() if one.get("default") is not None}
    assert validate(defaults, variables, raise_on_error=False) == []
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))
    assert used <= set(variables["properties"])
    assert defaults["image"].startswith("steadymap:")


def test_the_server_refuses_a_template_with_an_unknown_placeholder() -> None:
    # The negative control of the test above.
    from prefect.server.schemas.actions import WorkPoolCreate as Checked

    template = json.loads(POOLS[0].read_text(encoding="utf-8"))
    template["job_configuration"]["image"] = "{{ no_such_variable }}"
    with pytest.raises(ValueError, match="no_such_variable"):
        Checked(name="a", type="docker", base_job_template=template)


def test_services_run_what_the_image_has() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    services = composed["services"]
    assert set(services) == {"postgres", "server", "deploy", "worker", "site"}
    for name in ("server", "deploy", "worker"):
        assert services[name]["image"] == "steadymap:0.1.0"
        program, *arguments = services[name]["command"]
        assert program == "prefect" or (program == "steadymap" and arguments[0] in set(app))
    assert shlex.join(services["worker"]["command"]) == worker_command()
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "ENTRYPOINT" not in image
    for needed in ("configs", "tasks", "reports", "flows", "deployments", "prefect.yaml"):
        assert re.search(rf"^COPY {needed} ", image, re.M), needed
    known = set(services)
    for service in services.values():
        assert set(service.get("depends_on", {})) <= known


@pytest.mark.parametrize("path", sorted(AUTOMATIONS.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_automation_is_one_for_prefect(path: Path) -> None:
    from prefect.events.schemas.automations import AutomationCore

    AutomationCore.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_without_a_server_the_remedy_is_told(night: Path) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(InputError) as fault:
        deploy(Request(night), do=True)
    assert "does not answer" in fault.value.problem
    assert "prefect server start" in str(fault.value.remedy)
    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(InputError, match="no Prefect server"):
        deploy(Request(night), do=False)


# --- what is wanted, and what is checked ----------------------------------------------------------------------------


@pytest.fixture
def night(tmp_path: Path, blobs_file: Path) -> Path:
    """Lay out a night of two sweeps over one file, and return its config."""
    for name in ("a", "b"):
        (tmp_path / "sweeps").mkdir(exist_ok=True)
        (tmp_path / "sweeps" / f"{name}.yaml").write_text(f"name: {name}\ndata: {{path: ../{blobs_file.name}}}\n")
    (tmp_path / "nightly.yaml").write_text("configs: sweeps\nhours: 8\n")
    return tmp_path / "nightly.yaml"


def test_a_deployment_names_what_is_there_wherever_it_is_made(
    night: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    request = Request(
        Path(os.path.relpath(night)), cron="30 3 * * *", timezone="Europe/Berlin", site_url="http://host:8080"
    )
    checked = check_night(read_night(request))
    assert [(one.name, one.rows, one.dimensions) for one in checked] == [("a", 150, 6), ("b", 150, 6)]
    wanted = {one.full_name: one for one in wanted_deployments(request, read_night(request), ())}
    assert set(wanted) == {"nightly/nightly", "stability-sweep/sweep", "report/report", "selftest/selftest"}
    values = wanted["nightly/nightly"].values
    assert values["config.configs"] == str(night.parent / "sweeps")
    assert values["store"] == str(night.parent / "results")
    assert values["folder"] == str(night.parent)
    assert values["config.site_url"] == wanted["stability-sweep/sweep"].values["site_url"] == "http://host:8080"
    (schedule,) = values["schedules"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("30 3 * * *", "Europe/Berlin")


def test_a_night_that_cannot_run_is_not_deployed(night: Path) -> None:
    (night.parent / "sweeps" / "b.yaml").write_text("name: b\ndata: {path: gone.npz}\n")
    (night.parent / "sweeps" / "c.yaml").write_text("name: c\ndatta: {path: z.npz}\n")
    with pytest.raises(InputError, match="2 of 3 sweeps cannot run, so nothing was deployed") as fault:
        deploy(Request(night), do=True)  # no server is asked: there is none
    assert "gone.npz" in str(fault.value)
    assert "did you mean `data`" in str(fault.value)
    with pytest.raises(InputError, match="no such file"):
        deploy(Request(night.parent / "tonight.yaml"), do=True)


def test_several_nights_live_side_by_side_by_name(night: Path) -> None:
    request = Request(night, name="staging", each=True)
    config = read_night(request)
    files = [one.config for one in check_night(config)]
    wanted = wanted_deployments(request, config, files)
    assert [one.full_name for one in wanted[:3]] == [
        "nightly/staging-a",
        "nightly/staging-b",
        "stability-sweep/staging",
    ]
    assert wanted[1].values["config.name"] == "staging-b"
    assert wanted[1].values["config.configs"] == files[1]


@pytest.mark.parametrize(("cron", "zone"), [("0 5 * *", None), ("0 25 * * *", None), ("0 5 * * *", "Mars/Olympus")])
def test_a_time_that_no_server_takes_is_refused(night: Path, cron: str, zone: str | None) -> None:
    request = Request(night, cron=cron, timezone=zone)
    with pytest.raises(InputError, match="--cron"):
        wanted_deployments(request, read_night(request), ())


# --- whose word counts ----------------------------------------------------------------------------------------------


def test_what_people_changed_stays_and_what_they_did_not_follows() -> None:
    first = merge({"store": "/a", "config.hours": 8.0}, None, {})
    assert first.to_write
    # Somebody gives the night three hours, in a browser.
    there = {"store": "/a", "config.hours": 3, "config.pick": "latest"}
    again = merge({"store": "/b", "config.hours": 8.0}, there, first.written)
    assert again.values == {"store": "/b", "config.hours": 3, "config.pick": "latest"}
    assert {one.key: one.ending for one in again.differences} == {
        "store": "changed",
        "config.hours": "kept",
        "config.pick": "kept",
    }
    # So it is after any number of deployments, and nothing is written where nothing is ours.
    third = merge({"store": "/b", "config.hours": 6}, again.values, again.written)
    assert (third.values["config.hours"], third.to_write) == (3, False)
    assert (
        merge({"store": "/b", "config.hours": 6}, again.values, again.written, ["config.hours"]).values["config.hours"]
        == 6
    )
    assert merge({"store": "/b"}, again.values, again.written, ["parameters"]).values == {"store": "/b"}


def test_what_nobody_names_again_stays_as_it_was_deployed() -> None:
    first = merge({"schedules": ["03:30"]}, None, {})
    second = merge({"schedules": ["02:00"]}, {"schedules": ["03:30"]}, first.written, unasked={"schedules"})
    assert (second.values, second.differences) == ({"schedules": ["03:30"]}, ())
    third = merge({"schedules": ["04:00"]}, second.values, second.written)
    assert third.values == {"schedules": ["04:00"]}


def test_a_deployment_of_unknown_origin_is_left_alone() -> None:
    found = merge({"store": "/b"}, {"store": "/a"}, {})
    assert (found.values, found.to_write) == ({"store": "/a"}, False)
    assert "--reset store" in found.differences[0].line


def test_a_whole_number_is_the_same_however_a_form_writes_it() -> None:
    first = merge({"config.hours": 8.0}, None, {})
    assert merge({"config.hours": 8.0}, {"config.hours": 8}, first.written).differences == ()


# --- automations ----------------------------------------------------------------------------------------------------


def test_a_night_is_late_by_its_own_schedule() -> None:
    zone = {"timezone": "Europe/Berlin"}
    assert longest_pause({"cron": "30 3 * * *", **zone}) == timedelta(hours=25)  # when summer time ends
    assert longest_pause({"cron": "30 3 * * 1-5", "timezone": "Etc/UTC"}) == timedelta(days=3)
    watching = late_night("my nights", [{"schedule": {"cron": "0 2 * * *", "timezone": "Etc/UTC"}, "active": True}])
    assert watching.trigger.model_dump()["within"] == timedelta(hours=26)
    assert watching.trigger.model_dump()["match"] == {"prefect.resource.id": "steadymap.night.my-nights"}
    assert dead_runs().name == "end runs without a heartbeat"
