"""Numbers of a row that may colour the pictures, cut into ten levels with words that say what a level means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadymap.reports.pictures.palette import LEVELS

Levels = npt.NDArray[np.int16]

TENTHS = tuple(level / LEVELS for level in range(LEVELS + 1))
P_VALUES = (0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Bounds of the levels of a p-value: finer where it matters."""


@dataclass(frozen=True)
class RowMeasure:
    """A column of ``points`` that may colour the pictures.

    Attributes
    ----------
    name, note
        Its name in the menu, and how to read it.
    bounds
        Ends of the ten levels; what lies above the last belongs to the last level.
    percent
        Whether levels are told as percentages.
    open_end
        Whether larger values than the last bound exist.
    calm_end
        Whether high values are the calm ones; the colours turn round then, so that deep always means: take care.
    """

    name: str
    note: str
    bounds: tuple[float, ...] = TENTHS
    percent: bool = True
    open_end: bool = False
    calm_end: bool = False

    @property
    def level_names(self) -> tuple[str, ...]:
        """What each level means."""
        names = [self._spell(low, high) for low, high in pairwise(self.bounds)]
        if self.open_end:
            names[-1] = f"{self.bounds[-2]:g} or more"
        return tuple(names)

    def _spell(self, low: float, high: float) -> str:
        return f"{100 * low:g} to {100 * high:g} %" if self.percent else f"{low:g} to {high:g}"

    def levels(self, values: npt.NDArray[np.float64]) -> Levels:
        """Return the level of every value, 0 to 9; −1 where there is none."""
        found = np.searchsorted(np.array(self.bounds[1:-1]), np.nan_to_num(values, nan=-1), side="right")
        return np.where(np.isnan(values), -1, found).astype(np.int16)


_CHANGES = "0 % is steady: in every other picture the same rows lie beside it. 100 % changes altogether."
_MOVES = "Variance of the distances to its 15 nearest rows, relative to their mean (DynamicViz): 0 is a firm place."

ROW_MEASURES = {
    "island_instability_seeds": RowMeasure("island changes between seeds", _CHANGES),
    "island_instability_configurations": RowMeasure("island changes between settings", _CHANGES),
    "island_instability_resamples": RowMeasure("island changes between resamples", _CHANGES),
    "neighbour_instability_seeds": RowMeasure("neighbours change between seeds", _CHANGES),
    "neighbour_instability_configurations": RowMeasure("neighbours change between settings", _CHANGES),
    "neighbour_instability_resamples": RowMeasure("neighbours change between resamples", _CHANGES),
    "membership": RowMeasure(
        "belongs firmly to its cluster",
        "Share of its cluster that pictures put into the row's island: 100 % is firm, 0 % is loose.",
        calm_end=True,
    ),
    "dubious_share": RowMeasure(
        "dubious place (scDEED)",
        "Share of pictures that keep the row's neighbours no better than noise would: 0 % is never, 100 % is always.",
    ),
    "embedr_p": RowMeasure(
        "no better than noise (EMBEDR)",
        "p-value against reference data: below 0.05 the row's neighbours are kept better than those of noise.",
        P_VALUES,
        percent=False,
    ),
    "distance_variance_seeds": RowMeasure("distances change between seeds", _MOVES, percent=False, open_end=True),
    "distance_variance_configurations": RowMeasure(
        "distances change between settings", _MOVES, percent=False, open_end=True
    ),
    "distance_variance_resamples": RowMeasure(
        "distances change between resamples", _MOVES, percent=False, open_end=True
    ),
}
"""Columns of ``points`` in the order of the menu."""


@dataclass(frozen=True)
class MeasuredRows:
    """A measure and the level of every drawn row."""

    measure: RowMeasure
    codes: Levels

    @property
    def index(self) -> dict[str, Any]:
        """What the page's script has to know."""
        return {
            "name": self.measure.name,
            "note": self.measure.note,
            "levels": self.measure.level_names,
            "reversed": self.measure.calm_end,
            "counts": np.bincount(self.codes[self.codes >= 0], minlength=LEVELS).tolist(),
        }


def _reconstruction(values: npt.NDArray[np.float64]) -> RowMeasure:
    """Return the measure of reconstruction errors: their unit is that of the inputs, so deciles are its levels."""
    deciles = np.quantile(values[np.isfinite(values)], np.linspace(0, 1, LEVELS + 1))
    bounds = tuple(float(f"{bound:.3g}") for bound in deciles)
    note = "Mean squared difference of the input and its reconstruction; a level for every tenth of the rows."
    return RowMeasure("reconstruction error", note, bounds, percent=False)


def row_levels(points: pd.DataFrame) -> tuple[MeasuredRows, ...]:
    """Return the levels of these rows in each measure that any of them has."""
    found = []
    for column, measure in ROW_MEASURES.items():
        values = points[column].to_numpy(dtype=np.float64)
        if np.isfinite(values).any():
            found.append(MeasuredRows(measure, measure.levels(values)))
    errors = points["reconstruction_error"].to_numpy(dtype=np.float64)
    if np.isfinite(errors).any():
        measure = _reconstruction(errors)
        found.append(MeasuredRows(measure, measure.levels(errors)))
    return tuple(found)
