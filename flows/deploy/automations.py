"""The three automations: what changed, a night that is late, and runs whose process is gone.

Those that send a message name a notification block of the server; without one the night that is late is an event in
the UI only. The files in ``deployments/automations`` are the same three, for those who prefer to create them by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

from steadymap.configs.errors import InputError
from steadymap.flows.deploy.server import connected
from steadymap.flows.deploy.shipped import read_automation
from steadymap.reports.nights.nights import night_slug

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.schemas.automations import AutomationCore

SPARE = timedelta(hours=2)
"""How much longer than the longest pause of the schedule nobody worries."""

LOOKED_AHEAD = 400
"""Times of a schedule that are looked at: more than a year of nights, so that pauses at weekends count."""

DAY = timedelta(hours=24)
BLOCK = "steadymap"


def dead_runs() -> AutomationCore:
    """Return the automation that ends runs whose process is gone."""
    return _core(read_automation("dead_runs"))


def changes(block: UUID) -> AutomationCore:
    """Return the automation that sends one message per night and changed sweep."""
    return _core(_notifying(read_automation("changes"), block))


def late_night_name(night: str) -> str:
    """Name the automation that watches over a night."""
    return f"steadymap: {night} is late"


def late_night(night: str, schedules: Iterable[Mapping[str, Any]], block: UUID | None = None) -> AutomationCore:
    """Return the automation that tells that a night is overdue, by its own schedule.

    Parameters
    ----------
    night
        What the nights are called.
    schedules
        Those of the deployment.
    block
        Whom to tell; without one it is an event in the UI.
    """
    written = read_automation("night_missing")
    pause = max((longest_pause(one["schedule"]) for one in schedules if one.get("active", True)), default=DAY)
    hours = (pause + SPARE) / timedelta(hours=1)
    written["name"] = late_night_name(night)
    written["description"] = f"No night of {night} finished within {hours:.0f} hours of the last one."
    written["trigger"]["match"] = {"prefect.resource.id": f"steadymap.night.{night_slug(night)}"}
    written["trigger"]["within"] = (pause + SPARE).total_seconds()
    if block is None:
        written["actions"] = [{"type": "do-nothing"}]
        return _core(written)
    return _core(_notifying(written, block))


def longest_pause(timing: Mapping[str, Any]) -> timedelta:
    """Return the longest time between two nights of a schedule, over the next year and a bit."""
    from prefect.server.schemas.schedules import CronSchedule

    if "cron" not in timing:
        return timedelta(seconds=timing["interval"]) if "interval" in timing else DAY
    schedule = CronSchedule(cron=timing["cron"], timezone=timing.get("timezone"))
    # As numbers: the schedule's own times subtract to durations of another kind.
    times = sorted(one.timestamp() for one in asyncio.run(schedule.get_dates(LOOKED_AHEAD, start=datetime.now(UTC))))
    return timedelta(seconds=max(later - earlier for earlier, later in pairwise(times)))


def _core(written: Mapping[str, Any]) -> AutomationCore:
    from prefect.events.schemas.automations import AutomationCore

    return AutomationCore.model_validate(written)


def _notifying(written: dict[str, Any], block: UUID) -> dict[str, Any]:
    actions = [
        {**one, "block_document_id": str(block)} if one["type"] == "send-notification" else one
        for one in written["actions"]
    ]
    return {**written, "actions": actions}


# --- alerts -------------------------------------------------------------------------------------------------------


def set_alerts(block: str, webhook: str | None, *, do: bool) -> list[str]:
    """Create the three automations, or bring them up to date; without ``do`` nothing is written.

    Parameters
    ----------
    block
        Name of a notification block of the server (Slack, Teams, e-mail, webhook).
    webhook
        Make that block first: a webhook that is sent ``{"subject": …, "text": …}`` as JSON.

    Returns
    -------
    list of str
        What was done, or would be, a line each.

    Raises
    ------
    InputError
        The server does not answer, or has no such block.
    """
    lines = []
    with connected() as client:
        if webhook is not None:
            lines.append(f"block {block}: a webhook to {webhook}")
            if do:
                save_webhook(block, webhook)
        found = find_block(client, block)
        if found is None and (do or webhook is None):
            raise InputError(
                f"the server has no notification block {block!r}",
                rule="messages go through a notification block: Slack, Teams, e-mail, webhook",
                remedy="make one in the UI under Blocks and name it with --block, or give --webhook URL",
            )
        someone = found or UUID(int=0)
        for automation in [changes(someone), dead_runs(), *_watching(client, someone)]:
            lines.append(_set(client, automation, do=do))
    return lines


def _watching(client: SyncPrefectClient, block: UUID) -> list[AutomationCore]:
    """Return the automations of all nights that are deployed, by their schedules on the server."""
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    deployed = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=["nightly"])))
    found = []
    for one in deployed:
        schedules = [
            {"schedule": each.schedule.model_dump(mode="json", exclude_none=True), "active": each.active}
            for each in one.schedules
        ]
        if schedules:
            config = one.parameters.get("config") or {}
            found.append(late_night(str(config.get("name", one.name)), schedules, block))
    return found


def _set(client: SyncPrefectClient, wanted: AutomationCore, *, do: bool) -> str:
    there = client.read_automations_by_name(wanted.name)
    if not there:
        if do:
            client.create_automation(wanted)
        return f"automation '{wanted.name}': {'created' if do else 'new'}"
    same = there[0].trigger == wanted.trigger and there[0].actions == wanted.actions
    if same:
        return f"automation '{wanted.name}': as it is"
    if do:
        client.update_automation(there[0].id, wanted)
    return f"automation '{wanted.name}': {'brought up to date' if do else 'would change'}"


def find_block(client: SyncPrefectClient, name: str) -> UUID | None:
    """Return the id of a notification block by its name, whatever its type."""
    for document in client.read_block_documents(limit=200):
        schema = document.block_schema
        if document.name == name and schema is not None and "notify" in schema.capabilities:
            return document.id
    return None


def save_webhook(name: str, url: str) -> None:
    """Make a notification block that sends subject and text as JSON to a URL."""
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    body = {"subject": "{{subject}}", "text": "{{body}}"}
    made = CustomWebhookNotificationBlock(name=name, url=url, json_data=body, headers=None, cookies=None)
    made.save(name, overwrite=True)
