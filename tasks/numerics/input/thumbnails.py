"""Small 8-bit images of raw inputs: rows and columns averaged down, grey values stretched over what occurs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SIDE = 32
"""Longest side of a thumbnail, in pixels."""
CHANNELS = (1, 3)
"""Grey, and red, green, blue."""
BLOCK = 256
"""Inputs that are read at a time, so that large images never lie in memory all at once."""


def image_shape(shape: Sequence[int] | None) -> tuple[int, int, int] | None:
    """Return height, width and channels of an input's shape; None where it is no image.

    Channels are looked for in the last place, then in the first.
    """
    if shape is None or any(size < 1 for size in shape):
        return None
    if len(shape) == 2:
        return shape[0], shape[1], 1
    if len(shape) == 3 and shape[2] in CHANNELS:
        return shape[0], shape[1], shape[2]
    if len(shape) == 3 and shape[0] in CHANNELS:
        return shape[1], shape[2], shape[0]
    return None


def make_thumbnails(
    inputs: npt.NDArray[np.generic], rows: npt.NDArray[np.int64], shape: Sequence[int]
) -> npt.NDArray[np.uint8]:
    """Make thumbnails of some inputs.

    Parameters
    ----------
    inputs
        Raw inputs, one flat row each, shape (n, p).
    rows
        Which of them, shape (m,).
    shape
        Shape of one input, an image by ``image_shape``.

    Returns
    -------
    Shape (m, height, width, channels) with at most ``SIDE`` rows and columns. Bytes stay as they are; of other types
    the smallest value among these inputs becomes 0 and the largest 255.
    """
    found = image_shape(shape)
    if found is None:
        raise ValueError(f"no image has the shape {tuple(shape)}")
    blocks = [
        _shrink(_channels_last(inputs[rows[start : start + BLOCK]], shape)) for start in range(0, len(rows), BLOCK)
    ]
    small = np.concatenate(blocks) if blocks else np.empty((0, *found))
    if inputs.dtype == np.uint8:
        return np.rint(small).astype(np.uint8)
    low, high = (float(small.min()), float(small.max())) if small.size else (0.0, 0.0)
    stretched = (small - low) / (high - low) if high > low else np.zeros_like(small)
    return np.rint(255 * stretched).astype(np.uint8)


def _channels_last(flat: npt.NDArray[np.generic], shape: Sequence[int]) -> npt.NDArray[np.float64]:
    images = np.asarray(flat, dtype=np.float64).reshape(len(flat), *shape)
    if len(shape) == 2:
        return images[..., None]
    return images if shape[2] in CHANNELS else np.moveaxis(images, 1, -1)


def _shrink(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average blocks of equal size, as nearly as the sides allow."""
    for axis in (1, 2):
        size = images.shape[axis]
        if size > SIDE:
            starts = np.arange(SIDE) * size // SIDE
            lengths = np.diff([*starts, size]).reshape([-1 if place == axis else 1 for place in range(4)])
            images = np.add.reduceat(images, starts, axis=axis) / lengths
    return images
