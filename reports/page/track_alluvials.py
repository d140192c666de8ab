"""Clusters through a parameter as a river: islands of one picture a value, and the rows they share from value to value.

A river follows one parameter of one reducer while all others stay as in the recommended setting (else as where most
values were drawn), with one seed, so that what flows apart does so because of the parameter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from steadymap.reports.html.alluvial import Alluvial, AlluvialLayout, Block, draw_alluvial, gather_smallest
from steadymap.reports.pictures.palette import LIGHT
from steadymap.reports.run.cluster_names import ClusterName, name_clusters
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import NARROW_SPACE, count, spell_configuration, spell_share

LEAST_SHARE = 0.1
"""Of an island's rows: a cluster with fewer of them is not named."""

MOST_NAMED = 3
MOST_BLOCKS = 24
NO_CLUSTER = -1
ROOM = 16
"""Characters of a block's label."""

LAYOUT = AlluvialLayout(between=116, left=140, right=150)


@dataclass(frozen=True)
class TrackRiver:
    """The river of a parameter: its heading, what was kept as it is, and the drawing."""

    heading: str
    held: str
    drawing: Alluvial


@dataclass(frozen=True)
class _Course:
    """A parameter, the settings along it by value, and the setting they are taken from."""

    parameter: str
    settings: tuple[str, ...]
    recommended: bool


def track_rivers(run: Run, slots: Mapping[int, int | None]) -> tuple[TrackRiver, ...]:
    """Draw a river for every parameter that has several values in the pictures of all rows; ``slots`` are colours."""
    if run.clusters.empty:
        return ()
    rivers = (_draw(run, course, slots) for course in _courses(run))
    return tuple(river for river in rivers if river is not None)


# --- which pictures -------------------------------------------------------------------------------------------------


def _courses(run: Run) -> list[_Course]:
    """Return every parameter of every reducer with the settings that differ in nothing else; one course each."""
    drawn = list(dict.fromkeys(run.drawn["configuration"]))
    recommended = set(run.recommendations.loc[run.recommendations["recommended"], "configuration"])
    found: dict[tuple[str, str], list[_Course]] = {}
    for (reducer, parameter, _), settings in _families(drawn).items():
        if len(settings) > 1:
            along = tuple(settings[value] for value in sorted(settings))
            course = _Course(parameter, along, recommended=bool(recommended & set(along)))
            found.setdefault((reducer, parameter), []).append(course)
    return [max(courses, key=lambda one: (one.recommended, len(one.settings))) for courses in found.values()]


def _families(settings: list[str]) -> dict[tuple[str, str, str], dict[float, str]]:
    """Group settings by reducer, parameter and the values of all others; each by its own value, numbers only."""
    families: dict[tuple[str, str, str], dict[float, str]] = {}
    for name in settings:
        reducer, *parameters = name.split(" ")
        for own in parameters:
            parameter, _, value = own.partition("=")
            number = pd.to_numeric(value, errors="coerce")
            if not np.isnan(number):
                rest = " ".join(one for one in parameters if one != own)
                families.setdefault((reducer, parameter, rest), {})[float(number)] = name
    return families


def _cells(run: Run, course: _Course) -> tuple[list[str], str] | None:
    """Return a picture for every setting, all of one seed, and that seed in words; None where no seed has them all."""
    own = run.drawn[run.drawn["configuration"].isin(course.settings)]
    chosen = run.recommendations[run.recommendations["recommended"]]["cell"]
    first = own[own["cell"].isin(chosen)]["seed"].tolist()
    for seed in [*first, *run.manifest["seeds"]]:
        of_seed = own[own["seed"] == seed].drop_duplicates("configuration").set_index("configuration")["cell"]
        if set(of_seed.index) == set(course.settings):
            return [of_seed[name] for name in course.settings], f"seed {int(seed)}"
    return None


# --- the drawing ----------------------------------------------------------------------------------------------------


