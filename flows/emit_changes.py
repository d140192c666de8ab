"""Tell Prefect what a night said, as events that automations act on; docs/alerts.md has names, resources and payloads.

An event's id is made of the night before and of what it is about. So a night that was killed after it had told, and ran
again, tells under the same ids, and the server keeps one of each.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect.events import emit_event
from prefect.events.worker import EventsWorker

from steadymap.reports.nights.night_changes import Change
from steadymap.reports.nights.night_summary import STATUS_WORDS, Night
from steadymap.reports.nights.nights import SweepOfNight, slug

PREFIX = "steadymap"


@dataclass(frozen=True)
class Told:
    """Changes of one sweep."""

    sweep: SweepOfNight
    changes: tuple[Change, ...]


def emit_changes(night: Night, told: Sequence[Told]) -> None:
    """Emit an event per change and one for the night, and wait until they are on their way."""
    for one in told:
        for change in one.changes:
            _emit_change(night, one.sweep, change)
    _emit_night(night, sum(len(one.changes) for one in told))
    # Its warning that some are still on their way is no news: that is what is waited for.
    logging.getLogger(EventsWorker.__name__).setLevel(logging.ERROR)
    EventsWorker.instance().drain()


def _emit_change(night: Night, sweep: SweepOfNight, change: Change) -> None:
    about = f"{PREFIX}.sweep.{slug(sweep.sweep)}"
    resource = f"{PREFIX}.cluster.{slug(sweep.sweep)}.{change.subject}" if change.subject else about
    name = f"{sweep.sweep}: C{change.subject}" if change.subject.isdigit() else sweep.sweep
    _emit(
        change.kind,
        {
            "prefect.resource.id": resource,
            "prefect.resource.name": name,
            f"{PREFIX}.sweep": sweep.sweep,
            f"{PREFIX}.nightly": night.name,
            **{f"{PREFIX}.{label}": value for label, value in change.labels.items()},
        },
        [
            {"prefect.resource.id": about, "prefect.resource.role": "sweep"},
            {"prefect.resource.id": f"{PREFIX}.night.{slug(night.name)}", "prefect.resource.role": "night"},
        ],
        {
            "message": f"{sweep.sweep}: {change.sentence}",
            "night": night.night,
            "sweep": sweep.sweep,
            "data": sweep.data,
            "run": sweep.run,
            "previous": sweep.previous,
            **change.facts,
        },
        (night.previous, sweep.sweep, sweep.run, sweep.state, change.subject),
    )


def _emit_night(night: Night, changes: int) -> None:
    counts = {status: len(night.with_status(status)) for status in STATUS_WORDS}
    _emit(
        "night.finished",
        {
            "prefect.resource.id": f"{PREFIX}.night.{slug(night.name)}",
            "prefect.resource.name": night.name,
            f"{PREFIX}.complete": "yes" if night.complete else "no",
            f"{PREFIX}.changed": "yes" if changes else "no",
        },
        [],
        {
            "message": night.headline,
            "night": night.night,
            "previous": night.previous or None,
            "changes": changes,
            "seconds": round(night.seconds, 1),
            **counts,
            "said": [f"{one.sweep}: {said}" for one in night.sweeps for said in one.said][:50],
            "left_over": [one.sweep for one in night.with_status("left")][:50],
        },
        (night.night,),
    )


def _emit(
    kind: str,
    resource: dict[str, str],
    related: list[dict[str, str]],
    payload: dict[str, Any],
    identity: tuple[str | None, ...],
) -> None:
    event = f"{PREFIX}.{kind}"
    name = "|".join(str(part) for part in (event, *identity))
    emit_event(event, resource, related=related, payload=payload, id=uuid.uuid5(uuid.NAMESPACE_URL, name))
