"""Checkpoints of a training: whole files by step, read back as any other latents, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steadymap
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.checkpoint import list_checkpoints, log_checkpoint
from steadymap.tasks.input.latents_file import read_latents

VECTORS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
IDS = [f"image {row}" for row in range(40)]


class Tensor:
    """What of a tensor of PyTorch is used: it has to be detached, and brought to the CPU as float32."""

    def __init__(self, values: np.ndarray, steps: tuple[str, ...] = ()) -> None:
        self._values, self._steps = values, steps

    def detach(self) -> Tensor:
        return Tensor(self._values, ("detach",))

    def float(self) -> Tensor:
        return Tensor(self._values, (*self._steps, "float"))

    def cpu(self) -> Tensor:
        return Tensor(self._values, (*self._steps, "cpu"))

    def numpy(self) -> np.ndarray:
        assert self._steps == ("detach", "float", "cpu")
        return self._values


def test_what_is_logged_is_read_with_its_ids_and_labels(tmp_path: Path) -> None:
    file = steadymap.log_checkpoint(VECTORS, IDS, step=1200, folder=tmp_path / "new", labels=np.arange(40) % 2)
    assert file.name == "step-000000001200.npz"
    read = read_latents(DataSource(path=str(file)))
    np.testing.assert_array_equal(read.matrix, VECTORS)
    assert read.ids == IDS
    assert read.labels == {"label": [str(row % 2) for row in range(40)]}
    assert read.log_variance is None


def test_of_a_variational_encoder_means_and_log_variance_are_read_as_such(tmp_path: Path) -> None:
    file = log_checkpoint(Tensor(VECTORS), IDS, step=0, folder=tmp_path, log_variance=Tensor(VECTORS - 3))
    read = read_latents(DataSource(path=str(file)))
    np.testing.assert_array_equal(read.matrix, VECTORS)
    np.testing.assert_array_equal(read.log_variance, VECTORS - 3)


def test_steps_are_listed_in_order_and_nothing_else_is(tmp_path: Path) -> None:
    for step in (900, 10_000, 20):
        log_checkpoint(VECTORS, IDS, step=step, folder=tmp_path)
    (tmp_path / "step-best.npz").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    assert list(list_checkpoints(tmp_path)) == [20, 900, 10_000]
    assert list_checkpoints(tmp_path / "not yet there") == {}


def test_a_step_written_again_replaces_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    log_checkpoint(VECTORS, IDS, step=1, folder=tmp_path)
    file = log_checkpoint(VECTORS + 1, IDS, step=1, folder=tmp_path)
    np.testing.assert_array_equal(read_latents(DataSource(path=str(file))).matrix, VECTORS + 1)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_disk_that_fails_leaves_the_step_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = log_checkpoint(VECTORS, IDS, step=1, folder=tmp_path)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="No space"):
        log_checkpoint(VECTORS + 1, IDS, step=1, folder=tmp_path)
    np.testing.assert_array_equal(read_latents(DataSource(path=str(file))).matrix, VECTORS)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"latents": VECTORS[:, 0]}, "shape"),
        ({"latents": np.where(np.arange(40)[:, None] == 7, np.nan, VECTORS)}, "row 7 holds a value that is not finite"),
        ({"ids": IDS[:-1]}, "39 of id for 40 rows"),
        ({"ids": [*IDS[:-1], IDS[0]]}, "'image 0' is there 2 times"),
        ({"labels": ["a"]}, "1 of label for 40 rows"),
        ({"step": -1}, "step -1"),
        ({"step": 1.5}, "step 1.5"),
        ({"log_variance": VECTORS[:, :2]}, r"log σ² of shape \(40, 2\)"),
    ],
)
def test_what_could_not_be_followed_is_refused_and_nothing_is_written(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        log_checkpoint(**{"latents": VECTORS, "ids": IDS, "step": 0, "folder": tmp_path, **changed})
    assert list(tmp_path.iterdir()) == []
