"""The health of a latent space as rows of tables: of a run's data set, or of a file that no sweep has seen yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from steadymap.configs import schemas
from steadymap.tasks.input.latents_file import Latents
from steadymap.tasks.numerics.arrays import AnyFloat, Int64
from steadymap.tasks.numerics.input.oddities import find_far_rows
from steadymap.tasks.numerics.scores.latent_space.latent_health import LatentHealth, Measured, examine

CHECKED_ROWS = 20_000
"""`steadymap check` examines so many rows, spread over the file; a sweep examines all."""


class Fact(TypedDict):
    """A row of ``latent_space.parquet``."""

    score: str
    k: int
    value: float
    stderr: float | None
    chance: float | None


@dataclass(frozen=True)
class Examined:
    """The health of the vectors without the few rows that are far from all others.

    One row of 9999 makes every dimension a copy of the first: variances and correlations would tell of that row alone.

    Attributes
    ----------
    health
        Of the rows that are left.
    far
        The rows that are left out, the farthest first.
    """

    health: LatentHealth
    far: Int64


def examine_vectors(vectors: AnyFloat, log_variance: AnyFloat | None, step: int = 1) -> Examined:
    """Examine every row, or one of ``step``, on one thread: more would add up in another order, to other bytes."""
    far, _ = find_far_rows(vectors)
    kept: slice | Int64 = slice(None, None, step)
    if len(far):
        kept = np.setdiff1d(np.arange(0, len(vectors), step), far)
    with threadpool_limits(1):
        health = examine(vectors[kept], None if log_variance is None else log_variance[kept])
    return Examined(health, far)


def examine_some(latents: Latents) -> Examined:
    """Examine the vectors of a file, of many rows some that are spread over it."""
    step = -(-len(latents.matrix) // CHECKED_ROWS)
    return examine_vectors(latents.matrix.astype("float32"), latents.log_variance, step)


def health_facts(examined: Examined) -> list[Fact]:
    """Return the facts about all dimensions together, and how many rows they leave out."""
    health = examined.health
    facts = [
        _fact("active_units", 0, Measured(health.count("active"), None)),
        _fact("effective_rank", 0, health.effective_rank),
        *(_fact("variance_share", k, share) for k, share in health.variance_shares),
    ]
    if health.kl is not None:
        facts.append(_fact("prior_divergence", 0, Measured(float(health.kl.sum()), None)))
        facts.append(_fact("collapsed_dimensions", 0, Measured(health.count("collapsed"), None)))
    if len(examined.far):
        facts.append(_fact("rows_left_out", 0, Measured(float(len(examined.far)), None)))
    return facts


def _fact(score: str, k: int, measured: Measured) -> Fact:
    return {"score": score, "k": k, "value": measured.value, "stderr": measured.stderr, "chance": None}


def dimensions_table(health: LatentHealth) -> pa.Table:
    """Return a row per dimension."""
    width = len(health.states)
    return pa.table(
        {
            "dimension": range(width),
            "state": health.states,
            "twin": [int(twin) if twin >= 0 else None for twin in health.twin],
            "mean": health.mean,
            "variance": health.variance,
            "zero_share": health.zero_share,
            "kl": [None] * width if health.kl is None else health.kl,
        },
        schema=schemas.DIMENSIONS,
    )
