"""Deploy to a Prefect server: the steps that anyone can take by hand, or all of them at once."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from steadymap.configs.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
PREFECT_FILE = ROOT / "prefect.yaml"
AUTOMATIONS = ROOT / "deployments" / "automations"
DEAD_RUNS = AUTOMATIONS / "dead_runs.yaml"
POOL = "steadymap"
SERVER = "http://127.0.0.1:4200/api"


@dataclass(frozen=True)
class Step:
    """A command, what it is for, and whether somebody has to keep it running."""

    command: tuple[str, ...]
    why: str
    stays: bool = False

    def __str__(self) -> str:
        """Write the command as a shell takes it."""
        return shlex.join(self.command)


def steps() -> list[Step]:
    """Return the steps of a deployment, in order; the last one is a worker, which stays."""
    prefect = ("prefect",)
    file = ("--prefect-file", str(PREFECT_FILE))
    return [
        Step((*prefect, "work-pool", "create", POOL, "--type", "process"), "where runs wait for a worker"),
        Step((*prefect, "--no-prompt", "deploy", "--all", *file), "nightly, sweep, report, selftest"),
        Step((*prefect, "automation", "create", "--from-file", str(DEAD_RUNS)), "ends runs whose process is gone"),
        Step(
            (*prefect, "worker", "start", "--pool", POOL, "--type", "process", "--limit", "1"),
            "runs them, one at a time; keep it running (docs/team-server.md: as a service)",
            stays=True,
        ),
    ]


def deploy() -> list[str]:
    """Take the steps but the last against the server of ``PREFECT_API_URL``; what is there already stays.

    Returns
    -------
    list of str
        What was done, a line each.

    Raises
    ------
    InputError
        No server is named, it does not answer, or it refuses a step.
    """
    from prefect.client.orchestration import get_client

    _require_server()
    create_pool, deploy_all, create_automation, _ = steps()
    with get_client(sync_client=True) as client:
        pools = {one.name for one in client.read_work_pools()}
        name = yaml.safe_load(DEAD_RUNS.read_text(encoding="utf-8"))["name"]
        has_automation = bool(client.read_automations_by_name(name))
    done = [f"work pool {POOL}: there already" if POOL in pools else _take(create_pool, f"work pool {POOL}: created")]
    done.append(_take(deploy_all, "deployments: nightly, sweep, report, selftest"))
    told = "automation for dead runs: "
    done.append(f"{told}there already" if has_automation else _take(create_automation, f"{told}created"))
    return done


def _require_server() -> None:
    import httpx
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    remedy = f"start one with `prefect server start`, then `export PREFECT_API_URL={SERVER}`"
    if not url:
        raise InputError("no Prefect server is named", rule="PREFECT_API_URL says where it is", remedy=remedy)
    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the Prefect server at {url} does not answer: {reason}", remedy=remedy) from None


def _take(step: Step, told: str) -> str:
    """Run a command of Prefect's, from the folder in which the user stands."""
    command = [sys.executable, "-m", *step.command]
    # `prefect.yaml` takes the folder from PWD, which only shells keep up to date.
    environment = {**os.environ, "PWD": str(Path.cwd())}
    # Nothing in the command comes from a user.
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        raise InputError(
            f"`{step}` failed: {said[-1] if said else 'it said nothing'}", remedy="run it by hand to see all"
        )
    return told
