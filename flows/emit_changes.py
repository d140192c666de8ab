"""Tell Prefect what a night said, as events that automations act on; docs/nights/alerts.md has names and payloads.

A message is worth waking for or it is not sent: one per night and sweep says all of its changes, and changes of
verdicts that rest on one split of the rows are said in the summary only.

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
from steadymap.reports.nights.nights import SweepOfNight, night_slug
from steadymap.reports.wording import list_names

PREFIX = "steadymap"
DRIFT = "median ARI"
"""What the sentence about drift has and no other."""


@dataclass(frozen=True)
class Told:
    """Changes of one sweep, and where its report is served (None where nobody serves it)."""

    sweep: SweepOfNight
    changes: tuple[Change, ...]
    report: str | None = None

    @property
    def loud(self) -> tuple[Change, ...]:
        """The changes that may wake somebody."""
        return tuple(one for one in self.changes if not one.quiet)


def emit_changes(night: Night, told: Sequence[Told]) -> None:
    """Emit an event per change, one per changed sweep and one for the night, and wait until they are on their way."""
    for one in told:
        for change in one.loud:
            _emit_change(night, one, change)
        if one.loud:
            _emit_sweep(night, one)
    _emit_night(night, sum(len(one.loud) for one in told))
    # Its warning that some are still on their way is no news: that is what is waited for.
    logging.getLogger(EventsWorker.__name__).setLevel(logging.ERROR)
    EventsWorker.instance().drain()


def message_of(told: Told) -> str:
    """Write the one message of a sweep: every change with its numbers, the drift beside the seeds' noise, the link."""
    spoken = [one.sentence for one in told.loud]
    drift = [said for said in told.sweep.said if DRIFT in said]
    link = [told.report] if told.report else [f"run {told.sweep.run}"] if told.sweep.run else []
    return "\n".join([f"{told.sweep.sweep}:", *(f"- {line}" for line in [*spoken, *drift]), *link])


def _emit_sweep(night: Night, told: Told) -> None:
    sweep = told.sweep
    _emit(
        "sweep.changed",
        {
            "prefect.resource.id": f"{PREFIX}.sweep.{night_slug(sweep.sweep)}",
            "prefect.resource.name": sweep.sweep,
            f"{PREFIX}.sweep": sweep.sweep,
            f"{PREFIX}.nightly": night.name,
        },
        [{"prefect.resource.id": f"{PREFIX}.night.{night_slug(night.name)}", "prefect.resource.role": "night"}],
        {
            "message": message_of(told),
            "subject": f"{sweep.sweep}: {list_names([one.brief or one.kind for one in told.loud])}",
            "night": night.night,
            "sweep": sweep.sweep,
            "run": sweep.run,
            "previous": sweep.previous,
            "report": told.report,
            "changes": len(told.loud),
            "agreement": sweep.agreement,
            "seed_agreement": sweep.seed_agreement,
        },
        (night.previous, sweep.sweep, sweep.run, sweep.state, sweep.reason),
    )


def _emit_change(night: Night, told: Told, change: Change) -> None:
    sweep = told.sweep
    about = f"{PREFIX}.sweep.{night_slug(sweep.sweep)}"
    resource = f"{PREFIX}.cluster.{night_slug(sweep.sweep)}.{change.subject}" if change.subject else about
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
            {"prefect.resource.id": f"{PREFIX}.night.{night_slug(night.name)}", "prefect.resource.role": "night"},
        ],
        {
            "message": f"{sweep.sweep}: {change.sentence}",
            "night": night.night,
            "sweep": sweep.sweep,
            "data": sweep.data,
            "run": sweep.run,
            "previous": sweep.previous,
            "report": told.report,
            **change.facts,
        },
        (night.previous, sweep.sweep, sweep.run, sweep.state, change.subject),
    )


def _emit_night(night: Night, changes: int) -> None:
    counts = {status: len(night.with_status(status)) for status in STATUS_WORDS}
    _emit(
        "night.finished",
        {
            "prefect.resource.id": f"{PREFIX}.night.{night_slug(night.name)}",
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
