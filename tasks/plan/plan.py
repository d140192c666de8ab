"""A sweep laid out: its cells, and what they are drawn of. Workers read this, too, and know nothing of Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from steadymap.configs.grid import Configuration
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.geometry.parts import Geometry
from steadymap.tasks.geometry.resamples_and_nulls import Derived
from steadymap.tasks.input.dataset import Dataset, Vectors
from steadymap.tasks.store.layout import Store

CellKind = Literal["data", "resample", "null"]


@dataclass(frozen=True)
class Cell:
    """One picture to be.

    Attributes
    ----------
    identity
        The name of its file: a digest of all that shapes it.
    configuration, seed
        How it is drawn; the seed is None where the reducer has none.
    geometry
        Over which vectors: the dataset, a part of its rows, or reference data.
    """

    identity: str
    configuration: Configuration
    seed: int | None
    geometry: Geometry

    @property
    def vectors(self) -> Vectors:
        """What is drawn."""
        return self.geometry.vectors

    @property
    def derived(self) -> Derived | None:
        """The part of the rows, or the reference data, that is drawn; None where it is the dataset."""
        return self.vectors if isinstance(self.vectors, Derived) else None

    @property
    def resample(self) -> str | None:
        """Name of what is drawn where it is not the dataset."""
        return None if self.derived is None else self.derived.recipe.name

    @property
    def title(self) -> str:
        """What it is called in a message: setting, part of the rows, seed."""
        told = [self.configuration.name, self.resample, None if self.seed is None else f"seed {self.seed}"]
        return ", ".join(one for one in told if one is not None)

    @property
    def kind(self) -> CellKind:
        """What the picture is for."""
        if self.derived is None:
            return "data"
        return "null" if self.derived.recipe.null else "resample"


@dataclass(frozen=True)
class Plan:
    """A sweep laid out over its dataset.

    Attributes
    ----------
    run
        Name of the run folder: readable, and the same for the same config, data and code.
    identity
        The digest behind it.
    config, store, dataset, geometry
        What the sweep is, and over what.
    derived
        Parts of the rows and reference data that are drawn beside the dataset.
    cells
        Every cell, skipped ones included: those of the dataset in the order of the grid, then the others.
    missing
        The cells that have to be computed.
    ks
        Neighbourhood sizes of the scores that the data can carry.
    warnings
        What was changed to fit the data.
    """

    run: str
    identity: str
    config: SweepConfig
    store: Store
    dataset: Dataset
    geometry: Geometry
    derived: tuple[Derived, ...]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    missing: tuple[Cell, ...]
    ks: tuple[int, ...]
    warnings: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of the dataset."""
        return self.dataset.rows

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """Shape of one raw input where it is an image: as the config says, else as it was stored."""
        return self.config.data.input_shape or self.dataset.input_shape

    @property
    def usable(self) -> tuple[Cell, ...]:
        """The cells that the data can carry."""
        return tuple(cell for cell in self.cells if cell.configuration.unusable is None)
