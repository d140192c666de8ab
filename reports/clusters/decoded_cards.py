"""What a decoder shows of a cluster, as its card draws it: images, lines, or the columns that set it apart."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from steadymap.reports.run.cluster_names import ClusterName, name_clusters
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import join_words, spell_share

LINE_WIDTH, LINE_HEIGHT = 96.0, 40.0
MOST_POINTS = 96
"""Of a line in the page."""

FINE = 0.05
"""Of a dimension that is moved by less, places are told with two digits that count; else with two decimals."""

MODES = {1: "L", 3: "RGB"}
"""Of an image with so many channels."""


@dataclass(frozen=True)
class Tile:
    """One drawing: an image as a data URI or a line as an SVG path, what stands under it, and the density there."""

    image: str = ""
    line: str = ""
    caption: str = ""
    density: float | None = None


@dataclass(frozen=True)
class Strip:
    """Drawings side by side: their heading, a sentence, and for a screen reader what they show."""

    heading: str
    sentence: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class FeatureTable:
    """Columns that set a cluster apart, along a way: a caption, heads of the steps, a row for each column.

    A row is its name, how far the cluster lies off, and its value at each step; ``density`` is that of each step, and
    empty where the way is none between clusters.
    """

    caption: str
    steps: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]
    density: tuple[str, ...] = ()


@dataclass(frozen=True)
class DecodedCard:
    """What a decoder shows of one cluster.

    Attributes
    ----------
    strips
        Inputs beside what is decoded; the way to the neighbour; the dimensions between the two.
    tables
        Of a table, the columns that set the cluster apart, along the way to the neighbour and along the dimensions.
    landing
        Whether the decoded mean comes back when it is encoded again; empty where that is not known.
    off_manifold
        Whether it does not.
    error
        How well its rows are rebuilt, empty where that is not known.
    worse
        Whether they are rebuilt worse than the rest.
    """

    strips: tuple[Strip, ...]
    tables: tuple[FeatureTable, ...]
    landing: str
    off_manifold: bool
    error: str
    worse: bool


def decoded_cards(run: Run) -> dict[int, DecodedCard]:
    """Return what the decoder shows of every cluster, by number; empty without a decoder."""
    told = run.manifest.get("decoded")
    if not told or run.decoded_clusters.empty:
        return {}
    names = name_clusters(run)
    return {
        int(row["cluster"]): _card(row, run.decoded[run.decoded["cluster"] == row["cluster"]], told, names)
        for _, row in run.decoded_clusters.iterrows()
    }


def decoded_sentences(run: Run) -> tuple[str, ...]:
    """Name the clusters that are rebuilt worse than the rest, and those whose mean is no place for anything."""
    names = name_clusters(run)
    table = run.decoded_clusters
    if table.empty:
        return ()
    worse = [
        f"{names[int(row['cluster'])].plain} ({row['error'] / row['error_rest']:.1f} times)"
        for _, row in table[table["worse"].fillna(False).astype(bool)].iterrows()
    ]
    off = [names[int(number)].plain for number in table[table["off_manifold"].fillna(False).astype(bool)]["cluster"]]
    found = []
    if worse:
        found.append(f"Reconstructed worse than the rest: {join_words(worse)}.")
    if off:
        means = "mean is" if len(off) == 1 else "means are"
        found.append(f"The decoded {means} off the manifold: {join_words(off)}.")
    return tuple(found)


def _card(row: pd.Series, places: pd.DataFrame, told: dict[str, Any], names: dict[int, ClusterName]) -> DecodedCard:
    neighbour = "" if pd.isna(row["neighbour"]) else names[int(row["neighbour"])].plain
    table = told["kind"] == "table"
    return DecodedCard(
        strips=() if table else tuple(_strips(row, places, _Drawer(told, places), neighbour)),
        tables=tuple(_tables(row, places, neighbour)) if table else (),
        landing=_spell_landing(row, names),
        off_manifold=bool(row["off_manifold"]) if not pd.isna(row["off_manifold"]) else False,
        error=_spell_error(row),
        worse=bool(row["worse"]) if not pd.isna(row["worse"]) else False,
    )


class _Drawer:
    """Draws the places of a cluster, all on one scale."""

    def __init__(self, told: dict[str, Any], places: pd.DataFrame) -> None:
        self._shape = [int(length) for length in told["shape"]]
        self._image = told["kind"] == "image"
        self._low, self._high = 0.0, 1.0
        if not self._image:
            values = np.concatenate([np.asarray(one, dtype=np.float64) for one in places["values"]])
            self._low, self._high = float(values.min()), float(values.max())

    def tile(self, place: pd.Series, caption: str = "") -> Tile:
        """Draw a place."""
        density = None if pd.isna(place["density"]) else float(place["density"])
        if self._image:
            return Tile(image=self._png(place["pixels"]), caption=caption, density=density)
        return Tile(line=self._path(np.asarray(place["values"], dtype=np.float64)), caption=caption, density=density)

    def _png(self, pixels: bytes) -> str:
        height, width, channels = self._shape
        shape = (height, width) if channels == 1 else (height, width, channels)
        image = Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(shape), mode=MODES[channels])
        content = io.BytesIO()
        image.save(content, "PNG", optimize=True)
        return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"

    def _path(self, values: np.ndarray) -> str:
        at = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).round().astype(int))
        x = LINE_WIDTH * at / max(len(values) - 1, 1)
        y = LINE_HEIGHT * (1 - (values[at] - self._low) / ((self._high - self._low) or 1))
        return "M" + "L".join(f"{one:.1f} {two:.1f}" for one, two in zip(x, y, strict=True))


def _strips(row: pd.Series, places: pd.DataFrame, drawer: _Drawer, neighbour: str) -> list[Strip]:
    kinds = {kind: one.sort_values("step", kind="stable") for kind, one in places.groupby("kind", sort=False)}
    found = []
    if "input" in kinds:
        tiles = tuple(drawer.tile(one) for _, one in kinds["input"].iterrows())
        found.append(Strip("inputs", "Its most typical rows, the medoid first.", tiles))
    decoded = tuple(drawer.tile(kinds[kind].iloc[0], kind) for kind in ("medoid", "mean"))
    found.append(Strip("decoded", "", decoded))
    if "path" in kinds:
        tiles = tuple(drawer.tile(one) for _, one in kinds["path"].iterrows())
        found.append(
            Strip(
                f"to {neighbour}",
                "From medoid to medoid. The bars are the density of the two clusters there, at its lowest "
                f"{_spell_density(row['lowest_density'])} of the lower peak.",
                tiles,
            )
        )
    if "dimension" in kinds:
        for number, (dimension, auc) in enumerate(zip(row["dimensions"], row["dimensions_auc"], strict=True)):
            moved = kinds["dimension"][kinds["dimension"]["dimension"] == dimension]
            fine = np.ptp(moved["position"]) < FINE
            tiles = tuple(drawer.tile(one, _spell_place(one["position"], fine=fine)) for _, one in moved.iterrows())
            told = f"Its medoid with this dimension led to where {neighbour} has it. " if number == 0 else ""
            found.append(
                Strip(f"z[{dimension}]", f"{told}It alone tells the two apart with an AUC of {auc:.2f}.", tiles)
            )
    return found


def _tables(row: pd.Series, places: pd.DataFrame, neighbour: str) -> list[FeatureTable]:
    kinds = {kind: one.sort_values("step", kind="stable") for kind, one in places.groupby("kind", sort=False)}
    shown = [kinds["mean"], *([kinds["path"]] if "path" in kinds else [])]
    way = pd.concat(shown)
    between = ("",) * (len(way) - 3)
    heads = ("mean", "medoid", *between, neighbour) if "path" in kinds else ("mean",)
    density = ("", *(f"{one:.2f}" for one in kinds["path"]["density"])) if "path" in kinds else ()
    caption = "Columns that set its decoded mean apart" + (f", on the way to {neighbour}" if neighbour else "")
    found = [FeatureTable(caption, heads, _rows(row, way), density)]
    for dimension, auc in zip(row["dimensions"], row["dimensions_auc"], strict=True):
        moved = kinds["dimension"][kinds["dimension"]["dimension"] == dimension]
        told = f"z[{dimension}], which alone tells the two apart with an AUC of {auc:.2f}"
        caption = f"Its medoid with {told}, led to where {neighbour} has it"
        fine = np.ptp(moved["position"]) < FINE
        heads = tuple(_spell_place(one, fine=fine) for one in moved["position"])
        found.append(FeatureTable(caption, heads, _rows(row, moved)))
    return found


def _rows(row: pd.Series, steps: pd.DataFrame) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    shown = [np.asarray(one, dtype=np.float64) for one in steps["values"]]
    return tuple(
        (name, f"{apart:+.1f}".replace("-", "−"), tuple(f"{one[place]:.3g}".replace("-", "−") for one in shown))
        for place, (name, apart) in enumerate(zip(row["features"], row["features_sd"], strict=True))
    )


def _spell_place(value: float, *, fine: bool) -> str:
    return (f"{value:.2g}" if fine else f"{value:.2f}").replace("-", "−")


def _spell_density(value: float) -> str:
    return "less than 0.01" if value < 0.005 else f"{value:.2f}"


def _spell_landing(row: pd.Series, names: dict[int, ClusterName]) -> str:
    if pd.isna(row["off_manifold"]):
        return ""
    elsewhere = None if pd.isna(row["lands_in"]) else int(row["lands_in"])
    if not row["off_manifold"]:
        return (
            f"Encoded again, the decoded mean comes back: {spell_share(row['landing_p'])} of the rows land farther off."
        )
    if elsewhere != int(row["cluster"]):
        where = "among rows of no cluster" if elsewhere is None else f"in {names[elsewhere].plain}"
        return f"Off the manifold: encoded again, the decoded mean lands {where}. It is no typical input."
    return (
        "Off the manifold: encoded again, the decoded mean lands farther off than 99 % of the rows do. "
        "It is no typical input."
    )


def _spell_error(row: pd.Series) -> str:
    if pd.isna(row["error"]):
        return ""
    # In the unit of the inputs, whatever that is: digits that count, and no fixed decimals.
    told = f"{row['error']:.3g} ± {row['error_stderr']:.1g}, all others {row['error_rest']:.3g}"
    if not row["worse"]:
        return f"Reconstruction error {told}."
    return f"Reconstructed worse than the rest: error {told} ({row['error'] / row['error_rest']:.1f} times as large)."


def has_images(cards: Sequence[DecodedCard]) -> bool:
    """Whether any of them shows images, which a page's policy has to allow."""
    return any(tile.image for card in cards for strip in card.strips for tile in strip.tiles)
