"""The page of a comparison: one HTML file that needs nothing else and runs no script."""

from __future__ import annotations

from collections.abc import Mapping

from steadymap.reports.compare.compare_runs import Comparison, Facts, spell_changes
from steadymap.reports.compare.registration import SIDE, draw_pair
from steadymap.reports.html.alluvial import Alluvial, AlluvialLayout, Block, draw_alluvial, gather_smallest
from steadymap.reports.html.rendering import open_templates, read_own
from steadymap.reports.pictures.palette import LIGHT, THEMES
from steadymap.reports.wording import count, spell_p, spell_share

MOST_PARTS = 4
"""Clusters that a cell of the table names; the rest are counted."""

MOST_BLOCKS = 40
"""Clusters on either side of the drawing; smaller ones are drawn as one block."""

LONGEST_LABEL = 16
LAYOUT = AlluvialLayout(between=250, left=250, right=250)

GENERATOR = "Steadymap comparison"

NO_LINKS: Mapping[str, str] = {"A": "", "B": ""}


def render_comparison(found: Comparison, links: Mapping[str, str] = NO_LINKS) -> str:
    """Render a comparison; ``links`` lead to the reports of A and B, empty where there is none."""
    templates = open_templates()
    templates.filters["share"] = spell_share
    templates.filters["p"] = lambda p: spell_p(p).removeprefix("p = ").removeprefix("p ")
    return templates.get_template("compare.html.j2").render(
        found=found,
        sentences=spell_changes(found, "A{}".format, "B{}".format),
        drawing=draw_clusters(found),
        pair=None if found.pictures is None else draw_pair(found.pictures, *_slots(found)),
        side=SIDE,
        links=links,
        most_parts=MOST_PARTS,
        themes=THEMES,
        css=read_own("page.css", "alluvial.css", "site.css"),
        script="",
        generator=GENERATOR,
    )


def draw_clusters(found: Comparison) -> Alluvial | None:
    """Draw where the rows of every cluster of A are in B; None where either has no cluster."""
    before = [one.cluster for one in found.clusters if not one.is_new]
    if not before or not found.matching.after:
        return None
    slots, origin = _slots(found)
    left = [_block("A", one, one.shared, slots.get(one.cluster)) for one in before if one.shared]
    right = [
        _block("B", found.after[number], rows, origin.get(number)) for number, rows in found.matching.after.items()
    ]
    left, left_keys = gather_smallest(left, MOST_BLOCKS, "clusters")
    right, right_keys = gather_smallest(right, MOST_BLOCKS, "clusters")
    shared: dict[tuple[int, int], int] = {}
    for (a, b), rows in found.matching.shared.items():
        pair = (left_keys[a], right_keys[b])
        shared[pair] = shared.get(pair, 0) + rows
    alt = (
        f"{count(len(before), 'cluster')} of A on the left, {len(right)} of B on the right; bands are as wide as the "
        "rows that two share. The table after it has every number."
    )
    return draw_alluvial([("A", left), ("B", right)], [shared], LAYOUT, alt)


def _slots(found: Comparison) -> tuple[dict[int, int | None], dict[int, int | None]]:
    """Return the colours of the clusters of A and of B."""
    before = [one.cluster.cluster for one in found.clusters if not one.is_new]
    slots: dict[int, int | None] = {cluster: place for place, cluster in enumerate(before) if place < len(LIGHT)}
    return slots, _origins(found, slots)


def _origins(found: Comparison, slots: Mapping[int, int | None]) -> dict[int, int | None]:
    """Return the colour of every cluster of B: that of the cluster of A with which it has most rows in common."""
    shared = found.matching.shared
    origin: dict[int, int | None] = {}
    for a, b in sorted(shared, key=lambda pair: (-shared[pair], pair)):
        origin.setdefault(b, slots.get(a))
    return origin


def _block(letter: str, facts: Facts, rows: int, slot: int | None) -> Block:
    name = f"{letter}{facts.cluster}"
    lead = f"{facts.shape} {facts.verdict} " if facts.verdict else ""
    label = f" · {_shorten(facts.label)}" if facts.label else ""
    words = f"{name}, {facts.verdict}" if facts.verdict else name
    return Block(facts.cluster, f"{lead}{name} · {rows:,}{label}", words, rows, slot)


def _shorten(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
