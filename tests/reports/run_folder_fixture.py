"""A complete small run folder, made of numbers chosen by hand: no reducer, no Prefect, nothing from ``tasks``.

Six settings of t-SNE and UMAP, PCA, one setting that was skipped and one cell that crashed. Coordinates come from a
seeded generator; scores and agreements are written down here, so that tests can expect values worked out on paper.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from steadymap.configs import schemas

ROWS = 120
KS = (5, 10, 20)
"""The middle one is the k of every mean that the summary tells."""

T5, T30, T200 = "tsne perplexity=5", "tsne perplexity=30", "tsne perplexity=200"
U5A, U5B = "umap n_neighbors=5 min_dist=0.1", "umap n_neighbors=5 min_dist=0.5"
U15A, U15B = "umap n_neighbors=15 min_dist=0.1", "umap n_neighbors=15 min_dist=0.5"
PCA = "pca"

PARAMETERS: dict[str, dict[str, float]] = {
    T5: {"perplexity": 5.0},
    T30: {"perplexity": 30.0},
    T200: {"perplexity": 200.0},
    U5A: {"n_neighbors": 5, "min_dist": 0.1},
    U5B: {"n_neighbors": 5, "min_dist": 0.5},
    U15A: {"n_neighbors": 15, "min_dist": 0.1},
    U15B: {"n_neighbors": 15, "min_dist": 0.5},
    PCA: {},
}
"""Every setting in the order of the grid."""

BASE = {
    "trustworthiness": {T5: 0.90, T30: 0.95, U5A: 0.85, U5B: 0.84, U15A: 0.93, U15B: 0.92, PCA: 0.70},
    "continuity": {T5: 0.91, T30: 0.94, U5A: 0.89, U5B: 0.95, U15A: 0.96, U15B: 0.90, PCA: 0.88},
}
"""A score at the middle k with the first seed."""

WHOLE = {
    "auc_ln_k": {T5: 0.50, T30: 0.55, U5A: 0.40, U5B: 0.41, U15A: 0.45, U15B: 0.44, PCA: 0.10},
    "distance_correlation": {T5: 0.30, T30: 0.35, U5A: 0.20, U5B: 0.25, U15A: 0.60, U15B: 0.50, PCA: 0.80},
}
"""A score without k, with the first seed."""

CURVE = {2: 0.2, 10: 0.6, 50: 0.4}
"""R_NX of every picture at three sizes."""

LATENT_SPACE: list[dict[str, Any]] = [
    {"score": "intrinsic_dimension", "k": 20, "value": 4.25, "stderr": 0.125, "chance": None},
    {"score": "label_purity", "k": 15, "value": 0.95, "stderr": 0.01, "chance": 0.33},
    {"score": "input_trustworthiness", "k": 5, "value": 0.99, "stderr": 0.0, "chance": None},
    {"score": "input_trustworthiness", "k": 10, "value": 0.98, "stderr": 0.0, "chance": None},
]

DIMENSIONS: list[dict[str, Any]] = [
    {
        "dimension": number,
        "state": "dead" if number == 2 else "active",
        "twin": None,
        "mean": 0.0,
        "variance": 0.0 if number == 2 else 1.0,
        "zero_share": 1.0 if number == 2 else 0.0,
        "kl": None,
    }
    for number in range(4)
]
"""Four dimensions, of which the third is dead."""

AT_K = {5: 0.01, 10: 0.0, 20: -0.01}
PER_SEED = 0.02
"""Each further seed scores so much more: the mean of two seeds is base + 0.01, its standard error 0.01."""

SEEDS_ARI = {T5: 0.40, T30: 0.90, U5A: 0.80, U5B: 0.70, U15A: 0.95}
"""Sorted 0.40 0.70 0.80 0.90 0.95, so the median is 0.80; T5 and U5B are below 0.75."""

USUAL_ARI = 0.60
ODD_ARI = {
    (T5, U15A): (0.10, 0.20, 0.20, 0.30),  # lowest mean, 0.20
    (T30, U5A): (0.05, 0.60, 0.60, 0.60),  # lowest single value, but mean 0.4625
}
PCA_ARI = 0.15

ISLANDS = {T5: 6, T30: 3, U5A: 4, U5B: 3, U15A: 3, U15B: 3, PCA: 3}

RECOMMENDED = {T30: 0, U15A: 1}
"""Recommended settings and the place of the seed that stands for each."""

RANKED = (T30, U15A, T5, U15B, U5A, U5B)
"""Mean ranks in trustworthiness and AUC: 0, 1.5, 2, 2.5, 4.5, 4.5; of the last two U5A's seeds agree better. T5 splits
cluster 1 and comes last wherever that one counts."""

CLUSTER_TABLES = ("clusters", "recurrence", "tracks", "boundaries", "labels", "nulls", "null_pictures")
RECURRENCE = (0.96, 0.8, 0.4)
BANDS = ("highly stable", "stable", "not to be trusted")
"""Of the three clusters, by their similarity to the best island."""

RESAMPLES_ARI = {T30: 0.7, U5A: 0.5}
"""Agreement on parts of the rows, of the settings drawn on them; the median is 0.6."""

NULL_POINTS = 30
NULL_ISLANDS = {"gaussian": 0, "copula": 2}
NULL_TRUST = {T5: (0.60, 0.64), T30: (0.70, 0.75)}
"""Trustworthiness of pictures of reference data at the middle k: of the Gaussian, and of the copula."""

TESTED_LABELS: list[dict[str, Any]] = [
    {"label": "c0", "size": 40, "p_value": 0.004, "separated": True, "depth": 0.1, "runs_into": []},
    {"label": "c1", "size": 40, "p_value": 0.4, "separated": False, "depth": 0.9, "runs_into": ["c2"]},
    {"label": "c2", "size": 40, "p_value": 0.4, "separated": False, "depth": None, "runs_into": ["c1"]},
]
"""The three clusters as the user's labels, tested without any picture."""

