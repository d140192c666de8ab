"""The report's page: one HTML file that needs nothing else.

Everything that comes from the user reaches the page through Jinja's escaping or as JSON that cannot end its
script element; the page's script sets text, never markup. Should a name get through all the same, the page's own
content policy allows one script only, named by its digest, and no request to anywhere.
"""

from __future__ import annotations

from steadymap.configs.cards import CARD_OF
from steadymap.reports.clusters.cluster_cards import OPEN, SHAPES
from steadymap.reports.clusters.decoded_cards import decoded_cards, decoded_sentences, has_images
from steadymap.reports.clusters.label_tests import class_matrix
from steadymap.reports.clusters.tracks import SYMBOLS
from steadymap.reports.html.bundle import bundle
from steadymap.reports.html.rendering import name_script, open_templates, read_own
from steadymap.reports.page.kept_table import by_verdict, cluster_rows, open_settings, setting_rows
from steadymap.reports.page.layouts import FIRST, layouts
from steadymap.reports.page.terms import TERMS, explainer, sections
from steadymap.reports.page.track_alluvials import track_rivers
from steadymap.reports.pictures.palette import THEMES
from steadymap.reports.pictures.picture_data import pack_pictures
from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.heat_maps import HeatMap
from steadymap.reports.scores.stability_rows import GROUPS, MEASURE_NAMES, MEASURES, stability_columns
from steadymap.reports.summary.summary import Summary

SCOPES = {
    "local": "Neighbours",
    "every scale": "Neighbourhoods of every size",
    "global": "The arrangement of the whole",
    "labels": "The labels",
    "loss": "What the reducers minimise",
    "stability": "Stability",
    "other": "Other scores",
}
"""Headings of the scores by what they look at."""


def render_page(run: Run, summary: Summary) -> str:
    """Render the report of a run."""
    data = pack_pictures(run)
    script = bundle()
    ways = layouts(run)
    settings, columns = setting_rows(summary), by_verdict(summary.clusters)
    decodings = decoded_cards(run)
    slots = {card.number: card.slot for card in summary.clusters}
    return (
        open_templates()
        .get_template("page.html.j2")
        .render(
            summary=summary,
            scopes=_maps_by_scope(summary),
            best={one.score: one for one in summary.best},
            measures=MEASURES,
            stability_columns=stability_columns(summary.stability),
            group_names=GROUPS,
            measure_names=MEASURE_NAMES,
            open_clusters=OPEN,
            tested=any(card.verdict for card in summary.clusters),
            cluster_rows=cluster_rows(summary),
            setting_rows=settings,
            open_settings=open_settings(summary),
            decodings=decodings,
            decoded_images=has_images(tuple(decodings.values())),
            decoded_sentences=decoded_sentences(run),
            columns=columns,
            classes=class_matrix(run, [card.number for card in columns]),
            names={card.number: card.name for card in summary.clusters},
            slots=slots,
            rivers=track_rivers(run, slots),
            symbols=SYMBOLS,
            cluster_definitions=[CARD_OF["recurrence"], CARD_OF["pac"]],
            themes=THEMES,
            terms=TERMS,
            explain=explainer(),
            shapes=SHAPES,
            sections=sections(summary, ranked=bool(settings)),
            size="small",
            packed=data.packed,
            layout_names=[FIRST, *(way.name for way in ways)],
            noise_beside={row.real.cell: row for row in summary.noise if row.real},
            index={**data.index, "themes": THEMES, "shapes": SHAPES, "layouts": [way.index for way in ways]},
            css=read_own("page.css", "alluvial.css"),
            script=script,
            script_digest=name_script(script),
        )
    )


def _maps_by_scope(summary: Summary) -> dict[str, dict[str, list[HeatMap]]]:
    """Group the maps of scores by what the scores look at, in the order of the cards; unknown scores come last."""
    by_score = _maps_by_score(summary)
    scopes: dict[str, dict[str, list[HeatMap]]] = {}
    for score in sorted(
        by_score, key=lambda one: (one not in CARD_OF, list(CARD_OF).index(one) if one in CARD_OF else 0)
    ):
        scope = CARD_OF[score].scope if score in CARD_OF else "other"
        scopes.setdefault(SCOPES[scope], {})[score] = by_score[score]
    return scopes


def _maps_by_score(summary: Summary) -> dict[str, list[HeatMap]]:
    maps: dict[str, list[HeatMap]] = {best.score: [] for best in summary.best}
    for one in summary.maps:
        maps.setdefault(one.score, []).append(one)
    return maps
