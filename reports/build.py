"""Build a run's report: page and figures, each written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from reports.commit_file import commit
from reports.page import render_page
from reports.run_folder import read_run
from reports.summary import summarise

REPORT = "report.html"


def build_report(folder: Path) -> Path:
    """Render a run folder's report and figures and return the report.

    Raises
    ------
    InputError
        The folder is not a complete run.
    """
    from reports.figures import draw_comparison_grid, draw_scores

    folder = folder.resolve()
    run = read_run(folder)
    summary = summarise(run)
    if len(run.drawn):
        commit(folder / "figures" / "comparison_grid.png", lambda path: draw_comparison_grid(run, summary, path))
        commit(folder / "figures" / "scores.png", lambda path: draw_scores(run, path))
    page = render_page(run, summary)
    commit(folder / REPORT, lambda path: path.write_text(page, encoding="utf-8"))
    return folder / REPORT