HALVES = ("half 0a", "half 0b")

NOISE_ROWS = 6
"""The first rows are in no island of any picture: 6 of 120 is 5 %."""


@dataclass(frozen=True)
class RunFolder:
    """What a run folder is to hold; the defaults are the run that most tests read."""

    name: str = "three clusters"
    run: str = "three-clusters-0123456789"
    source: str = "latents.npz"
    seeds: tuple[int, ...] = (0, 1)
    labels: Mapping[str, Sequence[str | None]] | None = None
    ids: Sequence[str] | None = None
    drawn_rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.arange(ROWS))
    skipped_because: str = "perplexity 200 needs more than 600 rows; there are 120"
    crashed_because: str = "the worker was killed by signal 11"
    warnings: tuple[str, ...] = ("perplexity of the default grid lowered",)
    reproduce: str = "steadymap sweep config.yaml --store ../.."
    notes: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: {"steadymap": "0.1.0", "numpy": "2.4.6"})
    nothing_drawn: bool = False
    fast: bool = False
    verdicts: Sequence[str] = ()
    proving: Sequence[int] = ()
    verdict_reason: str = "a valley on every path"
    membership: Sequence[float] | None = None
    images: tuple[int, int, int] | None = None
    solid: Sequence[str] = ()
    halves: bool = False
    decoded: str | None = None

    def write(self, folder: Path) -> Path:
        """Write every table and then the manifest, and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        cells = self._cells()
        tables = {
            "cells": pa.Table.from_pylist([*cells, *self._half_cells()], schema=schemas.CELLS),
            "scores": pa.Table.from_pylist(self._scores(cells), schema=schemas.SCORES),
            "embeddings": self._embeddings(cells),
            "stability": pa.Table.from_pylist(self._stability(cells), schema=schemas.STABILITY),
            "pairs": pa.Table.from_pylist([*self._pairs(cells), *self._resample_pairs()], schema=schemas.PAIRS),
            "recommendations": pa.Table.from_pylist(self._recommendations(cells), schema=schemas.RECOMMENDATIONS),
            "latent_space": pa.Table.from_pylist(LATENT_SPACE, schema=schemas.LATENT_SPACE),
            "dimensions": pa.Table.from_pylist(DIMENSIONS, schema=schemas.DIMENSIONS),
            "points": self._points(),
            "half_pictures": self._half_pictures(),
            "neighbours": pa.Table.from_pylist(self._neighbours(), schema=schemas.NEIGHBOURS),
            "images": schemas.IMAGES.empty_table() if self.images is None else self._images(self.images),
            **self._clusters(cells),
            **self._decoded(self.decoded),
        }
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
        manifest = self._manifest(cells, folder, tables)
        (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
        return folder

    @property
    def label_columns(self) -> Mapping[str, Sequence[str | None]]:
        """The labels asked for, else one column with the three clusters."""
        return {"cluster": [f"c{cluster}" for cluster in clusters()]} if self.labels is None else self.labels

    @property
    def point_ids(self) -> Sequence[str]:
        """The ids asked for, else row numbers."""
        return [str(row) for row in range(ROWS)] if self.ids is None else self.ids

    # --- tables -------------------------------------------------------------------------------------------------

    def _cells(self) -> list[dict[str, Any]]:
        return [
            self._cell(name, place, seed)
            for name in PARAMETERS
            for place, seed in enumerate(self.seeds if name != PCA else (None,))
        ]

    def _cell(self, name: str, place: int, seed: int | None) -> dict[str, Any]:
        reducer = name.split(" ", maxsplit=1)[0]
        status, reason = self._ending(name, place)
        ok = status == "ok"
        return {
            **PARAMETERS[name],
            "cell": cell_id(name, place),
            "configuration": name,
            "reducer": reducer,
            "engine": {"tsne": "openTSNE", "umap": "umap-learn", "pca": "scikit-learn"}[reducer],
            "method": "exact",
            "metric": "euclidean",
            "dimension": 3 if name in self.solid else 2,
            "min_cluster_size": 5,
            "seed": seed,
            "resample": None,
            "kind": "data",
            "rows": ROWS,
            "status": status,
            "reason": reason,
            "islands": ISLANDS[name] if ok else None,
            "noise_share": NOISE_ROWS / ROWS if ok else None,
        }

    def _ending(self, name: str, place: int) -> tuple[str, str | None]:
        if name == T200:
            return "skipped", self.skipped_because
        if self.nothing_drawn or (name == U15B and place == 1):
            return "crashed", self.crashed_because
        return "ok", None

    def _scores(self, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "cell": one["cell"],
                "score": score,
                "k": k,
                "value": value + AT_K[k] + PER_SEED * place_of(one),
                "stderr": 0.0,
            }
            for score, base in BASE.items()
            for one in drawn(cells)
            for k in KS
            for value in [base[one["configuration"]]]
        ] + [
            {"cell": one["cell"], "score": score, "k": k, "value": value, "stderr": 0.0}
            for one in drawn(cells)
            for score, k, value in (
                *(
                    (score, None, base[one["configuration"]] + PER_SEED * place_of(one))
                    for score, base in WHOLE.items()
                ),
                *(("r_nx", k, value) for k, value in CURVE.items()),
            )
        ]

    def _embeddings(self, cells: list[dict[str, Any]]) -> pa.Table:
        names = [one["cell"] for one in drawn(cells)]
        parts = [
            pa.table(
                {
                    "cell": pa.DictionaryArray.from_arrays(
                        np.full(len(self.drawn_rows), number, np.int32), pa.array(names)
                    ),
                    "row": self.drawn_rows,
                    "x": coordinates(one["configuration"], place_of(one))[self.drawn_rows, 0],
                    "y": coordinates(one["configuration"], place_of(one))[self.drawn_rows, 1],
                    "z": depths()[self.drawn_rows]
                    if one["configuration"] in self.solid
                    else pa.nulls(len(self.drawn_rows), pa.float32()),
                    "island": islands(one["configuration"], place_of(one))[0][self.drawn_rows],
                    "island_filled": islands(one["configuration"], place_of(one))[1][self.drawn_rows],
                },
                schema=schemas.EMBEDDINGS,
            )
            for number, one in enumerate(drawn(cells))
        ]
        return pa.concat_tables(parts) if parts else schemas.EMBEDDINGS.empty_table()

    def _pairs(self, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = []
        for a, b in combinations(drawn(cells), 2):
            ari = _ari(a, b)
            for score, value in (("ari", ari), ("ami", ari / 2), ("procrustes", 1 - ari)):
                rows.append(
                    {
                        "between": "seeds" if a["configuration"] == b["configuration"] else "configurations",
                        "configuration_a": a["configuration"],
                        "configuration_b": b["configuration"],
                        "cell_a": a["cell"],
                        "cell_b": b["cell"],
                        "score": score,
                        "value": value,
                        "shared": 1 - NOISE_ROWS / ROWS,
                    }
                )
        return rows

    def _resample_pairs(self) -> list[dict[str, Any]]:
        """Return pairs of parts of the rows, of one setting each: far from what its seeds agree to."""
        return [
            {
                "between": "resamples",
                "configuration_a": name,
                "configuration_b": name,
                "cell_a": cell_id(f"part {part} {name}", 0),
                "cell_b": cell_id(f"part {part + 1} {name}", 0),
                "score": "ari",
                "value": RESAMPLES_ARI[name],
                "shared": 0.25,
            }
            for name in (() if self.nothing_drawn else RESAMPLES_ARI)
            for part in range(5)
        ]

    def _stability(self, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        pairs, rows = self._pairs(cells), []
        for name in dict.fromkeys(one["configuration"] for one in drawn(cells)):
            for between in ("seeds", "configurations"):
                for score in ("ari", "ami", "procrustes"):
                    values = [
                        pair["value"]
                        for pair in pairs
                        if pair["between"] == between
                        and pair["score"] == score
                        and name in (pair["configuration_a"], pair["configuration_b"])
                    ]
                    if values:
                        rows.append(
                            {
                                "configuration": name,
                                "reducer": name.split(" ", maxsplit=1)[0],
                                "between": between,
                                "score": score,
                                "value": float(np.mean(values)),
                                "stderr": None,
                                "runs": len(self.seeds),
                                "pairs": len(values),
                            }
                        )
            if name in RESAMPLES_ARI:
                rows += [
                    {
                        "configuration": name,
                        "reducer": name.split(" ", maxsplit=1)[0],
                        "between": "resamples",
                        "score": score,
                        "value": value,
                        "stderr": 0.05,
                        "runs": 4,
                        "pairs": 4,
                    }
                    for score, value in (("ari", RESAMPLES_ARI[name]), ("ness", 0.9))
                ]
        return rows

    def _recommendations(self, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "configuration": name,
                "reducer": name.split(" ", maxsplit=1)[0],
                "trustworthiness": BASE["trustworthiness"][name],
                "auc_ln_k": WHOLE["auc_ln_k"][name],
                "stability": SEEDS_ARI.get(name),
                "on_front": name in RECOMMENDED,
                "kept": self._kept(name),
                "counted": len(self._counted()),
                "rank": self._rank(name),
                "recommended": name in RECOMMENDED,
                "cell": cell_id(name, min(RECOMMENDED.get(name, 0), len(self.seeds) - 1)),
                "reason": "the best of the front" if name in RECOMMENDED else "another setting is better",
            }
            for name in dict.fromkeys(one["configuration"] for one in drawn(cells))
        ]

    def _counted(self) -> set[int]:
        real = {cluster for cluster, verdict in enumerate(self.verdicts) if verdict == "REAL"}
        return real or set(range(len(RECURRENCE)))

    def _kept(self, name: str) -> int | None:
        return None if name == PCA else len(self._counted() & ({0} if name == T5 else {0, 1}))

    def _rank(self, name: str) -> int | None:
        late = [T5] if 1 in self._counted() else []
        order = [one for one in RANKED if one not in late] + late
        return None if name == PCA else order.index(name) + 1

    def _neighbours(self) -> list[dict[str, Any]]:
        """Return for every drawn row the next two drawn rows of its cluster, and then one of another."""
        rows = self.drawn_rows.tolist()
        return [
            {"row": row, "rank": rank, "neighbour": neighbour}
            for row in rows
            for rank, neighbour in enumerate((one for one in (row + 3, row + 6, row + 1) if one in rows), start=1)
        ]

    def _clusters(self, cells: list[dict[str, Any]]) -> dict[str, pa.Table]:
        """Return what is known of three clusters: the first steady, the second split by one setting, the third lost."""
        rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name in (*CLUSTER_TABLES, "labels", "nulls", "null_pictures")
        }
        names = list(dict.fromkeys(one["configuration"] for one in drawn(cells) if one["configuration"] != PCA))
        for cluster, recurrence in enumerate(RECURRENCE if names else ()):
            rows["clusters"].append(
                {
                    "cluster": cluster,
                    "size": ROWS // 3,
                    "label": next((values[cluster] for values in self.label_columns.values()), None),
                    "label_share": None if not self.label_columns else 0.975,
                    "co_assignment": recurrence,
                    "recurrence": recurrence,
                    "recurrence_stderr": 0.02,
                    "recurrence_resamples": recurrence - 0.1,
                    "band": BANDS[cluster],
                    "recovered": (len(names), len(names) - 1, 0)[cluster],
                    "recovered_by_cut": (len(names), len(names) - 2, 0)[cluster],
                    "dissolved": (0, 0, len(names))[cluster],
                    "configurations": len(names),
                    "best_cell": cell_id(T30, 0),
                    **self._verdict(cluster),
                }
            )
            for name in names:
                fate = "kept" if cluster == 0 else "merged" if cluster == 2 else "split" if name == T5 else "kept"
                rows["tracks"].append(
                    {
                        "cluster": cluster,
                        "configuration": name,
                        "fate": fate,
                        "recurrence": recurrence,
                        **{one: len(self.seeds) * (one == fate) for one in ("kept", "split", "merged", "lost")},
                        "pieces": 2 if fate == "split" else 1,
                        "partners": [1] if fate == "merged" else [],
                    }
                )
                rows["recurrence"].append(_recurrence_row(cluster, "configuration", name, recurrence))
            for setting in ("5", "30"):
                rows["recurrence"].append(_recurrence_row(cluster, "perplexity", setting, recurrence))
            for setting, less in (("half 0a", 0.2), ("half 0b", 0.0)):
                rows["recurrence"].append(_recurrence_row(cluster, "resample", setting, recurrence - less))
        for a, b in [(0, 1), (1, 2)] if names else []:  # 0 and 2 do not touch
            for name in names:
                apart = 0.3 if (a, b, name) == (1, 2, T5) else 0.9
                rows["boundaries"].append(
                    {"cluster_a": a, "cluster_b": b, "configuration": name, "apart": apart, "touching": 0.05}
                )
        for name in [name for name in NULL_TRUST if name in names]:
            for kind, trust in zip(NULL_ISLANDS, NULL_TRUST[name], strict=True):
                scores = (("trustworthiness", KS[1], trust), ("islands", None, NULL_ISLANDS[kind]), ("ari", None, 0.25))
                rows["nulls"] += [_null_row(name, kind, *told) for told in scores]
                rows["null_pictures"] += _null_picture(name, kind)
        rows["labels"] = TESTED_LABELS if names and self.label_columns else []
        return {name: pa.Table.from_pylist(rows[name], schema=schemas.RUN_TABLES[name]) for name in rows}

    def _verdict(self, cluster: int) -> dict[str, Any]:
        if not self.verdicts:
            return dict.fromkeys(
                (
                    "verdict",
                    "p_value",
                    "depth",
                    "depth_low",
                    "depth_high",
                    "neighbour",
                    "halves",
                    "halves_proving",
                    "reason",
                )
            )
        depth = {"depth": 0.42, "depth_low": 0.3, "depth_high": 0.55}
        halves = {"halves": 10, "halves_proving": self.proving[cluster]} if self.proving else {}
        return {"verdict": self.verdicts[cluster], "p_value": 0.003, **depth, **halves, "reason": self.verdict_reason}

    def _points(self) -> pa.Table:
        first, *further = self.label_columns or (None,)
        columns = {
            "row": np.arange(ROWS),
            "position": np.arange(ROWS)[::-1],
            "id": list(self.point_ids),
            "label": [None] * ROWS if first is None else list(self.label_columns[first]),
            "group": [None] * ROWS,
            **{f"label:{name}": list(self.label_columns[name]) for name in further},
            "cluster": clusters(),
            "membership": np.ones(ROWS) if self.membership is None else np.array(self.membership),
            **{name: np.linspace(0, 1, ROWS) for name in (*schemas.INSTABILITY.names, *schemas.RATINGS.names)},
            "reconstruction_error": [None] * ROWS if self.decoded is None else np.linspace(0.5, 3, ROWS),
        }
        return pa.table(columns, schema=schemas.points(further))

    def _half_cells(self) -> list[dict[str, Any]]:
        told = {"kind": "resample", "rows": ROWS // 2, "islands": 3, "noise_share": 0.0}
        return [
            {**self._cell(T30, 0, 0), "cell": half_id(half), "resample": half, **told}
            for half in (HALVES if self.halves else ())
        ]

    def _half_pictures(self) -> pa.Table:
        """Return the two halves of t-SNE 30, seed 0: the even rows, and the odd ones, each with islands of its own."""
        parts = [schemas.HALF_PICTURES.empty_table()]
        for number, own in enumerate(rows_of_halves() if self.halves else ()):
            rows = own[np.isin(own, self.drawn_rows)]
            island = ((clusters()[rows] + 1) % 3).astype(np.int32)
            parts.append(
                pa.table(
                    {
                        "cell": pa.DictionaryArray.from_arrays(
                            np.full(len(rows), number, np.int32), [half_id(half) for half in HALVES]
                        ),
                        "row": rows,
                        **dict(zip("xy", coordinates(T30, 0)[rows].T, strict=True)),
                        "island": island,
                        "island_filled": island,
                    },
                    schema=schemas.HALF_PICTURES,
                )
            )
        return pa.concat_tables(parts)

    def _images(self, shape: tuple[int, int, int]) -> pa.Table:
        """Return an image for each drawn row, every value the row's number: grey, or that grey in colour."""
        count = len(self.drawn_rows)
        sides = {
            name: np.full(count, size, np.int32)
            for name, size in zip(("height", "width", "channels"), shape, strict=True)
        }
        pixels = [np.full(shape, row, np.uint8).tobytes() for row in self.drawn_rows]
        return pa.table({"row": self.drawn_rows, **sides, "pixels": pixels}, schema=schemas.IMAGES)

    def _decoded(self, kind: str | None) -> dict[str, pa.Table]:
        """Return what a decoder shows of three clusters: of the first all is well, the others are not.

        Everything is an image or a line that grows with its step; of a table two columns of names as in ``labels``.
        """
        if kind is None:
            return {name: schemas.RUN_TABLES[name].empty_table() for name in ("decoded", "decoded_clusters")}
        asked = {"medoid": 1, "mean": 1, "path": 7, "dimension": 15, "input": 5}
        names = [name for name in (*self.label_columns, "length") if kind == "table"][:2]

        def place(cluster: int, what: str, step: int) -> dict[str, Any]:
            values = np.full(len(names), cluster + step / 10) if names else np.linspace(0, step + 1, 12)
            path, moved = what == "path", what == "dimension"
            return {
                "cluster": cluster,
                "kind": what,
                "step": step % 5 if moved else step,
                "row": cluster if what in ("medoid", "input") else None,
                "neighbour": (cluster + 1) % 3 if path or moved else None,
                "dimension": step // 5 if moved else None,
                "position": step / 6 if path else step / 10 if moved else None,
                "density": abs(1 - step / 3) if path else None,
                "pixels": np.full(12, 10 * step + cluster, np.uint8).tobytes() if kind == "image" else None,
                "values": None if kind == "image" else values.tolist(),
            }

        places = [place(one, what, step) for one in range(3) for what, most in asked.items() for step in range(most)]
        clusters = [
            {
                "cluster": one,
                "medoid": one,
                "neighbour": (one + 1) % 3,
                "lowest_density": [0.0, 0.25, 0.5][one],
                "landing": 0.5,
                "landing_p": [0.5, 0.001, 0.3][one],
                "lands_in": [0, 1, 0][one],
                "off_manifold": [False, True, True][one],
                "error": [1.0, 1.2, 3.0][one],
                "error_stderr": 0.1,
                "error_rest": 1.5,
                "error_p": [1.0, 0.4, 0.001][one],
                "worse": [False, False, True][one],
                "dimensions": [0, 1, 2],
                "dimensions_auc": [0.99, 0.9, 0.8],
                "features": names,
                "features_sd": [1.5, -2.5][: len(names)],
            }
            for one in range(3)
        ]
        return {
            "decoded": pa.Table.from_pylist(places, schema=schemas.DECODED),
            "decoded_clusters": pa.Table.from_pylist(clusters, schema=schemas.DECODED_CLUSTERS),
        }

    def _manifest(self, cells: list[dict[str, Any]], folder: Path, tables: dict[str, pa.Table]) -> dict[str, Any]:
        ok, skipped = len(drawn(cells)), sum(one["status"] == "skipped" for one in cells)
        return {
            "run": self.run,
            "name": self.name,
            "steadymap": "0.1.0",
            "identity": "e8ba9f1b5837d5178c9ad0ec1e910860",
            "data": {
                "source": self.source,
                "rows": ROWS,
                "dimensions": 6,
                "digest": "bf254d2ab7ac096c8541f287480a9207",
                "labels": list(self.label_columns),
                "duplicate_rows": 0,
                "input_shape": None,
                "notes": dict(self.notes),
            },
            "preprocess": {"metric": "euclidean", "pca": None, "scale": "none"},
            "seeds": list(self.seeds),
            "fast": self.fast,
            "consensus": {"share": 0.1, "stderr": 0.001, "pairs": 7140, "cells": 11} if ok else None,
            "smallest_set": [{"cell": cell_id(T30, 0), "clusters": [0, 1]}] if ok else [],
            "versions": dict(self.versions),
            "cells": {"total": len(cells), "ok": ok, "skipped": skipped, "failed": len(cells) - ok - skipped},
            "warnings": list(self.warnings),
            "drawn_rows": len(self.drawn_rows),
            "scored_rows": ROWS,
            "reference_cell": cell_id(T30, 0) if ok else None,
            "reproduce": self.reproduce,
            "decoded": None
            if self.decoded is None
            else {"kind": self.decoded, "shape": [4, 3, 1] if self.decoded == "image" else [12]},
            "tables": {
                f"{name}.parquet": {
                    "rows": table.num_rows,
                    "sha256": hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest(),
                }
                for name, table in tables.items()
            },
        }


