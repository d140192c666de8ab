"""The tables of what a decoder shows: pictures or values of each place, and what is said of each cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.decoding.decode_places import ClusterPlaces, Place
from steadymap.tasks.decoding.decode_rows import DecodedRows
from steadymap.tasks.numerics.decoding.reconstruction import WORSE_BY, ClusterError, Landing, cluster_error, landing
from steadymap.tasks.numerics.input.thumbnails import image_shape, make_thumbnails
from steadymap.tasks.numerics.verdicts.given_partition import holm
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
    """

    kind: str
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()


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
    found = image_shape(shape) or (image_shape(given) if len(given) > 1 else None)
    if found is not None:
        return Shown("image", found)
    values = int(np.prod(given))
    numbered = (
        names is not None and {match["stem"] for name in names if (match := NUMBERED.match(name))}
        if names is not None and all(NUMBERED.match(name) for name in names)
        else set()
    )
    if names is not None and len(names) == values and len(numbered) != 1:
        return Shown("table", (values,), tuple(names))
    return Shown("line", (values,))


def tabulate_decoded(
    plan: Plan, chosen: Sequence[ClusterPlaces], given: np.ndarray, shown: Shown, typical: dict[int, np.ndarray]
) -> pa.Table:
    """Tabulate what is shown of every cluster: ``schemas.DECODED``.

    Parameters
    ----------
    given
        Reconstructions of the places of all, in their order, shape (m, p).
    typical
        Positions of the most typical rows of each cluster in canonical order.
    """
    row_of = _rows_of_file(plan)
    rows: list[dict[str, Any]] = []
    inputs = map_array(plan.dataset.folder, "inputs") if plan.dataset.has_inputs else None
    raw = [position for one in chosen for position in typical[one.cluster]] if inputs is not None else []
    values = given if inputs is None else np.concatenate([np.asarray(inputs[raw], dtype=np.float32), given])
    drawn = _draw(values, shown, None if inputs is None else len(raw))
    for one in chosen:
        for step, position in enumerate(typical[one.cluster] if inputs is not None else ()):
            rows.append({"cluster": one.cluster, "kind": "input", "step": step, "row": int(row_of[position])})
    rows += [_row_of(place, one, row_of) for one in chosen for place in one.places]
    if len(rows) != len(drawn):
        raise ValueError(f"{len(drawn)} drawings of {len(rows)} places")
    rows = [{**row, **drawing} for row, drawing in zip(rows, drawn, strict=True)]
    return pa.Table.from_pylist(rows, schema=schemas.DECODED)


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
    small = make_thumbnails(clipped, np.arange(len(clipped)), shown.shape)
    return [{"pixels": one.tobytes()} for one in small]


def _shorten(line: np.ndarray) -> np.ndarray:
    if len(line) <= LONGEST_LINE:
        return line
    starts = np.arange(LONGEST_LINE) * len(line) // LONGEST_LINE
    return np.asarray(np.add.reduceat(line.astype(np.float64), starts) / np.diff([*starts, len(line)]))


def tabulate_clusters(
    plan: Plan, chosen: Sequence[ClusterPlaces], rows: DecodedRows, again: np.ndarray | None, of_rows: np.ndarray
) -> list[dict[str, Any]]:
    """Say of every cluster where its decoded mean lands and how its rows are rebuilt, as rows of a table.

    Parameters
    ----------
    again
        Where the places of all land when they are encoded again, shape (m, d); None without an encoder.
    of_rows
        Cluster of every row in canonical order, −1 for none.
    """
    row_of = _rows_of_file(plan)
    places = [place for one in chosen for place in one.places]
    landed = {
        place.cluster: _landing(plan, place, again[number], rows, of_rows)
        for number, place in enumerate(places)
        if again is not None and place.kind == "mean"
    }
    errors = {
        one.cluster: cluster_error(rows.errors, of_rows == one.cluster) for one in chosen if rows.errors is not None
    }
    adjusted = dict(zip(errors, holm([one.p for one in errors.values()]), strict=True)) if errors else {}
    found = []
    for one in chosen:
        there, error = landed.get(one.cluster), errors.get(one.cluster)
        found.append(
            {
                "cluster": one.cluster,
                "medoid": int(row_of[one.medoid]),
                "neighbour": one.neighbour,
                "lowest_density": one.lowest_density,
                "dimensions": [each.dimension for each in one.dimensions],
                "dimensions_auc": [each.auc for each in one.dimensions],
                "features": [],
                "features_sd": [],
                **_of_landing(there, one.cluster),
                **_of_error(error, adjusted.get(one.cluster)),
            }
        )
    return found


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


def name_features(
    found: list[dict[str, Any]], chosen: Sequence[ClusterPlaces], given: np.ndarray, rows: DecodedRows, shown: Shown
) -> None:
    """Add to each cluster's row the columns in which its decoded mean lies farthest from all reconstructions."""
    if shown.kind != "table":
        return
    places = [place for one in chosen for place in one.places]
    means = {place.cluster: given[number] for number, place in enumerate(places) if place.kind == "mean"}
    for row in found:
        apart = np.divide(
            means[row["cluster"]] - rows.mean, rows.deviation, out=np.zeros(len(rows.mean)), where=rows.deviation > 0
        )
        best = [one for one in np.argsort(-np.abs(apart), kind="stable")[:FEATURES] if apart[one] != 0]
        row["features"] = [shown.names[one] for one in best]
        row["features_sd"] = [float(apart[one]) for one in best]


def _rows_of_file(plan: Plan) -> np.ndarray:
    points = plan.dataset.points()
    row_of = np.empty(plan.rows, dtype=np.int64)
    row_of[points.column("position").to_numpy()] = points.column("row").to_numpy()
    return row_of
