"""The page of several encoders: one HTML file that needs nothing else and runs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from steadymap.reports.clusters.cluster_cards import SHAPES
from steadymap.reports.commit_file import commit, commit_if_new
from steadymap.reports.compare.match_clusters import NO_CLUSTER
from steadymap.reports.compare.registration import SIDE, Dots, draw_pictures, lay_over
from steadymap.reports.encoders.axis import Axis, EncoderRun, FollowedCluster, SharedRows, partitions_of
from steadymap.reports.encoders.axis_tables import axis_tables
from steadymap.reports.encoders.axis_words import spell_axis, spell_member
from steadymap.reports.html.alluvial import Alluvial, AlluvialLayout, Block, draw_alluvial, gather_smallest
from steadymap.reports.html.rendering import open_templates, read_own, to_bytes
from steadymap.reports.pictures.palette import LIGHT, THEMES
from steadymap.reports.wording import count, spell_p, spell_share

PAGE = "encoders.html"

GENERATOR = "Steadymap encoders"

FEWEST = 2
"""One picture alone compares nothing."""

MOST_BLOCKS = 30
LONGEST_LABEL = 12
LAYOUT = AlluvialLayout(between=150, left=170, right=170)


@dataclass(frozen=True)
class EncoderPicture:
    """A picture of an encoder's latent vectors: whose, which setting and seed, and its points by colour."""

    encoder: str
    title: str
    dots: list[Dots]


def write_axis(
    axis: Axis, encoders: Sequence[EncoderRun], shared: SharedRows, folder: Path, links: Mapping[str, str]
) -> Path:
    """Write tables and page of several encoders into a folder, the page last; return the page.

    Parameters
    ----------
    links
        The way from the page to the report of each encoder's run.
    """
    for name, table in axis_tables(axis).items():
        commit(folder / f"{name}.parquet", partial(pq.write_table, table))
    page = render_axis(axis, draw_river(axis, encoders, shared), draw_encoders(axis, encoders), links)
    commit_if_new(folder / PAGE, to_bytes(page))
    return folder / PAGE


def render_axis(
    axis: Axis, river: Alluvial | None, pictures: Sequence[EncoderPicture], links: Mapping[str, str]
) -> str:
    """Render the page."""
    templates = open_templates()
    templates.filters["share"] = spell_share
    templates.filters["p"] = lambda p: spell_p(p).removeprefix("p = ").removeprefix("p ")
    templates.filters["member"] = spell_member
    return templates.get_template("encoders.html.j2").render(
        axis=axis,
        sentences=spell_axis(axis),
        river=river,
        pictures=pictures,
        side=SIDE,
        shapes=SHAPES,
        links=links,
        count=count,
        themes=THEMES,
        css=read_own("page.css", "alluvial.css", "site.css"),
        script="",
        generator=GENERATOR,
    )


def draw_encoders(axis: Axis, encoders: Sequence[EncoderRun]) -> list[EncoderPicture]:
    """Draw one setting and seed of every encoder, each laid over that of the first by the rows that both draw."""
    laid = [lay_over(encoders[0].run, one.run) for one in encoders]
    drawn = [(place, picture) for place, picture in enumerate(laid) if picture is not None]
    if len(drawn) < FEWEST:
        return []
    slots = [_slots(axis, place) for place, _ in drawn]
    dots = draw_pictures([picture.after for _, picture in drawn], slots)
    return [
        EncoderPicture(encoders[place].name, picture.title, own)
        for (place, picture), own in zip(drawn, dots, strict=True)
    ]


def _slots(axis: Axis, place: int) -> dict[int, int | None]:
    """Return the colours of an encoder's clusters: those of the clusters that are followed through them."""
    return {
        cluster: _slot(one)
        for one in axis.clusters
        for cluster in one.members[place].followed.clusters
        if one.members[place].followed.fate == "found"
    }


def _slot(one: FollowedCluster) -> int | None:
    return one.number - 1 if one.number <= len(LIGHT) else None


def draw_river(axis: Axis, encoders: Sequence[EncoderRun], shared: SharedRows) -> Alluvial | None:
    """Draw where the rows of every cluster are from encoder to encoder; None without any cluster."""
    if not axis.clusters:
        return None
    partitions = partitions_of(encoders, shared)
    columns, keys = [], []
    for place, (one, partition) in enumerate(zip(encoders, partitions, strict=True)):
        blocks, key = gather_smallest(_blocks(axis, place, partition), MOST_BLOCKS, "clusters")
        columns.append((one.name, blocks))
        keys.append(key)
    bands = [
        dict(
            Counter(
                (keys[at][a], keys[at + 1][b])
                for a, b in zip(partitions[at].tolist(), partitions[at + 1].tolist(), strict=True)
                if NO_CLUSTER not in (a, b)
            )
        )
        for at in range(len(encoders) - 1)
    ]
    sizes = "; ".join(f"{name}: {count(len(blocks), 'cluster')}" for name, blocks in columns)
    alt = f"{sizes}. Bands are as wide as the rows that two clusters share. The table says the same in words."
    return draw_alluvial(columns, bands, LAYOUT, alt)


def _blocks(axis: Axis, place: int, partition: np.ndarray) -> list[Block]:
    """Make a block of every cluster of an encoder, named and coloured by the cluster that is followed through it."""
    followed: dict[int, FollowedCluster] = {}
    for one in axis.clusters:
        for cluster in one.members[place].followed.clusters:
            if one.members[place].followed.fate == "found":
                followed[cluster] = one
    found = []
    for cluster, rows in zip(*np.unique(partition[partition != NO_CLUSTER], return_counts=True), strict=True):
        one = followed[int(cluster)]
        member = one.members[place]
        mark = SHAPES.get(member.verdict, "◇")
        words = f"{one.name.plain}, {member.verdict or 'not tested'}"
        label = one.name.short if len(one.name.short) <= LONGEST_LABEL else f"{one.name.short[: LONGEST_LABEL - 1]}…"
        found.append((one.number, Block(int(cluster), f"{mark} {label} · {rows:,}", words, int(rows), _slot(one))))
    return [block for _, block in sorted(found, key=lambda one: one[0])]
