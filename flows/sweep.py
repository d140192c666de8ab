"""The sweep: from latent vectors to a stability report."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.assets import materialize
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from steadymap.configs.schemas import VERDICTS
from steadymap.configs.sweep import SweepConfig
from steadymap.flows.drawing.draw_cells import announce_cached, draw_cells, drawn_cells
from steadymap.flows.drawing.draw_in_rounds import draw_in_rounds
from steadymap.flows.progress.artifact import ProgressArtifact
from steadymap.flows.progress.log_lines import LogProgress
from steadymap.flows.run_page import (
    Site,
    ended_with,
    ends_as_failed,
    rendering_assets,
    show_plan,
    show_run,
    tag_run,
    verdict_words,
)
from steadymap.reports.build import build_report
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.tasks.cells.compute_cells import CellOutcomes
from steadymap.tasks.cells.found_by_workers import note_found_by_workers
from steadymap.tasks.plan.lay_out import run_identity
from steadymap.tasks.progress import announce_done, announce_total, listening, telling
from steadymap.tasks.steps.decode_clusters import decode_clusters
from steadymap.tasks.steps.describe_latent_space import describe_latent_space
from steadymap.tasks.steps.find_clusters import find_clusters
from steadymap.tasks.steps.judge_clusters import judge_clusters
from steadymap.tasks.steps.measure_stability import measure_stability
from steadymap.tasks.steps.plan_sweep import plan_sweep
from steadymap.tasks.steps.read_dataset import read_dataset
from steadymap.tasks.steps.run_label_tests import run_label_tests
from steadymap.tasks.steps.run_split_tests import run_split_tests
from steadymap.tasks.steps.score_cells import score_cells
from steadymap.tasks.steps.score_rows import score_rows
from steadymap.tasks.steps.write_run import refresh_timings, write_run
from steadymap.tasks.store.findings import Findings
from steadymap.tasks.store.leases import hold_lease
from steadymap.tasks.store.locks import hold_lock, lock_of
from steadymap.tasks.store.run_manifest import WrittenRun, find_complete_run
from steadymap.tasks.store.run_uses import read_uses, recorded_uses, write_uses
from steadymap.tasks.store.sync import open_store, probe_writable, upload
from steadymap.tasks.store.turns import take_turn
from steadymap.tasks.workers import choose_limits, pool_to_its_end

WAITING_CONFIGURATIONS = 16
"""Configurations under way at a time. Their threads only wait; how much is computed at a time is the workers' count."""

# Prefect types its runners invariantly in their futures, so none of them is the type that its flow asks for.
RUNNER = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=WAITING_CONFIGURATIONS))


@dataclass(frozen=True)
class SweepOutcome:
    """What a sweep leaves behind.

    Attributes
    ----------
    run
        Name of the run.
    report
        Its HTML report.
    total, computed, cached, failed, skipped, left
        Cells: all, drawn now, found in the store, lost, beyond what the data carries, and beyond the budget.
    clusters
        How many clusters got which verdict.
    pictures
        Pictures of all rows that there are now.
    cut_short
        Whether a time budget has left some; the same sweep, run again, goes on.
    """

    run: str
    report: str
    total: int
    computed: int
    cached: int
    failed: int
    skipped: int
    left: int
    clusters: dict[str, int]
    pictures: int
    cut_short: bool = False

    @property
    def usable(self) -> bool:
        """Whether there is any picture of the data; parts of it and reference data alone tell nothing."""
        return self.pictures > 0

    @property
    def message(self) -> str:
        """The sweep in one line: its verdicts, and what was drawn."""
        lost = f", {self.failed} failed" if self.failed else ""
        left = f", {self.left} left" if self.left else ""
        return f"{verdict_words(self.clusters)}; {self.computed} drawn, {self.cached} in the store{lost}{left}"


