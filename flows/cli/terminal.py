"""What a sweep looks like in a terminal: live progress while it runs, a few lines at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Table

from steadymap.configs.schemas import WITHOUT_FAULT
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.progress import Announcement, Stage, listening
from steadymap.tasks.store.collect_garbage import GarbageFound

TITLES: dict[Stage, str] = {
    "server": "starting Prefect",
    "transfers": "store transfers",
    "encoded rows": "encoded rows",
    "decoded rows": "decoded rows",
    "geometry": "shared geometry",
    "cells": "cells",
    "scores": "scores",
    "stability": "pairs compared",
    "valleys": "valleys sought",
    "surroundings": "looks around",
    "labels": "labels tested",
    "sets": "sets judged",
    "report": "rendering",
}


UNHURT = ("cached", *WITHOUT_FAULT)


class LiveProgress:
    """A bar per stage; the one of the cells also counts the cached and the failed."""

    def __init__(self, console: Console) -> None:
        self.bars = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeLeftColumn(),
            console=console,
        )
        self._bars: dict[Stage, TaskID] = {}
        self._totals: dict[Stage, int] = {}
        self._cached = 0
        self._failed = 0

    def __call__(self, announcement: Announcement) -> None:
        """Move the bar of an announcement's stage."""
        stage = announcement.stage
        if announcement.total is not None:
            self._totals[stage] = self._totals.get(stage, 0) + announcement.total
            if announcement.total and stage not in self._bars:
                self._bars[stage] = self.bars.add_task(TITLES[stage], total=announcement.total, note="")
            elif announcement.total:
                self.bars.update(self._bars[stage], total=self._totals[stage])
            return
        if stage not in self._bars:
            return
        self.bars.advance(self._bars[stage], announcement.done)
        if stage == "cells":
            self._cached += announcement.done if announcement.status == "cached" else 0
            self._failed += announcement.done if announcement.status not in UNHURT else 0
            note = f"{self._cached} cached, {self._failed} failed"
            self.bars.update(self._bars[stage], note=note)


class NightProgress(LiveProgress):
    """The bars of the sweep that runs; each one begins with its cells, and takes the place of the one before."""

    def __call__(self, announcement: Announcement) -> None:
        """Clear the bars where a sweep begins, and move them."""
        if announcement.stage == "cells" and announcement.total is not None:
            for bar in self._bars.values():
                self.bars.remove_task(bar)
            self._bars, self._totals, self._cached, self._failed = {}, {}, 0, 0
        super().__call__(announcement)


@contextlib.contextmanager
def live_night(console: Console) -> Iterator[None]:
    """Show the progress of one sweep after the other."""
    live = NightProgress(console)
    with live.bars, listening(live):
        yield


@contextlib.contextmanager
def live_progress(console: Console) -> Iterator[None]:
    """Show progress while a sweep runs; a terminal gets live bars, a file gets the last state."""
    live = LiveProgress(console)
    with live.bars, listening(live):
        yield


def tell_plan(plan: Plan, console: Console) -> None:
    """Say what was taken of the data, how much is to be drawn, and what is worth a second look."""
    dataset = plan.dataset
    console.print(
        f"{plan.config.name}: {dataset.rows:,} rows × {dataset.dimensions} dimensions, {len(plan.usable)} cells, "
        f"{len(plan.missing)} to compute",
        markup=False,
        highlight=False,
    )
    if dataset.taken:
        console.print(dataset.taken, markup=False, highlight=False)
    for name, value in dataset.notes.items():
        console.print(f"{name.replace('_', ' ')}: {value:.4g}", markup=False, highlight=False)
    for warning in plan.warnings:
        console.print(f"warning: {warning}", markup=False, highlight=False)


def selftest_table(part: dict[str, Any]) -> Table:
    """Tabulate the families of a part of a selftest, and all without a cluster together."""
    title = f"{part['name']}: {part['rows']:,} rows"
    table = Table(
        "family", "sets", "false REAL or HIDDEN", "truth found", "ARI", "recurring islands called ARTEFACT", title=title
    )
    for name, family in part["families"].items():
        found, ari = (f"{family[key]:.2f}" if key in family else "" for key in ("found", "ari"))
        artefacts = _spell_rate(family.get("recurring_called_artefact"))
        if family["real"]:
            artefacts = f"{family['called_artefact']} true ones"
        table.add_row(name, str(family["sets"]), _spell_rate(family["false_real"]), found, ari, artefacts)
    total = part["false_real"]
    if total is not None:
        artefacts = _spell_rate(part["recurring_called_artefact"])
        table.add_row("all without a cluster", str(total["trials"]), _spell_rate(total), "", "", artefacts)
    return table


def _spell_rate(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return "–"
    return f"{rate['hits']}/{rate['trials']} ({rate['share']:.0%}, 95 % {rate['low']:.0%} to {rate['high']:.0%})"


def garbage_table(found: GarbageFound, *, done: bool) -> Table:
    """Return what is, or was, removed: how many things of a kind, and how much room they take."""
    table = Table("kind", "things", "MB", title="removed" if done else "what no run rests on")
    for kind in dict.fromkeys(one.kind for one in found.garbage):
        sizes = [one.size for one in found.garbage if one.kind == kind]
        table.add_row(kind, f"{len(sizes):,}", f"{sum(sizes) / 1e6:,.1f}")
    table.add_row("in all", f"{len(found.garbage):,}", f"{sum(one.size for one in found.garbage) / 1e6:,.1f}")
    return table
