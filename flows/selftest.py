"""The selftest: the whole path on generated data with known truth, to know this installation's own error rate."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from configs.selftest import SelftestConfig
from flows.draw_cells import draw_cells, drawn_cells
from flows.sweep import RUNNER
from tasks.draw_known_truth import KnownSet, known_sets, outcome_of, read_outcome, sweep_of, write_outcome
from tasks.find_clusters import find_clusters
from tasks.plan_sweep import plan_sweep
from tasks.progress import announce_done, announce_total, muted
from tasks.read_dataset import read_dataset
from tasks.seek_valleys import seek_valleys
from tasks.store import Store, write_text
from tasks.sum_up_selftest import spell_outcome, sum_up

SUMMARY = "selftest.json"


@flow(name="selftest", flow_run_name="selftest of {config.rows} rows", task_runner=RUNNER)
def selftest(config: SelftestConfig, store: str = "results") -> dict[str, Any]:
    """Draw every set that has no outcome yet, judge it, and sum up: false verdicts, power, with their intervals.

    It can be stopped at any time; the same flow goes on from there.
    """
    root = Path(store).resolve()
    sets = known_sets(config)
    announce_total("sets", len(sets))
    outcomes = []
    for known in sets:
        kept = root / "selftest" / f"{known.identity(config)}.json"
        outcome = read_outcome(kept)
        if outcome is None:
            with muted():
                outcome = _judge(known, config, root / "selftest" / "work")
            write_outcome(outcome, kept)
            get_run_logger().info(spell_outcome(outcome))
        outcomes.append(outcome)
        summary = sum_up(outcomes, config)
        write_text(json.dumps(summary, indent=1, sort_keys=True), root / SUMMARY)
        announce_done("sets")
    return summary


def _judge(known: KnownSet, config: SelftestConfig, work: Path) -> dict[str, Any]:
    """Run the path of a sweep up to the verdicts, in a store of its own that is removed afterwards."""
    started = time.monotonic()
    shutil.rmtree(work, ignore_errors=True)
    place = Store(work)
    sweep = sweep_of(known, config, work / "data")
    plan = plan_sweep(sweep, read_dataset(sweep.data, place), place)
    drawn = drawn_cells(plan, draw_cells(plan))
    splits = seek_valleys(plan, drawn)
    clusters = find_clusters(plan, drawn, splits)
    outcome = outcome_of(known, plan, clusters, splits, time.monotonic() - started)
    shutil.rmtree(work, ignore_errors=True)
    return outcome
