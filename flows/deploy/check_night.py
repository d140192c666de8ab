"""Look at everything that a deployment would run, as ``steadymap check`` does, before a server hears of it."""

from __future__ import annotations

from dataclasses import dataclass

from steadymap.configs.errors import InputError
from steadymap.configs.grid import expand
from steadymap.configs.nightly import NightlyConfig
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.input.dataset import measure
from steadymap.tasks.plan.find_sweeps import find_sweeps
from steadymap.tasks.plan.forecast import forecast
from steadymap.tasks.plan.lay_out import check_fit
from steadymap.tasks.workers import default_count


@dataclass(frozen=True)
class CheckedSweep:
    """A sweep that can run: rows and dimensions of its data, its cells, and the seconds that they may take."""

    name: str
    config: str
    rows: int
    dimensions: int
    cells: int
    seconds: float


def check_night(night: NightlyConfig) -> list[CheckedSweep]:
    """Check every sweep of a night, its config and its data.

    Raises
    ------
    InputError
        Some of them are at fault; all are named.
    """
    checked, faults = [], []
    for sweep in find_sweeps(night):
        try:
            if sweep.config is None:
                raise InputError(sweep.problem or "cannot be read", file=sweep.config_file)
            checked.append(_check(sweep.name, sweep.config_file, sweep.config))
        except InputError as error:
            faults.append(f"{sweep.name}: {error}")
    if faults:
        told = "\n".join(faults)
        raise InputError(
            f"{len(faults)} of {len(faults) + len(checked)} sweeps cannot run, so nothing was deployed\n{told}"
        )
    return checked


def _check(name: str, file: str, config: SweepConfig) -> CheckedSweep:
    rows, dimensions = measure(config.data)
    grid = expand(config, rows)
    check_fit(config, grid, rows, dimensions)
    expected = forecast(config, grid, (rows, dimensions), config.workers.count or default_count())
    return CheckedSweep(name, file, rows, dimensions, expected.cells, expected.seconds)