def _recurrence_row(cluster: int, cause: str, setting: str, recurrence: float) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "cause": cause,
        "setting": setting,
        "recurrence": recurrence,
        "stderr": 0.01,
        "cells": 2,
        "recovered": 2 * (recurrence > 0.75),
        "dissolved": 2 * (recurrence <= 0.5),
        "band": BANDS[cluster],
    }


def _null_row(name: str, kind: str, score: str, k: int | None, value: float) -> dict[str, Any]:
    return {
        "cell": cell_id(f"{kind} {name}", 0),
        "null": kind,
        "number": 0,
        "configuration": name,
        "seed": 0,
        "score": score,
        "k": k,
        "value": value,
        "stderr": 0.0,
    }


def _null_picture(name: str, kind: str) -> list[dict[str, Any]]:
    """Return a circle of points, every other one in an island where the kind has islands."""
    turns = 2 * np.pi * np.arange(NULL_POINTS) / NULL_POINTS
    island = (np.arange(NULL_POINTS) % 2) if NULL_ISLANDS[kind] else np.full(NULL_POINTS, -1)
    return [
        {"cell": cell_id(f"{kind} {name}", 0), "x": float(x), "y": float(y), "island": int(one)}
        for x, y, one in zip(np.cos(turns), np.sin(turns), island, strict=True)
    ]


