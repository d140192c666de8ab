"""The geometry pass: everything that cells share, computed once, kept in the store, mapped by workers.

A part (neighbours, affinities of a perplexity, graph of an n_neighbors …) has an identity like a cell; a sweep
computes only the parts its missing cells need and the store lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy.sparse

from steadymap.configs.grid import Configuration
from steadymap.configs.sweep import Preprocessing
from steadymap.tasks.input.dataset import Vectors
from steadymap.tasks.numerics.geometry.inverted_lists import EXACT_UP_TO
from steadymap.tasks.numerics.reducers.interface import Material
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import map_array, read_if_whole, read_meta, write_arrays
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, versions
from steadymap.tasks.store.layout import Store

Kind = Literal["working", "neighbours", "components", "affinities", "fuzzy_graph", "spectral"]

CODE: dict[Kind, str] = {
    "working": "steadymap.tasks.geometry.compute_part:make_working",
    "neighbours": "steadymap.tasks.geometry.compute_part:make_neighbours",
    "components": "steadymap.tasks.geometry.compute_part:make_components",
    "affinities": "steadymap.tasks.geometry.compute_part:make_affinities",
    "fuzzy_graph": "steadymap.tasks.geometry.compute_part:make_fuzzy_graph",
    "spectral": "steadymap.tasks.geometry.compute_part:make_spectral",
}
"""What makes each kind of part."""

LIBRARIES: dict[Kind, tuple[str, ...]] = {
    "working": (),
    "neighbours": (),
    "components": (),
    "affinities": ("openTSNE",),
    "fuzzy_graph": (),
    "spectral": (),
}
"""Libraries beyond NumPy, SciPy and scikit-learn that shape it."""

SEARCH_LIBRARY = "faiss-cpu"
"""Shapes neighbours where there are too many rows for an exact search."""


@dataclass(frozen=True)
class GeometryPart:
    """One thing that cells share.

    Attributes
    ----------
    kind
        What it is.
    metric
        Distance in the latent space.
    size
        Perplexity, n_neighbors or k, where the kind has one.
    dimension
        Dimension of a spectral layout, else 0.
    """

    kind: Kind
    metric: str
    size: float = 0
    dimension: int = 0

    def __str__(self) -> str:
        size = f" {self.size:g}" if self.size else ""
        return f"{self.kind.replace('_', ' ')}{size} ({self.metric})"


@dataclass(frozen=True)
class Geometry:
    """Where the parts that rest on a set of vectors lie, or would lie."""

    store: Store
    vectors: Vectors
    preprocessing: Preprocessing

    def identity(self, part: GeometryPart) -> dict[str, Any]:
        """Return everything that shapes a part; cells that rest on it include it in their own identity."""
        return {
            **asdict(part),
            # Fewer neighbours are the first of more: k is no part of what rests on them.
            "data": self.vectors.digest,
            "scale": self.preprocessing.scale,
            "pca": self.preprocessing.pca,
            "code": code_digest(*(CODE[kind] for kind in _lineage(part.kind))),
            "libraries": versions([*SHAPING_LIBRARIES, *self._libraries(_lineage(part.kind))]),
        }

    def _libraries(self, kinds: tuple[Kind, ...]) -> list[str]:
        found = [name for kind in kinds for name in LIBRARIES[kind]]
        many = "neighbours" in kinds and self.vectors.rows > EXACT_UP_TO
        return [*found, SEARCH_LIBRARY] if many else found

    def folder(self, part: GeometryPart) -> Path:
        """Return where a part lies, or would lie."""
        return self.store.geometry(f"{part.kind}-{digest(self.identity(part))}")

    def has(self, part: GeometryPart) -> bool:
        """Say whether a part is in the store, undamaged."""
        return read_if_whole(read_meta, self.folder(part)) is not None


def _lineage(kind: Kind) -> tuple[Kind, ...]:
    """Return the kinds a part rests on, itself included."""
    below: dict[Kind, tuple[Kind, ...]] = {
        "working": (),
        "neighbours": ("working",),
        "components": ("working",),
        "affinities": ("neighbours",),
        "fuzzy_graph": ("neighbours",),
        "spectral": ("fuzzy_graph",),
    }
    return (*(ancestor for parent in below[kind] for ancestor in _lineage(parent)), kind)


def parts_of(configuration: Configuration) -> tuple[GeometryPart, ...]:
    """Return the parts that a configuration's reducer is given, the preprocessed vectors always among them."""
    metric = configuration.metric
    working = GeometryPart("working", metric)
    components = GeometryPart("components", metric)
    if configuration.reducer in ("pca", "shuffled"):
        return working, components
    if configuration.reducer == "random_projection":
        return (working,)
    if configuration.reducer == "umap":
        n_neighbors = float(configuration.parameter("n_neighbors"))
        graph = GeometryPart("fuzzy_graph", metric, n_neighbors)
        base = {
            "spectral": (GeometryPart("spectral", metric, n_neighbors, configuration.dimension),),
            "pca": (components,),
            "random": (),
        }[str(configuration.parameter("init"))]
        return working, graph, *base
    if configuration.engine == "sklearn":
        return (working,)
    return working, GeometryPart("affinities", metric, float(configuration.parameter("perplexity"))), components


