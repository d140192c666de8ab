"""Which cells are drawn side by side: those of one graph, as many as an engine has lanes.

What is drawn beside what changes no byte of it; so the missing cells are cut to keep every worker busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from steadymap.configs.grid import Configuration
from steadymap.tasks.numerics.reducers.interface import LANE_PARAMETERS, LANES
from steadymap.tasks.plan.plan import Cell

JOBS_A_WORKER = 2
"""Fewer jobs than that a worker, and some would have nothing to do while the last ones are drawn."""


def graph_of(configuration: Configuration) -> str:
    """Return the name of the graph behind a configuration: its own name without what lanes may differ in.

    Engines that draw one picture at a time have a graph for every configuration.
    """
    among_lanes = LANE_PARAMETERS.get((configuration.reducer, configuration.engine))
    if among_lanes is None:
        return configuration.name
    told = configuration.name.split(" ")
    return " ".join(one for one in told if one.partition("=")[0] not in among_lanes)


def cells_by_graph(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return cells by the name of their graph, both in the order in which they came."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(graph_of(cell.configuration), []).append(cell)
    return found


def side_by_side(cells: Sequence[Cell], missing: int, workers: int) -> list[tuple[Cell, ...]]:
    """Cut the cells of one graph's name into jobs: the same vectors, evenly, at most as many as there are lanes.

    Parameters
    ----------
    missing
        Cells that the sweep has to draw.
    workers
        How many draw at a time.
    """
    on_vectors: dict[Path, list[Cell]] = {}
    for cell in cells:
        on_vectors.setdefault(cell.vectors.folder, []).append(cell)
    jobs: list[tuple[Cell, ...]] = []
    for together in on_vectors.values():
        most = min(_lanes(together[0].configuration), max(1, -(-missing // (JOBS_A_WORKER * workers))))
        count = -(-len(together) // most)
        cuts = [len(together) * at // count for at in range(count + 1)]
        jobs += [tuple(together[low:high]) for low, high in pairwise(cuts)]
    return jobs


def _lanes(configuration: Configuration) -> int:
    return LANES if (configuration.reducer, configuration.engine) in LANE_PARAMETERS else 1
