"""A shape in the config that the raw inputs cannot have is refused where the data comes in, with place and remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.store.layout import Store


def source(folder: Path, shape: tuple[int, ...] | None, inputs: bool = True) -> DataSource:
    generator = np.random.default_rng(0)
    np.savez(folder / "data.npz", latents=generator.random((30, 4)), pixels=generator.random((30, 12)))
    return DataSource(path=str(folder / "data.npz"), inputs=("pixels",) if inputs else None, input_shape=shape)


@pytest.mark.parametrize("shape", [(3, 4), (2, 2, 3), (3, 2, 2), None])
def test_shapes_that_the_inputs_can_have(tmp_path: Path, shape: tuple[int, ...] | None) -> None:
    assert import_dataset(source(tmp_path, shape), Store(tmp_path / "store")).has_inputs


def test_another_number_of_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)data.input_shape: \[3, 5\] is 15 values.*has 12.*rule:.*remedy:"):
        import_dataset(source(tmp_path, (3, 5)), Store(tmp_path / "store"))


def test_a_shape_of_inputs_that_are_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)data.input_shape.*not there.*name the raw inputs under `inputs:`"):
        import_dataset(source(tmp_path, (3, 4), inputs=False), Store(tmp_path / "store"))


def test_the_shape_is_no_part_of_the_data(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    found = [import_dataset(source(tmp_path, shape), store) for shape in ((3, 4), (2, 6), None)]
    assert len({(one.identity, one.digest) for one in found}) == 1


@pytest.mark.parametrize("shape", [(8,), (8, 8, 3, 1), (0, 8), (8, -8), (8, 8, 4)])
def test_what_is_no_shape_of_an_image_is_refused_in_the_config(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="input_shape"):
        DataSource(example="digits", input_shape=shape)
