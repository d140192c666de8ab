"""What is said of every row: means over pictures, quantiles of reference data, and which runs are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from steadymap.configs.grid import expand
from steadymap.configs.sweep import Preprocessing, SweepConfig
from steadymap.tasks.geometry.parts import Geometry
from steadymap.tasks.geometry.resamples_and_nulls import Derived, Recipe
from steadymap.tasks.input.dataset import Dataset
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.stability import row_scores
from steadymap.tasks.store.layout import Store


@dataclass(frozen=True)
class Rows:
    """All that is looked at of a plan here."""

    rows: int


def cells(count: int) -> tuple[list[Cell], Cell]:
    """Return pictures of the data with so many seeds, and one of reference data, of the same setting."""
    config = SweepConfig.model_validate(
        {"name": "x", "data": {"path": "z.npy"}, "reducers": [{"reducer": "tsne", "perplexity": 5}]}
    )
    (setting,) = expand(config, 60).configurations
    store, preprocessing = Store(Path("s")), Preprocessing()
    data = Dataset(Path("d"), "digest", 60, 2, 0, "identity", (), has_inputs=False, source="z.npy", notes={})
    noise = Derived(Path("n"), "noise", 60, 2, 0, Recipe("gaussian", 0), Path("d"))
    drawn = [Cell(f"seed {seed}", setting, seed, Geometry(store, data, preprocessing)) for seed in range(count)]
    return drawn, Cell("null", setting, 0, Geometry(store, noise, preprocessing))


def test_a_row_is_dubious_where_noise_is_seldom_less_reliable(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, null = cells(2)
    told = {
        "seed 0": ([0, 1, 2], [0.1, 0.5, 0.9]),
        "seed 1": ([0, 2, 3], [0.4, 0.7, 0.0]),  # another sample of rows
        "null": (range(101), np.linspace(0.2, 0.8, 101)),  # its 5 % quantile is .23
    }

    def read(cell: Cell, _: object) -> pa.Table:
        positions, values = told[cell.identity]
        return pa.table({"position": list(positions), "reliability": list(values)})

    monkeypatch.setattr("steadymap.tasks.stability.row_scores.read_reliability", read)
    found = row_scores.measure_reliability(Rows(5), [*drawn, null])
    assert found["reliability"].tolist() == pytest.approx([0.25, 0.5, 0.8, 0.0, np.nan], nan_ok=True)
    assert found["dubious_share"].tolist() == pytest.approx([0.5, 0.0, 0.0, 1.0, np.nan], nan_ok=True)
    without = row_scores.measure_reliability(Rows(5), drawn)
    assert np.isnan(without["dubious_share"]).all()
