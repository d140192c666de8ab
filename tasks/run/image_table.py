"""Images of the raw inputs, small, for the report."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.numerics.input.thumbnails import image_shape, make_thumbnails
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.files import map_array


def images_table(plan: Plan, rows: np.ndarray, positions: np.ndarray) -> pa.Table:
    """Tabulate thumbnails of drawn rows; empty where the raw inputs are no images.

    Parameters
    ----------
    rows, positions
        Of every drawn row: its row in the user's file, and its place in canonical order.
    """
    shape = plan.input_shape
    if not plan.dataset.has_inputs or shape is None or image_shape(shape) is None:
        return schemas.IMAGES.empty_table()
    small = make_thumbnails(map_array(plan.dataset.folder, "inputs"), positions, shape)
    count, height, width, channels = small.shape
    return pa.table(
        {
            "row": rows,
            "height": np.full(count, height, np.int32),
            "width": np.full(count, width, np.int32),
            "channels": np.full(count, channels, np.int32),
            "pixels": [one.tobytes() for one in small],
        },
        schema=schemas.IMAGES,
    )
