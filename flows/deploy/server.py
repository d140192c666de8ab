"""Read deployments from a Prefect server and write them there."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from steadymap.configs.errors import InputError
from steadymap.flows.deploy.differences import Merged, digest
from steadymap.flows.deploy.shipped import POOL_TEMPLATES, PoolType
from steadymap.flows.deploy.wanted import Wanted

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

SERVER = "http://127.0.0.1:4200/api"
SET_FOLDER = "prefect.deployments.steps.set_working_directory"
CONFIG = "config."


@contextlib.contextmanager
def connected() -> Iterator[SyncPrefectClient]:
    """Give a client of the server of ``PREFECT_API_URL``.

    Raises
    ------
    InputError
        No server is named, it does not answer, or it refuses what it is asked.
    """
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    remedy = f"start one with `prefect server start`, then `export PREFECT_API_URL={SERVER}`"
    if not url:
        raise InputError("no Prefect server is named", rule="PREFECT_API_URL says where it is", remedy=remedy)
    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=10).raise_for_status()
        with get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        raise InputError(f"the Prefect server refuses: {error.response.text[:500]}", file=url) from None
    except httpx.HTTPError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the Prefect server at {url} does not answer: {reason}", remedy=remedy) from None


# --- deployments --------------------------------------------------------------------------------------------------


def read_deployment(client: SyncPrefectClient, full_name: str) -> DeploymentResponse | None:
    """Return a deployment; None where the server has none of that name."""
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name(full_name)
    except ObjectNotFound:
        return None


def values_of(found: DeploymentResponse) -> dict[str, Any]:
    """Return what a server has of a deployment as flat keys."""
    parameters = dict(found.parameters)
    config = parameters.pop("config", None)
    given = config.items() if isinstance(config, dict) else ()
    flat = {f"{CONFIG}{key}": value for key, value in given if value is not None}  # a form saves empty fields as null
    form = found.parameter_openapi_schema
    return {
        **flat,
        **parameters,
        "schedules": [_schedule_of(one) for one in found.schedules],
        "entrypoint": found.entrypoint,
        "description": found.description,
        "tags": sorted(found.tags),
        "concurrency": _concurrency_of(found),
        "work pool": found.work_pool_name,
        "folder": _folder_of(found),
        "form": {key: value for key, value in (dict(form) if form else {}).items() if value is not None},
    }


def _schedule_of(one: Any) -> dict[str, Any]:
    timing = one.schedule.model_dump(mode="json", exclude_none=True)
    return {"schedule": timing, "active": one.active, "slug": one.slug, "parameters": one.parameters}


def _concurrency_of(found: DeploymentResponse) -> dict[str, Any] | None:
    if found.global_concurrency_limit is None:
        return None
    options = found.concurrency_options.model_dump(mode="json") if found.concurrency_options else {}
    return {"limit": found.global_concurrency_limit.limit, **options}


def _folder_of(found: DeploymentResponse) -> str | None:
    for step in found.pull_steps or ():
        if SET_FOLDER in step:
            return str(step[SET_FOLDER].get("directory"))
    return None


def write_deployment(
    client: SyncPrefectClient, wanted: Wanted, merged: Merged, found: DeploymentResponse | None
) -> None:
    """Create a deployment or bring it up to date; what has no key here stays as the server has it."""
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.objects import ConcurrencyLimitConfig

    values = merged.values
    limit = values.get("concurrency")
    client.create_deployment(
        flow_id=client.create_flow_from_name(wanted.flow),
        name=wanted.name,
        entrypoint=wanted.entrypoint,
        description=values["description"],
        tags=values["tags"],
        parameters=parameters_of(values),
        schedules=[DeploymentScheduleCreate.model_validate(one) for one in values["schedules"]],
        concurrency_limit=None if limit is None else ConcurrencyLimitConfig.model_validate(limit).limit,
        concurrency_options=_options_of(limit),
        work_pool_name=values["work pool"],
        work_queue_name=None if found is None else found.work_queue_name,
        job_variables={} if found is None else found.job_variables,
        paused=None if found is None else found.paused,
        pull_steps=[{SET_FOLDER: {"directory": values["folder"]}}],
        parameter_openapi_schema=values["form"],
        enforce_parameter_schema=True,
    )
    write_digests(client, wanted.full_name, merged.written)


def _options_of(limit: Mapping[str, Any] | None) -> Any:
    from prefect.client.schemas.objects import ConcurrencyOptions

    if limit is None:
        return None
    return ConcurrencyOptions.model_validate({key: value for key, value in limit.items() if key != "limit"})


def parameters_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Put flat keys together to the parameters of a flow."""
    config = {key.removeprefix(CONFIG): value for key, value in values.items() if key.startswith(CONFIG)}
    plain = {key: values[key] for key in ("store", "site_url") if key in values}
    return {**({"config": config} if config else {}), **plain}


def remove_deployment(client: SyncPrefectClient, found: DeploymentResponse, full_name: str) -> None:
    """Remove a deployment, and the note of what was written."""
    client.delete_deployment(found.id)
    if client.read_variable_by_name(_variable_of(full_name)) is not None:
        client.delete_variable_by_name(_variable_of(full_name))


# --- what the last deployment wrote: a variable a deployment, with a digest a key ------------------------------------


def read_digests(client: SyncPrefectClient, full_name: str) -> dict[str, str]:
    """Return the digests of what the last deployment wrote; empty where none is noted."""
    found = client.read_variable_by_name(_variable_of(full_name))
    value = None if found is None else found.value
    if isinstance(value, str):
        value = json.loads(value)
    return {str(key): str(one) for key, one in value.items()} if isinstance(value, dict) else {}


def write_digests(client: SyncPrefectClient, full_name: str, written: Mapping[str, str]) -> None:
    """Note what was written."""
    from prefect.client.schemas.actions import VariableCreate, VariableUpdate

    name = _variable_of(full_name)
    if client.read_variable_by_name(name) is None:
        client.create_variable(VariableCreate(name=name, value=dict(written), tags=["steadymap"]))
    else:
        client.update_variable(VariableUpdate(name=name, value=dict(written), tags=["steadymap"]))


def _variable_of(full_name: str) -> str:
    readable = re.sub(r"[^a-z0-9]+", "_", full_name.lower()).strip("_")
    return f"steadymap_{readable}_{digest(full_name)[:6]}"


# --- work pools ---------------------------------------------------------------------------------------------------


def has_pool(client: SyncPrefectClient, pool: str) -> bool:
    """Say whether the server has a work pool of that name."""
    from prefect.exceptions import ObjectNotFound

    try:
        client.read_work_pool(pool)
    except ObjectNotFound:
        return False
    return True


def create_pool(client: SyncPrefectClient, pool: str, kind: PoolType) -> None:
    """Create a work pool; of Docker and Kubernetes with the template that ships."""
    from prefect.client.schemas.actions import WorkPoolCreate

    client.create_work_pool(WorkPoolCreate(name=pool, type=kind, base_job_template=_template_of(kind)))


def _template_of(kind: PoolType) -> dict[str, Any]:
    from prefect.workers.process import ProcessWorker

    if kind == "process":
        return dict(ProcessWorker.get_default_base_job_template())
    found: dict[str, Any] = json.loads((POOL_TEMPLATES / f"{kind}.json").read_text(encoding="utf-8"))
    return found