def _draw(run: Run, course: _Course, slots: Mapping[int, int | None]) -> TrackRiver | None:
    found = _cells(run, course)
    if found is None:
        return None
    cells, seed = found
    names = name_clusters(run)
    wanted = run.embeddings[run.embeddings["cell"].isin(cells)]
    islands = wanted.pivot_table(index="row", columns="cell", values="island_filled", aggfunc="first")[cells].dropna()
    clusters = run.points.set_index("row")["cluster"].reindex(islands.index).fillna(NO_CLUSTER).to_numpy(dtype=int)
    labels = [islands[cell].to_numpy(dtype=int) for cell in cells]
    values = [_value(setting, course.parameter) for setting in course.settings]
    columns, keys = [], []
    for place, own in enumerate(labels):
        blocks, key = gather_smallest(_blocks(own, clusters, slots, names), MOST_BLOCKS, "islands")
        title = f"{course.parameter}{NARROW_SPACE}{values[place]}" if place == 0 else values[place]
        columns.append((title, blocks))
        keys.append(key)
    shared = [
        dict(Counter((keys[at][a], keys[at + 1][b]) for a, b in zip(labels[at], labels[at + 1], strict=True)))
        for at in range(len(labels) - 1)
    ]
    numbers = [count(len(blocks), "island") for _, blocks in columns]
    steps = ", ".join(f"{number} at {value}" for number, value in zip(numbers, values, strict=True))
    alt = (
        f"{steps}. Bands are as wide as the rows that two islands share. The table after it says it for every setting."
    )
    reducer = spell_configuration(course.settings[0].split(" ")[0])
    return TrackRiver(
        heading=f"{reducer}, {course.parameter} {' → '.join(values)}",
        held=_held(course, seed),
        drawing=draw_alluvial(columns, shared, LAYOUT, alt),
    )


def _held(course: _Course, seed: str) -> str:
    parameters = course.settings[0].split(" ")[1:]
    rest = [one.replace("=", NARROW_SPACE, 1) for one in parameters if not one.startswith(f"{course.parameter}=")]
    return ", ".join([*rest, seed])


def _value(setting: str, parameter: str) -> str:
    return next(one.partition("=")[2] for one in setting.split(" ") if one.startswith(f"{parameter}="))


def _blocks(
    islands: np.ndarray, clusters: np.ndarray, slots: Mapping[int, int | None], names: Mapping[int, ClusterName]
) -> list[Block]:
    """Make a block of every island, those of the first cluster first; named and coloured by whose rows it holds."""
    found = []
    for island in np.unique(islands):
        held, rows = np.unique(clusters[islands == island], return_counts=True)
        order = np.argsort(-rows, kind="stable")
        total = int(rows.sum())
        named = [int(held[at]) for at in order if held[at] != NO_CLUSTER and rows[at] >= LEAST_SHARE * total]
        main = named[0] if named else NO_CLUSTER
        shares = [(names[int(held[at])].plain, rows[at] / total) for at in order if int(held[at]) in named]
        parts = [f"{spell_share(share)} of it {name}" for name, share in shares]
        words = f"{count(total, 'row')}, {', '.join(parts[:MOST_NAMED])}" if parts else f"{count(total, 'row')}"
        slot = slots.get(main)
        found.append(
            (main, -total, Block(int(island), _label(named, names), f"island {island} ({words})", total, _drawn(slot)))
        )
    return [block for _, _, block in sorted(found, key=lambda one: one[:2])]


def _label(named: list[int], names: Mapping[int, ClusterName]) -> str:
    """Name as many clusters as there is room for beside a block, the largest at least, and count the others."""
    told: list[str] = []
    for number in named[:MOST_NAMED]:
        if told and len(" + ".join([*told, names[number].brief])) > ROOM:
            break
        told.append(names[number].brief)
    more = [f"{len(named) - len(told)} more"] if len(told) < len(named) else []
    return " + ".join([*told, *more]) or "no cluster"


def _drawn(slot: int | None) -> int | None:
    return slot if slot is not None and slot < len(LIGHT) else None
