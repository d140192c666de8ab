"""The selftest's schema: which data with known truth is drawn, and how it is swept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from configs.sweep import Many, Nulls, ReducerGrid, Resamples, Seed, Settings


class SelftestSweep(Settings):
    """The sweep that every set goes through; see the same keys of a sweep's config."""

    reducers: tuple[ReducerGrid, ...] = Field(min_length=1)
    """The grid."""
    seeds: Many[Seed] = (0,)
    """Random states of the pictures of all rows."""
    resamples: Resamples = Resamples(pairs=3, configurations=2)
    """The halves that propose and test."""
    nulls: Nulls = Nulls(gaussian=0, copula=0)
    """Reference data; it changes no verdict."""


class SelftestConfig(Settings):
    """A selftest: families of generated data, and the sweep they go through."""

    rows: Annotated[int, Field(ge=100)] = 2000
    """Rows of every set."""
    dimensions: Many[Annotated[int, Field(ge=2)]] = (8, 32)
    """Dimensions; every family is drawn in each."""
    sets: Annotated[int, Field(ge=1)] = 8
    """Sets of every family and dimension."""
    first_seed: Seed = 20261
    """Seed of the first set; the others count up."""
    families: Many[str] | None = None
    """Families to draw. Default: all."""
    sweep: SelftestSweep
    """How every set is swept."""
