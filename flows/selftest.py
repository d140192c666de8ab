"""The selftest: the whole path on generated data with known truth, to know this installation's own error rate."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import flow

from configs.selftest import SelftestConfig
from flows.draw_cells import draw_cells, drawn_cells
from flows.sweep import RUNNER
from tasks.draw_known_truth import KnownSet, known_sets, outcome_of, read_outcome, sweep_of, write_outcome
from tasks.find_clusters import find_clusters
from tasks.plan_sweep import plan_sweep
from tasks.read_dataset import read_dataset
from tasks.seek_valleys import seek_valleys
from tasks.store import Store, write_text
from tasks.sum_up_selftest import sum_up

SUMMARY = "selftest.json"


@flow(name="selftest", flow_run_name="selftest of {config.rows} rows", task_runner=RUNNER, validate_parameters=False)
def selftest(
    config: SelftestConfig, store: str = "results", on_set: Callable[[dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """Draw every set that has no outcome yet, judge it, and sum up: false verdicts, power, with their intervals.

    It can be stopped at any time; the same command goes on from there. ``on_set`` is told the outcome of every set.
    """
    root = Path(store).resolve()
    outcomes = []
    for known in known_sets(config):
        kept = root / "selftest" / f"{known.identity(config)}.json"
        outcome = read_outcome(kept)
        if outcome is None:
            outcome = _judge(known, config, root / "selftest" / "work")
            write_outcome(outcome, kept)
        outcomes.append(outcome)
        summary = sum_up(outcomes, config)
        write_text(json.dumps(summary, indent=1, sort_keys=True), root / SUMMARY)
        if on_set is not None:
            on_set(outcome)
    return summary


def _judge(known: KnownSet, config: SelftestConfig, work: Path) -> dict[str, Any]:
    """Run the path of a sweep up to the verdicts, in a store of its own that is removed afterwards."""
    started = time.process_time()
    shutil.rmtree(work, ignore_errors=True)
    place = Store(work)
    sweep = sweep_of(known, config, work / "data")
    plan = plan_sweep(sweep, read_dataset(sweep.data, place), place)
    drawn = drawn_cells(plan, draw_cells(plan))
    clusters = find_clusters(plan, drawn, seek_valleys(plan, drawn))
    outcome = outcome_of(known, plan, clusters, time.process_time() - started)
    shutil.rmtree(work, ignore_errors=True)
    return outcome
