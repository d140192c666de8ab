"""What the pictures cost: medians of CPU seconds, which say nothing about any result."""

from __future__ import annotations

from steadymap.reports.run.run_folder import Run

ABOUT_EQUAL = 1.1
"""Below this ratio nobody is called faster."""


def compare_speed(run: Run) -> str:
    """Say which of t-SNE and UMAP was faster here; empty where the costs of either are not known.

    Medians over the pictures of all rows, so that the first picture of a process, which compiles, decides nothing.
    """
    if run.timings is None:
        return ""
    joined = run.timings.merge(run.drawn[["cell", "reducer"]], on="cell").dropna(subset=["cpu_seconds"])
    medians = joined.groupby("reducer")["cpu_seconds"].median()
    if not {"tsne", "umap"} <= set(medians.index) or min(medians["tsne"], medians["umap"]) <= 0:
        return ""
    tsne, umap = float(medians["tsne"]), float(medians["umap"])
    ratio = max(tsne, umap) / min(tsne, umap)
    faster, slower = ("UMAP", "t-SNE") if umap < tsne else ("t-SNE", "UMAP")
    lead = f"{faster} is {ratio:.1f} × faster than {slower} here"
    if ratio < ABOUT_EQUAL:
        lead = f"{faster} and {slower} cost about the same here"
    cost = f"{_seconds(min(tsne, umap))} against {_seconds(max(tsne, umap))}"
    return f"{lead}: {cost} CPU-seconds a picture (medians over the pictures of all rows)."


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
