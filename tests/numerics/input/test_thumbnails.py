"""Thumbnails worked out by hand: which shapes are images, how bytes and numbers become grey, how sides shrink."""

from __future__ import annotations

import numpy as np
import pytest

from steadymap.tasks.numerics.input.thumbnails import BLOCK, SIDE, image_shape, make_thumbnails

FIRST = np.array([0])


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((8, 6), (8, 6, 1)),
        ((8, 6, 3), (8, 6, 3)),
        ((3, 8, 6), (8, 6, 3)),
        ((1, 28, 28), (28, 28, 1)),
        ((3, 8, 3), (3, 8, 3)),
        ((8, 6, 4), None),
        ((8,), None),
        ((0, 8), None),
        (None, None),
    ],
)
def test_what_is_an_image(shape: tuple[int, ...] | None, found: tuple[int, int, int] | None) -> None:
    assert image_shape(shape) == found


def test_numbers_are_stretched_over_what_occurs_among_the_chosen_rows() -> None:
    inputs = np.array([[-1.0, 0.0, 1.0, 1.0], [1000.0] * 4, [0.0, 0.5, 1.0, -1.0]])
    small = make_thumbnails(inputs, np.array([2, 0]), (2, 2))
    assert small[..., 0].tolist() == [[[128, 191], [255, 0]], [[0, 128], [255, 255]]]


def test_bytes_stay_as_they_are() -> None:
    inputs = np.array([[3, 7, 200, 90]], dtype=np.uint8)
    assert make_thumbnails(inputs, FIRST, (2, 2))[0, ..., 0].tolist() == [[3, 7], [200, 90]]


def test_an_even_image_is_black_and_no_division_by_zero() -> None:
    assert not make_thumbnails(np.full((2, 4), 7.0), np.array([0, 1]), (2, 2)).any()


def test_channels_come_last_wherever_they_were() -> None:
    last = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    first = np.moveaxis(last, -1, 1)
    expected = last[0]
    assert (make_thumbnails(last.reshape(1, -1), FIRST, (2, 4, 3))[0] == expected).all()
    assert (make_thumbnails(np.ascontiguousarray(first).reshape(1, -1), FIRST, (3, 2, 4))[0] == expected).all()


def test_large_sides_are_averaged_down_and_small_ones_kept() -> None:
    # 64 rows alternate between 10 and 20: pairs average to 15. 5 columns stay.
    image = np.repeat(np.tile([10, 20], 32)[:, None], 5, axis=1).astype(np.uint8)
    small = make_thumbnails(image.reshape(1, -1), FIRST, (64, 5))
    assert small.shape == (1, SIDE, 5, 1)
    assert set(small.ravel().tolist()) == {15}


def test_sides_that_do_not_divide_keep_the_mean_of_every_block() -> None:
    small = make_thumbnails(np.arange(33, dtype=np.uint8)[None], FIRST, (1, 33))
    assert small[0, 0, :, 0].tolist() == [*range(31), 32]  # the last block holds 31 and 32: 31.5, rounded to even


def test_blocks_do_not_show() -> None:
    inputs = np.random.default_rng(0).random((BLOCK + 3, 4))
    whole = make_thumbnails(inputs, np.arange(BLOCK + 3), (2, 2))
    stretched = (inputs - inputs.min()) / (inputs.max() - inputs.min())
    assert (whole.reshape(len(inputs), -1) == np.rint(255 * stretched)).all()


def test_a_shape_that_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match="no image"):
        make_thumbnails(np.zeros((1, 8)), FIRST, (8,))
