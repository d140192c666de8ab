"""What Prefect's pages show of a run: its name, tags, state and links; and how a run that meets bad input ends.

Nothing here may cost a run: a server that does not take a tag or an artifact is passed over.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import quote

from prefect import runtime
from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.assets import Asset, AssetProperties
from prefect.client.orchestration import get_client
from prefect.states import Completed, Failed

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.configs.urls import is_url
from steadymap.reports.build import GRID, REPORT
from steadymap.reports.run.run_folder import Run
from steadymap.reports.run.store_runs import RUNS
from steadymap.reports.summary.markdown import escape, to_markdown
from steadymap.reports.summary.summary import summarise
from steadymap.reports.wording import count
from steadymap.tasks.plan.plan import CellKind, Plan
from steadymap.tasks.store.layout import Store

P = ParamSpec("P")
R = TypeVar("R")

Logger = logging.Logger | logging.LoggerAdapter[Any]

TAG = "steadymap"
LONGEST_KEY, REFUSED = 512, r"[\s\x00#?&%\"'<>\[\]{}|\\^`]"
"""What an asset's key may be long, and signs that may not be in it."""
KIND_WORDS: dict[CellKind, str] = {"data": "of all rows", "resample": "of parts of them", "null": "of reference data"}
OF_FLOWS, OF_TASKS = "prefect.flow_runs", "prefect.task_runs"


def ends_as_failed(flow: Callable[P, R]) -> Callable[P, R]:
    """Have bad input end a flow as Failed with its message: a traceback says no more, and hides it.

    Who calls the flow as a function gets the ``InputError`` itself.
    """

    @functools.wraps(flow)
    def told(*given: P.args, **named: P.kwargs) -> Any:
        try:
            return flow(*given, **named)
        except InputError as error:
            return Failed(message=str(error), data=error)

    # Prefect would look the names of types up in this module; here they are the types themselves.
    told.__signature__ = inspect.signature(flow, eval_str=True)  # type: ignore[attr-defined]
    return told


def ended_with(message: str, outcome: R) -> R:
    """End a flow as Completed with a message for the list of runs; who calls it as a function gets the outcome."""
    return cast("R", Completed(message=message, data=outcome))


