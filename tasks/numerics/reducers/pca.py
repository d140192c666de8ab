"""Principal components: the linear reference that every sweep carries."""

from __future__ import annotations

import numpy as np

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.reducers.interface import Material, Settings


def reduce(material: Material, settings: Settings) -> Float64:
    """Return the first principal components, shape (n, dimension); there is no seed."""
    assert material.base is not None
    return np.array(material.base[:, : settings.dimension], dtype=np.float64)
