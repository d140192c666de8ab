"""What a worker does to seek valleys: propose on one half of the rows, test on the other."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.tasks.cells.cell_file import read_cell
from steadymap.tasks.geometry.latent_neighbours import CLUSTER_NEIGHBOURS, latent_neighbours
from steadymap.tasks.geometry.parts import Geometry
from steadymap.tasks.store.files import write_arrays
from steadymap.tasks.verdicts.held_out_jobs import HeldOutJob, HeldOutRows

if TYPE_CHECKING:
    from steadymap.tasks.numerics.verdicts.split_test import SplitTest

ALPHA = 0.05
"""Chance that anything is falsely called separated."""


def run_split_job(job: HeldOutJob) -> None:
    """Propose on one half, test on the other, and commit what came out; runs in a worker."""
    rows = job.rows()
    of_half = Geometry(job.store, job.half, job.geometry.preprocessing)
    near = latent_neighbours(of_half, job.metric, CLUSTER_NEIGHBOURS, threads=1)
    islands = [read_cell(cell, job.store).column("island_filled").to_numpy() for cell in job.cells]
    found = propose_and_test(rows, islands, near.indices)
    arrays = {"positions": rows.positions, "clusters": found.clusters, "fragments": found.fragments}
    meta = {"half": job.half.recipe.name, "p_values": list(found.p_values), "nodes": [asdict(n) for n in found.nodes]}
    write_arrays(job.folder, arrays, meta)


def propose_and_test(rows: HeldOutRows, islands: list[np.ndarray], near: np.ndarray) -> SplitTest:
    """Propose clusters on one half of the rows and test them on the other: all that shapes a split.

    Parameters
    ----------
    islands
        Filled islands of every picture of the half, shape (n_discovery,) each.
    near
        Latent neighbours of the rows of the half, shape (n_discovery, k).
    """
    from steadymap.tasks.numerics.clusters.candidates import propose
    from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
    from steadymap.tasks.numerics.verdicts.split_test import run_split_test

    candidates = propose(islands, near, rows.discovery)
    with threadpool_limits(1):
        halves = split_sample(rows.discovery, rows.held_out, rows.discovery_keys, rows.held_out_keys)
        return run_split_test(halves, candidates, alpha=ALPHA)
