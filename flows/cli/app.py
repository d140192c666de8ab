"""The command line, ``steadymap COMMAND``: every command checks what it was given and calls a flow or a report.

Heavy imports (Prefect, scikit-learn, seaborn) happen inside the commands, so that help is instant and worker
processes, which import this module as their main one, stay light.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter
from pydantic import ValidationError
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import Metric
from steadymap.flows.cli import runs as cli_runs  # noqa: F401 - adds its commands
from steadymap.flows.cli import serving as cli_serving  # noqa: F401 - likewise
from steadymap.flows.cli.options import (
    EXIT_BAD_INPUT,
    EXIT_INTERRUPTED,
    EXIT_NOTHING_USABLE,
    EXIT_REPORT,
    FastOption,
    GroupOption,
    HeaderOption,
    IdOption,
    InputsOption,
    JsonOption,
    LabelsOption,
    LatentsOption,
    RoleWords,
    StoreOption,
    VerboseOption,
    app,
    open_place,
    quiet_console,
)

if TYPE_CHECKING:
    from steadymap.configs.sweep import SweepConfig
    from steadymap.flows.sweep import SweepOutcome
    from steadymap.reports.nights.night_summary import Night
    from steadymap.tasks.cells.score_embedding import ScoredEmbedding
    from steadymap.tasks.plan.prepared import Prepared
    from steadymap.tasks.store.layout import Store


SELFTEST = Path(__file__).resolve().parents[2] / "configs" / "selftest.yaml"

CURVE = "r_nx"
"""The score that is a curve."""

CONFIG_ENDINGS = (".yaml", ".yml")


PREFECT_SETTINGS = {
    # The embedded server takes 12 to 17 s; its own limit of 20 s fails on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # SQLite answers "database is locked" even under light load.
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    # A tool that runs on private data calls nobody.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # The terminal shows progress instead.
    "PREFECT_LOGGING_LEVEL": "WARNING",
}
"""Set where the user has set nothing."""

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
    latents: LatentsOption = None,
    labels: LabelsOption = None,
    id_: IdOption = None,
    group: GroupOption = None,
    inputs: InputsOption = None,
    header: HeaderOption = None,
    fast: FastOption = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Draw, score and compare a grid of pictures; only what is missing in the store is computed."""
    started = time.monotonic()
    console = quiet_console(as_json)
    settings = _read_input(config, RoleWords(latents, labels, id_, group, inputs, header), fast=fast)
    place = open_place(store, writing=True)
    _prepare_engine(place)
    prepared = _preflight(settings, place, console)
    from steadymap.flows.cli.embedded_server import start_server
    from steadymap.flows.cli.terminal import live_progress
    from steadymap.flows.sweep import stability_sweep
    from steadymap.tasks.plan.prepared import handed_over

    with live_progress(console), handed_over(prepared):
        start_server()
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
    latents: LatentsOption = None,
    labels: LabelsOption = None,
    id_: IdOption = None,
    group: GroupOption = None,
    inputs: InputsOption = None,
    header: HeaderOption = None,
    fast: FastOption = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Validate a config and its data, and print grid, cells, and a forecast of time and memory; compute nothing."""
    settings = _read_input(config, RoleWords(latents, labels, id_, group, inputs, header), fast=fast)
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
    told = (
        () if health is None else spell_health(dimensions_table(health).to_pandas(), pd.DataFrame(health_facts(health)))
    )
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


@app.command
def score(
    latents: Annotated[Path, Parameter(help="Latent vectors: .npy, .npz, .parquet, .csv or .h5ad.")],
    embedding: Annotated[Path, Parameter(help="Coordinates of the same rows, made by any tool (columns x, y).")],
    *,
    k: Annotated[list[int] | None, Parameter(name="-k", help="Neighbourhood sizes (default 7).")] = None,
    vectors: Annotated[
        list[str] | None, Parameter(name="--latents", help="Array or columns with the vectors.", negative="")
    ] = None,
    labels: Annotated[str | None, Parameter(help="Array, column or file with labels.")] = None,
    id_: IdOption = None,
    header: HeaderOption = None,
    metric: Annotated[Metric, Parameter(help="Distance in the latent space.")] = "euclidean",
    exact: Annotated[bool, Parameter(negative="", help="Look from every row, not from 2,000 above 5,000.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Print every score of an embedding that any tool made."""
    from steadymap.configs.document import anchor_source
    from steadymap.configs.sweep import DataSource
    from steadymap.tasks.cells.score_embedding import score_embedding

    words = RoleWords(latents=vectors, labels=[labels] if labels else None, id=id_, header=header)
    source = anchor_source(DataSource(path=str(latents), **words.given()), Path.cwd())
    scored = score_embedding(source, embedding, tuple(dict.fromkeys(k or [7])), metric=metric, exact=exact)
    if as_json:
        result = {
            "rows": scored.rows,
            "degenerate": scored.degenerate,
            "taken": scored.taken,
            "scores": [asdict(one) for one in scored.scores],
            "pca": [asdict(one) for one in scored.pca],
            "chance": [asdict(one) for one in scored.chance],
        }
        print(json.dumps(result))
    elif scored.degenerate is None:
        print(scored.taken)
        _print_scores(scored)
    if scored.degenerate is not None:
        print(f"steadymap: {embedding}: degenerate, so no score: {scored.degenerate}", file=sys.stderr)
        return EXIT_NOTHING_USABLE
    return EXIT_REPORT


