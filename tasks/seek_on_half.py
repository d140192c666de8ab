"""What a worker does to seek valleys: propose on one half of the rows, test on the other."""

from __future__ import annotations

from dataclasses import asdict

from threadpoolctl import threadpool_limits

from tasks.geometry import Geometry
from tasks.held_out_jobs import HeldOutJob
from tasks.latent_neighbours import CLUSTER_NEIGHBOURS, latent_neighbours
from tasks.read_cell import read_cell
from tasks.store import write_arrays

ALPHA = 0.05
"""Chance that anything is falsely called separated."""


def seek_on_half(job: HeldOutJob) -> None:
    """Propose on one half, test on the other, and commit what came out; runs in a worker."""
    from tasks.numerics.candidates import propose
    from tasks.numerics.halves import prepare_halves
    from tasks.numerics.valley_test import run_split

    rows = job.rows()
    of_half = Geometry(job.store, job.half, job.geometry.preprocessing)
    near = latent_neighbours(of_half, job.metric, CLUSTER_NEIGHBOURS, threads=1)
    islands = [read_cell(cell, job.store).column("island_filled").to_numpy() for cell in job.cells]
    smallest = min(cell.configuration.min_cluster_size for cell in job.cells)
    pieces = propose(islands, near.indices, rows.discovery, smallest)
    with threadpool_limits(1):
        halves = prepare_halves(rows.discovery, rows.held_out, rows.discovery_keys, rows.held_out_keys)
        found = run_split(halves, pieces, alpha=ALPHA)
    arrays = {"positions": rows.positions, "clusters": found.clusters, "fragments": found.fragments}
    meta = {"half": job.half.recipe.name, "p_values": list(found.p_values), "nodes": [asdict(n) for n in found.nodes]}
    write_arrays(job.folder, arrays, meta)
