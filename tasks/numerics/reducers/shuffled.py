"""A control: a picture whose rows are shuffled. Whatever it scores is what chance scores."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.randomness import stream
from steadymap.tasks.numerics.reducers.interface import Material, Settings


def reduce(material: Material, settings: Settings) -> Float64:
    """Return the first principal components, every row on another row's place; shape (n, dimension)."""
    assert material.base is not None and settings.seed is not None
    places = stream("shuffled rows", settings.seed).permutation(len(material.base))
    return np.array(material.base[places, : settings.dimension], dtype=np.float64)