@app.command
def scores(*, as_json: JsonOption = False) -> int:
    """Print the card of every score: what it asks, its formula, range, source, cost, and what it cannot see."""
    from steadymap.configs.cards import CARDS

    if as_json:
        bounded = [
            {**asdict(card), "range": [end if math.isfinite(end) else None for end in card.range]} for card in CARDS
        ]
        print(json.dumps(bounded, ensure_ascii=False, allow_nan=False))
        return EXIT_REPORT
    console = Console()
    for card in CARDS:
        low, high = card.range
        console.print(f"[bold]{card.title}[/bold] ({card.score}, of a {card.of})", highlight=False)
        for name, text in (
            ("asks", card.question),
            ("formula", card.formula),
            ("range", f"{low:g} to {high:g}, {card.better} is better"),
            ("cannot see", card.blind),
            ("source", card.source),
            ("cost", card.cost),
        ):
            console.print(Padding(f"{name}: {text}", (0, 0, 0, 2)), markup=False, highlight=False)
        console.print()
    return EXIT_REPORT


@app.command
def selftest(
    config: Annotated[Path, Parameter(help="A YAML config.")] = SELFTEST,
    *,
    parts: Annotated[str | None, Parameter(help="Some parts only, separated by commas.")] = None,
    families: Annotated[str | None, Parameter(help="Some families only, separated by commas.")] = None,
    sets: Annotated[int | None, Parameter(help="Sets of every family and dimension.")] = None,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Judge generated data with known truth: this installation's own rate of false verdicts, and its power."""
    from steadymap.configs.document import read_settings
    from steadymap.configs.selftest import SelftestConfig

    asked = read_settings(config, SelftestConfig)
    changes = {"families": tuple(families.split(",")) if families else None, "sets": sets}
    update = {name: value for name, value in changes.items() if value is not None}
    chosen = [part.model_copy(update=update) for part in asked.parts if parts is None or part.name in parts.split(",")]
    if not chosen:
        raise InputError(
            f"--parts {parts}", rule=f"one of {', '.join(part.name for part in asked.parts)}", remedy="name one of them"
        )
    settings = asked.model_copy(update={"parts": tuple(chosen)})
    place = open_place(store, writing=True)
    _prepare_engine(place)
    from steadymap.flows.cli.embedded_server import start_server
    from steadymap.flows.cli.terminal import live_progress, selftest_table
    from steadymap.flows.selftest import selftest as run_selftest

    console = quiet_console(as_json)
    with live_progress(console):
        start_server()
        summary = run_selftest(settings, place.place)
    if as_json:
        print(json.dumps(summary))
        return EXIT_REPORT
    for part in summary["parts"]:
        console.print(selftest_table(part))
    for name in summary["false_sets"]:
        console.print(f"false verdict: {name}", markup=False, highlight=False)
    return EXIT_REPORT


@app.command
def nightly(
    config: Annotated[Path, Parameter(help="A YAML config of a night, or a folder of sweep configs.")],
    *,
    datasets: Annotated[
        list[str] | None, Parameter(help="Data files, folders or patterns, in place of the config's.", negative="")
    ] = None,
    hours: Annotated[float | None, Parameter(help="Time budget: no picture starts after it.")] = None,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Sweep every data set that is new or changed, and say what changed since the night before."""
    from steadymap.configs.nightly import anchor_nightly, read_nightly
    from steadymap.tasks.plan.find_sweeps import find_sweeps

    settings = read_nightly(config)
    changes = {"datasets": datasets, "hours": hours}
    asked = {name: value for name, value in changes.items() if value is not None}
    settings = anchor_nightly(type(settings).model_validate({**settings.model_dump(), **asked}), Path.cwd())
    find_sweeps(settings)  # faults of the input are met here, before the server starts
    place = open_place(store, writing=True)
    _prepare_engine(place)
    from steadymap.flows.cli.embedded_server import start_server
    from steadymap.flows.cli.terminal import live_night
    from steadymap.flows.nightly import IncompleteNightError
    from steadymap.flows.nightly import nightly as run_night
    from steadymap.reports.nights.night_summary import night_lines, night_object

    console = quiet_console(as_json)
    with live_night(console):
        start_server()
        try:
            night = cast("Night", run_night(settings, place.place))
        except IncompleteNightError as error:
            night = error.night
    if as_json:
        print(json.dumps(night_object(night)))
    else:
        for line in night_lines(night):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return EXIT_REPORT if night.complete else EXIT_NOTHING_USABLE


GOES_ON = "finished cells are kept, the same command goes on from there"

TERMINATION = "TerminationSignal"

EXIT_SIGNALLED = 128


class Ended(KeyboardInterrupt):
    """Another process asks this one to end: a service manager, a closed terminal."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = signal.Signals(number).name
        super().__init__(self.name)


def hear_the_end() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, with a message and without its server left behind.

    What is ignored stays so: ``nohup`` means it.
    """

    def end(number: int, _: object) -> None:
        raise Ended(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError):  # of a thread that is not the first, a signal cannot be heard
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, end)


def main() -> None:
    """Run the command line and turn every fault of the input into exit code 2 and a few lines of text."""
    for name, value in PREFECT_SETTINGS.items():
        os.environ.setdefault(name, value)
    hear_the_end()
    try:
        status = app(sys.argv[1:], result_action="return_value")
    except InputError as error:
        print(f"steadymap: {error}", file=sys.stderr)
        status = EXIT_BAD_INPUT
    except ValidationError as error:
        # A word on the command line that no config could hold; configs and files have better errors of their own.
        print(f"steadymap: {error.errors()[0]['msg']}", file=sys.stderr)
        status = EXIT_BAD_INPUT
    except MemoryError:
        print("steadymap: out of memory; fewer workers (`workers: count:`) or a larger machine", file=sys.stderr)
        status = EXIT_NOTHING_USABLE
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        print(f"steadymap: {error.strerror or error}{place}", file=sys.stderr)
        status = EXIT_NOTHING_USABLE
    except Ended as ended:
        print(f"\nsteadymap: ended by {ended.name}; {GOES_ON}", file=sys.stderr)
        status = EXIT_SIGNALLED + ended.number
    except KeyboardInterrupt:
        print(f"\nsteadymap: interrupted; {GOES_ON}", file=sys.stderr)
        status = EXIT_INTERRUPTED
    except Exception as error:
        # Nobody can mend it from a traceback; whoever can finds it in the log.
        print(f"steadymap: {_keep_traceback(error)}", file=sys.stderr)
        status = EXIT_NOTHING_USABLE
    except BaseException as error:
        if (
            type(error).__name__ != TERMINATION
        ):  # Prefect's own, which a flow lets through; Prefect is not imported here
            raise
        print(f"\nsteadymap: ended by SIGTERM; {GOES_ON}", file=sys.stderr)
        status = EXIT_SIGNALLED + signal.SIGTERM
    sys.exit(status if isinstance(status, int) else EXIT_REPORT)


def _keep_traceback(error: Exception) -> str:
    """Write the traceback of a fault of Steadymap's own to a file, and say where."""
    with tempfile.NamedTemporaryFile("w", prefix="steadymap-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write(f"steadymap {' '.join(sys.argv[1:])}\n{''.join(traceback.format_exception(error))}")
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{type(error).__name__}: {first[:300]}\n  remedy: a fault of Steadymap itself? Report it with {log.name}"


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


def _prepare_engine(store: Store) -> None:
    """Let workers warm up while the rest is imported and read; where the store has cells, they may not be needed."""
    from steadymap.flows.cli.prefect_server import choose_server, tell_server
    from steadymap.tasks.workers import warm_up

    tell_server(choose_server())
    if not (store.root / "cells").is_dir():
        warm_up()


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


def _print_scores(scored: ScoredEmbedding) -> None:
    from steadymap.configs.cards import CARD_OF

    beside = [{(one.score, one.k): one.value for one in own} for own in (scored.pca, scored.chance)]
    table = Table("score", "k", "value", "± standard error", "PCA", "chance", "better")
    for one in scored.scores:
        if one.score == CURVE:
            continue  # a line of some forty numbers, which --json has
        k = "" if one.k is None else str(one.k)
        error = f"{one.stderr:.4f}" if one.stderr else "–"
        known = (own.get((one.score, one.k)) for own in beside)
        others = ("–" if value is None else f"{value:.3f}" for value in known)
        table.add_row(CARD_OF[one.score].title, k, f"{one.value:.6f}", error, *others, CARD_OF[one.score].better)
    Console().print(table)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
