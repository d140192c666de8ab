"""Step: compare the pictures between seeds, between configurations and between resamples, in isolated workers."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.tasks.batches import batches_of, run_batches, tell_lost
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.stability.compare_batch import Place, compare_batch, ness_of
from steadymap.tasks.stability.pairs import choose_pairs, find_picture_neighbours, summarise_pairs
from steadymap.tasks.stability.row_instability import InstabilityTotals
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import Stability
from steadymap.tasks.workers import Limits, Lost, choose_limits

PAIRS_IN_A_BATCH, PICTURES_IN_A_BATCH = 64, 16
"""As many pairs a batch however many workers there are: sums over pairs have the same last bits everywhere."""


@task(name="measure stability", task_run_name="stability of {plan.run}", cache_policy=NO_CACHE)
def measure_stability(plan: Plan, drawn: list[Cell]) -> Stability:
    """Compare pairs: seeds of a configuration, configurations seed by seed, resamples on the rows they share.

    A pair whose worker is lost costs itself; what is told of it is why.
    """
    limits = choose_limits(plan.config.workers)
    place = Place(plan.store, plan.store.findings(plan.run) / "neighbours", plan.rows)
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    try:
        compared, lost = _find_neighbours([cell for cell in drawn if cell.kind != "null"], place, limits)
        totals = InstabilityTotals(plan.rows)
        rows, lost_pairs = _compare(compared, place, totals, limits)
        ness, lost_ness = _measure_ness(compared, place, limits)
    finally:
        shutil.rmtree(place.folder, ignore_errors=True)
    found = Stability(plan.store.findings(plan.run), (*lost, *lost_pairs, *lost_ness))
    write_table(pa.Table.from_pylist(rows, schema=schemas.PAIRS), found.folder / "pairs.parquet")
    stability = pa.concat_tables([summarise_pairs(rows, compared), ness])
    write_table(stability, found.folder / "stability.parquet")
    write_table(totals.instability(), found.folder / "instability.parquet")
    return found


def _find_neighbours(cells: list[Cell], place: Place, limits: Limits) -> tuple[list[Cell], list[str]]:
    """Return the pictures whose neighbours were found, and why those of others were not."""
    known: list[Cell] = []
    lost: list[str] = []
    batches = batches_of(cells, PICTURES_IN_A_BATCH, limits.count)
    for batch, outcome in run_batches(find_picture_neighbours, batches, limits, place.store, place.folder):
        if isinstance(outcome, Lost):
            lost += [tell_lost(f"stability, {cell.title}", outcome) for cell in batch]
        else:
            known += batch
    return known, lost


def _compare(
    cells: list[Cell], place: Place, totals: InstabilityTotals, limits: Limits
) -> tuple[list[dict[str, object]], list[str]]:
    """Compare all pairs, add up what each says of every row, and return the rows of the table."""
    pairs = choose_pairs(cells)
    announce_total("stability", len(pairs))
    rows: list[dict[str, object]] = []
    lost: list[str] = []
    for batch, outcome in run_batches(compare_batch, batches_of(pairs, PAIRS_IN_A_BATCH), limits, place):
        if isinstance(outcome, Lost):
            lost += [tell_lost(f"stability, {one.first.title} and {one.second.title}", outcome) for one in batch]
        else:
            rows += outcome.value
            totals.merge(np.load(place.sums_of(batch[0]), allow_pickle=False))
        for _ in batch:
            announce_done("stability", status=outcome.status if isinstance(outcome, Lost) else "ok")
    return rows, lost


def _measure_ness(cells: list[Cell], place: Place, limits: Limits) -> tuple[pa.Table, list[str]]:
    """Measure how far settings keep their neighbours between runs."""
    drawn = [cell for cell in cells if cell.kind == "data" and not cell.configuration.control]
    names = list(dict.fromkeys(cell.configuration.name for cell in drawn))
    rows: list[dict[str, object]] = []
    lost: list[str] = []
    for batch, outcome in run_batches(ness_of, batches_of(names, len(names) or 1, limits.count), limits, cells, place):
        if isinstance(outcome, Lost):
            lost += [tell_lost(f"stability of neighbours, {name}", outcome) for name in batch]
        else:
            rows += outcome.value
    return pa.Table.from_pylist(rows, schema=schemas.STABILITY), lost
