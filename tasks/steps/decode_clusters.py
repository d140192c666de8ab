"""Step: show what clusters mean in the space of the inputs, where a decoder leads back there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.tasks.decoding.decode_places import ClusterPlaces, choose_places, decode_places
from steadymap.tasks.decoding.decode_rows import DecodedRows, decode_rows
from steadymap.tasks.decoding.decoded_tables import (
    SHOWN_INPUTS,
    DecodedCluster,
    Shown,
    choose_features,
    choose_kind,
    tabulate_clusters,
    tabulate_decoded,
)
from steadymap.tasks.input.example import with_example_models
from steadymap.tasks.input.fetch_inputs import fetched
from steadymap.tasks.input.models.look_at_decoder import DecoderFacts, look_at_decoder
from steadymap.tasks.numerics.input.thumbnails import SIDE
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import map_array, write_json, write_table
from steadymap.tasks.store.findings import Clusters, Decoded
from steadymap.tasks.store.identity import digest
from steadymap.tasks.workers import choose_limits, some_pool

DECODE_CODE = ("steadymap.tasks.decoding.decode_rows", "steadymap.tasks.decoding.decode_places")
"""What shapes what workers leave."""


@task(name="decode clusters", task_run_name="decode clusters of {plan.run}", cache_policy=NO_CACHE)
def decode_clusters(plan: Plan, clusters: Clusters) -> Decoded:
    """Decode every row, and of every cluster what stands for it; without a decoder the tables are empty.

    A decoder that fails costs what it would have shown; the report says why.
    """
    place = Decoded(plan.store.findings(plan.run))
    if "decoder" not in plan.dataset.models:
        _write(place, None, plan.rows)
        return place
    try:
        with fetched(plan.config.data) as source, some_pool(choose_limits(plan.config.workers)):
            models, _ = with_example_models(source, plan.store)
            limits = choose_limits(plan.config.workers)
            facts = look_at_decoder(models, np.asarray(plan.dataset.latents()[:1]), _input_shape(plan), limits)
            if facts is None or any(plan.dataset.models.get(role) != told for role, told in facts.manifest().items()):
                raise InputError(
                    "another model than when the sweep began",
                    file=models.decode.model if models.decode else None,
                    place="data.decode",
                    remedy="run the sweep again",
                )
            _write(place, _decode(plan, facts, clusters, place.folder), plan.rows)
    except InputError as error:
        _write(place, None, plan.rows)
        return Decoded(place.folder, (f"the decoder shows nothing: {' '.join(str(error).split())}",))
    return place


@dataclass(frozen=True)
class _Found:
    rows: DecodedRows
    decoded: pa.Table
    clusters: pa.Table
    shown: Shown
    warnings: tuple[str, ...]


def _decode(plan: Plan, facts: DecoderFacts, clusters: Clusters, folder: Path) -> _Found:
    # Parts of an attempt that was stopped are found again; those of another model or clustering are not.
    of_rows = np.array(clusters.membership().column("cluster").fill_null(-1))
    models = {"models": facts.manifest(), "data": plan.dataset.identity, "code": code_digest(*DECODE_CODE)}
    rows = decode_rows(plan, facts, folder / f"decoded-{digest(models)}")
    warnings: tuple[str, ...] = ()
    if rows.scale is not None and rows.scale.another_scale:
        rows = DecodedRows(None, rows.landings, None, rows.mean, rows.deviation)
        warnings = (
            "reconstructions follow the inputs on another scale, so no reconstruction error is told: save the inputs "
            "as the decoder gives them (scaled as in training), or export it with its last activation",
        )
    shown = choose_kind(plan.input_shape, facts.decoder.shape, plan.dataset.input_names)
    latents = np.asarray(plan.dataset.latents())
    chosen = choose_places(latents, of_rows, clusters.table("clusters"), facts.values)
    if not chosen:
        return _Found(rows, schemas.DECODED.empty_table(), schemas.DECODED_CLUSTERS.empty_table(), shown, warnings)
    which = digest({**models, "clusters": of_rows.tolist()})
    given, again = decode_places(plan, facts, chosen, folder / f"decoded-{which}")
    features = choose_features(chosen, given, rows, shown)
    decoded = [DecodedCluster(one, _typical(clusters, one), features[one.cluster]) for one in chosen]
    told = tabulate_clusters(plan, decoded, rows, again, of_rows)
    drawings = tabulate_decoded(plan, decoded, given, shown)
    left = int(of_rows.max()) + 1 - len(chosen)
    if left:
        lead = "the largest cluster is" if len(chosen) == 1 else f"the {len(chosen)} largest clusters are"
        warnings = (*warnings, f"{lead} decoded, {left} more {'is' if left == 1 else 'are'} not")
    return _Found(rows, drawings, told, shown, warnings)


def _typical(clusters: Clusters, one: ClusterPlaces) -> np.ndarray:
    """Return the medoid of a cluster, and the rows that pictures keep in it most firmly."""
    table = clusters.membership()
    members = np.flatnonzero(np.array(table.column("cluster").fill_null(-1)) == one.cluster)
    firm = np.array(table.column("membership").fill_null(0))[members]
    firmest = members[np.argsort(-firm, kind="stable")]
    return np.array([one.medoid, *firmest[firmest != one.medoid][: SHOWN_INPUTS - 1]])


def _input_shape(plan: Plan) -> tuple[int, ...] | None:
    """Return the shape of one raw input, flat where nothing else is known; None without inputs."""
    if not plan.dataset.has_inputs:
        return None
    return plan.dataset.input_shape or map_array(plan.dataset.folder, "inputs").shape[1:]


def _write(place: Decoded, found: _Found | None, rows: int) -> None:
    errors = None if found is None else found.rows.errors
    column = pa.nulls(rows, pa.float32()) if errors is None else pa.array(errors.astype(np.float32))
    write_table(pa.table([column], schema=schemas.RECONSTRUCTION), place.folder / "reconstruction.parquet")
    tables = {
        "decoded": schemas.DECODED.empty_table() if found is None else found.decoded,
        "decoded_clusters": schemas.DECODED_CLUSTERS.empty_table() if found is None else found.clusters,
    }
    for name, table in tables.items():
        write_table(table, place.folder / f"{name}.parquet")
    shown = None if found is None else _told(found.shown)
    write_json(
        {"shown": shown, "warnings": [] if found is None else list(found.warnings)}, place.folder / "decoded.json"
    )


def _told(shown: Shown) -> dict[str, object]:
    shape = list(shown.shape)
    if shown.kind == "image":
        shape[:2] = [min(side, SIDE) for side in shape[:2]]
    return {"kind": shown.kind, "shape": shape}
