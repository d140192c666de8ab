"""Where the files lie that ship with the package: definitions of deployments, automations, templates of work pools.

In a checkout they lie at the top, in an installed wheel inside the package; both are two folders up from here.
"""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from prefect import Flow

ROOT = Path(__file__).resolve().parents[2]
PREFECT_FILE = ROOT / "prefect.yaml"
AUTOMATIONS = ROOT / "deployments" / "automations"
POOL_TEMPLATES = ROOT / "deployments" / "work-pools"
POOL = "steadymap"

PoolType = Literal["process", "docker", "kubernetes"]


def read_definitions() -> list[dict[str, Any]]:
    """Return the deployments of ``prefect.yaml``, which are those of ``steadymap deploy``, too."""
    found: list[dict[str, Any]] = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))["deployments"]
    return found


def load_flow(entrypoint: str) -> Flow[..., Any]:
    """Return the flow that an entrypoint names: ``steadymap.flows.nightly.nightly``."""
    module, _, name = entrypoint.rpartition(".")
    found: Flow[..., Any] = getattr(importlib.import_module(module), name)
    return found


def form_of(flow: Flow[..., Any]) -> dict[str, Any]:
    """Return the schema of a flow's parameters, from which the UI makes a form."""
    from prefect.utilities.callables import parameter_schema

    found = parameter_schema(flow).model_dump(mode="json", exclude_none=True)
    # As `prefect deploy` sends it: what is empty is left out.
    return {key: value for key, value in found.items() if value or key not in ("definitions", "required")}


def read_automation(name: str) -> dict[str, Any]:
    """Return a shipped automation by the name of its file."""
    found: dict[str, Any] = yaml.safe_load((AUTOMATIONS / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def worker_command(pool: str = POOL, kind: PoolType = "process") -> str:
    """Return the command that starts a worker; one run at a time, since a sweep itself uses all cores."""
    return shlex.join(("prefect", "worker", "start", "--pool", pool, "--type", kind, "--limit", "1"))
