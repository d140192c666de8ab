"""Compare the latent vectors behind two runs, where the store still has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadymap.reports.compare.encoder_agreement import EncoderAgreement, Measure, MovedRow
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import Estimate
from steadymap.tasks.numerics.arrays import Float64, Int64
from steadymap.tasks.numerics.stability.latent_agreement import Agreement, compare_latents
from steadymap.tasks.run.stored_rows import stored_vectors
from steadymap.tasks.store.layout import Store

FEWEST_ROWS = 10
"""Fewer shared rows have no neighbourhoods to compare."""

MOVED_ROWS = 20
"""Rows that are named as those that keep the fewest neighbours."""


def compare_encoders(a: Run, b: Run) -> EncoderAgreement | None:
    """Compare the preprocessed vectors of two runs over the rows whose ids both have once, in the order of their ids.

    None where a store has no vectors of a run any more, or too few rows are in both.
    """
    ids = [run.points["id"].to_numpy(dtype=str) for run in (a, b)]
    once = [np.unique(names, return_index=True, return_counts=True) for names in ids]
    known = [(names[counts == 1], rows[counts == 1]) for names, rows, counts in once]
    shared, in_a, in_b = np.intersect1d(known[0][0], known[1][0], assume_unique=True, return_indices=True)
    found = compare_shared((a, known[0][1][in_a]), (b, known[1][1][in_b]), shared)
    return None if found is None else found.agreement


@dataclass(frozen=True)
class Compared:
    """What two runs' vectors have in common, and of which shared rows (m,) which share of neighbours is kept (m,)."""

    agreement: EncoderAgreement
    rows: Int64
    shares: Float64


def compare_shared(a: tuple[Run, Int64], b: tuple[Run, Int64], ids: np.ndarray) -> Compared | None:
    """Compare the vectors of two runs over given rows of each, (n,), which are the same inputs by their ids, (n,)."""
    spaces = [_vectors(run) for run, _ in (a, b)]
    if spaces[0] is None or spaces[1] is None or len(ids) < FEWEST_ROWS:
        return None
    found = compare_latents(spaces[0][a[1]], spaces[1][b[1]])
    moved = [place for place in found.most_moved(MOVED_ROWS) if found.shares[place] < 1]
    agreement = EncoderAgreement(
        cka=_measure(found.cka),
        disparity=_measure(found.disparity),
        kept=_measure(found.kept),
        k=found.k,
        rows=len(found.rows),
        moved=tuple(MovedRow(str(ids[found.rows[place]]), float(found.shares[place])) for place in moved),
    )
    return Compared(agreement, found.rows, found.shares)


def _vectors(run: Run) -> np.ndarray | None:
    store = Store(run.folder.resolve().parents[1])
    return stored_vectors(store, run.manifest, run.points["position"].to_numpy(dtype=np.int64))


def _measure(found: Agreement) -> Measure:
    return Measure(Estimate(found.value, found.stderr), found.chance)
