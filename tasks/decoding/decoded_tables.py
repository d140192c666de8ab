"""The tables of what a decoder shows: pictures or values of each place, and what is said of each cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.holm import holm
from steadymap.tasks.decoding.decode_places import ClusterPlaces, Place
from steadymap.tasks.decoding.decode_rows import DecodedRows
from steadymap.tasks.numerics.decoding.reconstruction import WORSE_BY, ClusterError, Landing, cluster_error, landing
from steadymap.tasks.numerics.input.thumbnails import image_shape, make_thumbnails
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.files import map_array

SHOWN_INPUTS = 5
"""Typical rows of a cluster whose inputs are shown, the medoid first."""

LONGEST_LINE = 256
"""Values of a line that are kept; longer ones are averaged down."""

FEATURES = 8
"""Columns named that set a cluster's decoded mean apart."""

LEVEL = 0.05
"""Chance of naming any cluster as rebuilt worse when none is."""

NUMBERED = re.compile(r"^(?P<stem>.*?)\[?(?P<number>-?\d+(\.\d+)?)\]?$")
"""Names such as ``p17`` and ``400.5``: places on an axis, and no features."""


@dataclass(frozen=True)
class Shown:
    """How reconstructions are shown.

    Attributes
    ----------
    kind
        ``image``, ``line`` or ``table``.
    shape
        Height, width and channels of an image; one length else.
    names
        Of the columns of a table.
    layout
        In which the values of an image lie, channels last or first.
    """

    kind: str
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()
    layout: tuple[int, ...] = ()


@dataclass(frozen=True)
class Feature:
    """A column of the inputs: its place, its name, and how far a cluster's decoded mean lies off, in deviations."""

    place: int
    name: str
    apart: float


@dataclass(frozen=True)
class DecodedCluster:
    """Where a cluster was decoded, its most typical rows (positions in canonical order), and what sets it apart."""

    chosen: ClusterPlaces
    typical: np.ndarray
    features: Sequence[Feature]


def choose_kind(shape: Sequence[int] | None, given: Sequence[int], names: Sequence[str] | None) -> Shown:
    """Decide how to show reconstructions.

    Parameters
    ----------
    shape
        Of one raw input, as the config or its file tells it; None of flat ones.
    given
        Of what the decoder gives of one row.
    names
        Of the columns that inputs come from.
    """
    layout = shape if shape is not None and image_shape(shape) else given
    found = image_shape(layout) if len(layout) > 1 else None
    if found is not None:
        return Shown("image", found, layout=tuple(layout))
    values = int(np.prod(given))
    if names is not None and len(names) == values and not _on_an_axis(names):
        return Shown("table", (values,), tuple(names))
    return Shown("line", (values,))


def _on_an_axis(names: Sequence[str]) -> bool:
    """Say whether names count places along one axis: ``p0, p1, …`` or ``400.5, 401, …``."""
    found = [NUMBERED.match(name) for name in names]
    return len(names) > 1 and all(found) and len({match["stem"] for match in found if match}) == 1


def tabulate_decoded(plan: Plan, decoded: Sequence[DecodedCluster], given: np.ndarray, shown: Shown) -> pa.Table:
    """Tabulate what is shown of every cluster: ``schemas.DECODED``; of a table the values of the cluster's features.

    Parameters
    ----------
    given
        Reconstructions of the places of all, in their order, shape (m, p).
    """
    row_of = plan.dataset.file_rows()
    rows: list[dict[str, Any]] = []
    inputs = map_array(plan.dataset.folder, "inputs") if plan.dataset.has_inputs else None
    raw = [(one.chosen.cluster, step, place) for one in decoded for step, place in enumerate(one.typical)]
    values = given
    if inputs is not None:
        values = np.concatenate([np.asarray(inputs[[place for *_, place in raw]], dtype=np.float32), given])
        rows = [
            {"cluster": number, "kind": "input", "step": step, "row": int(row_of[place])} for number, step, place in raw
        ]
    rows += [_row_of(place, one.chosen, row_of) for one in decoded for place in one.chosen.places]
    if shown.kind == "table":
        wanted = {one.chosen.cluster: [each.place for each in one.features] for one in decoded}
        drawn = [{"values": one[wanted[row["cluster"]]].tolist()} for row, one in zip(rows, values, strict=True)]
    else:
        drawn = _draw(values, shown, None if inputs is None else len(raw))
    both = [{**row, **drawing} for row, drawing in zip(rows, drawn, strict=True)]
    return pa.Table.from_pylist(both, schema=schemas.DECODED)


def _row_of(place: Place, one: ClusterPlaces, row_of: np.ndarray) -> dict[str, Any]:
    told = {name: getattr(place, name) for name in ("cluster", "kind", "step", "neighbour", "dimension")}
    own = int(row_of[one.medoid]) if place.kind == "medoid" else None
    return {**told, "position": place.position, "density": place.density, "row": own}


