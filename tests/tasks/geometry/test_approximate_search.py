"""Where a search for neighbours is approximate: what it rests on, and that it is told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from steadymap.configs.sweep import DataSource, Preprocessing
from steadymap.tasks.geometry.compute_part import compute_geometry_part, job_of, search_neighbours
from steadymap.tasks.geometry.latent_neighbours import tell_recall
from steadymap.tasks.geometry.parts import SEARCH_LIBRARY, Geometry, GeometryPart
from steadymap.tasks.input.dataset import Vectors, import_dataset
from steadymap.tasks.numerics.geometry.inverted_lists import EXACT_UP_TO
from steadymap.tasks.store.layout import Store


@pytest.mark.parametrize(("rows", "named"), [(EXACT_UP_TO, False), (EXACT_UP_TO + 1, True)])
def test_only_many_rows_rest_on_the_library_that_searches_them(tmp_path: Path, rows: int, named: bool) -> None:
    geometry = Geometry(Store(tmp_path), Vectors(tmp_path, "digest", rows, 8, 0), Preprocessing())
    for kind in ("neighbours", "affinities", "fuzzy_graph", "spectral"):
        assert (SEARCH_LIBRARY in geometry.identity(GeometryPart(kind, "euclidean"))["libraries"]) is named
    assert SEARCH_LIBRARY not in geometry.identity(GeometryPart("components", "euclidean"))["libraries"]


def test_what_a_search_missed_is_told_of_many_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "z.npy", np.random.default_rng(0).standard_normal((2000, 12)).astype(np.float32))
    store = Store(tmp_path / "results")
    data = import_dataset(DataSource(path=str(tmp_path / "z.npy")), store)
    told = []
    for scale in ("none", "standard"):
        geometry = Geometry(store, data, Preprocessing(scale=scale))
        compute_geometry_part(job_of(GeometryPart("working", "euclidean"), geometry))
        assert tell_recall(geometry, ["euclidean"]) == ()
        search_neighbours(GeometryPart("neighbours", "euclidean", 15), geometry, threads=1)
        told.append(tell_recall(geometry, ["euclidean", "euclidean"]))
        monkeypatch.setattr("steadymap.tasks.numerics.geometry.neighbours.EXACT_UP_TO", 1000)
    assert told[0] == ()
    (sentence,) = told[1]
    found = re.fullmatch(
        r"neighbours \(euclidean\) of 2,000 rows are not searched exactly: of the 100 nearest ([\d.]+) % were found",
        sentence,
    )
    assert found is not None
    assert 99 <= float(found[1]) <= 100
