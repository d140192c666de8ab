"""The selftest's schema: which data with known truth is drawn, and how it is swept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from steadymap.configs.sweep import Many, Nulls, ReducerGrid, Resamples, Seed, Settings


class SelftestSweep(Settings):
    """The sweep that a set goes through; see the same keys of a sweep's config."""

    reducers: tuple[ReducerGrid, ...] | None = Field(default=None, min_length=1)
    """The grid. Default: that of a sweep."""
    seeds: Many[Seed] | None = None
    """Random states of the pictures of all rows. Default: those of a sweep."""
    resamples: Resamples = Resamples()
    """The halves that propose and test."""
    nulls: Nulls = Nulls(gaussian=0, copula=0)
    """Reference data; it changes no verdict."""


class SelftestPart(Settings):
    """Sets of one size."""

    name: Annotated[str, Field(min_length=1)]
    """What the summary calls it."""
    rows: Annotated[int, Field(ge=100)] = 2000
    """Rows of every set."""
    dimensions: Many[Annotated[int, Field(ge=2)]] = (8, 32)
    """Dimensions; every family is drawn in each."""
    sets: Annotated[int, Field(ge=1)] = 8
    """Sets of every family and dimension."""
    families: Many[str] | None = None
    """Families to draw. Default: all."""
    real: bool | None = None
    """Only families with clusters (true), or without (false)."""
    spoiled: Literal["copies", "integers", "outliers"] | None = None
    """What is done to the rows: a twentieth of them twice, rounded to integers, or three a thousand spreads away."""
    sweep: SelftestSweep | None = None
    """How every set is swept. Default: as the selftest says."""


class SelftestConfig(Settings):
    """A selftest: families of generated data, and the sweep they go through."""

    first_seed: Seed = 20261
    """Seed of the first set of every part; the others count up."""
    sweep: SelftestSweep
    """How every set is swept."""
    parts: tuple[SelftestPart, ...] = Field(min_length=1)
    """What is drawn, in this order."""

    def sweep_of(self, part: SelftestPart) -> SelftestSweep:
        """Return how the sets of a part are swept."""
        return part.sweep or self.sweep
