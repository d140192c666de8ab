"""The nearest drawn rows of drawn rows: all of them, and of a sample those within it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from steadymap.tasks.geometry.make_parts import make_parts
from steadymap.tasks.plan.prepared import prepare, wanted_parts
from steadymap.tasks.run.neighbours_table import MOST, neighbours_table
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import choose_limits, opened_pool
from tests.conftest import three_blobs
from tests.flows.test_sweep_flow import blob_config


@pytest.mark.parametrize("drawn", [150, 40, 5])
def test_neighbours_are_the_nearest_of_the_drawn_rows(blobs_file: Path, tmp_path: Path, drawn: int) -> None:
    vectors, _ = three_blobs()
    plan = prepare(blob_config(blobs_file), Store(tmp_path / "store")).plan
    with opened_pool(choose_limits(plan.config.workers)):
        assert make_parts(wanted_parts(plan)) == {}
    position_of = plan.dataset.points().to_pandas().set_index("row")["position"]
    rows = np.random.default_rng(1).permutation(150)[:drawn]
    found = neighbours_table(plan, rows, position_of[rows].to_numpy()).to_pandas()
    among = cdist(vectors[rows], vectors[rows])
    np.fill_diagonal(among, np.inf)
    k = min(MOST, drawn - 1)
    nearest = rows[np.argsort(among, axis=1)[:, :k]]
    wanted = pd.DataFrame(
        {"row": np.repeat(rows, k), "rank": np.tile(np.arange(1, k + 1), drawn), "neighbour": nearest.ravel()}
    )
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_one_drawn_row_has_no_neighbour(blobs_file: Path, tmp_path: Path) -> None:
    plan = prepare(blob_config(blobs_file), Store(tmp_path / "store")).plan
    assert neighbours_table(plan, np.array([3]), np.array([7])).num_rows == 0
