"""Build a run's report: page, PDF, Markdown and figures, each written whole or not at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from steadymap.reports.commit_file import commit
from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.markdown import to_markdown
from steadymap.reports.summary.summary import Summary, summarise

REPORT, PAPER, DIGEST = "report.html", "report.pdf", "summary.md"
GRID = "figures/comparison_grid"


def build_report(folder: Path) -> Path:
    """Render a run folder's report, its PDF, its summary and figures, and return the report.

    The page comes last: where it is, the rest is, too.

    Raises
    ------
    InputError
        The folder is not a complete run.
    """
    from steadymap.reports.paper.report_pdf import write_pdf

    folder = folder.resolve()
    run = read_run(folder)
    summary = summarise(run)
    if len(run.drawn):
        _draw_figures(run, summary)
    commit(folder / PAPER, lambda path: write_pdf(run, summary, path))
    picture = f"{GRID}.png" if len(run.drawn) else None
    commit(folder / DIGEST, lambda path: path.write_text(to_markdown(summary, picture), encoding="utf-8"))
    page = render_page(run, summary)
    commit(folder / REPORT, lambda path: path.write_text(page, encoding="utf-8"))
    return folder / REPORT


def _draw_figures(run: Run, summary: Summary) -> None:
    """Draw every figure that the run has something for, as PNG and as SVG."""
    from steadymap.reports.paper.grid_figure import cluster_colouring, comparison_colouring, draw_comparison_grid
    from steadymap.reports.paper.score_figure import draw_scores
    from steadymap.reports.paper.sheet import plain_drawing, save_png, save_svg
    from steadymap.reports.paper.track_figure import draw_tracks

    clusters = cluster_colouring(run, summary) if summary.labels else None
    with plain_drawing():
        figures = {
            GRID: draw_comparison_grid(summary.rows, comparison_colouring(run, summary)),
            "figures/clusters": None if clusters is None else draw_comparison_grid(summary.rows, clusters),
            "figures/scores": draw_scores(run),
            "figures/tracks": draw_tracks(summary),
        }
    for name, sheet in figures.items():
        if sheet is not None:
            commit(run.folder / f"{name}.png", partial(save_png, sheet))
            commit(run.folder / f"{name}.svg", partial(save_svg, sheet))
