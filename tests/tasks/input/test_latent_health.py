"""The health of a latent space in tables and in `check`; log σ² of a variational encoder is read with its means."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.dataset import import_dataset, look_at_source
from steadymap.tasks.input.latent_health import (
    CHECKED_ROWS,
    dimensions_table,
    examine_vectors,
    health_facts,
)
from steadymap.tasks.store.layout import Store
from tests.flows.test_cli import run

ROWS = 120


def write_vae(path: Path, **more: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write means and log σ² with dimension 2 collapsed and dimension 4 a copy of dimension 0."""
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(ROWS, 5)).astype(np.float32)
    log_variance = rng.normal(-3, 0.1, size=(ROWS, 5)).astype(np.float32)
    mean[:, 2], log_variance[:, 2] = 0.01 * mean[:, 2], 0
    mean[:, 4] = -mean[:, 0]
    np.savez(path, mu=mean, logvar=log_variance, **more)
    return mean, log_variance


def test_means_and_log_variance_are_read_together_and_stay_together(tmp_path: Path) -> None:
    mean, log_variance = write_vae(tmp_path / "vae.npz")
    dataset = import_dataset(DataSource(path=str(tmp_path / "vae.npz")), Store(tmp_path / "store"))
    kept = dataset.log_variance()
    assert kept is not None
    position = dataset.points().column("position").to_numpy()
    np.testing.assert_array_equal(dataset.latents()[position], mean)
    np.testing.assert_array_equal(kept[position], log_variance)


def test_only_the_posteriors_variance_makes_another_data_set(tmp_path: Path) -> None:
    mean, _ = write_vae(tmp_path / "vae.npz")
    np.savez(tmp_path / "means.npz", mu=mean)
    store = Store(tmp_path / "store")
    with_it, without = (
        import_dataset(DataSource(path=str(tmp_path / name)), store) for name in ("vae.npz", "means.npz")
    )
    assert with_it.digest == without.digest  # the same cells
    assert with_it.identity != without.identity  # another run
    assert without.log_variance() is None


def test_an_array_called_latents_goes_before_the_means(tmp_path: Path) -> None:
    write_vae(tmp_path / "vae.npz", latents=np.arange(ROWS * 3.0).reshape(ROWS, 3))
    found = look_at_source(DataSource(path=str(tmp_path / "vae.npz")))
    assert (found.rows, found.dimensions) == (ROWS, 3)
    assert found.health is not None
    assert found.health.health.kl is None


def test_a_log_variance_of_another_shape_is_refused_with_its_place(tmp_path: Path) -> None:
    np.savez(tmp_path / "vae.npz", mu=np.random.default_rng(0).normal(size=(40, 4)), logvar=np.zeros((40, 3)))
    with pytest.raises(InputError, match=r"shape \(40, 3\) beside latents of shape \(40, 4\)"):
        look_at_source(DataSource(path=str(tmp_path / "vae.npz")))


def test_columns_of_a_table_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    header = ",".join(["m0", "m1", "v0", "v1"])
    table = np.hstack([rng.normal(size=(40, 2)), np.full((40, 2), -2.0)])
    np.savetxt(tmp_path / "vae.csv", table, delimiter=",", header=header, comments="")
    found = look_at_source(DataSource(path=str(tmp_path / "vae.csv"), log_variance="v*"))
    assert found.health is not None
    assert found.health.health.kl is not None
    assert found.dimensions == 2


def test_tables_hold_what_was_examined(tmp_path: Path) -> None:
    mean, log_variance = write_vae(tmp_path / "vae.npz")
    examined = examine_vectors(mean, log_variance)
    table = dimensions_table(examined.health).to_pylist()
    assert [row["state"] for row in table] == ["active", "active", "collapsed", "active", "duplicated"]
    assert [row["twin"] for row in table] == [None, None, None, None, 0]
    facts = {(fact["score"], fact["k"]): fact["value"] for fact in health_facts(examined)}
    assert facts["active_units", 0] == 3
    assert facts["collapsed_dimensions", 0] == 1
    assert facts["prior_divergence", 0] == pytest.approx(sum(row["kl"] for row in table))
    assert 0 < facts["variance_share", 1] < facts["variance_share", 2] <= 1


def test_check_examines_a_share_of_many_rows_of_the_whole_file(tmp_path: Path) -> None:
    vectors = np.random.default_rng(2).normal(size=(CHECKED_ROWS + 2, 3)).astype(np.float32)
    np.save(tmp_path / "z.npy", vectors)
    found = look_at_source(DataSource(path=str(tmp_path / "z.npy")))
    assert found.rows == CHECKED_ROWS + 2
    assert found.health is not None
    np.testing.assert_allclose(found.health.health.mean, vectors[::2].mean(axis=0, dtype=np.float64), rtol=1e-9)


def test_check_says_it_before_anything_is_computed(tmp_path: Path) -> None:
    write_vae(tmp_path / "vae.npz")
    told = json.loads(run("check", "vae.npz", "--json", cwd=tmp_path).stdout)["latent_space"]
    assert told[0] == "3 of 5 dimensions are active."
    assert any(sentence.startswith("Dimension 2: collapsed") for sentence in told)
    assert any("4 repeats 0" in sentence for sentence in told)
    assert not (tmp_path / "results").exists()


def test_a_sentinel_in_one_row_makes_no_dimension_a_copy_of_another(tmp_path: Path) -> None:
    vectors = np.random.default_rng(3).normal(size=(300, 8)).astype(np.float32)
    spoiled = vectors.copy()
    spoiled[17] = 9999
    examined = examine_vectors(spoiled, None)
    assert examined.far.tolist() == [17]
    without = examine_vectors(np.delete(vectors, 17, axis=0), None)
    assert examined.health.states == without.health.states == ("active",) * 8
    np.testing.assert_array_equal(examined.health.variance, without.health.variance)
    assert {fact["score"] for fact in health_facts(without)} | {"rows_left_out"} == {
        fact["score"] for fact in health_facts(examined)
    }
    np.save(tmp_path / "z.npy", spoiled)
    found = json.loads(run("check", "z.npy", "--json", cwd=tmp_path).stdout)
    assert found["latent_space"][:2] == [
        "All 8 dimensions are active: none is dead, constant, duplicated or collapsed.",
        "1 row far from all others is left out here: a warning names it.",
    ]
    assert any(warning.startswith("row 17: far from all others") for warning in found["warnings"])


def test_of_many_rows_the_far_ones_are_sought_among_all(tmp_path: Path) -> None:
    vectors = np.random.default_rng(2).normal(size=(CHECKED_ROWS + 2, 3)).astype(np.float32)
    vectors[[8, 9]] = 9999
    np.save(tmp_path / "z.npy", vectors)
    found = look_at_source(DataSource(path=str(tmp_path / "z.npy")))
    assert found.health is not None
    assert sorted(found.health.far.tolist()) == [8, 9]
    kept = np.delete(vectors[::2], 4, axis=0)
    np.testing.assert_allclose(found.health.health.mean, kept.mean(axis=0, dtype=np.float64), rtol=1e-9)
