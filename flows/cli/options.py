"""The command line's application, and what its commands share: options, exit codes, and how a store is opened.

Heavy imports (Prefect, scikit-learn, seaborn) happen inside the commands, so that help is instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
VerboseOption = Annotated[
    bool, Parameter(name=["--verbose", "-v"], negative="", help="Say all that was found, not the answer alone.")
]
FastOption = Annotated[bool, Parameter(negative="", help="One pair of halves, two settings on it, no reference data.")]


def quiet_console(as_json: bool) -> Console:
    """Choose where progress goes: standard output belongs to the JSON object."""
    return Console(stderr=as_json)


@Parameter(name="*")  # its fields are the options
@dataclass(frozen=True)
class RoleWords:
    """The roles that the words of a command give to the parts of a data file; see ``DataSource``."""

    latents: Annotated[
        list[str] | None, Parameter(help="Array or columns with the vectors (patterns such as z*).", negative="")
    ] = None
    labels: Annotated[list[str] | None, Parameter(help="Array, column or file with labels.", negative="")] = None
    id: Annotated[str | None, Parameter(help="Array, column or file with a name for each row.")] = None
    group: Annotated[str | None, Parameter(help="Array, column or file with the group of each row.")] = None
    inputs: Annotated[list[str] | None, Parameter(help="Array, columns or file with the raw inputs.", negative="")] = (
        None
    )
    header: Annotated[bool | None, Parameter(help="Whether the first line of a .csv holds names.")] = None

    def given(self) -> dict[str, Any]:
        """Return those that are given, as ``DataSource`` takes them."""
        told = {
            name: tuple(dict.fromkeys(word)) if isinstance(word, list) else word for name, word in vars(self).items()
        }
        return {name: word for name, word in told.items() if word is not None and word != ()}


def open_place(store: str, *, writing: bool = False) -> Store:
    """Open a store by folder or URL; one that is to be written is tried at once."""
    from steadymap.tasks.store.sync import open_store, probe_writable

    place = open_store(store)
    if writing:
        probe_writable(place)
    return place


def find_folder(run: str, place: Store) -> Path:
    """Return the folder of a run; of a store far away, it comes here first."""
    from steadymap.reports.run.run_folder import find_run
    from steadymap.tasks.store.sync import download

    if not Path(run).is_dir():
        download(place, [place.run(run)])
    return find_run(run, place.root)


def bring_runs(place: Store) -> None:
    """Have every run of a store here."""
    from steadymap.tasks.store.sync import bring_folder

    bring_folder(place, "runs")


NO_WORDS = RoleWords()


@Parameter(name="*")
@dataclass(frozen=True)
class SweptWords(RoleWords):
    """What the words of a command say of data that is to be swept."""

    sample: Annotated[
        int | None, Parameter(help="Draw and judge so many of the rows (docs/inputs.md); the same ones every time.")
    ] = None


NO_SWEPT_WORDS = SweptWords()
