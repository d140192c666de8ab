"""Pictures packed for the page: 16-bit coordinates and islands, deflated, base64.

One order of points for all pictures, so that a point is the same index everywhere. Layout of the unpacked bytes,
little-endian, per picture: x (uint16 × n), y (uint16 × n), where it has three dimensions z (uint16 × n), island
(int16 × n), island_filled (int16 × n); then per label column its codes, the codes of the clusters, and per measure of a
row its level (int16 × n each); where the run knows them the latent neighbours of every point (uint16 × n × their
number, 65535 where fewer are drawn); then, per picture of reference data with its own number of points m: x (uint16 ×
m), y (uint16 × m), island (int16 × m); per picture of a half with m of the points: which (uint16 × m), x, y (uint16 × m
each), island, island_filled (int16 × m each); and the images of rows, a byte per value. −1 is noise, no label, or no
value.

Measured on digits (37 pictures × 1,797 points): 0.4 MB; 16 bits are finer than any screen.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadymap.reports.pictures.half_pictures import half_pictures
from steadymap.reports.pictures.images import pack_images
from steadymap.reports.pictures.label_codes import LabelCodes, encode_labels, match_islands
from steadymap.reports.pictures.null_pictures import shown_on_nulls
from steadymap.reports.pictures.row_measures import MeasuredRows, row_levels
from steadymap.reports.run.cluster_names import name_clusters
from steadymap.reports.run.run_folder import Run

STEPS = 65535
MARGIN = 0.04
"""Share of a picture's extent kept free on each side."""


@dataclass(frozen=True)
class PictureData:
    """What the page's script needs.

    Attributes
    ----------
    packed
        The bytes, deflated and base64.
    index
        Number of points; per picture its cell, the matched numbers of its islands (see ``label_codes``) and its
        dimension; label columns with values and counts, the clusters likewise, with names and verdicts; measures with
        what their levels mean; the number of latent neighbours of a point (0 where they are not known); pictures of
        reference data and of halves with their number of points; images with their
        shape and whose they are; rows and ids of the points (None where they only count up).
    """

    packed: str
    index: dict[str, Any]


def pack_pictures(run: Run) -> PictureData:
    """Pack every drawn picture of a run."""
    pictures = pictures_by_cell(run)
    rows = drawn_rows(pictures)
    labels = drawn_labels(run, rows)
    matched = matched_islands(run, pictures)
    chunks = [_pack_picture(picture) for picture in pictures.values()]
    clusters = encode_labels(drawn_clusters(run, rows))
    measures = row_levels(run.points.set_index("row").loc[rows])
    coded: list[LabelCodes | MeasuredRows] = [*labels.values(), *([clusters] if clusters.names else []), *measures]
    chunks += [one.codes.astype("<i2").tobytes() for one in coded]
    place = {row: number for number, row in enumerate(rows.tolist())}
    neighbours = pack_neighbours(run, place)
    chunks.append(neighbours.astype("<u2").tobytes())
    nulls = null_pictures(run)
    chunks += [_pack_places(picture) + _pack_codes(picture[["island"]]) for picture in nulls.values()]
    halves = half_pictures(run)
    chunks += [_pack_half(picture, place) for picture in halves.values()]
    images = pack_images(run, rows)
    chunks.append(images.content)
    packed = zlib.compress(b"".join(chunks), 9)
    return PictureData(
        packed=base64.b64encode(packed).decode("ascii"),
        index={
            "points": len(rows),
            "pictures": [
                {"cell": cell, "islands": matched[cell], "dimension": 3 if is_solid(picture) else 2}
                for cell, picture in pictures.items()
            ],
            "reference": reference_cell(run, pictures),
            "labels": [{"name": name, "values": label.names, "counts": label.counts} for name, label in labels.items()],
            "cluster": _cluster_index(run, clusters),
            "measures": [measure.index for measure in measures],
            "neighbours": neighbours.shape[1],
            "nulls": [{"cell": cell, "points": len(picture)} for cell, picture in nulls.items()],
            "halves": [
                {"cell": cell, "points": len(picture), "islands": _islands_of_half(picture, pictures, run, place)}
                for cell, picture in halves.items()
            ],
            "images": images.index,
            **_names(run, rows),
        },
    )


def pictures_by_cell(run: Run) -> dict[str, pd.DataFrame]:
    """Return the picture of every drawn cell, in the order of the grid."""
    parts = {str(cell): part for cell, part in run.embeddings.groupby("cell", observed=True, sort=False)}
    return {cell: parts[cell] for cell in run.drawn["cell"] if cell in parts}


def drawn_rows(pictures: dict[str, pd.DataFrame]) -> npt.NDArray[np.int64]:
    """Return the rows that every picture shows, in their order."""
    for picture in pictures.values():
        return np.asarray(picture["row"], dtype=np.int64)
    return np.empty(0, np.int64)


def drawn_labels(run: Run, rows: npt.NDArray[np.int64]) -> dict[str, LabelCodes]:
    """Encode every label column of the drawn rows."""
    points = run.points.set_index("row").loc[rows]
    return {name: encode_labels(points[column]) for name, column in run.label_columns.items()}


