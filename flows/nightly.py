"""The night: every sweep over every data set that is new or changed, and what it means, in sentences and events."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Failed

from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NightlyConfig, anchor_nightly
from steadymap.configs.sweep import SweepConfig
from steadymap.flows.emit_changes import Told, emit_changes
from steadymap.flows.run_page import Site, ended_with, ends_as_failed, name_of_night, tag_run
from steadymap.flows.sweep import stability_sweep
from steadymap.reports.build import REPORT
from steadymap.reports.compare.compare_runs import Comparison, compare_runs
from steadymap.reports.compare.drift import Drift, measure_drift
from steadymap.reports.nights.night_changes import (
    OF_VERDICTS,
    ONE_SPLIT,
    Change,
    carry_numbers,
    find_failures,
    find_night_changes,
    quieten,
    spell_rest,
    stand_by,
    still_standing,
)
from steadymap.reports.nights.night_summary import Night, night_markdown
from steadymap.reports.nights.nights import (
    Past,
    SweepOfNight,
    kept_result,
    list_clusters,
    name_night,
    night_slug,
    read_past,
    write_night,
)
from steadymap.reports.nights.nights_page import MORNING, build_nights_page
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.run.store_runs import finished_runs, previous_run
from steadymap.reports.site.site import INDEX, build_site
from steadymap.tasks.plan.find_sweeps import NightSweep, StoreState, find_sweeps, look_at, state_of
from steadymap.tasks.plan.prepared import handed_over
from steadymap.tasks.progress import telling
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.locks import hold_lock, lock_of
from steadymap.tasks.store.sync import bring_folder, open_store, probe_writable, send_pages, settle_folder
from steadymap.tasks.store.turns import take_turn

SECONDS_PER_HOUR = 3600.0

Logger = logging.Logger | logging.LoggerAdapter[Any]


class IncompleteNightError(Exception):
    """Some sweeps of a night failed; all else is done, recorded and told."""

    def __init__(self, night: Night) -> None:
        self.night = night
        failed = night.with_status("failed")
        reasons = "; ".join(f"{one.sweep}: {(one.reason or '').splitlines()[0]}" for one in failed)
        changed = f"; {night.what_changed}" if night.briefs else ""
        super().__init__(f"{len(failed)} of {len(night.sweeps)} sweeps failed: {reasons}{changed}")


@dataclass(frozen=True)
class Ended:
    """What became of a sweep, what there is to tell, and its clusters where it is new. Runs themselves are let go."""

    row: SweepOfNight
    changes: tuple[Change, ...] = ()
    clusters: tuple[dict[str, Any], ...] = ()

    @property
    def briefs(self) -> tuple[str, ...]:
        """Its changes in a few words each."""
        return tuple(one.brief for one in self.changes if one.brief)


@flow(name="nightly", flow_run_name=name_of_night)
@ends_as_failed
def nightly(config: NightlyConfig, store: str = "results") -> Night | State[Any]:
    """Sweep what is new or changed, follow its clusters from night to night, and say what changed.

    A sweep whose run is complete is not computed again. A second night over the same data computes and says nothing.

    Raises
    ------
    InputError
        There is no config or no data set.
    IncompleteNightError
        Sweeps failed. The others are done, and the night is recorded.
    """
    logger, place = get_run_logger(), open_store(store)
    tag_run()
    with telling(logger.warning), contextlib.ExitStack() as turn:
        probe_writable(place)
        name, what = f"night-{night_slug(config.name)}", f"night {config.name}"
        turn.enter_context(hold_lock(lock_of(place, name), what, logger.warning))
        turn.enter_context(take_turn(place, name, what))
        started, clock = datetime.now(UTC), time.monotonic()
        deadline = None if config.hours is None else clock + config.hours * SECONDS_PER_HOUR
        bring_folder(place, "runs")
        settle_folder(place, "nights", 2)
        past = read_past(place.root, config.name)
        sweeps = find_sweeps(anchor_nightly(config, Path.cwd()))
        ended = _run_sweeps(sweeps, Frame(past, place, deadline, config.site_url, logger))
        night = Night(
            night=name_night(started, config.name),
            name=config.name,
            previous=past.night,
            store=str(place.root),
            sweeps=tuple(one.row for one in ended),
            gone=tuple(name for name in past.last if name not in {sweep.name for sweep in sweeps}),
            notices=past.unreadable,
            briefs={one.row.sweep: one.briefs for one in ended if one.briefs},
        )
        night = replace(night, seconds=time.monotonic() - clock)
        emit_changes(night, [_told(one, Site(place, config.site_url)) for one in ended])
        _record(night, ended)
        settle_folder(place, "nights", 2)
        night = _renew_site(night, place)
        _publish(night, Site(place, config.site_url))
    tag_run(*_tags(night))
    logger.info("%s", night.headline)
    if not night.complete:
        # Returned, not raised: the run ends as Failed with this message, and without a traceback that says no more.
        error = IncompleteNightError(night)
        return Failed(message=str(error), data=error)
    return ended_with(night.message, night)


# --- sweeps -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """What all sweeps of a night share: earlier nights, the store, when to stop, where the store is served, the log."""

    past: Past
    store: Store
    deadline: float | None
    site_url: str | None
    logger: Logger


def _run_sweeps(sweeps: list[NightSweep], frame: Frame) -> list[Ended]:
    """Look at every sweep, and compute what is due while there is time: what was left the last night goes first."""
    past, store, logger = frame.past, frame.store, frame.logger
    looks = {sweep.name: _look(sweep, store) for sweep in sweeps}
    found: dict[str, Ended] = {}
    for sweep in sorted(sweeps, key=lambda one: one.name not in past.left):
        look, before = looks[sweep.name], past.of(sweep.name)
        if isinstance(look, str) or sweep.config is None:
            found[sweep.name] = _failed(sweep, str(look), before, logger)
        elif look.state is not None:
            found[sweep.name] = _found(sweep, look, past, store)
        elif frame.deadline is not None and time.monotonic() > frame.deadline:
            row = SweepOfNight(sweep.name, sweep.config_file, sweep.data, "left", "no time was left")
            found[sweep.name] = Ended(kept_result(row, before))
        else:
            with handed_over(look.prepared):
                found[sweep.name] = _computed(sweep, _within(sweep.config, frame.deadline), frame)
        logger.info("%s: %s", sweep.name, found[sweep.name].row.status)
    return [found[sweep.name] for sweep in sweeps]


def _look(sweep: NightSweep, store: Store) -> StoreState | str:
    """Say what the store has of a sweep, or why that cannot be known."""
    if sweep.config is None:
        return sweep.problem or "cannot be read"
    try:
        return look_at(sweep.config, store)
    except Exception as error:  # whatever is wrong with one data set, the night goes on
        return _spell(error)


def _failed(sweep: NightSweep, reason: str, before: SweepOfNight | None, logger: Logger) -> Ended:
    """Report a sweep without a result; told of once, as long as the reason is the same."""
    logger.error("%s: %s", sweep.name, reason)
    row = kept_result(SweepOfNight(sweep.name, sweep.config_file, sweep.data, "failed", reason), before)
    if before is not None and (before.status, before.reason) == ("failed", reason):
        return Ended(row)
    return Ended(row, (Change("sweep.failed", f"No result: {reason.splitlines()[0]}", facts={"reason": reason}),))


def _found(sweep: NightSweep, look: StoreState, past: Past, store: Store) -> Ended:
    """Report a sweep whose run is complete: as the night before, or new to the nights, whoever computed it."""
    before = past.of(sweep.name)
    row = SweepOfNight(sweep.name, sweep.config_file, sweep.data, "found", run=look.run, state=look.state, computed=0)
    if before is not None and (before.run, before.state) == (look.run, look.state):
        same = {name: getattr(before, name) for name in ("failed", "clusters", "real")}
        return Ended(replace(row, status="unchanged", **same))
    return _tell(row, _run_before(before, look.run, store), past, store)


def _computed(sweep: NightSweep, config: SweepConfig, frame: Frame) -> Ended:
    """Run a sweep as a flow of its own, whose failure is its own."""
    past, store = frame.past, frame.store
    before, clock = past.of(sweep.name), time.monotonic()
    run_before = _run_before(before, None, store)  # read now: the sweep may write its folder anew
    try:
        outcome = stability_sweep(config, store.place, frame.site_url)
    except Exception as error:
        ended = _failed(sweep, _spell(error), before, frame.logger)
        return replace(ended, row=replace(ended.row, seconds=time.monotonic() - clock))
    if outcome.cut_short:
        # Half a grid is compared with nothing: what it lacks would be told as lost, and the next night as new.
        reason = f"no time was left for {outcome.left:,} of {outcome.total:,} pictures; the next night goes on"
        row = SweepOfNight(sweep.name, sweep.config_file, sweep.data, "left", reason, seconds=time.monotonic() - clock)
        return Ended(kept_result(row, before))
    if not outcome.usable:
        return _failed(sweep, f"no picture could be drawn; {outcome.report} says why", before, frame.logger)
    row = SweepOfNight(
        sweep.name,
        sweep.config_file,
        sweep.data,
        "computed",
        run=outcome.run,
        state=state_of(store, outcome.run),
        seconds=time.monotonic() - clock,
        computed=outcome.computed,
    )
    return _tell(row, run_before, past, store)


def _within(config: SweepConfig, deadline: float | None) -> SweepConfig:
    """Give a sweep no more time than the night has left."""
    if deadline is None:
        return config
    left = max(deadline - time.monotonic(), 1.0) / SECONDS_PER_HOUR
    hours = left if config.budget.hours is None else min(left, config.budget.hours)
    return config.model_copy(update={"budget": config.budget.model_copy(update={"hours": hours})})


def _run_before(before: SweepOfNight | None, now: str | None, store: Store) -> Run | None:
    """Read the run that the last night had; None where that is this one, or cannot be read."""
    if before is None or before.run is None or before.run == now:
        return None
    try:
        return read_run(store.run(before.run))
    except InputError:
        return None  # removed or damaged: the run before of the same name is taken


# --- what changed -------------------------------------------------------------------------------------------------


def _tell(row: SweepOfNight, before: Run | None, past: Past, store: Store) -> Ended:
    """Compare a run with that of the night before, and say what changed."""
    after = read_run(store.run(str(row.run)))
    known = past.of(row.sweep)
    if before is None and (known is None or known.run != row.run):
        folder = previous_run(after.folder)
        before = None if folder is None else _read_if_whole(folder)
    last = (row.sweep, before.folder.name) if before is not None else None
    old, stood = (past.numbers.get(last, {}), past.standing.get(last, {})) if last is not None else ({}, {})
    compared, why_not = _compare(before, after)
    numbers = carry_numbers(compared, after, old, past.free.get(row.sweep, 1))
    changes: list[Change] = []
    told: list[str] = []
    standing: dict[int, str] = {}
    drift = Drift(())
    if compared is not None and before is not None:
        drift = measure_drift(before, after)
        compared = stand_by(compared, stood)
        standing = still_standing(compared, stood, after)
        changes = quieten(find_night_changes(compared, old, numbers), before, after)
        told = [*compared.notices, *spell_rest(compared, drift)]
        told += [ONE_SPLIT] if any(one.quiet for one in changes if one.kind in OF_VERDICTS) else []
    elif before is not None:
        told = [f"Not compared with the night before: {why_not}"]
    failure = find_failures(after)
    if failure is not None and (known is None or (known.run, known.state) != (row.run, row.state)):
        changes.append(failure)
    kinds = [one.kind for one in changes]
    row = replace(
        row,
        previous=None if before is None else before.folder.name,
        failed=failure.facts["failed"] if failure is not None else 0,
        clusters=len(after.clusters),
        real=int((after.clusters["verdict"] == "REAL").sum()),
        new=kinds.count("cluster.new"),
        lost=kinds.count("cluster.lost"),
        flipped=kinds.count("verdict.flipped"),
        dropped=sum(int(one.facts["dropped"]) for one in changes if one.kind == "score.dropped"),
        moved=sum(int(one.facts["moved"]) for one in changes if one.kind == "score.moved"),
        agreement=drift.agreement,
        seed_agreement=drift.seed_agreement,
        said=(*(one.sentence for one in changes), *told),
    )
    return Ended(row, tuple(changes), tuple(list_clusters(row.sweep, after, numbers, standing)))


def _compare(before: Run | None, after: Run) -> tuple[Comparison | None, str]:
    if before is None:
        return None, ""
    try:
        return compare_runs(before, after), ""
    except InputError as error:
        return None, error.problem


def _read_if_whole(folder: Path) -> Run | None:
    try:
        return read_run(folder)
    except InputError:
        return None


def _spell(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    told = str(error).splitlines()
    return f"{type(error).__name__}: {told[0]}" if told else type(error).__name__


# --- the end of the night -----------------------------------------------------------------------------------------


def _renew_site(night: Night, store: Store) -> Night:
    """Bring trends and the static site up to date; without them the night is no less done."""
    try:
        page = build_nights_page(store.root)
        if finished_runs(store.root) and _is_news(night, store):
            build_site(store.root)
        if page is None:
            return night
        send_pages(store, page.parent)
        return replace(night, site=_shown(page, store))
    except (InputError, OSError) as error:
        return replace(night, notices=(*night.notices, f"the site could not be written: {_spell(error)}"))


def _is_news(night: Night, store: Store) -> bool:
    """Say whether the list of runs has to be written anew, which reads all of them."""
    listed = (store.root / "site" / INDEX).is_file()
    return not listed or bool(night.with_status("computed") or night.with_status("found"))


def _shown(page: Path, store: Store) -> str:
    return str(page) if store.url is None else store.address(page)


def _publish(night: Night, site: Site) -> None:
    """Show the night in Prefect's UI."""
    create_markdown_artifact(key="nightly-summary", markdown=night_markdown(night), description=night.headline)
    page = site.store.root / "site" / MORNING
    if page.is_file():
        site.show_link("steadymap-site", "All nights", page, night.night)


def _told(ended: Ended, site: Site) -> Told:
    """Gather what an event says of a sweep, with the way to its report."""
    page = None if ended.row.run is None else site.store.run(ended.row.run) / REPORT
    return Told(ended.row, ended.changes, None if page is None else site.address(page))


def _tags(night: Night) -> list[str]:
    """Return tags by which the nights that said something are found in a list of runs."""
    changed = ["changed"] if night.briefs else []
    verdicts = sorted(
        {brief.rpartition(": ")[2] for briefs in night.briefs.values() for brief in briefs if "→" in brief}
    )
    return [*changed, *verdicts]


def _record(night: Night, ended: list[Ended]) -> None:
    clusters = [row for one in ended for row in one.clusters]
    write_night(Path(night.store), night.night, night.name, night.sweeps, clusters)
