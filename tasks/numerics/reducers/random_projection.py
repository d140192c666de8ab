"""A control: two random directions. What they show needs no reducer; what a reducer shows beyond it, it found."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.geometry.projection import project
from steadymap.tasks.numerics.randomness import stream
from steadymap.tasks.numerics.reducers.interface import Material, Settings


def reduce(material: Material, settings: Settings) -> Float64:
    """Return the vectors on random Gaussian directions, shape (n, dimension).

    Source: Johnson & Lindenstrauss 1984; what openproblems-bio calls a negative control.
    """
    assert settings.seed is not None
    width = material.working.shape[1]
    directions = stream("random projection", settings.seed).standard_normal((width, settings.dimension))
    return np.asarray(project(material.working, directions.T) / np.sqrt(width))
