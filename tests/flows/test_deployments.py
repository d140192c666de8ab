"""What is shipped for servers: prefect.yaml, templates of work pools, the compose file, and what they name is there."""

from __future__ import annotations

import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from steadymap.configs.errors import InputError
from steadymap.flows.cli.app import app
from steadymap.flows.deploy import AUTOMATIONS, POOL, PREFECT_FILE, deploy, steps

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
    assert tuple(services["worker"]["command"]) == steps()[-1].command
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


def test_without_a_server_the_remedy_is_told() -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(InputError) as fault:
        deploy()
    assert "does not answer" in fault.value.problem
    assert "prefect server start" in str(fault.value.remedy)
    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(InputError, match="no Prefect server"):
        deploy()
