"""The report's page: one HTML file that needs nothing else.

Everything that comes from the user reaches the page through Jinja's escaping or as JSON that cannot end its
script element; the page's script sets text, never markup.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.heat_maps import HeatMap
from reports.palette import TWELVE, shade
from reports.picture_data import pack_pictures
from reports.run_folder import Run
from reports.summary import MEASURES, Summary

TEMPLATES = Path(__file__).parent / "templates"


def render_page(run: Run, summary: Summary) -> str:
    """Render the report of a run."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shade"] = _style
    data = pack_pictures(run)
    return environment.get_template("page.html.j2").render(
        summary=summary,
        maps=_maps_by_score(summary),
        cards={card.score: card for card in summary.cards},
        measures=MEASURES,
        packed=data.packed,
        index={**data.index, "palette": list(TWELVE)},
        # Our own files, read from beside the template: trusted markup.
        css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup((TEMPLATES / "pictures.js").read_text(encoding="utf-8")),  # noqa: S704
    )


def _maps_by_score(summary: Summary) -> dict[str, list[HeatMap]]:
    maps: dict[str, list[HeatMap]] = {}
    for one in summary.maps:
        maps.setdefault(one.score, []).append(one)
    return maps


def _style(share: float) -> str:
    background, text = shade(share)
    return f"background:{background};color:{text}"
