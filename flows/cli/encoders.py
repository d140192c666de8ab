"""Commands for several encoders: ``encoders``, which follows clusters through all, and ``watch``, along a training."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from steadymap.configs.errors import InputError
from steadymap.flows.cli.options import (
    EXIT_NOTHING_USABLE,
    EXIT_REPORT,
    NO_SWEPT_WORDS,
    FastOption,
    JsonOption,
    StoreOption,
    SweptWords,
    app,
    open_place,
    quiet_console,
)
from steadymap.flows.cli.prefect_server import prepare_engine
from steadymap.flows.cli.read_input import CONFIG_ENDINGS, read_input

if TYPE_CHECKING:
    from steadymap.configs.sweep import SweepConfig
    from steadymap.flows.encoders import EncodersOutcome
    from steadymap.tasks.plan.find_encoders import EncoderSweep
    from steadymap.tasks.plan.prepared import Prepared
    from steadymap.tasks.store.layout import Store

EVERY_SECONDS = 30.0


@app.command
def encoders(
    places: Annotated[
        list[str],
        Parameter(help="Latents of the same inputs: files, folders or patterns; or one YAML config.", negative=""),
    ],
    *,
    roles: SweptWords = NO_SWEPT_WORDS,
    name: Annotated[str, Parameter(help="What the sweep is called.")] = "encoders",
    full: Annotated[
        bool, Parameter(negative="", help="Sweep all in full, not the first (last checkpoint) alone.")
    ] = False,
    fast: FastOption = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Sweep several encoders of the same inputs, and say which clusters all of them show."""
    settings = _read(places, name, roles, full=full, fast=fast)
    return run_encoders(settings, open_place(store, writing=True), as_json=as_json)


@app.command
def watch(
    folder: Annotated[Path, Parameter(help="Where `steadymap.log_checkpoint` writes.")],
    *,
    every: Annotated[float, Parameter(help="Seconds from look to look.")] = EVERY_SECONDS,
    until: Annotated[int | None, Parameter(help="End once this step is swept. Default: go on until Ctrl-C.")] = None,
    store: StoreOption = "results",
) -> int:
    """Sweep each new checkpoint of a training with the fast settings, and follow its clusters from step to step."""
    from steadymap.tasks.input.checkpoint import list_checkpoints

    if not folder.is_dir():
        raise InputError(
            "there is no such folder", file=folder, remedy="`steadymap.log_checkpoint(…, folder=…)` makes it"
        )
    place = open_place(store, writing=True)
    prepare_engine(place)
    console = Console()
    known: dict[int, int] = {}
    console.print(f"watching {folder}, every {every:g} s", markup=False, highlight=False)
    while True:
        steps = {step: path.stat().st_mtime_ns for step, path in list_checkpoints(folder).items()}
        if steps != known:
            known = steps
            _sweep_steps(folder, place, console)
        if until is not None and max(known, default=-1) >= until:
            return EXIT_REPORT
        time.sleep(every)  # a training tells nobody that it has written a file


def run_encoders(settings: SweepConfig, place: Store, *, as_json: bool = False) -> int:
    """Sweep every encoder of a config and print what they say together."""
    from steadymap.tasks.plan.find_encoders import find_encoders
    from steadymap.tasks.plan.prepared import handed_over

    wanted = find_encoders(settings)  # faults of the input are met here, before the server starts
    prepare_engine(place)
    console = quiet_console(as_json)
    named = ", ".join(one.name for one in wanted.all)
    console.print(f"{settings.name}: {len(wanted.all)} encoders: {named}", markup=False, highlight=False)
    with handed_over(*(_prepare(one, place, console) for one in wanted.all)):
        outcome = _follow(settings, place, console)
    if as_json:
        from steadymap.reports.encoders.axis_tables import to_json

        places = {"folder": outcome.folder, "page": outcome.page, "reports": outcome.reports}
        told = {**to_json(outcome.axis), **places, "failed": outcome.failed}
        print(json.dumps(told))
    else:
        _print(outcome, console)
    return EXIT_NOTHING_USABLE if outcome.failed else EXIT_REPORT


def _read(places: list[str], name: str, roles: SweptWords, *, full: bool, fast: bool) -> SweepConfig:
    from steadymap.configs.document import anchor_paths
    from steadymap.configs.sweep import DataSource, SweepConfig

    if len(places) == 1 and places[0].lower().endswith(CONFIG_ENDINGS):
        settings = read_input(places[0], roles, fast=False)
        if not settings.data.several:
            raise InputError(
                "names one encoder",
                file=places[0],
                place="data",
                rule="`data: encoders:` is a list or a pattern of two or more",
                remedy=f"`steadymap sweep {places[0]}` sweeps one",
            )
    else:
        data = DataSource(encoders=tuple(places), **roles.given())
        settings = anchor_paths(SweepConfig(name=name, data=data), Path.cwd())
    if full:
        data = settings.data.model_copy(update={"further_encoders": "full"})
        settings = settings.model_copy(update={"data": data})
    return settings.model_copy(update={"fast": True}) if fast else settings


def _prepare(encoder: EncoderSweep, place: Store, console: Console) -> Prepared:
    """Read and lay out the sweep of an encoder, and say what was taken of its file: before the first is drawn."""
    from steadymap.flows.cli.terminal import tell_plan
    from steadymap.tasks.plan.prepared import prepare

    prepared = prepare(encoder.config, place)
    tell_plan(prepared.plan, console)
    return prepared


def _follow(settings: SweepConfig, place: Store, console: Console) -> EncodersOutcome:
    from steadymap.flows.cli.embedded_server import start_server
    from steadymap.flows.cli.terminal import live_night
    from steadymap.flows.encoders import follow_encoders

    with live_night(console):
        start_server()
        return follow_encoders(settings, place.place)


def _print(outcome: EncodersOutcome, console: Console) -> None:
    from steadymap.reports.encoders.axis_words import spell_axis

    for line in (*outcome.axis.notices, *spell_axis(outcome.axis)):
        console.print(line, markup=False, highlight=False)
    for name, report in outcome.reports.items():
        console.print(f"report of {name}: {report}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"page: {outcome.page}", markup=False, highlight=False, soft_wrap=True)


def _sweep_steps(folder: Path, place: Store, console: Console) -> None:
    """Sweep the steps of a folder that are new; one alone has nothing to be followed from."""
    from steadymap.configs.sweep import DataSource, SweepConfig
    from steadymap.tasks.input.checkpoint import list_checkpoints

    files = list_checkpoints(folder)
    name = folder.absolute().name[:60]
    if len(files) == 1:
        from steadymap.flows.cli.embedded_server import start_server
        from steadymap.flows.cli.terminal import live_night
        from steadymap.flows.sweep import stability_sweep

        ((step, path),) = files.items()
        alone = SweepConfig(name=f"{name}, step {step}", data=DataSource(path=str(path.absolute())), fast=True)
        with live_night(console):
            start_server()
            outcome = stability_sweep(alone, place.place)
        console.print(f"step {step}: {outcome.message}", markup=False, highlight=False)
    elif files:
        places = tuple(str(path.absolute()) for path in files.values())
        settings = SweepConfig(name=name, data=DataSource(encoders=places), fast=True)
        _print(_follow(settings, place, console), console)
