"""Images of rows for the page: those that cluster cards name first, then a sample, so that the file stays small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from steadymap.reports.pictures.exemplars import find_exemplars
from steadymap.reports.run.run_folder import Run

MOST = 2000
"""So many images are packed at most."""
MOST_BYTES = 1_500_000
"""And so many bytes of them: images hardly deflate, and the page of a small run is to stay below 3 MB."""


@dataclass(frozen=True)
class PackedImages:
    """Images of one size: their bytes one after the other, and what the page's script has to know (None without any).

    The index holds ``shape`` (height, width, channels) and ``places`` among the drawn rows, in the order of the bytes.
    """

    content: bytes = b""
    index: dict[str, Any] | None = None


def pack_images(run: Run, rows: npt.NDArray[np.int64]) -> PackedImages:
    """Pack images of drawn rows, in the order of their places."""
    if run.images.empty:
        return PackedImages()
    shape = [int(run.images[name].iloc[0]) for name in ("height", "width", "channels")]
    pixels = dict(zip(run.images["row"], run.images["pixels"], strict=True))
    known = np.array([row in pixels for row in rows], dtype=bool)
    most = min(MOST, max(1, MOST_BYTES // int(np.prod(shape))))
    places = _choose(run, rows, np.flatnonzero(known), most)
    return PackedImages(
        content=b"".join(pixels[row] for row in rows[places]),
        index={"shape": shape, "places": places.tolist()},
    )


def _choose(run: Run, rows: npt.NDArray[np.int64], known: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    named = [
        one.place
        for exemplars in find_exemplars(run, rows).values()
        for one in (*exemplars.typical, *exemplars.borderline)
    ]
    first = np.intersect1d(named, known).astype(np.int64)[:most]
    others = np.setdiff1d(known, first)
    room = most - len(first)
    if len(others) > room:
        others = np.random.default_rng(0).choice(others, room, replace=False)
    return np.sort(np.concatenate([first, others]))
