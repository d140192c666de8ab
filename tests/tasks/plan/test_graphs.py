"""What is drawn side by side: cells of one graph on the same vectors, every cell once."""

from __future__ import annotations

from pathlib import Path

import pytest

from steadymap.configs.grid import expand
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.numerics.reducers.interface import LANES
from steadymap.tasks.plan.graphs import cells_by_graph, graph_of, side_by_side
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.steps.read_dataset import read_dataset
from steadymap.tasks.store.layout import Store
from tests.flows.test_sweep_flow import blob_config


def planned(blobs_file: Path, folder: Path, **changes: object) -> Plan:
    config = blob_config(blobs_file, **changes)
    store = Store(folder)
    return lay_out(config, read_dataset.fn(config.data, store, config.workers), store)


def test_a_graph_is_a_configuration_without_what_lanes_differ_in() -> None:
    config = SweepConfig.model_validate(
        {
            "name": "names",
            "data": {"path": "z.npy"},
            "reducers": [
                {"reducer": "tsne", "perplexity": 30, "exaggeration": [1, 4], "learning_rate": ["auto", 500]},
                {"reducer": "umap", "n_neighbors": [5, 15], "min_dist": [0, 0.1], "init": ["spectral", "pca"]},
                {"reducer": "umap", "min_dist": [0, 0.1], "engine": "umap-learn"},
                {"reducer": "tsne", "engine": "openTSNE"},
            ],
        }
    )
    assert list(dict.fromkeys(graph_of(one) for one in expand(config, 1000).configurations)) == [
        "tsne perplexity=30",
        "umap n_neighbors=5",
        "umap n_neighbors=5 init=pca",
        "umap n_neighbors=15",
        "umap n_neighbors=15 init=pca",
        "umap n_neighbors=15 min_dist=0 engine=umap-learn",
        "umap n_neighbors=15 min_dist=0.1 engine=umap-learn",
        "tsne perplexity=30 engine=openTSNE",
    ]


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_every_cell_is_drawn_once_and_beside_its_own_graph_only(blobs_file: Path, tmp_path: Path, workers: int) -> None:
    grid = [
        {"reducer": "tsne", "perplexity": 5, "exaggeration": [1, 4]},
        {"reducer": "umap", "n_neighbors": [5, 10], "min_dist": [0, 0.1, 0.5]},
        {"reducer": "umap", "n_neighbors": 5, "engine": "umap-learn"},
    ]
    plan = planned(blobs_file, tmp_path, reducers=grid, seeds=(0, 1, 2, 3), resamples={"pairs": 1})
    jobs = [
        job
        for cells in cells_by_graph(plan.missing).values()
        for job in side_by_side(cells, len(plan.missing), workers)
    ]
    drawn = [cell.identity for job in jobs for cell in job]
    assert sorted(drawn) == sorted(cell.identity for cell in plan.missing)
    for job in jobs:
        assert len({(graph_of(cell.configuration), cell.vectors.folder) for cell in job}) == 1
        assert len(job) <= (1 if job[0].configuration.engine == "umap-learn" else LANES)
    # Many workers get something to do each; few draw as many side by side as there are lanes.
    most = max(len(job) for job in jobs)
    assert most > 4 if workers == 1 else most < len(plan.missing) / workers + 1
