"""Commands that sweep: ``sweep``, and ``check``, which says what it would do."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from steadymap.configs.errors import InputError
from steadymap.flows.cli.options import (
    EXIT_NOTHING_USABLE,
    EXIT_REPORT,
    NO_WORDS,
    FastOption,
    JsonOption,
    RoleWords,
    StoreOption,
    VerboseOption,
    app,
    open_place,
    quiet_console,
)
from steadymap.flows.cli.prefect_server import prepare_engine

if TYPE_CHECKING:
    from steadymap.configs.sweep import SweepConfig
    from steadymap.flows.sweep import SweepOutcome
    from steadymap.tasks.plan.prepared import Prepared
    from steadymap.tasks.store.layout import Store

CONFIG_ENDINGS = (".yaml", ".yml")

AXES = {
    "pictures": "pictures of all rows",
    "resamples": "pictures of parts of the rows (resamples)",
    "nulls": "pictures of reference data without clusters (nulls)",
}
"""What the axes of a sweep are called in `check`."""


@app.command
def sweep(
    config: Annotated[str, Parameter(help="A YAML config, or a data file or its URL (docs/inputs.md).")],
    *,
    roles: RoleWords = NO_WORDS,
    fast: FastOption = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Draw, score and compare a grid of pictures; only what is missing in the store is computed."""
    started = time.monotonic()
    console = quiet_console(as_json)
    settings = _read_input(config, roles, fast=fast)
    place = open_place(store, writing=True)
    if settings.data.several:
        from steadymap.flows.cli.encoders import run_encoders

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


@app.command
def check(
    config: Annotated[str, Parameter(help="A YAML config, or a data file or its URL.")],
    *,
    roles: RoleWords = NO_WORDS,
    fast: FastOption = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Validate a config and its data, and print grid, cells, and a forecast of time and memory; compute nothing."""
    settings = _read_input(config, roles, fast=fast)
    import pandas as pd

    from steadymap.configs.grid import expand
    from steadymap.reports.scores.latent_health import spell_health
    from steadymap.tasks.input.dataset import look_at_source
    from steadymap.tasks.input.latent_health import dimensions_table, health_facts
    from steadymap.tasks.plan.forecast import compare_machine, forecast
    from steadymap.tasks.plan.lay_out import check_fit
    from steadymap.tasks.plan.measured_costs import measure_costs
    from steadymap.tasks.workers import default_count

    source = look_at_source(settings.data)
    rows, dimensions, health = source.rows, source.dimensions, source.health
    told: tuple[str, ...] = ()
    if health is not None:
        told = spell_health(dimensions_table(health.health).to_pandas(), pd.DataFrame(health_facts(health)))
    grid = expand(settings, rows)
    check_fit(settings, grid, rows, dimensions)
    workers = settings.workers.count or default_count()
    machine = compare_machine(measure_costs(open_place(store).root), rows)
    expected = forecast(settings, grid, (rows, dimensions), workers, machine)
    usable = [c for c in grid.configurations if c.unusable is None]
    if as_json:
        print(
            json.dumps(
                {
                    "rows": rows,
                    "dimensions": dimensions,
                    "configurations": [c.name for c in usable],
                    "skipped": {c.name: c.unusable for c in grid.configurations if c.unusable},
                    "seeds": list(grid.seeds),
                    "cells": expected.cells,
                    "axes": {
                        name: {"cells": share.cells, "cpu_seconds": round(share.cpu_seconds)}
                        for name, share in expected.shares.items()
                    },
                    "forecast": {
                        "cpu_seconds": round(expected.cpu_seconds),
                        "seconds": round(expected.seconds),
                        "memory_gb": round(expected.memory_gb, 2),
                        "measured_pictures": expected.measured,
                    },
                    "taken": source.taken,
                    "latent_space": list(told),
                    "warnings": [*grid.warnings, *source.warnings],
                }
            )
        )
        return EXIT_REPORT
    console = Console()
    table = Table("configuration", "seeds", "also drawn on", "note", title=f"{rows:,} rows × {dimensions} dimensions")
    for c in grid.configurations:
        seeds = ", ".join(map(str, grid.seeds)) if c.seeded else "–"
        also = [name for name, drawn in (("parts", grid.resampled), ("noise", grid.on_nulls)) if c.name in drawn]
        table.add_row(c.name, seeds, ", ".join(also), f"skipped: {c.unusable}" if c.unusable else c.method)
    console.print(table)
    console.print(f"{Path(settings.data.path or '').name or 'taken'}: {source.taken}", markup=False, highlight=False)
    for name, share in expected.shares.items():
        if share.cells:
            console.print(f"{AXES[name]}: {share.cells} cells, {_duration(share.cpu_seconds)} of CPU", markup=False)
    for sentence in told:
        console.print(sentence, markup=False, highlight=False)
    for warning in (*grid.warnings, *source.warnings):
        console.print(f"warning: {warning}", markup=False)
    ground = "good to a factor of two"
    if expected.measured:
        ground = f"by what {expected.measured:,} pictures took on this machine (store {store})"
    console.print(
        f"{expected.cells} cells on {workers} workers: about {_duration(expected.seconds)} "
        f"({_duration(expected.cpu_seconds)} of CPU) and {expected.memory_gb:.1f} GB, {ground}"
    )
    return EXIT_REPORT


def _read_input(place: str, words: RoleWords, *, fast: bool) -> SweepConfig:
    """Read a config, or make one for a data file; ``--fast`` wins over what the config says."""
    settings = _read_config_or_data(place, words)
    return settings.model_copy(update={"fast": True}) if fast else settings


def _read_config_or_data(place: str, words: RoleWords) -> SweepConfig:
    """Read a config, or make one for a data file: the default grid for its size."""
    from steadymap.configs.document import anchor_paths, read_config
    from steadymap.configs.sweep import DataSource, SweepConfig

    path = Path(place)
    if path.suffix.lower() not in CONFIG_ENDINGS:
        data = DataSource(path=place, **words.given())
        return anchor_paths(SweepConfig(name=path.stem[:80] or "data", data=data), Path.cwd())
    if words.given():
        word = next(iter(words.given()))
        raise InputError(
            f"--{word} goes with a data file",
            file=path,
            remedy=f"name it in the config, under `data: {word}:`",
        )
    return read_config(path)


def _preflight(settings: SweepConfig, store: Store, console: Console) -> Prepared:
    """Read and lay out: faults of the input are met here, in a second, instead of after the start of the server."""
    from steadymap.flows.cli.terminal import live_progress
    from steadymap.tasks.plan.prepared import prepare
    from steadymap.tasks.workers import warm_up

    with live_progress(console) if settings.data.encode else contextlib.nullcontext():
        prepared = prepare(settings, store)
    plan = prepared.plan
    dataset = plan.dataset
    if plan.missing:
        warm_up()
    console.print(
        f"{settings.name}: {dataset.rows:,} rows × {dataset.dimensions} dimensions, {len(plan.usable)} cells, "
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
    fast = " (fast: one pair of halves, no reference data)" if summary.notice and not verbose else ""
    console.print(
        f"{outcome.computed} cells computed, {outcome.cached} cached, {outcome.failed} failed, "
        f"{outcome.skipped} skipped{f', {outcome.left} left' if outcome.left else ''} in {seconds:.0f} s{fast}",
        highlight=False,
    )
    for line in to_lines(summary) if verbose else to_short_lines(summary):
        console.print(line, markup=False, highlight=False)
    page = Path(outcome.report)
    told = f"{page}" if store.url is None else f"{store.address(page)}; this machine's copy: {page}"
    console.print(f"report: {told}", markup=False, highlight=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
