"""What changed since the run before of the same name: for the first screen of a report."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from steadymap.configs.errors import InputError
from steadymap.reports.compare.compare_runs import compare_runs, spell_changes
from steadymap.reports.run.cluster_names import name_clusters
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.run.store_runs import previous_run

MOST_SENTENCES = 6


@dataclass(frozen=True)
class Changes:
    """The run before, what changed since in a sentence each, and the command that tells everything."""

    previous: str
    sentences: tuple[str, ...]
    command: str


def find_changes(run: Run) -> Changes | None:
    """Compare a run with the one before it in its store; None where there is none that can be compared.

    The answer depends on the runs that are in the store when the report is made, and on nothing else.
    """
    folder = previous_run(run.folder)
    if folder is None:
        return None
    try:
        before = read_run(folder)
        found = compare_runs(before, run)
    except InputError:
        return None  # damaged, or of other inputs: nothing to be said, and a report of its own would say why
    return Changes(
        previous=folder.name,
        sentences=spell_changes(found, _namer(before, "earlier "), _namer(run))[:MOST_SENTENCES],
        command=shlex.join(["steadymap", "compare", folder.name, run.folder.resolve().name]),
    )


def _namer(run: Run, before: str = "") -> Callable[[int], str]:
    """Call clusters what the report calls them: by label where they have one."""
    names = name_clusters(run)
    return lambda number: f"{before}{names[number].plain}"
