"""Lay the picture of one run over that of another, so that what stayed lies where it lay the night before.

A reducer turns, mirrors and stretches its picture as it likes, so two nights of the same data may look like two worlds.
The move, turn and mirroring that bring the shared rows closest, at the same spread, are applied to every row; what is
left is the Procrustes disparity, beside that of two seeds of one run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadymap.configs.grid import CONTROLS
from steadymap.reports.compare.drift import between_seeds
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import spell_configuration

FEWEST_ROWS = 10
"""Fewer shared rows fix no turn."""

MOST_POINTS = 1_500
"""So many rows of either picture are shown."""

SIDE, EDGE = 330.0, 8.0
"""Of a drawn picture, and what is kept free around it, in pixels."""

Places = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Similarity:
    """A move, a turn or mirroring, and one scale; ``disparity`` is the share of variance that it leaves, in [0, 1]."""

    turn: Places
    scale: float
    centre: Places
    target: Places
    disparity: float

    def apply(self, places: Places) -> Places:
        """Lay points over, shape (n, 2)."""
        laid: Places = (places - self.centre) @ self.turn * self.scale + self.target
        return laid


def fit_similarity(places: Places, onto: Places) -> Similarity:
    """Find the move, turn or mirroring that brings points closest to others, at the spread of those.

    Parameters
    ----------
    places, onto
        The same rows, shape (n, 2), finite. Source: Gower 1975, doi:10.1007/BF02291478. The scale is that of equal
        spread, not the least-squares one, which shrinks what has nothing in common to a dot.
    """
    centre, target = places.mean(axis=0), onto.mean(axis=0)
    a, b = places - centre, onto - target
    left, values, right = np.linalg.svd(a.T @ b)
    of_a, of_b = float((a**2).sum()), float((b**2).sum())
    overlap = float(values.sum())
    scale = float(np.sqrt(of_b / of_a)) if of_a > 0 else 1.0
    explained = overlap**2 / (of_a * of_b) if of_a > 0 and of_b > 0 else 0.0
    return Similarity(left @ right, scale, centre, target, float(np.clip(1.0 - explained, 0.0, 1.0)))


@dataclass(frozen=True)
class LaidOver:
    """The same setting and seed in two runs, B laid over A.

    Attributes
    ----------
    title
        Setting and seed.
    before, after
        A row per drawn row: ``x``, ``y``, ``cluster`` (null in none).
    shared
        Rows that both draw.
    disparity, between_seeds
        What is left of the difference; the most that two seeds of one run leave, None where there is one seed.
    """

    title: str
    before: pd.DataFrame
    after: pd.DataFrame
    shared: int
    disparity: float
    between_seeds: float | None


def lay_over(a: Run, b: Run) -> LaidOver | None:
    """Lay a picture of B over that of A; None where no setting and seed is drawn flat by both, or too few rows are."""
    pair = _choose(a, b)
    if pair is None:
        return None
    cell_a, cell_b = pair
    before, after = _picture(a, cell_a["cell"]), _picture(b, cell_b["cell"])
    shared = before.index[~before.index.duplicated(keep=False)].intersection(
        after.index[~after.index.duplicated(keep=False)]
    )
    if len(shared) < FEWEST_ROWS:
        return None
    found = fit_similarity(_places(after.loc[shared]), _places(before.loc[shared]))
    laid = found.apply(_places(after))
    return LaidOver(
        title=f"{spell_configuration(cell_a['configuration'])}, seed {int(cell_a['seed'])}",
        before=before,
        after=after.assign(x=laid[:, 0], y=laid[:, 1]),
        shared=len(shared),
        disparity=found.disparity,
        between_seeds=max(between_seeds(str(cell_a["configuration"]), "procrustes", a, b), default=None),
    )


def _choose(a: Run, b: Run) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Choose the first setting and seed that both have: A's reference picture, then its recommended ones, then any."""
    first = [a.manifest.get("reference_cell")]
    recommended = a.recommendations
    first += recommended.loc[recommended["recommended"], "cell"].tolist()
    cells = {row["cell"]: row for row in _flat(a)}
    ordered = [cells[name] for name in dict.fromkeys([*first, *cells]) if name in cells]
    others = {(row["configuration"], row["seed"]): row for row in _flat(b)}
    return next(
        ((row, other) for row in ordered if (other := others.get((row["configuration"], row["seed"]))) is not None),
        None,
    )


def _flat(run: Run) -> list[dict[str, Any]]:
    drawn = run.drawn
    chosen = drawn[(drawn["dimension"] == 2) & ~drawn["reducer"].isin(CONTROLS) & drawn["seed"].notna()]
    rows: list[dict[str, Any]] = chosen.to_dict("records")
    return rows


def _picture(run: Run, cell: str) -> pd.DataFrame:
    """Return the drawn rows of a picture by their ids."""
    drawn = run.embeddings.loc[run.embeddings["cell"] == cell, ["row", "x", "y"]]
    joined = drawn.merge(run.points[["row", "id", "cluster"]], on="row")
    return joined.set_index("id")[["x", "y", "cluster"]]


def _places(picture: pd.DataFrame) -> Places:
    return np.asarray(picture[["x", "y"]], dtype=np.float64)


# --- drawing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dots:
    """Points of one colour, as an SVG path of dots; ``slot`` is that of the palette, None for grey."""

    path: str
    slot: int | None


def draw_pair(laid: LaidOver, before: dict[int, int | None], after: dict[int, int | None]) -> tuple[list[Dots], ...]:
    """Draw both pictures on one scale, coloured by the palette slots of their clusters."""
    return draw_pictures((laid.before, laid.after), (before, after))


def draw_pictures(pictures: Sequence[pd.DataFrame], slots: Sequence[dict[int, int | None]]) -> tuple[list[Dots], ...]:
    """Draw pictures (columns x, y, cluster) on one scale, each coloured by the palette slots of its own clusters."""
    shown = [_thin(picture) for picture in pictures]
    places = np.concatenate([_places(picture) for picture in shown])
    low, high = places.min(axis=0), places.max(axis=0)
    scale = (SIDE - 2 * EDGE) / max(float((high - low).max()), 1e-12)
    margin = (SIDE - (high - low) * scale) / 2
    return tuple(
        _dots((_places(picture) - low) * scale + margin, picture["cluster"], own)
        for picture, own in zip(shown, slots, strict=True)
    )


def _thin(picture: pd.DataFrame) -> pd.DataFrame:
    if len(picture) <= MOST_POINTS:
        return picture
    return picture.iloc[np.linspace(0, len(picture) - 1, MOST_POINTS).astype(int)]


def _dots(places: Places, clusters: pd.Series, slots: dict[int, int | None]) -> list[Dots]:
    of_row = [None if pd.isna(cluster) else slots.get(int(cluster)) for cluster in clusters]
    found = []
    for slot in sorted(set(of_row), key=lambda slot: (slot is not None, slot or 0)):  # grey lies below
        chosen = places[[one == slot for one in of_row]]
        # Up is up, as in the report.
        path = "".join(f"M{x:.1f} {SIDE - y:.1f}h0" for x, y in chosen)
        found.append(Dots(path, slot))
    return found
