"""A run as one flat table: a row per row of the data, for tools that know nothing of Steadymap.

Columns are those of ``points.parquet``, the verdict of the row's cluster, and the coordinates of chosen pictures. What
every row's neighbours are, and where rows lie that the run's pictures leave out, only a store knows: it is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadymap.configs.errors import InputError
from steadymap.reports.pictures.panels import Panel, to_panel
from steadymap.reports.run.run_folder import Run

RECOMMENDED, ALL = "recommended", "all"
FEWEST_LETTERS = 6
"""Of a cell's identity; fewer would stand for several too easily."""

AXES = ("x", "y", "z")


@dataclass(frozen=True)
class CellAxes:
    """A chosen picture: its cell, a name that file formats and scripts can take, and what it is."""

    cell: str
    name: str
    panel: Panel


def choose_cells(run: Run, asked: Sequence[str]) -> list[CellAxes]:
    """Return the pictures that are meant: ``recommended``, ``all``, or cells by identity, its beginning, or name.

    Raises
    ------
    InputError
        There is no such picture, or several.
    """
    drawn = {place.cell: place for place in (_place(row) for row in run.drawn.to_dict("records"))}
    chosen: dict[str, CellAxes] = {}
    for one in asked:
        chosen |= {place.cell: place for place in _meant(run, one, drawn)}
    if not chosen:
        raise InputError(
            f"no picture is {', '.join(asked)}", file=run.folder, remedy="--cell all, or see cells.parquet"
        )
    return list(chosen.values())


def _place(row: Mapping[object, object]) -> CellAxes:
    panel = to_panel(dict(row))
    seed = "" if panel.seed is None else f"_seed{panel.seed}"
    return CellAxes(panel.cell, re.sub(r"[^A-Za-z0-9=._-]+", "_", panel.configuration) + seed, panel)


def _meant(run: Run, asked: str, drawn: Mapping[str, CellAxes]) -> list[CellAxes]:
    if asked == ALL:
        return list(drawn.values())
    if asked == RECOMMENDED:
        cells = run.recommendations.loc[run.recommendations["recommended"], "cell"]
        return [drawn[cell] for cell in cells if cell in drawn]
    found = [place for place in drawn.values() if asked in (place.cell, place.name)]
    if not found and len(asked) >= FEWEST_LETTERS:
        found = [place for cell, place in drawn.items() if cell.startswith(asked)]
    if len(found) != 1:
        raise InputError(
            f"{'several pictures are' if found else 'there is no picture'} {asked!r}",
            file=run.folder,
            place="--cell",
            rule=f"`{RECOMMENDED}`, `{ALL}`, or a picture: its cell (or the first letters of it), or its name, such as "
            f"{next((place.name for place in drawn.values()), 'pca')}",
            remedy="cells.parquet lists the cells",
        )
    return found


def coordinates(run: Run, place: CellAxes, everywhere: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
    """Return a picture's coordinates, a row per row of the data; rows that are not known are NaN.

    Parameters
    ----------
    everywhere
        The picture as it was drawn, with every row, where a store has it. It is laid over the run's picture, which
        was moved onto the reference.
    """
    dimension = place.panel.dimension
    own = run.embeddings[run.embeddings["cell"] == place.cell]
    found = np.full((len(run.points), dimension), np.nan)
    rows = np.searchsorted(run.points["row"].to_numpy(), own["row"].to_numpy())  # of a sample, rows of the file
    found[rows] = own[list(AXES[:dimension])].to_numpy(dtype=np.float64)
    if everywhere is None or len(rows) == len(found):
        return found
    # Both are the same picture, moved, turned and scaled: an affine map through the rows of both is exact.
    with_one = np.column_stack([everywhere, np.ones(len(everywhere))])
    laid, *_ = np.linalg.lstsq(with_one[rows], found[rows], rcond=None)
    everything: npt.NDArray[np.float64] = with_one @ laid
    return everything


def flat_table(run: Run, places: Mapping[str, npt.NDArray[np.float64]]) -> pd.DataFrame:
    """Return the table: x and y (and z) are the first picture's; of several each has columns of its own, too.

    Parameters
    ----------
    places
        Coordinates of every chosen picture, by its name.
    """
    table = run.points.drop(columns="position")
    verdicts = run.clusters.set_index("cluster")["verdict"]
    at = list(table.columns).index("cluster") + 1
    table["cluster"] = table["cluster"].astype("Int32")
    table.insert(at, "verdict", table["cluster"].map(verdicts).astype("string"))
    first = next(iter(places.values()), np.empty((len(table), 0)))
    columns = dict(zip(AXES, first.astype(np.float32).T, strict=False))
    if len(places) > 1:
        for name, found in places.items():
            columns |= {
                f"{axis}_{name}": values for axis, values in zip(AXES, found.astype(np.float32).T, strict=False)
            }
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)
