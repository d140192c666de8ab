"""Pictures packed for the page: 16-bit coordinates and islands, deflated, base64.

One order of points for all pictures, so that a point is the same index everywhere. Layout of the unpacked bytes,
little-endian, per picture: x (uint16 × n), y (uint16 × n), island (int16 × n), island_filled (int16 × n); then per
label column its codes (uint16 × n, 65535 for no label).
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.run_folder import Run

STEPS = 65535
NO_LABEL = 65535
MARGIN = 0.04
"""Share of a picture's extent kept free on each side."""


@dataclass(frozen=True)
class PictureData:
    """What the page's script needs.

    Attributes
    ----------
    packed
        The bytes, deflated and base64.
    index
        Number of points, cells in order, label columns with their values, and the names of the points.
    """

    packed: str
    index: dict[str, Any]


def pack_pictures(run: Run) -> PictureData:
    """Pack every drawn picture of a run."""
    order = run.drawn["cell"].tolist()
    pictures = {str(cell): part for cell, part in run.embeddings.groupby("cell", observed=True)}
    drawn = [cell for cell in order if cell in pictures]
    rows = pictures[drawn[0]]["row"].to_numpy() if drawn else np.empty(0, np.int64)
    points = run.points.set_index("row").loc[rows]
    chunks = [_pack_picture(pictures[cell]) for cell in drawn]
    labels = []
    for name, column in zip(run.manifest["data"]["labels"], _label_columns(run.points), strict=False):
        codes, values = _encode(points[column])
        chunks.append(codes.tobytes())
        labels.append({"name": name, "values": values})
    packed = zlib.compress(b"".join(chunks), 9)
    return PictureData(
        packed=base64.b64encode(packed).decode("ascii"),
        index={
            "points": len(rows),
            "cells": drawn,
            "labels": labels,
            "rows": rows.tolist(),
            "ids": [str(name) for name in points["id"]],
        },
    )


def _label_columns(points: pd.DataFrame) -> list[str]:
    return [name for name in points.columns if name == "label" or name.startswith("label:")]


def _pack_picture(picture: pd.DataFrame) -> bytes:
    coordinates = picture[["x", "y"]].to_numpy(dtype=np.float64)
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    # One scale for both axes, so that nothing is stretched.
    extent = float((high - low).max()) * (1 + 2 * MARGIN) or 1.0
    placed = (coordinates - (low + high) / 2) / extent + 0.5
    grid = np.clip(np.rint(placed * STEPS), 0, STEPS).astype("<u2")
    islands = picture[["island", "island_filled"]].to_numpy().clip(-1, 32767).astype("<i2")
    return b"".join(np.ascontiguousarray(column).tobytes() for column in (*grid.T, *islands.T))


def _encode(labels: pd.Series[Any]) -> tuple[np.ndarray, list[str]]:
    """Number label values: whole numbers by size, other text by alphabet."""
    values = sorted({str(value) for value in labels.dropna()}, key=_natural)
    number = {value: place for place, value in enumerate(values[:NO_LABEL])}
    codes = [NO_LABEL if pd.isna(value) else number.get(str(value), NO_LABEL) for value in labels]
    return np.array(codes, dtype="<u2"), values


def _natural(text: str) -> tuple[int, float, str]:
    return (0, float(text), "") if text.isdecimal() and text.isascii() else (1, 0.0, text)