def neighbours_needed(part: GeometryPart, rows: int) -> int:
    """Return how many neighbours a part looks at."""
    if part.kind == "affinities":
        return min(rows - 1, int(3 * part.size))
    if part.kind == "fuzzy_graph":
        return int(part.size) - 1
    return 0


def plan_parts(wanted: Iterable[GeometryPart], geometry: Geometry) -> list[GeometryPart]:
    """Return the parts to compute, in an order in which each finds what it rests on."""
    rows = geometry.vectors.rows
    missing = [part for part in dict.fromkeys(wanted) if not geometry.has(part)]
    graphs = {replace(part, kind="fuzzy_graph", dimension=0) for part in missing if part.kind == "spectral"}
    missing += [part for part in sorted(graphs, key=str) if part not in missing and not geometry.has(part)]
    ground: list[GeometryPart] = []
    for metric in sorted({part.metric for part in missing}):
        working = GeometryPart("working", metric)
        if working not in missing and not geometry.has(working):
            ground.append(working)
        k = max((neighbours_needed(part, rows) for part in missing if part.metric == metric), default=0)
        if k and find_neighbours(geometry, metric, k) is None:
            ground.append(GeometryPart("neighbours", metric, k))
    order: list[Kind] = ["working", "neighbours", "components", "fuzzy_graph", "affinities", "spectral"]
    return sorted([*ground, *missing], key=lambda part: (order.index(part.kind), str(part)))


def find_neighbours(geometry: Geometry, metric: str, k: int) -> Path | None:
    """Find neighbours in the store that reach at least as far as k; the first k of them are what is wanted."""
    identity = digest(geometry.identity(GeometryPart("neighbours", metric)))
    for folder in sorted(geometry.store.geometry("").glob(f"neighbours-{identity}-*")):
        if int(folder.name.rpartition("-")[2]) >= k and read_if_whole(read_meta, folder) is not None:
            return folder
    return None


def neighbours_folder(geometry: Geometry, metric: str, k: int) -> Path:
    """Return where neighbours that reach as far as k are written."""
    return geometry.store.geometry(f"neighbours-{digest(geometry.identity(GeometryPart('neighbours', metric)))}-{k}")


def neighbours_prefix(geometry: Geometry, metric: str) -> str:
    """Return what the names of such folders begin with, however far they reach."""
    return neighbours_folder(geometry, metric, 0).name.removesuffix("0")


def read_material(configuration: Configuration, folders: Mapping[GeometryPart, Path]) -> Material:
    """Map what a reducer needs of the parts, read-only."""
    found: dict[str, Any] = {}
    for part, folder in folders.items():
        if part.kind == "working":
            found["working"] = map_array(folder, "working")
        elif part.kind in ("components", "spectral"):
            found["base"] = map_array(folder, "base")
        elif part.kind in ("affinities", "fuzzy_graph"):
            found[part.kind] = read_sparse(folder)
    return Material(**found)


def write_sparse(folder: Path, matrix: scipy.sparse.csr_matrix, meta: Mapping[str, Any]) -> None:
    """Commit a sparse matrix as three arrays that can be mapped."""
    write_arrays(
        folder,
        {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr},
        meta,
    )


def read_sparse(folder: Path) -> scipy.sparse.csr_matrix:
    """Map a square sparse matrix."""
    indptr = map_array(folder, "indptr")
    rows = len(indptr) - 1
    parts = (map_array(folder, "data"), map_array(folder, "indices"), np.array(indptr))
    return scipy.sparse.csr_matrix(parts, shape=(rows, rows), copy=False)
