"""The selftest: the whole path on generated data with known truth, to know this installation's own error rate."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from steadymap.configs.document import read_settings
from steadymap.configs.errors import InputError
from steadymap.configs.selftest import SelftestConfig, SelftestSweep
from steadymap.flows.drawing.draw_cells import draw_cells, drawn_cells
from steadymap.flows.run_page import ends_as_failed, tag_run
from steadymap.flows.sweep import RUNNER
from steadymap.tasks.progress import announce_done, announce_total, muted
from steadymap.tasks.selftest.error_rates import spell_outcome, sum_up
from steadymap.tasks.selftest.known_sets import KnownSet, known_sets, outcome_of, read_outcome, sweep_of, write_outcome
from steadymap.tasks.steps.find_clusters import find_clusters
from steadymap.tasks.steps.judge_clusters import judge_clusters
from steadymap.tasks.steps.plan_sweep import plan_sweep
from steadymap.tasks.steps.read_dataset import read_dataset
from steadymap.tasks.steps.run_split_tests import run_split_tests
from steadymap.tasks.store.files import write_text
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.sync import open_store, probe_writable, sync, upload
from steadymap.tasks.workers import choose_limits, opened_pool

SUMMARY = "selftest.json"
SHIPPED = Path(__file__).resolve().parents[1] / "configs" / "selftest.yaml"


@flow(name="selftest", flow_run_name="selftest", task_runner=RUNNER)
@ends_as_failed
def selftest(config: SelftestConfig | None = None, store: str = "results") -> dict[str, Any]:
    """Draw every set that has no outcome yet, judge it, and sum up: false verdicts, power, with their intervals.

    It can be stopped at any time; the same flow goes on from there. Without a config it is ``configs/selftest.yaml``.

    Raises
    ------
    InputError
        A family is not known, or none is left to draw.
    """
    tag_run()
    config = config or read_settings(SHIPPED, SelftestConfig)
    place = open_store(store)
    probe_writable(place)
    sets = [(part, known) for part in config.parts for known in known_sets(config, part)]
    if not sets:
        raise InputError(
            "there is nothing to draw",
            rule="families go with `real`, and have the dimensions that they need",
            remedy="ask for other families or more dimensions",
        )
    announce_total("sets", len(sets))
    sync(place, [_kept(known, config.sweep_of(part), place) for part, known in sets])
    outcomes: dict[str, list[dict[str, Any]]] = {part.name: [] for part in config.parts}
    for part, known in sets:
        outcomes[part.name].append(_outcome(known, config.sweep_of(part), place))
        summary = sum_up(outcomes, config)
        write_text(json.dumps(summary, indent=1, sort_keys=True), place.root / SUMMARY)
        upload(place, [place.root / SUMMARY])
        announce_done("sets")
    return summary


def _kept(known: KnownSet, sweep: SelftestSweep, place: Store) -> Path:
    return place.root / "selftest" / f"{known.identity(sweep)}.json"


def _outcome(known: KnownSet, sweep: SelftestSweep, place: Store) -> dict[str, Any]:
    """Return what is kept of a set; without it, judge the set and keep what comes out."""
    kept = _kept(known, sweep, place)
    outcome = read_outcome(kept)
    if outcome is None:
        with muted():
            outcome = _judge(known, sweep, kept.parent / "work")
        write_outcome(outcome, kept)
        upload(place, [kept])
        get_run_logger().info(spell_outcome(outcome))
    return outcome


def _judge(known: KnownSet, settings: SelftestSweep, work: Path) -> dict[str, Any]:
    """Run the path of a sweep up to the verdicts, in a store of its own that is removed afterwards."""
    started = time.monotonic()
    shutil.rmtree(work, ignore_errors=True)
    place = Store(work)
    sweep = sweep_of(known, settings, work / "data")
    plan = plan_sweep(sweep, read_dataset(sweep.data, place, sweep.workers), place)
    with opened_pool(choose_limits(sweep.workers)):
        drawn = drawn_cells(plan, draw_cells(plan))
        splits = run_split_tests(plan, drawn)
        clusters = judge_clusters(plan, find_clusters(plan, drawn, splits), splits)
    outcome = outcome_of(known, plan, clusters, splits, time.monotonic() - started)
    shutil.rmtree(work, ignore_errors=True)
    return outcome
