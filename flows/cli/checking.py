"""The command that says what a sweep would do, and computes nothing: ``check``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from steadymap.flows.cli.options import (
    EXIT_REPORT,
    NO_SWEPT_WORDS,
    FastOption,
    JsonOption,
    StoreOption,
    SweptWords,
    app,
    open_place,
)
from steadymap.flows.cli.read_input import read_input

if TYPE_CHECKING:
    from steadymap.configs.grid import Grid
    from steadymap.configs.sweep import SweepConfig
    from steadymap.tasks.input.dataset import Measured
    from steadymap.tasks.plan.forecast import Forecast

AXES = {
    "pictures": "pictures of all rows",
    "resamples": "pictures of parts of the rows (resamples)",
    "nulls": "pictures of reference data without clusters (nulls)",
}
"""What the axes of a sweep are called."""


@dataclass(frozen=True)
class Checked:
    """A sweep that was looked at: its data, its grid, what it will cost, and the health of the vectors in sentences."""

    settings: SweepConfig
    source: Measured
    grid: Grid
    expected: Forecast
    workers: int
    health: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is worth a second look."""
        return (*self.grid.warnings, *self.source.warnings)


@app.command
def check(
    config: Annotated[str, Parameter(help="A YAML config, or a data file or its URL.")],
    *,
    roles: SweptWords = NO_SWEPT_WORDS,
    fast: FastOption = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Validate a config and its data, and print grid, cells, and a forecast of time and memory; compute nothing."""
    settings = read_input(config, roles, fast=fast)
    if settings.data.several:
        return _check_encoders(settings, store, as_json=as_json)
    found = _look_at(settings, store)
    if as_json:
        print(json.dumps(_as_json(found)))
    else:
        _print(found, store, Console())
    return EXIT_REPORT


def _check_encoders(settings: SweepConfig, store: str, *, as_json: bool) -> int:
    """Look at the sweep of every encoder."""
    from steadymap.tasks.plan.find_encoders import find_encoders

    found = [(one.name, _look_at(one.config, store)) for one in find_encoders(settings).all]
    if as_json:
        print(json.dumps({"encoders": {name: _as_json(one) for name, one in found}}))
        return EXIT_REPORT
    console = Console()
    for _, one in found:
        _print(one, store, console)
    seconds = sum(one.expected.seconds for _, one in found)
    console.print(f"{len(found)} encoders, one after the other: about {_duration(seconds)}", highlight=False)
    return EXIT_REPORT


def _look_at(settings: SweepConfig, store: str) -> Checked:
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
    return Checked(settings, source, grid, expected, workers, told)


def _as_json(found: Checked) -> dict[str, Any]:
    grid, expected = found.grid, found.expected
    return {
        "rows": found.source.rows,
        "dimensions": found.source.dimensions,
        "configurations": [c.name for c in grid.configurations if c.unusable is None],
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
        "taken": found.source.taken,
        "latent_space": list(found.health),
        "warnings": list(found.warnings),
    }


def _print(found: Checked, store: str, console: Console) -> None:
    settings, source, grid, expected = found.settings, found.source, found.grid, found.expected
    title = f"{source.rows:,} rows × {source.dimensions} dimensions"
    table = Table("configuration", "seeds", "also drawn on", "note", title=title)
    for c in grid.configurations:
        seeds = ", ".join(map(str, grid.seeds)) if c.seeded else "–"
        also = [name for name, drawn in (("parts", grid.resampled), ("noise", grid.on_nulls)) if c.name in drawn]
        table.add_row(c.name, seeds, ", ".join(also), f"skipped: {c.unusable}" if c.unusable else c.method)
    console.print(table)
    console.print(f"{Path(settings.data.path or '').name or 'taken'}: {source.taken}", markup=False, highlight=False)
    for name, share in expected.shares.items():
        if share.cells:
            console.print(f"{AXES[name]}: {share.cells} cells, {_duration(share.cpu_seconds)} of CPU", markup=False)
    for sentence in found.health:
        console.print(sentence, markup=False, highlight=False)
    for warning in found.warnings:
        console.print(f"warning: {warning}", markup=False)
    ground = "good to a factor of two"
    if expected.measured:
        ground = f"by what {expected.measured:,} pictures took on this machine (store {store})"
    console.print(
        f"{expected.cells} cells on {found.workers} workers: about {_duration(expected.seconds)} "
        f"({_duration(expected.cpu_seconds)} of CPU) and {expected.memory_gb:.1f} GB, {ground}"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