def drawn_clusters(run: Run, rows: npt.NDArray[np.int64]) -> pd.Series:
    """Return the consensus cluster of every drawn row as text, as if it were a label."""
    return run.points.set_index("row").loc[rows, "cluster"].astype("Int64").astype("string")


def pack_neighbours(run: Run, place: dict[int, int]) -> npt.NDArray[np.int64]:
    """Return the places of every drawn row's nearest rows in the latent space, the nearest first.

    Shape (drawn, most neighbours of a row), ``STEPS`` where a row has fewer; (drawn, 0) where none are known.
    """
    known = run.neighbours[run.neighbours["row"].isin(place) & run.neighbours["neighbour"].isin(place)]
    found = np.full((len(place), int(known["rank"].max()) if len(known) else 0), STEPS)
    if len(known):
        found[known["row"].map(place), known["rank"] - 1] = known["neighbour"].map(place)
    return found


def null_pictures(run: Run) -> dict[str, pd.DataFrame]:
    """Return the pictures of reference data that the page shows."""
    parts = {str(cell): part for cell, part in run.null_pictures.groupby("cell", observed=True, sort=False)}
    return {cell: parts[cell] for cell in shown_on_nulls(run)["cell"]}


def _cluster_index(run: Run, clusters: LabelCodes) -> dict[str, Any] | None:
    """Describe the clusters as a label column, under a name that no label of the user has, with their verdicts."""
    if not clusters.names:
        return None
    name = "cluster" if "cluster" not in run.label_columns else "consensus cluster"
    known = dict(zip(run.clusters["cluster"].astype(str), run.clusters["verdict"], strict=True))
    verdicts = [known.get(one) for one in clusters.names]
    told = {"verdicts": verdicts} if all(isinstance(verdict, str) for verdict in verdicts) else {}
    called = {str(number): one.full for number, one in name_clusters(run).items()}
    names = [called.get(one, f"cluster {one}") for one in clusters.names]
    return {"name": name, "values": clusters.names, "names": names, "counts": clusters.counts, **told}


def reference_cell(run: Run, pictures: dict[str, pd.DataFrame]) -> str | None:
    """Return the picture that all others were laid over, whose islands lend their colours."""
    named = run.manifest.get("reference_cell")
    return named if named in pictures else next(iter(pictures), None)


def matched_islands(run: Run, pictures: dict[str, pd.DataFrame]) -> dict[str, tuple[int, ...]]:
    """Return numbers for the islands of every picture, the same number wherever an island is found again."""
    reference = reference_cell(run, pictures)
    if reference is None:
        return {}
    known = pictures[reference]["island_filled"].to_numpy()
    return {cell: match_islands(known, picture["island_filled"].to_numpy()) for cell, picture in pictures.items()}


def _pack_picture(picture: pd.DataFrame) -> bytes:
    axes = ("x", "y", "z") if is_solid(picture) else ("x", "y")
    return _pack_places(picture, axes) + _pack_codes(picture[["island", "island_filled"]])


def _pack_half(picture: pd.DataFrame, place: dict[int, int]) -> bytes:
    which = np.array([place[row] for row in picture["row"]], "<u2")
    return which.tobytes() + _pack_places(picture) + _pack_codes(picture[["island", "island_filled"]])


def _islands_of_half(
    picture: pd.DataFrame, pictures: dict[str, pd.DataFrame], run: Run, place: dict[int, int]
) -> tuple[int, ...]:
    """Give the islands of a half numbers as the reference picture does, by the rows that both have."""
    reference = reference_cell(run, pictures)
    if reference is None:
        return ()
    known = pictures[reference]["island_filled"].to_numpy()[[place[row] for row in picture["row"]]]
    return match_islands(known, picture["island_filled"].to_numpy())


def is_solid(picture: pd.DataFrame) -> bool:
    """Say whether a picture has three dimensions."""
    return bool(picture["z"].notna().all())


def _pack_places(picture: pd.DataFrame, axes: tuple[str, ...] = ("x", "y")) -> bytes:
    coordinates = picture[list(axes)].to_numpy(dtype=np.float64)
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    # One scale for all axes, so that nothing is stretched.
    extent = float((high - low).max()) * (1 + 2 * MARGIN) or 1.0
    placed = (coordinates - (low + high) / 2) / extent + 0.5
    grid = np.clip(np.rint(placed * STEPS), 0, STEPS).astype("<u2")
    return b"".join(np.ascontiguousarray(column).tobytes() for column in grid.T)


def _pack_codes(columns: pd.DataFrame) -> bytes:
    codes = columns.to_numpy().clip(-1, 32767).astype("<i2")
    return b"".join(np.ascontiguousarray(column).tobytes() for column in codes.T)


def _names(run: Run, rows: npt.NDArray[np.int64]) -> dict[str, list[Any] | None]:
    """Return rows and ids of the points; what only counts up is left out, since the script can count."""
    ids = run.points.assign(id=run.row_names).set_index("row").loc[rows, "id"].astype(str).tolist()
    counts_up = bool(np.array_equal(rows, np.arange(len(rows))))
    same = ids in ([str(row) for row in rows], [f"row {row}" for row in rows])
    return {"rows": None if counts_up else rows.tolist(), "ids": None if same else ids}
