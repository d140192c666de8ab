"""Pictures of complementary halves beside the picture of all rows, to see what stays when the rows change."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from steadymap.reports.pictures.panels import Panel
from steadymap.reports.run.run_folder import Run


def half_pictures(run: Run) -> dict[str, pd.DataFrame]:
    """Return the pictures of halves by cell, in the order of the cells."""
    parts = {str(cell): part for cell, part in run.half_pictures.groupby("cell", observed=True, sort=False)}
    return {cell: parts[cell] for cell in run.cells["cell"] if cell in parts}


def halves_beside(run: Run, others: Sequence[Panel], panels: Sequence[Panel]) -> dict[str, tuple[Panel, ...]]:
    """Return the halves by the cell that they stand beside: the first picture of the same setting."""
    first: dict[str, str] = {}
    for panel in panels:
        if panel.status == "ok":
            first.setdefault(panel.configuration, panel.cell)
    drawn = half_pictures(run)
    found: dict[str, list[Panel]] = {}
    for panel in others:
        if panel.cell in drawn and panel.configuration in first:
            found.setdefault(first[panel.configuration], []).append(panel)
    return {cell: tuple(halves) for cell, halves in found.items()}
