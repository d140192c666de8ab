"""A sweep as a function of Python, ``steadymap.sweep``: from a script, a notebook, or a Prefect flow of one's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from steadymap.configs.document import anchor_paths, read_config
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import SweepConfig

if TYPE_CHECKING:
    from steadymap.flows.encoders import EncodersOutcome
    from steadymap.flows.sweep import SweepOutcome


def sweep(config: SweepConfig | Mapping[str, Any] | Path | str, store: Path | str = "results") -> SweepOutcome:
    """Draw a grid of pictures of latent vectors, score them, judge their clusters, and write a report.

    Run again, it computes only what is missing in the store. Called inside a flow it is a subflow of it, on that flow's
    server; elsewhere Prefect's embedded server runs for as long as it takes, unless ``PREFECT_API_URL`` names another.

    Parameters
    ----------
    config
        What is asked for: a ``SweepConfig``, its keys as a mapping, or the path of a YAML config. Relative paths in a
        file start at its folder, others at the working directory.
    store
        Folder or URL where everything lies.

    Returns
    -------
    SweepOutcome
        The run's name, its report, how many cells were computed, found or lost, how many clusters got which verdict.
        ``steadymap.open_run(outcome.run, store)`` reads its tables.

    Raises
    ------
    InputError
        The config, or the data that it names, cannot be used.
    """
    settings = _read(config)
    _have_a_server()
    from steadymap.flows.sweep import stability_sweep

    return stability_sweep(settings, str(store))


def sweep_encoders(
    config: SweepConfig | Mapping[str, Any] | Path | str, store: Path | str = "results"
) -> EncodersOutcome:
    """Sweep several encoders of the same inputs, and follow their clusters through all; see ``sweep``.

    Parameters
    ----------
    config
        As for ``sweep``; ``data: encoders:`` names the files.
    store
        Folder or URL where everything lies.

    Returns
    -------
    EncodersOutcome
        The page, and ``axis``, what it says: every followed cluster with what each encoder's held-out test found.

    Raises
    ------
    InputError
        The config cannot be used, fewer than two encoders can be swept, or they do not share their inputs.
    """
    settings = _read(config)
    _have_a_server()
    from steadymap.flows.encoders import follow_encoders

    return follow_encoders(settings, str(store))


def _have_a_server() -> None:
    """Start Prefect's embedded server, unless a flow of the user's own runs already."""
    _set_what_is_not_set()
    from prefect.context import FlowRunContext

    from steadymap.flows.cli.embedded_server import start_server

    if FlowRunContext.get() is None:
        start_server()


def _read(config: SweepConfig | Mapping[str, Any] | Path | str) -> SweepConfig:
    if isinstance(config, Path | str):
        return read_config(Path(config))
    if isinstance(config, SweepConfig):
        return anchor_paths(config, Path.cwd())
    try:
        return anchor_paths(SweepConfig.model_validate(dict(config)), Path.cwd())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], place=place, remedy="configs/example.yaml has every key") from None


def _set_what_is_not_set() -> None:
    """Give Prefect's embedded server the time that it needs; what the user has set stays."""
    from steadymap.flows.cli.prefect_server import PREFECT_SETTINGS, choose_server

    if "prefect" not in sys.modules:  # it reads its settings once
        choose_server()
    for name, value in PREFECT_SETTINGS.items():
        os.environ.setdefault(name, value)
