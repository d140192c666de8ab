"""The command that sweeps."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from steadymap.flows.cli.encoders import run_encoders
from steadymap.flows.cli.options import (
    EXIT_NOTHING_USABLE,
    EXIT_REPORT,
    NO_SWEPT_WORDS,
    FastOption,
    JsonOption,
    StoreOption,
    SweptWords,
    VerboseOption,
    app,
    open_place,
    quiet_console,
)
from steadymap.flows.cli.prefect_server import prepare_engine
from steadymap.flows.cli.read_input import read_input

if TYPE_CHECKING:
    from steadymap.configs.sweep import SweepConfig
    from steadymap.flows.sweep import SweepOutcome
    from steadymap.tasks.plan.prepared import Prepared
    from steadymap.tasks.store.layout import Store


@app.command
def sweep(
    config: Annotated[str, Parameter(help="A YAML config, or a data file or its URL (docs/inputs.md).")],
    *,
    roles: SweptWords = NO_SWEPT_WORDS,
    fast: FastOption = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Draw, score and compare a grid of pictures; only what is missing in the store is computed."""
    started = time.monotonic()
    console = quiet_console(as_json)
    settings = read_input(config, roles, fast=fast)
    place = open_place(store, writing=True)
    if settings.data.several:
        return run_encoders(settings, place, as_json=as_json)
    prepare_engine(place)
    prepared = _preflight(settings, place, console)
    from steadymap.flows.cli.embedded_server import start_server
    from steadymap.flows.cli.terminal import live_progress
    from steadymap.flows.sweep import stability_sweep
    from steadymap.tasks.plan.prepared import handed_over, made_ahead
    from steadymap.tasks.progress import announce_done, announce_total

    with live_progress(console), handed_over(prepared), made_ahead(prepared):
        announce_total("server", 1)
        start_server()
        announce_done("server")
        outcome = stability_sweep(settings, place.place)
    seconds = time.monotonic() - started
    if as_json:
        print(json.dumps(_as_json(outcome, seconds)))
    else:
        _print_outcome(outcome, seconds, place, console, verbose=verbose)
    return EXIT_REPORT if outcome.usable else EXIT_NOTHING_USABLE


def _preflight(settings: SweepConfig, store: Store, console: Console) -> Prepared:
    """Read and lay out: faults of the input are met here, in a second, instead of after the start of the server."""
    from steadymap.flows.cli.terminal import live_progress, tell_plan
    from steadymap.tasks.plan.prepared import prepare
    from steadymap.tasks.workers import warm_up

    with live_progress(console) if settings.data.encode else contextlib.nullcontext():
        prepared = prepare(settings, store)
    plan = prepared.plan
    if plan.missing:
        warm_up()
    tell_plan(plan, console)
    return prepared


def _as_json(outcome: SweepOutcome, seconds: float) -> dict[str, Any]:
    return {
        "run": outcome.run,
        "report": outcome.report,
        "cells": {
            "total": outcome.total,
            "computed": outcome.computed,
            "cached": outcome.cached,
            "failed": outcome.failed,
            "skipped": outcome.skipped,
            "left": outcome.left,
        },
        "clusters": outcome.clusters,
        "seconds": round(seconds, 2),
    }


def _print_outcome(
    outcome: SweepOutcome, seconds: float, store: Store, console: Console, *, verbose: bool = False
) -> None:
    from steadymap.reports.run.run_folder import read_run
    from steadymap.reports.summary.summary import summarise
    from steadymap.reports.summary.terminal import to_lines, to_short_lines

    summary = summarise(read_run(store.run(outcome.run)))
    fast = " (fast)" if summary.notice and not verbose else ""
    console.print(
        f"{outcome.computed} cells computed{fast}, {outcome.cached} cached, {outcome.failed} failed, "
        f"{outcome.skipped} skipped{f', {outcome.left} left' if outcome.left else ''} in {seconds:.0f} s",
        highlight=False,
        no_wrap=True,
        overflow="ellipsis",
    )
    for line in to_lines(summary) if verbose else to_short_lines(summary):
        console.print(line, markup=False, highlight=False)
    page = Path(outcome.report)
    told = f"{page}" if store.url is None else f"{store.address(page)}; this machine's copy: {page}"
    console.print(f"report: {told}", markup=False, highlight=False, soft_wrap=True)
