"""`sample:` of a source: what is known of a row stays with it, rare labels and groups stay, and all of it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.dataset import Dataset, import_dataset, look_at_source
from steadymap.tasks.input.latents_file import Latents
from steadymap.tasks.input.take_sample import take_sample
from steadymap.tasks.store.files import map_array
from steadymap.tasks.store.layout import Store
from tests.tasks.input.models.test_encode_inputs import WEIGHTS, saved, tanh_layers

ROWS, COUNT = 3000, 400
NUMBERS = np.arange(ROWS)
RARE = NUMBERS % 100 == 11  # 30 rows
LABELS = np.where(RARE, "rare", np.where(NUMBERS % 2 == 0, "even", "odd"))
GROUPS = np.array([f"session {row // 600}" for row in NUMBERS])


def vectors(seed: int = 0) -> np.ndarray:
    """Return vectors whose first dimension is the number of the row."""
    found = np.random.default_rng(seed).standard_normal((ROWS, 3)).astype(np.float32)
    found[:, 0] = NUMBERS
    return found


def file(folder: Path, **more: np.ndarray) -> DataSource:
    np.savez(folder / "all.npz", latents=vectors(), **more)
    return DataSource(path=str(folder / "all.npz"), sample=COUNT)


def rows_of(dataset: Dataset) -> np.ndarray:
    """Return the rows of the file, in its order."""
    return np.asarray(dataset.points().column("row").to_numpy())


def test_what_is_known_of_a_row_stays_with_it(tmp_path: Path) -> None:
    ids = np.array([f"id {row:05d}" for row in NUMBERS])
    images = np.repeat(NUMBERS, 12).reshape(ROWS, 3, 4)
    source = file(tmp_path, y=LABELS, id=ids, session=GROUPS, images=images, log_var=-vectors(1))
    source = source.model_copy(update={"group": "session", "inputs": ("images",), "log_variance": "log_var"})
    dataset = import_dataset(source, Store(tmp_path / "results"))
    points = dataset.points().to_pandas()
    rows, order = points["row"].to_numpy(), points["position"].to_numpy()
    assert dataset.rows == len(rows) == COUNT
    assert np.all(np.diff(rows) > 0)
    np.testing.assert_array_equal(dataset.latents()[order, 0], rows)
    np.testing.assert_array_equal(map_array(dataset.folder, "inputs")[order, 0], rows)
    np.testing.assert_array_equal(map_array(dataset.folder, "log_variance")[order, 0], -vectors(1)[rows, 0])
    assert points["id"].tolist() == [f"id {row:05d}" for row in rows]
    assert points["label"].tolist() == LABELS[rows].tolist()
    assert points["group"].tolist() == GROUPS[rows].tolist()
    np.testing.assert_array_equal(dataset.file_rows()[order], rows)


def test_rare_labels_and_every_group_are_kept_and_that_is_told(tmp_path: Path) -> None:
    source = file(tmp_path, y=LABELS, session=np.where(NUMBERS < 5, "short", GROUPS))
    source = source.model_copy(update={"group": "session"})
    found = look_at_source(source)
    assert found.rows == COUNT
    # 30 rare ones, 5 short ones, and of five sessions and two labels as many as fit
    told = "a sample, 400 of 3,000 rows, chosen by their numbers, with "
    assert told in found.taken
    assert found.taken.endswith("rows of each value of y and the group, or all it has")
    dataset = import_dataset(source, Store(tmp_path / "results"))
    rows = rows_of(dataset)
    assert np.sum(RARE[rows]) == RARE.sum()
    assert np.sum(rows < 5) == 5
    kept = int(found.taken.split(told)[1].split()[0])
    assert np.bincount([int(name[-1]) for name in GROUPS[rows]]).min() >= kept > 50
    assert dataset.taken == found.taken


def test_rows_without_ids_go_by_their_numbers_so_that_every_training_has_the_same(tmp_path: Path) -> None:
    chosen = []
    for seed in (0, 1):
        np.save(tmp_path / f"{seed}.npy", vectors(seed)[:, 1:])
        source = DataSource(path=str(tmp_path / f"{seed}.npy"), sample=COUNT)
        chosen.append(rows_of(import_dataset(source, Store(tmp_path / "results"))).tolist())
    assert chosen[0] == chosen[1]
    assert chosen[0] != list(range(COUNT))


def test_ids_that_do_not_tell_rows_apart_are_not_gone_by() -> None:
    """By an id that all rows share, the sample would be the beginning of the file."""
    same = Latents(vectors(), ("a", "b", "c"), ["batch 1"] * ROWS, taken="3 dimensions")
    numbered = take_sample(Latents(**{**vars(same), "ids": [str(row) for row in NUMBERS]}), COUNT)
    found = take_sample(same, COUNT)
    assert found.taken == numbered.taken == "3 dimensions; a sample, 400 of 3,000 rows, chosen by their numbers"
    assert found.rows is not None
    assert found.rows.tolist() == numbered.rows.tolist() != list(range(COUNT))  # type: ignore[union-attr]
    assert set(found.ids) == {"batch 1"}


def test_a_column_with_a_value_a_row_is_no_stratum() -> None:
    of_rows = Latents(vectors(), ("a", "b", "c"), [f"id {row}" for row in NUMBERS], taken="3 dimensions")
    named = {"kind": LABELS.tolist(), "name": [f"name {row}" for row in NUMBERS]}
    found = take_sample(Latents(**{**vars(of_rows), "labels": named}), COUNT)
    assert found.taken == (
        "3 dimensions; a sample, 400 of 3,000 rows, chosen by their ids, with 100 rows of each value of kind, "
        "or all it has; name: too many values to keep rows of each"
    )
    assert found.labels["kind"].count("rare") == RARE.sum()


def test_a_sample_larger_than_the_data_is_the_data_and_says_so(tmp_path: Path) -> None:
    source = file(tmp_path).model_copy(update={"sample": 5000})
    dataset = import_dataset(source, Store(tmp_path / "results"))
    assert dataset.taken.endswith("a sample of 5,000 rows was asked for, and these are all")
    whole = import_dataset(source.model_copy(update={"sample": None}), Store(tmp_path / "results"))
    assert dataset.identity == whole.identity


def test_only_the_sample_is_encoded(tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(size=(300, len(WEIGHTS))).astype(np.float32)
    source = saved(tmp_path, tanh_layers([(WEIGHTS, np.zeros(WEIGHTS.shape[1], np.float32))]), images)
    dataset = import_dataset(source.model_copy(update={"sample": 120}), Store(tmp_path / "results"))
    rows, order = rows_of(dataset), dataset.points().column("position").to_numpy()
    np.testing.assert_array_equal(map_array(dataset.folder, "inputs")[order], images[rows])
    np.testing.assert_allclose(dataset.latents()[order], np.tanh(images[rows] @ WEIGHTS), atol=1e-5)
    (encoded,) = (tmp_path / "results" / "encoded").glob("*/latents.npy")
    assert len(np.load(encoded)) == 120


def test_the_example_has_samples_too(tmp_path: Path) -> None:
    source = DataSource(example="digits", sample=500)
    assert look_at_source(source).rows == 500


def test_a_sample_too_small_to_say_anything_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 100"):
        DataSource(path="z.npy", sample=99)
