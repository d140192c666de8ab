"""What a command line asks for, as deployments: the definitions of ``prefect.yaml``, filled in for one night."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NightlyConfig, read_nightly
from steadymap.configs.urls import is_url
from steadymap.flows.deploy.shipped import POOL, PoolType, form_of, load_flow, read_definitions

NIGHTLY = "nightly"
LONGEST_NAME = 40


@dataclass(frozen=True)
class Request:
    """What a person asks for.

    Attributes
    ----------
    config
        The config of the night, or a folder of sweeps.
    store
        Folder or URL; None is ``results`` beside the config.
    cron, timezone
        When; None is what ``prefect.yaml`` says.
    pool, kind
        The work pool (None is ``steadymap``) and its type.
    name
        What the deployment is called; None is the name of the night. Several names live side by side.
    site_url
        Where the store is served.
    each
        A deployment of its own for every sweep config.
    reset
        Keys whose changes on the server are given up.
    """

    config: Path
    store: str | None = None
    cron: str | None = None
    timezone: str | None = None
    pool: str | None = None
    kind: PoolType = "process"
    name: str | None = None
    site_url: str | None = None
    each: bool = False
    reset: tuple[str, ...] = ()

    @property
    def unasked(self) -> set[str]:
        """Keys that nobody named, so that those of an earlier deployment stay."""
        defaults = {
            "schedules": self.cron is None and self.timezone is None,
            "store": self.store is None,
            "work pool": self.pool is None,
            "site_url": self.site_url is None,
            "config.site_url": self.site_url is None,
        }
        return {key for key, is_default in defaults.items() if is_default}


@dataclass(frozen=True)
class Wanted:
    """One deployment: its flow, its name, and its values as flat keys (see ``differences``)."""

    flow: str
    name: str
    entrypoint: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Its name as Prefect's command line takes it."""
        return f"{self.flow}/{self.name}"


def read_night(request: Request) -> NightlyConfig:
    """Read the config of the night, every path absolute, with the name and site of the request.

    Raises
    ------
    InputError
        It cannot be read, or the name is no name.
    """
    night = read_nightly(plain(request.config) if request.config.exists() else request.config)
    changes = {"name": request.name, "site_url": request.site_url}
    given = {key: value for key, value in changes.items() if value is not None}
    return NightlyConfig.model_validate({**night.model_dump(mode="json"), **given})


def wanted_deployments(request: Request, night: NightlyConfig, configs: Iterable[str]) -> list[Wanted]:
    """List the deployments of a request; ``configs`` are the files of its sweeps."""
    folder = folder_of(request.config)
    store = request.store or str(folder / "results")
    store = store if is_url(store) else str(plain(Path(store)))
    filled = _Filled(request, night, folder, store)
    found = []
    for definition in read_definitions():
        if definition["name"] == NIGHTLY and request.each:
            found += [filled.night(definition, _of_one(night, file)) for file in dict.fromkeys(configs)]
        elif definition["name"] == NIGHTLY:
            found.append(filled.night(definition, night))
        else:
            found.append(filled.other(definition))
    return found


def folder_of(config: Path) -> Path:
    """Return the folder from which relative paths start."""
    config = plain(config)
    return config if config.is_dir() else config.parent


def plain(path: Path) -> Path:
    """Return a path as it is from everywhere: absolute, and without the way through other folders (``../``)."""
    return Path(os.path.normpath(path.absolute()))


@dataclass(frozen=True)
class _Filled:
    request: Request
    night_config: NightlyConfig
    folder: Path
    store: str

    def night(self, definition: Mapping[str, Any], night: NightlyConfig) -> Wanted:
        config = night.model_dump(mode="json", exclude_none=True)
        values = {f"config.{key}": value for key, value in config.items()}
        schedules = [self._schedule(one) for one in definition["schedules"]]
        return self._make(definition, night.name, {**values, "store": self.store, "schedules": schedules})

    def other(self, definition: Mapping[str, Any]) -> Wanted:
        name = self.night_config.name
        site = self.night_config.site_url
        takes_site = site is not None and definition["name"] != "selftest"
        parameters = {"store": self.store, **({"site_url": site} if takes_site else {})}
        return self._make(definition, definition["name"] if name == NIGHTLY else name, {**parameters, "schedules": []})

    def _make(self, definition: Mapping[str, Any], name: str, values: Mapping[str, Any]) -> Wanted:
        fixed = {
            "entrypoint": definition["entrypoint"],
            "description": definition["description"],
            "tags": sorted(definition["tags"]),
            "concurrency": definition.get("concurrency_limit"),
            "work pool": self.request.pool or POOL,
            "folder": str(self.folder),
        }
        flow = load_flow(definition["entrypoint"])
        return Wanted(flow.name, name, definition["entrypoint"], {**values, **fixed, "form": form_of(flow)})

    def _schedule(self, shipped: Mapping[str, Any]) -> dict[str, Any]:
        timing = {
            "cron": self.request.cron or shipped["cron"],
            "timezone": self.request.timezone or shipped["timezone"],
            "day_or": True,
        }
        check_timing(timing)
        return {"schedule": timing, "active": True, "slug": shipped["slug"], "parameters": {}}


def check_timing(timing: Mapping[str, Any]) -> None:
    """Refuse a cron line or a time zone that no server would take.

    Raises
    ------
    InputError
        One of them is none.
    """
    from prefect.client.schemas.schedules import CronSchedule
    from pydantic import ValidationError

    try:
        CronSchedule.model_validate(dict(timing))
    except ValidationError as error:
        raise InputError(
            f"--cron {timing['cron']!r} --timezone {timing['timezone']}: {error.errors()[0]['msg']}",
            rule="five fields (minute, hour, day, month, weekday), and a zone of the IANA database",
            remedy='--cron "30 3 * * *" --timezone Europe/Berlin',
        ) from None


def _of_one(night: NightlyConfig, file: str) -> NightlyConfig:
    """Make a night of one config, whose name tells it from those of the others."""
    name = f"{night.name}-{Path(file).stem}"
    if len(name) > LONGEST_NAME:
        raise InputError(
            f"the name {name!r} has {len(name)} characters", file=file, rule=f"at most {LONGEST_NAME}", remedy="--name"
        )
    return night.model_copy(update={"name": name, "configs": file})
