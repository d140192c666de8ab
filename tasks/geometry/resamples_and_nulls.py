"""Data derived from a dataset: parts of its rows to draw again, and reference data without clusters.

Each is made when a cell needs it, from the dataset in the store, and lies there like a dataset. Cells know it by its
recipe (what it is derived from and how), so that planning a sweep computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.configs.errors import InputError
from steadymap.configs.grid import Grid
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.input.dataset import Dataset, Vectors, read_row_column
from steadymap.tasks.numerics.geometry.reference_data import copula_cloud, gaussian_cloud
from steadymap.tasks.numerics.geometry.resampling import Units, bootstrap, find_units, halves, subsample
from steadymap.tasks.numerics.input.row_order import canonical_order, row_keys
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import map_array, read_if_whole, read_meta, write_arrays
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, versions
from steadymap.tasks.store.layout import Store

Kind = Literal["half", "subsample", "bootstrap", "gaussian", "copula"]
NULLS: tuple[Kind, ...] = ("gaussian", "copula")
SIDES = ("a", "b")


RESAMPLE_CODE = ("steadymap.tasks.geometry.resamples_and_nulls:resampled",)
"""What shapes parts of the rows."""


NULL_CODE = ("steadymap.tasks.geometry.resamples_and_nulls:reference",)
"""What shapes reference data."""


@dataclass(frozen=True)
class Recipe:
    """How vectors are derived: what kind, which of its kind, which half (``a`` or ``b``), what share of the rows."""

    kind: Kind
    number: int
    side: str = ""
    share: float = 1.0

    @property
    def name(self) -> str:
        """Such as ``half 0a``, ``bootstrap 3``, ``gaussian 0``."""
        return f"{self.kind} {self.number}{self.side}"

    @property
    def null(self) -> bool:
        """Whether it makes reference data; else it is a part of the rows."""
        return self.kind in NULLS


@dataclass(frozen=True)
class Derived(Vectors):
    """Vectors made from those of a dataset, which lies in the folder ``of``."""

    recipe: Recipe
    of: Path

    def positions(self) -> np.ndarray:
        """Map the canonical positions of its rows in the dataset, ascending; parts of the rows only."""
        return map_array(self.folder, "positions")


def derive(config: SweepConfig, grid: Grid, dataset: Dataset, store: Store) -> tuple[Derived, ...]:
    """Lay out what a sweep derives of its dataset.

    Raises
    ------
    InputError
        Parts of the rows were asked for, and one group holds every row; by default there are none then.
    """
    nulls = _nulls(config) if grid.on_nulls else []
    return (*_parts(config, grid, dataset, store), *(_null(recipe, dataset, store) for recipe in nulls))


def _parts(config: SweepConfig, grid: Grid, dataset: Dataset, store: Store) -> Iterator[Derived]:
    recipes = _part_recipes(config, grid) if grid.resampled else []
    if not recipes:
        return
    keys, groups = np.array(dataset.keys()), read_row_column(dataset.folder, "group")
    ids = _own_ids(dataset.folder)
    units = find_units(keys, groups, ids)
    if len(units.keys) < 2:
        asked = config.resamples
        if asked.pairs or asked.subsamples or asked.bootstraps:
            raise InputError(
                "resamples are asked for, and one group holds every row",
                file=dataset.source,
                rule="parts of the rows keep groups whole, so they need at least two",
                remedy="name another `group:` under `data:`, or leave `resamples:` out",
            )
        return
    made_by = [
        digest(groups) if any(groups) else None,
        None if ids is None else digest(ids),
        code_digest(*RESAMPLE_CODE),
    ]
    for recipe in recipes:
        rows = _choose(recipe, units)
        copies = len(rows) - len(np.unique(keys[rows]))
        yield _describe(recipe, (len(rows), copies), made_by, dataset, store)


def _part_recipes(config: SweepConfig, grid: Grid) -> list[Recipe]:
    asked = config.resamples
    recipes = [Recipe("half", number, side) for number in range(grid.pairs) for side in SIDES]
    if not config.fast:
        recipes += [Recipe("subsample", number, share=asked.share) for number in range(asked.subsamples)]
        recipes += [Recipe("bootstrap", number) for number in range(asked.bootstraps)]
    return recipes


def _nulls(config: SweepConfig) -> list[Recipe]:
    return [
        *(Recipe("gaussian", number) for number in range(config.nulls.gaussian)),
        *(Recipe("copula", number) for number in range(config.nulls.copula)),
    ]


def _null(recipe: Recipe, dataset: Dataset, store: Store) -> Derived:
    made_by = [code_digest(*NULL_CODE), versions(SHAPING_LIBRARIES)]
    return _describe(recipe, (dataset.rows, 0), made_by, dataset, store)


def _describe(recipe: Recipe, size: tuple[int, int], made_by: object, dataset: Dataset, store: Store) -> Derived:
    """Describe what a recipe gives; ``size`` is its rows and how many of them repeat an earlier one."""
    rows, duplicates = size
    identity = digest({"of": dataset.digest, "recipe": asdict(recipe), "made_by": made_by})
    return Derived(
        folder=store.dataset(identity),
        digest=identity,
        rows=rows,
        dimensions=dataset.dimensions,
        duplicates=duplicates,
        recipe=recipe,
        of=dataset.folder,
    )


def _choose(recipe: Recipe, units: Units) -> np.ndarray:
    if recipe.kind == "half":
        return halves(units, recipe.number)[SIDES.index(recipe.side)]
    if recipe.kind == "subsample":
        return subsample(units, recipe.share, recipe.number)
    return bootstrap(units, recipe.number)


def is_made(derived: Derived) -> bool:
    """Say whether it lies in the store, undamaged."""
    return read_if_whole(read_meta, derived.folder) is not None


def make_derived(derived: Derived) -> None:
    """Make the vectors and commit them, unless they are there."""
    if is_made(derived):
        return
    latents = np.array(map_array(derived.of, "latents"))
    with threadpool_limits(1):  # more BLAS threads add up in another order: other bytes
        arrays = reference(derived.recipe, latents) if derived.recipe.null else _rows(derived, latents)
    write_arrays(derived.folder, arrays, {"name": derived.recipe.name})


def _rows(derived: Derived, latents: np.ndarray) -> dict[str, np.ndarray]:
    keys = np.array(map_array(derived.of, "keys"))
    return resampled(derived.recipe, latents, keys, read_row_column(derived.of, "group"), _own_ids(derived.of))


def _own_ids(folder: Path) -> list[str | None] | None:
    """Return the ids of the user's file; None where rows are only numbered, which says nothing of them."""
    ids = read_row_column(folder, "id")
    numbered = set(ids) == {str(row) for row in range(len(ids))}
    return None if numbered else ids


# What shapes the bytes of derived data, and their identity with it, is below.


def resampled(
    recipe: Recipe,
    latents: np.ndarray,
    keys: np.ndarray,
    groups: list[str | None],
    ids: list[str | None] | None = None,
) -> dict[str, np.ndarray]:
    """Return the rows that a recipe chooses: their vectors, keys, and positions in the dataset."""
    positions = _choose(recipe, find_units(keys, groups, ids))
    return {"latents": latents[positions], "keys": keys[positions], "positions": positions}


def reference(recipe: Recipe, latents: np.ndarray) -> dict[str, np.ndarray]:
    """Return reference data as a recipe wants it, in canonical order."""
    cloud = gaussian_cloud if recipe.kind == "gaussian" else copula_cloud
    drawn = cloud(latents, recipe.number)
    keys = row_keys(drawn)
    order = canonical_order(drawn, keys)
    return {"latents": drawn[order], "keys": keys[order]}
