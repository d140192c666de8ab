"""A sweep that was read and laid out before its flow begins, so that its flow does not do it again.

The command line meets faults of the input before the server starts, and a night has to know what is due: both leave
what they found here, and the steps of the flow that is begun inside take it over. Another process finds nothing here,
and reads for itself.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from steadymap.configs.sweep import DataSource, SweepConfig
from steadymap.tasks.geometry.make_parts import Wanted, make_parts
from steadymap.tasks.geometry.parts import parts_of
from steadymap.tasks.input.dataset import Dataset, import_dataset
from steadymap.tasks.plan.lay_out import find_missing, lay_out
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.layout import Store, note_places, noted_places
from steadymap.tasks.workers import choose_limits, some_pool


@dataclass(frozen=True)
class Prepared:
    """A plan, and the places in the store that it took to make it."""

    plan: Plan
    places: frozenset[Path]


def prepare(config: SweepConfig, store: Store) -> Prepared:
    """Read the data of a sweep and lay out its cells.

    Raises
    ------
    InputError
        The data cannot be used, or the config does not fit it.
    """
    with noted_places() as places:
        plan = lay_out(config, import_dataset(config.data, store, config.workers), store)
    return Prepared(plan, frozenset(places))


@contextlib.contextmanager
def made_ahead(prepared: Prepared) -> Iterator[None]:
    """Make the geometry of what is missing beside what happens inside, in a worker pool that is open for all of it.

    The step that makes it waits for this, and makes what is not there then: a fault met here is met there again, and
    told. Only where this machine draws.
    """
    plan = prepared.plan
    if not plan.missing or plan.config.workers.runner != "local":
        yield
        return

    def make() -> None:
        with contextlib.suppress(Exception):
            make_parts(wanted_parts(plan))

    with some_pool(choose_limits(plan.config.workers)):
        threading.Thread(target=make, name="geometry ahead", daemon=True).start()
        yield


@contextlib.contextmanager
def handed_over(*prepared: Prepared) -> Iterator[None]:
    """Hand sweeps over to the flows that are begun inside."""
    _handed.extend(prepared)
    try:
        yield
    finally:
        del _handed[len(_handed) - len(prepared) :]


def handed_dataset(source: DataSource, store: Store) -> Dataset | None:
    """Return the dataset that was read of a source, if it was and is still there."""
    for one in _handed:
        if (one.plan.config.data, one.plan.store) == (source, store) and one.plan.dataset.folder.is_dir():
            note_places(one.places)
            return one.plan.dataset
    return None


def handed_plan(config: SweepConfig, dataset: Dataset) -> Plan | None:
    """Return the plan that was laid out for a config, whatever its time budget; what is missing is looked up anew.

    Meanwhile another process may have drawn some of it.
    """
    for one in _handed:
        if one.plan.dataset == dataset and _without_hours(one.plan.config) == _without_hours(config):
            note_places(one.places)
            plan = replace(one.plan, config=config)
            return replace(plan, missing=find_missing(plan))
    return None


def wanted_parts(plan: Plan) -> Wanted:
    """Return the parts of the geometry that missing cells rest on."""
    return [(cell.geometry, part) for cell in plan.missing for part in parts_of(cell.configuration)]


def _without_hours(config: SweepConfig) -> SweepConfig:
    return config.model_copy(update={"budget": config.budget.model_copy(update={"hours": None})})


_handed: list[Prepared] = []
