"""Compare the latent vectors behind two runs, where the store still has them."""

from __future__ import annotations

import numpy as np

from steadymap.reports.compare.encoder_agreement import EncoderAgreement, Measure, MovedRow
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import Estimate
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
    spaces = [_vectors(run) for run in (a, b)]
    ids = [run.points["id"].to_numpy(dtype=str) for run in (a, b)]
    once = [np.unique(names, return_index=True, return_counts=True) for names in ids]
    known = [(names[counts == 1], rows[counts == 1]) for names, rows, counts in once]
    shared, in_a, in_b = np.intersect1d(known[0][0], known[1][0], assume_unique=True, return_indices=True)
    if spaces[0] is None or spaces[1] is None or len(shared) < FEWEST_ROWS:
        return None
    found = compare_latents(spaces[0][known[0][1][in_a]], spaces[1][known[1][1][in_b]])
    moved = [place for place in found.most_moved(MOVED_ROWS) if found.shares[place] < 1]
    return EncoderAgreement(
        cka=_measure(found.cka),
        disparity=_measure(found.disparity),
        kept=_measure(found.kept),
        k=found.k,
        rows=len(found.rows),
        moved=tuple(MovedRow(str(shared[found.rows[place]]), float(found.shares[place])) for place in moved),
    )


def _vectors(run: Run) -> np.ndarray | None:
    store = Store(run.folder.resolve().parents[1])
    return stored_vectors(store, run.manifest, run.points["position"].to_numpy(dtype=np.int64))


def _measure(found: Agreement) -> Measure:
    return Measure(Estimate(found.value, found.stderr), found.chance)