@flow(
    name="stability-sweep",
    flow_run_name="{config.name}",
    task_runner=RUNNER,
)
@ends_as_failed
def stability_sweep(config: SweepConfig, store: str = "results", site_url: str | None = None) -> SweepOutcome:
    """Draw a grid of pictures of one set of latent vectors, score them, and report what is stable.

    Run again, it computes only what is missing in the store.
    """
    logger = get_run_logger()
    tag_run(f"sweep:{config.name}")
    with listening(LogProgress(logger)), telling(logger.warning), contextlib.ExitStack() as turn:
        place = open_store(store)
        probe_writable(place)
        turn.enter_context(hold_lease(place, f"sweep {config.name}"))
        uses = turn.enter_context(recorded_uses(place))
        dataset = read_dataset(config.data, place, config.workers)
        # Of two that want the same run one works; the other then finds all that it would have computed.
        identity, what = run_identity(config, dataset), f"sweep {config.name}"
        turn.enter_context(hold_lock(lock_of(place, identity), what, logger.warning))
        turn.enter_context(take_turn(place, identity, what))
        plan = plan_sweep(config, dataset, place)
        show_plan(plan, logger)
        site = Site(place, site_url)
        rendering = render_report.with_options(**rendering_assets(place.run(plan.run), config.data, site))
        turn.enter_context(listening(ProgressArtifact(plan.run, logger)))
        written = find_complete_run(place.run(plan.run), plan.identity) if not plan.missing else None
        endings: CellOutcomes = {}
        if written is None:
            turn.enter_context(pool_to_its_end(choose_limits(config.workers)))
            endings = draw_in_rounds(plan) if config.budget.limited else draw_cells(plan)
            drawn = drawn_cells(plan, endings)
            scores = score_cells(plan, drawn)
            splits = run_split_tests(plan, drawn)
            clusters = find_clusters(plan, drawn, splits)
            judged = judge_clusters(plan, clusters, splits)
            findings = Findings(
                scores=scores,
                latent_space=describe_latent_space(plan),
                stability=measure_stability(plan, drawn),
                splits=splits,
                clusters=judged,
                labels=run_label_tests(plan),
                ratings=score_rows(plan, drawn),
                decoded=decode_clusters(plan, judged),
            )
            note_found_by_workers(drawn)
            write_uses(place, plan.run, uses())  # before the run counts: what is not noted, gc would take for garbage
            written = write_run(plan, endings, findings)
            report = rendering(written)
        else:
            announce_cached(plan)
            refresh_timings(plan)
            report = written.folder / "report.html"
            if not report.is_file():
                report = rendering(written)
        if read_uses(place, plan.run) is not None:  # a run found complete asks for too little to begin a note with
            write_uses(place, plan.run, uses())
        upload(place, [written.folder])
        run = read_run(written.folder)
        show_run(run, report, site)
        outcome = _outcome(written, report, endings, run)
    return ended_with(outcome.message, outcome)


@materialize(
    "steadymap://runs",
    by="steadymap",
    name="render report",
    task_run_name="report of {written.folder.name}",
    cache_policy=NO_CACHE,
)
def render_report(written: WrittenRun) -> Path:
    """Render the run's report from its folder alone."""
    announce_total("report", 1)
    page = build_report(written.folder)
    announce_done("report")
    return page


def _outcome(written: WrittenRun, report: Path, endings: CellOutcomes, run: Run) -> SweepOutcome:
    computed = sum(ending.status == "ok" for ending in endings.values())
    verdicts = run.clusters["verdict"].value_counts()
    return SweepOutcome(
        run=written.folder.name,
        report=str(report),
        total=written.total,
        computed=computed,
        cached=written.ok - computed,
        failed=written.failed,
        skipped=written.skipped,
        left=written.left,
        clusters={verdict: int(verdicts.get(verdict, 0)) for verdict in VERDICTS},
        pictures=len(run.drawn),
        cut_short=bool(run.manifest.get("cut_short")),
    )
