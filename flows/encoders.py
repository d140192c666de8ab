"""Several encoders of the same inputs: every one is swept, clusters are followed through all, and one page says it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from steadymap.configs.errors import InputError
from steadymap.configs.slug import slug
from steadymap.configs.sweep import SweepConfig
from steadymap.flows.compare_latents import compare_shared
from steadymap.flows.run_page import Site, ended_with, ends_as_failed, tag_run
from steadymap.flows.sweep import stability_sweep
from steadymap.reports.build import REPORT
from steadymap.reports.encoders.axis import (
    Axis,
    EncoderRun,
    MovingRow,
    PairOfEncoders,
    SharedRows,
    build_axis,
    share_rows,
)
from steadymap.reports.encoders.axis_page import write_axis
from steadymap.reports.encoders.axis_words import spell_axis
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.markdown import escape
from steadymap.tasks.plan.find_encoders import FEWEST, EncoderSweep, find_encoders
from steadymap.tasks.store.identity import digest
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.sync import open_store, probe_writable, upload

MOVING_ROWS = 20
"""Rows that are named as those that keep the fewest neighbours."""


@dataclass(frozen=True)
class EncodersOutcome:
    """What a sweep over several encoders leaves behind.

    Attributes
    ----------
    folder
        Name of its folder in the store's ``encoders``.
    page
        The page.
    axis
        What it says.
    failed
        Encoders that could not be swept, each with its reason.
    reports
        The report of each that could, by its name.
    """

    folder: str
    page: str
    axis: Axis
    failed: dict[str, str]
    reports: dict[str, str]

    @property
    def message(self) -> str:
        """The outcome in one line."""
        everywhere = sum(one.in_all for one in self.axis.clusters)
        lost = f"; {len(self.failed)} failed" if self.failed else ""
        return (
            f"{everywhere} of {len(self.axis.clusters)} clusters REAL in all {len(self.axis.encoders)} encoders{lost}"
        )


@flow(name="encoders", flow_run_name="{config.name}")
@ends_as_failed
def follow_encoders(config: SweepConfig, store: str = "results", site_url: str | None = None) -> EncodersOutcome:
    """Sweep every encoder that a config names, and follow their clusters through all; what the store has is not drawn.

    Raises
    ------
    InputError
        There are fewer than two encoders that can be swept, or they do not share their inputs.
    """
    logger, place = get_run_logger(), open_store(store)
    tag_run(f"sweep:{config.name}")
    probe_writable(place)
    wanted = find_encoders(config)
    runs: list[EncoderRun] = []
    failed: dict[str, str] = {}
    for encoder in wanted.all:
        try:
            runs.append(_sweep(encoder, store, site_url, place))
        except Exception as error:  # whatever is wrong with one encoder, the others are followed
            failed[encoder.name] = _first_line(error)
            logger.error("%s: %s", encoder.name, error)
    if len(runs) < FEWEST:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        raise InputError(
            f"only {len(runs)} of {len(wanted.all)} encoders could be swept: {reasons}", place="data.encoders"
        )
    shared = share_rows(runs)
    pairs, moving = compare_spaces(runs, shared)
    notices = [f"{name} could not be swept: {reason}" for name, reason in failed.items()]
    axis = build_axis(config.name, runs, shared, pairs, moving, checkpoints=wanted.checkpoints, notices=notices)
    folder = place.encoders(_folder_name(config.name, runs))
    page = write_axis(axis, runs, shared, folder, {one.name: _way(folder, one) for one in runs})
    upload(place, [folder])
    _show(axis, page, Site(place, site_url))
    outcome = EncodersOutcome(
        folder=folder.name,
        page=str(page),
        axis=axis,
        failed=failed,
        reports={one.name: str(one.run.folder / REPORT) for one in runs},
    )
    return ended_with(outcome.message, outcome)


def compare_spaces(runs: Sequence[EncoderRun], shared: SharedRows) -> tuple[list[PairOfEncoders], list[MovingRow]]:
    """Compare the latent spaces of every pair of encoders over the rows of all, and find the rows that move most."""
    ids, rows = shared.ids, shared.places
    pairs = []
    kept: list[np.ndarray] = []
    compared: np.ndarray | None = None
    for a, b in combinations(range(len(runs)), 2):
        found = compare_shared((runs[a].run, rows[a]), (runs[b].run, rows[b]), ids)
        pairs.append(PairOfEncoders(a, b, None if found is None else found.agreement))
        if found is not None:
            kept.append(found.shares)
            compared = found.rows
    if compared is None or all(pair.agreement is None or pair.agreement.same for pair in pairs):
        return pairs, []
    mean = np.mean(kept, axis=0)
    order = np.argsort(mean, kind="stable")[:MOVING_ROWS]
    names = runs[0].run.row_names.to_numpy(dtype=str)[rows[0]]
    return pairs, [MovingRow(str(names[compared[at]]), float(mean[at])) for at in order if mean[at] < 1]


def _sweep(encoder: EncoderSweep, store: str, site_url: str | None, place: Store) -> EncoderRun:
    outcome = stability_sweep(encoder.config, store, site_url)
    if not outcome.usable:
        raise InputError(f"no picture could be drawn; {outcome.report} says why")
    return EncoderRun(encoder.name, read_run(place.run(outcome.run)))


def _first_line(error: Exception) -> str:
    told = error.problem if isinstance(error, InputError) else str(error)
    return (told.splitlines() or [type(error).__name__])[0]


def _folder_name(name: str, runs: Sequence[EncoderRun]) -> str:
    """Name the folder by the sweep and by which runs it is about: the same encoders write the same folder."""
    return f"{slug(name, 'encoders')}-{digest([[one.name, one.run.folder.name] for one in runs])[:10]}"


def _way(folder: Path, one: EncoderRun) -> str:
    return Path(os.path.relpath(one.run.folder / REPORT, folder)).as_posix()


def _show(axis: Axis, page: Path, site: Site) -> None:
    """Show the answer and the way to the page in Prefect's UI."""
    sentences: Any = "\n\n".join(escape(sentence) for sentence in spell_axis(axis))
    create_markdown_artifact(key="encoders-summary", markdown=sentences, description=axis.name)
    site.show_link("encoders-page", "Encoders", page, axis.name)
