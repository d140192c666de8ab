"""Other ways to lay the pictures of the grid out: by perplexity, by n_neighbors and min_dist, by seed.

The page shows setting by seed; its script moves the same pictures into the rows that are said here. A way is offered
only where it shows something that the first does not: an axis with several values.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import NARROW_SPACE, spell_configuration, spell_number

FIRST = "setting and seed"
"""What the page shows before anything is chosen."""


@dataclass(frozen=True)
class Slot:
    """A picture's place in a row: its cell, None where the sweep has none there, and what the row does not say."""

    cell: str | None
    caption: str


@dataclass(frozen=True)
class LayoutRow:
    """A row of pictures and what they have in common."""

    title: str
    places: tuple[Slot, ...]


@dataclass(frozen=True)
class Layout:
    """A way to lay out the grid.

    Attributes
    ----------
    name, note
        Its name in the menu, and how to read it.
    wraps
        Whether a row that is too long goes on in the next line; else columns stay columns.
    rows
        The rows.
    """

    name: str
    note: str
    wraps: bool
    rows: tuple[LayoutRow, ...]

    @property
    def index(self) -> dict[str, Any]:
        """What the page's script has to know."""
        return asdict(self)


def layouts(run: Run) -> tuple[Layout, ...]:
    """Return the ways that make sense for a run."""
    cells = _with_rest(run)
    found = (_by_perplexity(cells), _by_neighbours(cells), _by_seed(cells))
    return tuple(layout for layout in found if layout is not None)


def _with_rest(run: Run) -> pd.DataFrame:
    """Add to the cells the place of their seed, and of their setting what neither axis says."""
    places = {seed: place for place, seed in enumerate(run.manifest["seeds"])}
    grid = run.grid.reset_index(drop=True)
    axes = ("perplexity=", "n_neighbors=", "min_dist=")
    rest = [
        ", ".join(one.replace("=", NARROW_SPACE, 1) for one in name.split(" ")[1:] if not one.startswith(axes))
        for name in grid["configuration"]
    ]
    return grid.assign(rest=rest, at=grid["seed"].map(places).fillna(-1).astype(int))


def _by_perplexity(cells: pd.DataFrame) -> Layout | None:
    own = cells[cells["reducer"] == "tsne"]
    if own["perplexity"].nunique() < 2:
        return None
    rows = tuple(
        LayoutRow(
            title=_told("perplexity", perplexity),
            places=tuple(
                Slot(one["cell"], _joined(one["rest"], _seed(one["seed"])))
                for one in group.sort_values(["at", "rest"], kind="stable").to_dict("records")
            ),
        )
        for perplexity, group in own.groupby("perplexity", sort=True)
    )
    note = "A row for each perplexity of t-SNE, the smallest first." + _others(cells, "tsne")
    return Layout("perplexity", note, wraps=False, rows=rows)


def _by_neighbours(cells: pd.DataFrame) -> Layout | None:
    own = cells[cells["reducer"] == "umap"]
    if own["n_neighbors"].nunique() < 2 or own["min_dist"].nunique() < 2:
        return None
    columns = sorted(own["min_dist"].unique())
    rows = []
    for (_, rest, neighbours), group in own.groupby(["at", "rest", "n_neighbors"], sort=True):
        by_column = dict(zip(group["min_dist"], group["cell"], strict=True))
        rows.append(
            LayoutRow(
                title=_joined(_told("n_neighbors", neighbours), str(rest), _seed(group["seed"].iloc[0])),
                places=tuple(Slot(by_column.get(one), _told("min_dist", one)) for one in columns),
            )
        )
    note = "UMAP: n_neighbors downwards, min_dist to the right, one seed after the other." + _others(cells, "umap")
    return Layout("n_neighbors and min_dist", note, wraps=False, rows=tuple(rows))


def _by_seed(cells: pd.DataFrame) -> Layout | None:
    if cells["seed"].nunique() < 2:
        return None
    rows = tuple(
        LayoutRow(
            title=_seed(group["seed"].iloc[0]) or "no seed",
            places=tuple(
                Slot(cell, spell_configuration(name))
                for cell, name in zip(group["cell"], group["configuration"], strict=True)
            ),
        )
        for _, group in sorted(cells.groupby("at"), key=lambda pair: (pair[0] < 0, pair[0]))
    )
    return Layout("seed", "Every setting with the same seed, seed after seed.", wraps=True, rows=rows)


def _others(cells: pd.DataFrame, reducer: str) -> str:
    others = [spell_configuration(str(one)) for one in dict.fromkeys(cells["reducer"]) if one != reducer]
    return f" Left out: {', '.join(others)}." if others else ""


def _told(name: str, value: object) -> str:
    return f"{name}{NARROW_SPACE}{spell_number(value)}"


def _seed(seed: float) -> str:
    return "" if pd.isna(seed) else f"seed {int(seed)}"


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
