"""Deploy a night: check it, show what the server would change, and change it where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NightlyConfig
from steadymap.flows.deploy.automations import dead_runs, late_night, late_night_name
from steadymap.flows.deploy.check_night import CheckedSweep, check_night
from steadymap.flows.deploy.differences import ALL_PARAMETERS, OURS, Merged, merge
from steadymap.flows.deploy.server import (
    connected,
    create_pool,
    has_pool,
    read_deployment,
    read_digests,
    remove_deployment,
    values_of,
    write_deployment,
)
from steadymap.flows.deploy.shipped import PoolType, worker_command
from steadymap.flows.deploy.wanted import Request, Wanted, read_night, wanted_deployments

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.events.schemas.automations import AutomationCore


@dataclass(frozen=True)
class Step:
    """One thing that the server would be told, in a few lines, and how to tell it; nothing to do is ``None``."""

    lines: tuple[str, ...]
    take: Callable[[], object] | None = None


@dataclass(frozen=True)
class Deployed:
    """What a deployment checked, and what it did or would do."""

    checked: tuple[CheckedSweep, ...]
    steps: tuple[Step, ...]
    worker: str

    @property
    def open(self) -> int:
        """How many steps there are to take."""
        return sum(one.take is not None for one in self.steps)


def deploy(request: Request, *, do: bool) -> Deployed:
    """Check a night and bring the server up to it; without ``do`` nothing is written.

    What people changed on the server (parameters, schedules, work pool) stays, unless ``request.reset`` names it.

    Raises
    ------
    InputError
        The config or its data is at fault, or the server.
    """
    night = read_night(request)
    checked = check_night(night)
    wanted = wanted_deployments(request, night, [one.config for one in checked])
    _check_names(request.reset, wanted)
    with connected() as client:
        merged = [_merge(client, one, request) for one in wanted]
        pools = dict.fromkeys(str(one.merged.values["work pool"]) for one in merged)
        steps = [_pool_step(client, pool, request.kind) for pool in pools]
        steps += [_deployment_step(client, one) for one in merged]
        steps += [_automation_step(client, one) for one in (dead_runs(), *_late_nights(merged))]
        if do:
            for step in steps:
                if step.take is not None:
                    step.take()
    return Deployed(tuple(checked), tuple(steps), worker_command(next(iter(pools)), request.kind))


def remove(request: Request, *, do: bool) -> list[str]:
    """Take the deployments of a request, and their notes and alarms, off the server; runs, pool and store stay.

    Raises
    ------
    InputError
        The config cannot be read, or the server is at fault.
    """
    night = read_night(request)
    wanted = wanted_deployments(request, night, _files(night) if request.each else ())
    lines = []
    with connected() as client:
        for one in wanted:
            found = read_deployment(client, one.full_name)
            lines.append(f"{one.full_name}: {'not there' if found is None else 'removed' if do else 'would go'}")
            if found is not None and do:
                remove_deployment(client, found, one.full_name)
        for one in wanted:
            for automation in client.read_automations_by_name(late_night_name(_night_of(one))):
                lines.append(f"automation '{automation.name}': {'removed' if do else 'would go'}")
                if do:
                    client.delete_automation(automation.id)
    return lines


def _files(night: NightlyConfig) -> list[str]:
    from steadymap.tasks.plan.find_sweeps import find_configs

    return [str(path) for path in find_configs(night)]


def _check_names(reset: Iterable[str], wanted: list[Wanted]) -> None:
    known = {ALL_PARAMETERS, *(key for one in wanted for key in one.values)}
    known |= {f"config.{key}" for key in NightlyConfig.model_fields}
    for name in reset:
        if name not in known:
            raise InputError(
                f"--reset {name}",
                rule=f"one of {', '.join(sorted(known - set(OURS)))}",
                remedy="without --do the differences are shown, with the name of each",
            )


# --- steps --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Met:
    """A wanted deployment that has met what the server has of it."""

    wanted: Wanted
    found: DeploymentResponse | None
    merged: Merged


def _merge(client: SyncPrefectClient, wanted: Wanted, request: Request) -> _Met:
    found = read_deployment(client, wanted.full_name)
    there = None if found is None else values_of(found)
    written = {} if found is None else read_digests(client, wanted.full_name)
    return _Met(wanted, found, merge(wanted.values, there, written, request.reset, request.unasked))


def _pool_step(client: SyncPrefectClient, pool: str, kind: PoolType) -> Step:
    if has_pool(client, pool):
        return Step((f"work pool {pool}: there",))
    return Step((f"work pool {pool}: new, of type {kind}",), lambda: create_pool(client, pool, kind))


def _deployment_step(client: SyncPrefectClient, met: _Met) -> Step:
    name, merged = met.wanted.full_name, met.merged
    told = [one for one in merged.differences if met.found is not None or (one.key not in OURS and one.here != [])]
    lines = tuple(f"    {one.line}" for one in told)
    if not merged.to_write:
        return Step((f"{name}: as it is", *lines))
    lead = f"{name}: {'new' if met.found is None else 'changes'}"
    return Step((lead, *lines), lambda: write_deployment(client, met.wanted, merged, met.found))


def _automation_step(client: SyncPrefectClient, automation: AutomationCore) -> Step:
    if client.read_automations_by_name(automation.name):
        return Step((f"automation '{automation.name}': there",))
    return Step((f"automation '{automation.name}': new",), lambda: client.create_automation(automation))


def _late_nights(merged: list[_Met]) -> list[AutomationCore]:
    scheduled = [one for one in merged if one.merged.values["schedules"]]
    return [late_night(_night_of(one.wanted), one.merged.values["schedules"]) for one in scheduled]


def _night_of(wanted: Wanted) -> str:
    return str(wanted.values.get("config.name", wanted.name))
