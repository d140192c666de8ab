"""A few numbers of every run, so that runs of one name can be followed from night to night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadymap.configs.schemas import WITHOUT_FAULT
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import count

MEASURES = {
    "real_clusters": "REAL clusters",
    "median_recurrence": "median recurrence",
    "trustworthiness": "trustworthiness, best recommended",
    "auc_ln_k": "AUC of R_NX, best recommended",
    "failed_cells": "failed cells",
}
"""What is followed, in the order of the page."""

WHOLE = ("real_clusters", "failed_cells")
"""Measures that are counts."""

WIDTH, HEIGHT, MARGIN = 180, 40, 4


@dataclass(frozen=True)
class Sparkline:
    """One measure over the runs of one name, oldest first.

    Attributes
    ----------
    title
        What is measured.
    points
        Coordinates of an SVG polyline; empty with fewer than two values.
    last
        Coordinates of its end.
    words
        The values in words.
    told
        The last value, and the one before it.
    """

    title: str
    points: str
    last: tuple[float, float]
    words: str
    told: str


def measure_run(run: Run) -> dict[str, float]:
    """Return what is known of a run, by measure."""
    found: dict[str, float] = {}
    verdicts = run.clusters["verdict"].dropna()
    if len(verdicts):
        found["real_clusters"] = float((verdicts == "REAL").sum())
    if len(run.clusters):
        found["median_recurrence"] = float(run.clusters["recurrence"].median())
    chosen = run.recommendations[run.recommendations["recommended"]]
    if len(chosen):
        found["trustworthiness"] = float(chosen["trustworthiness"].max())
        found["auc_ln_k"] = float(chosen["auc_ln_k"].max())
    found["failed_cells"] = float((~run.cells["status"].isin(WITHOUT_FAULT)).sum())
    return found


def draw_sparkline(measure: str, values: Sequence[float | None], of: str) -> Sparkline | None:
    """Draw one measure over runs, oldest first; None where no run has it. A run without it leaves no point."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if not known:
        return None
    low, high = min(value for _, value in known), max(value for _, value in known)
    across = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    placed = [
        (MARGIN + place * across, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * ((value - low) / (high - low or 1.0)))
        if high > low
        else (MARGIN + place * across, HEIGHT / 2)
        for place, value in known
    ]
    told = [spell_value(measure, value) for _, value in known]
    return Sparkline(
        title=MEASURES[measure],
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in placed) if len(placed) > 1 else "",
        last=placed[-1],
        words=f"{MEASURES[measure]} over {count(len(known), 'run')} of {of}, oldest first: {', '.join(told)}",
        told=told[-1] + (f" ({told[-2]} before)" if len(told) > 1 else ""),
    )


def spell_value(measure: str, value: float | None) -> str:
    """Write a value of a measure; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if measure in WHOLE else f"{value:.3f}"