def _draw(values: np.ndarray, shown: Shown, raw: int | None) -> list[dict[str, Any]]:
    """Return pixels or values of everything; grey means the same in inputs and in reconstructions."""
    if shown.kind != "image":
        return [{"values": _shorten(one).astype(np.float32).tolist()} for one in values]
    told = values if raw is None else values[:raw]
    low, high = float(told.min()), float(told.max())
    clipped = np.clip(values, low, high)
    small = make_thumbnails(clipped, np.arange(len(clipped)), shown.layout)
    return [{"pixels": one.tobytes()} for one in small]


def _shorten(line: np.ndarray) -> np.ndarray:
    if len(line) <= LONGEST_LINE:
        return line
    starts = np.arange(LONGEST_LINE) * len(line) // LONGEST_LINE
    return np.asarray(np.add.reduceat(line.astype(np.float64), starts) / np.diff([*starts, len(line)]))


def tabulate_clusters(
    plan: Plan, decoded: Sequence[DecodedCluster], rows: DecodedRows, again: np.ndarray | None, of_rows: np.ndarray
) -> pa.Table:
    """Say of every cluster where its decoded mean lands and how its rows are rebuilt: ``schemas.DECODED_CLUSTERS``.

    Parameters
    ----------
    again
        Where the places of all land when they are encoded again, shape (m, d); None without an encoder.
    of_rows
        Cluster of every row in canonical order, −1 for none.
    """
    row_of = plan.dataset.file_rows()
    places = [place for one in decoded for place in one.chosen.places]
    landed = {
        place.cluster: _landing(plan, place, again[number], rows, of_rows)
        for number, place in enumerate(places)
        if again is not None and place.kind == "mean"
    }
    errors = {}
    if rows.errors is not None:
        errors = {one.chosen.cluster: cluster_error(rows.errors, of_rows == one.chosen.cluster) for one in decoded}
    adjusted = dict(zip(errors, holm([one.p for one in errors.values()]), strict=True)) if errors else {}
    found = []
    for each in decoded:
        one = each.chosen
        there, error = landed.get(one.cluster), errors.get(one.cluster)
        found.append(
            {
                "cluster": one.cluster,
                "medoid": int(row_of[one.medoid]),
                "neighbour": one.neighbour,
                "lowest_density": one.lowest_density,
                "dimensions": [dimension.dimension for dimension in one.dimensions],
                "dimensions_auc": [dimension.auc for dimension in one.dimensions],
                "features": [feature.name for feature in each.features],
                "features_sd": [feature.apart for feature in each.features],
                **_of_landing(there, one.cluster),
                **_of_error(error, adjusted.get(one.cluster)),
            }
        )
    return pa.Table.from_pylist(found, schema=schemas.DECODED_CLUSTERS)


def _landing(plan: Plan, place: Place, again: np.ndarray, rows: DecodedRows, of_rows: np.ndarray) -> Landing | None:
    if rows.landings is None:
        return None
    return landing(place.at, np.asarray(again), rows.landings, plan.dataset.latents(), of_rows)


def _of_landing(there: Landing | None, own: int) -> dict[str, Any]:
    if there is None:
        return dict.fromkeys(("landing", "landing_p", "lands_in", "off_manifold"))
    return {
        "landing": there.distance,
        "landing_p": there.p,
        "lands_in": there.cluster if there.cluster >= 0 else None,
        "off_manifold": there.off_manifold(own),
    }


def _of_error(error: ClusterError | None, p: float | None) -> dict[str, Any]:
    if error is None or p is None:
        return dict.fromkeys(("error", "error_stderr", "error_rest", "error_p", "worse"))
    return {
        "error": error.mean,
        "error_stderr": error.stderr,
        "error_rest": error.rest,
        "error_p": p,
        "worse": bool(p <= LEVEL and error.ratio >= WORSE_BY),
    }


def choose_features(
    chosen: Sequence[ClusterPlaces], given: np.ndarray, rows: DecodedRows, shown: Shown
) -> dict[int, list[Feature]]:
    """Return the columns in which each cluster's decoded mean lies farthest from all others; none but of tables.

    Parameters
    ----------
    given
        Reconstructions of the places of all, in their order, shape (m, p).
    """
    if shown.kind != "table":
        return {one.cluster: [] for one in chosen}
    places = [place for one in chosen for place in one.places]
    found = {}
    for number, place in enumerate(places):
        if place.kind == "mean":
            apart = np.divide(
                given[number] - rows.mean, rows.deviation, out=np.zeros(len(rows.mean)), where=rows.deviation > 0
            )
            best = [int(one) for one in np.argsort(-np.abs(apart), kind="stable")[:FEATURES] if apart[one] != 0]
            found[place.cluster] = [Feature(one, shown.names[one], float(apart[one])) for one in best]
    return found
