"""The command of a night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from cyclopts import Parameter

from steadymap.flows.cli.options import (
    EXIT_NOTHING_USABLE,
    EXIT_REPORT,
    NO_WORDS,
    JsonOption,
    RoleWords,
    StoreOption,
    app,
    open_place,
    quiet_console,
)
from steadymap.flows.cli.prefect_server import prepare_engine

if TYPE_CHECKING:
    from steadymap.reports.nights.night_summary import Night


@app.command
def nightly(
    config: Annotated[Path, Parameter(help="A YAML config of a night, or a folder of sweep configs.")],
    *,
    datasets: Annotated[
        list[str] | None, Parameter(help="Data files, folders or patterns, in place of the config's.", negative="")
    ] = None,
    roles: RoleWords = NO_WORDS,
    hours: Annotated[float | None, Parameter(help="Time budget: no picture starts after it.")] = None,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Sweep every data set that is new or changed, and say what changed since the night before."""
    from steadymap.configs.nightly import anchor_nightly, read_nightly
    from steadymap.tasks.plan.find_sweeps import find_sweeps

    settings = read_nightly(config)
    known = {} if settings.roles is None else settings.roles.given
    named = known | roles.given()
    changes = {"datasets": datasets, "hours": hours, "roles": named or None}
    asked = {name: value for name, value in changes.items() if value is not None}
    settings = anchor_nightly(type(settings).model_validate({**settings.model_dump(), **asked}), Path.cwd())
    find_sweeps(settings)  # faults of the input are met here, before the server starts
    place = open_place(store, writing=True)
    prepare_engine(place)
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
