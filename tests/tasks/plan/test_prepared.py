"""What was read before a flow begins is taken over by it, and by no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from steadymap.configs import schemas
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.plan.prepared import (
    handed_dataset,
    handed_over,
    handed_plan,
    made_ahead,
    prepare,
    wanted_parts,
)
from steadymap.tasks.steps.plan_sweep import plan_sweep
from steadymap.tasks.steps.prepare_geometry import prepare_geometry
from steadymap.tasks.steps.read_dataset import read_dataset
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.layout import Store, noted_places
from steadymap.tasks.workers import choose_limits, current_pool, some_pool
from tests.flows.test_sweep_flow import blob_config
from tests.processes import wait_until


def test_a_plan_is_taken_over_whatever_its_time_budget_with_what_is_missing_now(
    blobs_file: Path, tmp_path: Path
) -> None:
    config, store = blob_config(blobs_file), Store(tmp_path / "store")
    prepared = prepare(config, store)
    asked = config.model_copy(update={"budget": config.budget.model_copy(update={"hours": 0.5})})
    blobs_file.write_bytes(b"no data any more: whoever reads again ends here")
    with handed_over(prepared), noted_places() as places:
        dataset = read_dataset.fn(asked.data, store, asked.workers)
        assert dataset.folder in places  # gc has to know of a flow's places, whoever asked for them first
        plan = plan_sweep.fn(asked, dataset, store)
        assert dataset == prepared.plan.dataset
        assert (plan.identity, plan.cells, plan.config) == (prepared.plan.identity, prepared.plan.cells, asked)
        assert plan.missing == prepared.plan.missing != ()
        # Meanwhile another process may have drawn some of it.
        drawn = plan.missing[0]
        columns = {field.name: np.zeros(drawn.vectors.rows) for field in schemas.CELL}
        write_table(pa.table(columns).cast(schemas.CELL), store.cell(drawn.identity), {"cell": drawn.identity})
        assert plan_sweep.fn(asked, dataset, store).missing == plan.missing[1:]
        assert prepared.places <= places
    assert handed_dataset(config.data, store) is None


def test_another_sweep_another_store_and_a_dataset_that_is_gone_are_not_taken_over(
    blobs_file: Path, tmp_path: Path
) -> None:
    config, store = blob_config(blobs_file), Store(tmp_path / "store")
    prepared = prepare(config, store)
    dataset = prepared.plan.dataset
    with handed_over(prepared):
        assert handed_plan(blob_config(blobs_file, seeds=(0, 1, 2)), dataset) is None
        assert handed_plan(config, dataset) is not None
        assert handed_dataset(config.data, Store(tmp_path / "other")) is None
        np.savez(tmp_path / "other.npz", X=np.zeros((3, 2)))
        other = SweepConfig.model_validate({"name": "x", "data": {"path": str(tmp_path / "other.npz")}})
        assert handed_dataset(other.data, store) is None
        shutil.rmtree(dataset.folder)
        assert handed_dataset(config.data, store) is None


def test_geometry_is_made_beside_what_happens_and_is_there_for_the_step(blobs_file: Path, tmp_path: Path) -> None:
    config, store = blob_config(blobs_file), Store(tmp_path / "store")
    prepared = prepare(config, store)
    wanted = wanted_parts(prepared.plan)
    assert not any(geometry.has(part) for geometry, part in wanted)
    with made_ahead(prepared):
        wait_until(lambda: all(geometry.has(part) for geometry, part in wanted), "geometry", None)
        pool = current_pool()
        with some_pool(choose_limits(config.workers)) as same:
            assert same is pool
            made = {geometry.folder(part): geometry.folder(part).stat().st_mtime_ns for geometry, part in wanted}
            assert prepare_geometry.fn(prepared.plan) == {}
    assert {folder: folder.stat().st_mtime_ns for folder in made} == made
    with pytest.raises(RuntimeError, match="no worker pool"):
        current_pool()
