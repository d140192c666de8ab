"""A run as a notebook shows it: verdicts, the pictures to look at first, the way to the report and to the tables.

One piece of HTML without script, style sheet or request; pictures are inside. It takes the notebook's own colours, so
that it reads on light and on dark ground.
"""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import quote

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from steadymap.configs.schemas import VERDICTS
from steadymap.reports.clusters.cluster_cards import OPEN
from steadymap.reports.html.rendering import open_templates
from steadymap.reports.paper.grid_figure import (
    Colouring,
    Colours,
    cluster_colouring,
    comparison_colouring,
    draw_picture,
)
from steadymap.reports.paper.sheet import RULE, Sheet, plain_drawing
from steadymap.reports.pictures.palette import DARK, LIGHT
from steadymap.reports.run.run_folder import TABLES, Run, read_run
from steadymap.reports.summary.summary import Recommended, Summary, summarise
from steadymap.reports.wording import count

SIDE, DOTS_PER_INCH = 2.4, 110
BESIDE = (("report.html", "the report"), ("report.pdf", "as PDF"), ("summary.md", "as Markdown"))
"""Files of a run folder that the notebook leads to, where they are."""


@dataclass(frozen=True)
class Shown:
    """A recommended picture: its title, why, and a PNG as base64."""

    title: str
    reason: str
    png: str


@dataclass(frozen=True, repr=False)
class ShownRun(Run):
    """A run that a notebook displays, and that a terminal names."""

    def __repr__(self) -> str:
        words = self.clusters["verdict"].fillna("untested").tolist()
        counts = [f"{words.count(word)} {word}" for word in (*VERDICTS, "untested") if word in words]
        told = [
            count(self.manifest["data"]["rows"], "row"),
            count(len(self.drawn), "picture"),
            f"clusters: {', '.join(counts) or 'none'}",
        ]
        tables = [f".{name}" for name in TABLES if len(getattr(self, name))]
        return f"<run {self.manifest['run']}: {'; '.join(told)}; tables {', '.join(tables)}>"

    def _repr_html_(self) -> str:
        return render_notebook(self)


def open_run(run: Path | str, store: Path | str = "results") -> ShownRun:
    """Read every table of a run, given by its folder or by its name in a store; a notebook displays it.

    Raises
    ------
    InputError
        The folder is not a run, not a complete one, or a table is not what was written.
    """
    found = read_run(run, store)
    return ShownRun(**{one.name: getattr(found, one.name) for one in fields(found)})


def render_notebook(run: Run) -> str:
    """Render a run for a notebook."""
    summary = summarise(run)
    colouring = cluster_colouring(run, summary) or comparison_colouring(run, summary)
    return (
        open_templates()
        .get_template("notebook.html.j2")
        .render(
            summary=summary,
            cards=summary.clusters[:OPEN],
            more=max(0, len(summary.clusters) - OPEN),
            shown=_shown(summary, colouring),
            colouring=colouring,
            links=[(_address(run.folder / name), words) for name, words in BESIDE if (run.folder / name).is_file()],
            tables=[(name, len(getattr(run, name))) for name in TABLES if len(getattr(run, name))],
        )
    )


def _shown(summary: Summary, colouring: Colouring) -> list[Shown]:
    drawn = [one for one in summary.recommended if one.panel.cell in colouring.pictures]

    def png(one: Recommended) -> str:
        cell = one.panel.cell
        sheet = Sheet(SIDE, SIDE)
        axes = sheet.axes(0.02, 0.02, SIDE - 0.04, SIDE - 0.04)
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=RULE, linewidth=0.6)
        axes.set_facecolor("none")
        draw_picture(axes, colouring.pictures[cell], _for_any_ground(colouring.by_cell[cell]), SIDE)
        FigureCanvasAgg(sheet.figure)
        content = io.BytesIO()
        sheet.figure.savefig(content, dpi=DOTS_PER_INCH, format="png", transparent=True)
        return base64.b64encode(content.getvalue()).decode("ascii")

    with plain_drawing():
        return [Shown(one.panel.title, one.reason, png(one)) for one in drawn]


def _for_any_ground(colours: Colours) -> Colours:
    """Return tones halfway between those for light and for dark ground: a picture does not know where it is shown."""
    found = colours.copy()
    for light, dark in zip(LIGHT, DARK, strict=True):
        own = np.asarray(to_rgb(light), np.float32)
        found[(colours == own).all(axis=1)] = (own + np.asarray(to_rgb(dark), np.float32)) / 2
    return found


def _address(path: Path) -> str:
    """Return a link that a notebook server can follow: relative to the notebook's folder, where the file lies below."""
    below = os.path.relpath(path.resolve())
    return path.resolve().as_uri() if below.startswith("..") else quote(Path(below).as_posix())
