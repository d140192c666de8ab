"""The public face: what ``import steadymap`` gives, and that it costs nothing until it is used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prefect import flow

import steadymap
from steadymap.configs.errors import InputError
from tests.conftest import three_blobs
from tests.flows.test_sweep_flow import blob_config

HEAVY = ("numpy", "prefect", "pydantic", "sklearn", "numba", "pandas", "pyarrow")


def test_importing_it_imports_nothing_else() -> None:
    ask = f"import sys, steadymap; print(*[name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""


def test_every_name_is_there_and_others_are_not() -> None:
    assert set(steadymap.__all__) <= set(dir(steadymap))
    for name in steadymap.__all__:
        assert getattr(steadymap, name).__module__.startswith("steadymap.")
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        steadymap.nothing_of_the_kind  # noqa: B018


# --- judge --------------------------------------------------------------------------------------------------------


def cut_blobs() -> tuple[np.ndarray, np.ndarray]:
    """Return two blobs, and classes that are right on the first and cut the second in two."""
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((600, 6))
    vectors[300:, 0] += 12
    return vectors, np.where(np.arange(600) < 300, "whole", np.where(vectors[:, 1] > 0, "upper", "lower"))


def test_a_class_that_is_cut_out_of_a_blob_is_told_from_one_that_is_separate() -> None:
    vectors, classes = cut_blobs()
    judged = steadymap.judge(vectors, classes).set_index("label")
    assert judged.loc["whole", "separated"]
    assert judged.loc["whole", "p_value"] <= 0.05
    assert not judged.loc["upper", "separated"]
    assert judged.loc["upper", "runs_into"] == ["lower"]
    assert judged["size"].sum() == 600


def test_the_order_of_rows_and_what_is_no_class_do_not_matter() -> None:
    vectors, classes = cut_blobs()
    order = np.random.default_rng(0).permutation(600)
    pd.testing.assert_frame_equal(
        steadymap.judge(vectors, classes), steadymap.judge(pd.DataFrame(vectors[order]), list(classes[order]))
    )
    noisy = [None if row < 5 else str(name) for row, name in enumerate(classes)]
    assert steadymap.judge(vectors, noisy).set_index("label").loc["whole", "size"] == 295


@pytest.mark.parametrize(
    ("vectors", "labels", "told"),
    [
        (np.zeros((4, 2, 2)), [0, 1, 0, 1], "shape"),
        ([["a"], ["b"]], [0, 1], "no matrix"),
        (np.eye(50), [0, 1], "2 labels for 50 vectors"),
        (np.eye(50), [0] * 50, "1 class"),
        (np.eye(50), [-1] * 50, "0 classes"),
        (np.full((50, 2), np.nan), [0, 1] * 25, "not finite"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_a_remedy(vectors: object, labels: list[int], told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        steadymap.judge(vectors, labels)
    assert caught.value.remedy


# --- sweep --------------------------------------------------------------------------------------------------------


@pytest.mark.engine
def test_a_sweep_is_a_subflow_and_its_label_test_is_judge(tmp_path: Path) -> None:
    vectors, blobs = three_blobs(360)
    np.savez(tmp_path / "blobs.npz", X=vectors, y=blobs)
    config = blob_config(tmp_path / "blobs.npz", resamples={"pairs": 2})

    @flow
    def of_a_team() -> str:
        return steadymap.sweep(config, tmp_path / "store").run

    run = steadymap.open_run(of_a_team(), tmp_path / "store")
    judged = steadymap.judge(vectors, blobs, pairs=2)
    swept = run.labels.sort_values("label").reset_index(drop=True)
    assert judged["p_value"].tolist() == swept["p_value"].tolist()
    assert judged["separated"].all()


@pytest.mark.engine
def test_a_script_that_sweeps_on_its_top_level_runs_once(blobs_file: Path, tmp_path: Path) -> None:
    # Python's own workers run the main script again: each would begin a sweep, and the script would never end.
    script = tmp_path / "after_training.py"
    script.write_text(
        "import steadymap\n"
        "print('begun', flush=True)\n"
        f"config = {{'name': 'blobs', 'data': {{'path': {str(blobs_file)!r}}}, 'reducers': [{{'reducer': 'pca'}}],\n"
        "          'seeds': [0], 'resamples': {'pairs': 0}, 'nulls': {'gaussian': 0, 'copula': 0}}\n"
        "print('drawn', steadymap.sweep(config, 'store').computed)\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect")}
    ended = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["begun", "drawn", "1"]), ended.stderr
