"""A Dask cluster of several processes and a local Ray draw the same bytes as this machine's own workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.test_sweep_flow import blob_config, cell_bytes, digests

pytestmark = [
    pytest.mark.services,
    # Both libraries leave sockets and event loops to the end of the process.
    pytest.mark.filterwarnings("default"),
]

AXES = {"resamples": {"pairs": 1, "configurations": 1}, "nulls": {"copula": 0, "configurations": 1}}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("runner", ["dask", "ray"])
def test_a_cluster_draws_the_same_bytes(engine: None, blobs_file: Path, tmp_path: Path, runner: str) -> None:
    pytest.importorskip(f"prefect_{runner}")
    from steadymap.flows.sweep import stability_sweep

    here = stability_sweep(blob_config(blobs_file, **AXES), str(tmp_path / "here"))
    workers = {"runner": runner, "count": 2}
    there = stability_sweep(blob_config(blobs_file, workers=workers, **AXES), str(tmp_path / "there"))
    assert (there.computed, there.failed) == (here.computed, 0)
    assert there.run == here.run
    assert digests(tmp_path / "there", there.run) == digests(tmp_path / "here", here.run)
    assert cell_bytes(tmp_path / "there") == cell_bytes(tmp_path / "here")
    again = stability_sweep(blob_config(blobs_file, workers=workers, **AXES), str(tmp_path / "there"))
    assert (again.computed, again.cached) == (0, here.computed)
