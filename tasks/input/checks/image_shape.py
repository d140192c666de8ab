"""Whether the shape that a config names can be that of the raw inputs."""

from __future__ import annotations

import math

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource


def check_image_shape(source: DataSource, inputs: np.ndarray | None) -> None:
    """Refuse a shape in the config that the raw inputs, one flat row each, cannot have.

    Raises
    ------
    InputError
        There are no inputs, or they have another number of values.
    """
    asked = source.input_shape
    if asked is None:
        return
    if inputs is None:
        raise InputError(
            f"the shape {list(asked)} of raw inputs that are not there",
            place="data.input_shape",
            rule="it is the shape of one raw input",
            remedy="name the raw inputs under `inputs:`, or leave `input_shape` out",
        )
    if math.prod(asked) != inputs.shape[1]:
        raise InputError(
            f"{list(asked)} is {math.prod(asked)} values, and a raw input has {inputs.shape[1]}",
            place="data.input_shape",
            rule="height × width (× channels) is the number of values of one raw input",
            remedy="correct the shape, or leave it out: images are then not shown",
        )