def without_clusters(folder: Path) -> None:
    """Take the clusters out of a run folder, as where none was found or sought."""
    for table in ("clusters", "tracks", "recurrence", "boundaries", "labels"):
        pq.write_table(schemas.RUN_TABLES[table].empty_table(), folder / f"{table}.parquet")
    points = pq.read_table(folder / "points.parquet")
    place = points.column_names.index("cluster")
    none = pa.nulls(len(points), points.schema.field("cluster").type)
    pq.write_table(points.set_column(place, points.schema.field("cluster"), none), folder / "points.parquet")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest["tables"]  # the digests are those of the tables before
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")


# --- what a cell is -----------------------------------------------------------------------------------------------


def cell_id(name: str, place: int) -> str:
    """Return a cell's identity: a hash of what it is."""
    return hashlib.md5(f"{name}/{place}".encode(), usedforsecurity=False).hexdigest()


def place_of(cell: Mapping[str, Any]) -> int:
    """Return the place of a cell's seed among the seeds."""
    return int(cell["cell"] != cell_id(cell["configuration"], 0))


def drawn(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the cells that have a picture."""
    return [one for one in cells if one["status"] == "ok"]


def half_id(half: str) -> str:
    """Return the identity of the cell that draws a half."""
    return cell_id(f"{half} {T30}", 0)


def rows_of_halves() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows of either half."""
    return np.arange(0, ROWS, 2), np.arange(1, ROWS, 2)


def clusters() -> npt.NDArray[np.int64]:
    """Return the cluster of every row: 0, 1, 2 and again."""
    return np.arange(ROWS) % 3


def coordinates(name: str, place: int) -> npt.NDArray[np.float32]:
    """Draw three clusters around the corners of a wide triangle, float32 (ROWS, 2)."""
    generator = np.random.default_rng([list(PARAMETERS).index(name), place])
    corners = np.array([[-2.0, -0.5], [2.0, -0.5], [0.0, 1.0]])
    return (corners[clusters()] + 0.25 * generator.standard_normal((ROWS, 2))).astype(np.float32)


def depths() -> npt.NDArray[np.float32]:
    """Return the third coordinate of pictures that have one: even rows in front, odd rows behind."""
    return np.where(np.arange(ROWS) % 2 == 0, 2.5, -2.5).astype(np.float32)


def islands(name: str, place: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the islands of every row, with noise and with noise given away.

    Island numbers are each picture's own: here they are turned by the seed's place, so that only matching can tell
    which are the same. Where there are more islands than clusters, every second row of a cluster forms an island of
    its own.
    """
    number = ISLANDS[name]
    filled = (clusters() + place) % 3
    split = (np.arange(ROWS) // 3) % 2 == 1
    filled = np.where(split & (clusters() < number - 3), 3 + clusters(), filled).astype(np.int32)
    own = filled.copy()
    own[:NOISE_ROWS] = -1
    return own, filled


def _ari(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    names = (a["configuration"], b["configuration"])
    if names[0] == names[1]:
        return SEEDS_ARI[names[0]]
    if PCA in names:
        return PCA_ARI
    if names in ODD_ARI:
        return ODD_ARI[names][2 * place_of(a) + place_of(b)]
    return USUAL_ARI
