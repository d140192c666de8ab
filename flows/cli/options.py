"""The command line's application, and what its commands share: options, exit codes, and how a store is opened.

Heavy imports (Prefect, scikit-learn, seaborn) happen inside the commands, so that help is instant and worker
processes, which import the command line as their main module, stay light.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.console import Console

if TYPE_CHECKING:
    from steadymap.tasks.store.layout import Store

EXIT_REPORT, EXIT_NOTHING_USABLE, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130

app = App(
    name="steadymap",
    help="Which of the clusters in a t-SNE or UMAP picture of a latent space are steady?",
    version=lambda: metadata.version("steadymap"),
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # what is kept is told first
)

StoreOption = Annotated[str, Parameter(help="Folder or URL (s3://…) with everything that was computed.")]
JsonOption = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object and nothing else.")]
FastOption = Annotated[bool, Parameter(negative="", help="One pair of halves, two settings on it, no reference data.")]


def quiet_console(as_json: bool) -> Console:
    """Choose where progress goes: standard output belongs to the JSON object."""
    return Console(stderr=as_json)


def open_place(store: str, *, writing: bool = False) -> Store:
    """Open a store by folder or URL; one that is to be written is tried at once."""
    from steadymap.tasks.store.sync import claim, open_store

    place = open_store(store)
    if writing:
        claim(place)
    return place


def find_folder(run: str, place: Store) -> Path:
    """Return the folder of a run; of a store far away, it comes here first."""
    from steadymap.reports.run.run_folder import find_run
    from steadymap.tasks.store.sync import bring

    if not Path(run).is_dir():
        bring(place, [place.run(run)])
    return find_run(run, place.root)


def bring_runs(place: Store) -> None:
    """Have every run of a store here."""
    from steadymap.tasks.store.sync import bring_folder

    bring_folder(place, "runs")