class ReadableLog(logging.Filter):
    """Lets bad input stand in the engine's log without its traceback, and leaves out that a task was completed.

    The list of tasks shows that already, and a sweep has dozens of them; one that failed keeps its line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mend the record, or drop it."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, InputError):
            record.msg, record.args, record.exc_info = str(error), (), None
        return not (record.name == OF_TASKS and record.getMessage().startswith("Finished in state Completed"))


for _name in (OF_FLOWS, OF_TASKS):
    logging.getLogger(_name).addFilter(ReadableLog())


def name_of_night() -> str:
    """Name a night's run by what it is called and the day it was due, in this machine's time zone."""
    due = runtime.flow_run.scheduled_start_time
    day = due.astimezone() if isinstance(due, datetime) else datetime.now().astimezone()
    config = runtime.flow_run.parameters.get("config")
    name = config.get("name", "nightly") if isinstance(config, dict) else getattr(config, "name", "nightly")
    return f"{name} {day:%Y-%m-%d}"


def tag_run(*tags: str) -> None:
    """Add tags to the run that this is called in; without a run or a server nothing happens."""
    run = runtime.flow_run.id
    if run is None:
        return
    with contextlib.suppress(Exception), get_client(sync_client=True) as client:
        known = client.read_flow_run(run).tags
        client.update_flow_run(run, tags=list(dict.fromkeys([*known, TAG, *tags])))


@dataclass(frozen=True)
class Site:
    """A store, and where a web server shows its folder (``http://host:8080``); None where nobody serves it."""

    store: Store
    url: str | None = None

    def address(self, file: Path) -> str | None:
        """Return where a browser finds a file of the store, if anywhere."""
        if self.url is None or not file.is_relative_to(self.store.root):
            return None
        return f"{self.url.rstrip('/')}/{quote(file.relative_to(self.store.root).as_posix())}"

    def show_link(self, key: str, text: str, file: Path, about: str) -> None:
        """Show the way to a page: a link where the site is served, else its place in the store.

        A ``file://`` link would help nobody: browsers block it, and its path is that of another machine.
        """
        address = self.address(file)
        if address is not None:
            create_link_artifact(key=key, link=address, link_text=text, description=about)
            return
        inside = file.relative_to(self.store.root) if file.is_relative_to(self.store.root) else Path(file.name)
        place = f"{escape(text)}: `{inside.as_posix()}` in the store `{self.store.place}`."
        told = f"{place}\n\nFor a link here, deploy with `--site-url`."
        create_markdown_artifact(key=key, markdown=told, description=about)

    def show_picture(self, key: str, file: Path, about: str) -> None:
        """Show a picture of the store, where it is served."""
        address = self.address(file)
        if address is not None and file.is_file():
            create_image_artifact(image_url=address, key=key, description=about)


def rendering_assets(run: Path, source: DataSource, site: Site) -> dict[str, Any]:
    """Return as a task's options what it makes, and of what: the run folder and its report, of the data file.

    A server of one's own keeps these as events; Prefect Cloud draws their lineage.
    """
    folder = f"{site.store.url or _file_url(site.store.root)}/{RUNS}/{run.name}"
    properties = AssetProperties(name=f"{run.name}, report", url=site.address(run / REPORT))
    made = [Asset(key=asset_key(folder)), Asset(key=asset_key(f"{folder}/{REPORT}"), properties=properties)]
    return {"assets": made, "asset_deps": [asset_key(data_url(source))]}


def data_url(source: DataSource) -> str:
    """Return where vectors come from as a URL."""
    file = source.path or (source.encode.inputs if source.encode is not None else None)
    if file is None:
        return f"steadymap://example/{source.example}"
    return file if is_url(file) else _file_url(Path(file))


def asset_key(url: str) -> str:
    """Return a URL as Prefect takes it for an asset: without signs that it refuses, and no longer than it may be."""
    return re.sub(REFUSED, "_", url)[:LONGEST_KEY]


def _file_url(path: Path) -> str:
    return f"file://{Path(os.path.normpath(path.absolute())).as_posix()}"


# --- a sweep's run ------------------------------------------------------------------------------------------------

VERDICT_COLUMNS = ["cluster", "verdict", "size", "label", "p_value", "depth", "recurrence", "reason"]
ROUNDED = {"p_value": 4, "depth": 2, "recurrence": 2}
"""Digits of the verdicts' numbers in a table that is read; the run's own tables have them all."""
SMALLEST_P = 1e-4
"""Below this a p-value says only that it is: rounded it would be 0, which none is."""


def show_plan(plan: Plan, logger: Logger) -> None:
    """Begin a run's page with what is to be drawn, and how much of it the store has."""
    kinds = Counter(cell.kind for cell in plan.usable)
    settings = len({cell.configuration.name for cell in plan.usable})
    parts = [f"{kinds[kind]:,} {words}" for kind, words in KIND_WORDS.items() if kinds[kind]]
    told = (
        f"{plan.rows:,} rows × {plan.dataset.dimensions} dimensions, {count(settings, 'setting')}, pictures: "
        f"{', '.join(parts)}; {len(plan.missing):,} to draw, {len(plan.usable) - len(plan.missing):,} in the store"
    )
    logger.info("%s: %s", plan.config.name, told)
    warnings = "".join(f"* {escape(warning)}\n" for warning in plan.warnings)
    create_markdown_artifact(
        key="sweep-plan", markdown=f"{escape(told)}\n\n{warnings}", description=f"Plan of {plan.config.name}"
    )


def show_run(run: Run, report: Path, site: Site) -> None:
    """Show the summary, the verdicts, the way to the report, and where it is served its first picture."""
    about = run.folder.name
    create_markdown_artifact(key="stability-summary", markdown=to_markdown(summarise(run)), description=about)
    create_table_artifact(key="cluster-verdicts", table=verdict_table(run), description=about)
    site.show_link("stability-report", "Report", report, about)
    site.show_picture("stability-picture", run.folder / f"{GRID}.png", about)


def verdict_table(run: Run) -> list[dict[str, Any]]:
    """Return the clusters with their verdicts, whole reasons, and numbers that a person can read."""
    table = run.clusters[VERDICT_COLUMNS].round(ROUNDED)
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    for row, p in zip(found, run.clusters["p_value"], strict=True):
        if p < SMALLEST_P:
            row["p_value"] = f"< {SMALLEST_P:.4f}"
    return found


def verdict_words(counts: dict[str, int]) -> str:
    """Say how many clusters got which verdict: ``3 REAL, 1 HIDDEN``."""
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number) or "no cluster"
