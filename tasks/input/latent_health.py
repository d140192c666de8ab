"""The health of a latent space as rows of tables: of a run's data set, or of a file that no sweep has seen yet."""

from __future__ import annotations

from typing import TypedDict

import pyarrow as pa
from threadpoolctl import threadpool_limits

from steadymap.configs import schemas
from steadymap.tasks.input.latents_file import Latents
from steadymap.tasks.numerics.arrays import AnyFloat
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


def examine_vectors(vectors: AnyFloat, log_variance: AnyFloat | None) -> LatentHealth:
    """Examine on one thread: more would add up in another order, to other bytes."""
    with threadpool_limits(1):
        return examine(vectors, log_variance)


def examine_some(latents: Latents) -> LatentHealth:
    """Examine the vectors of a file, of many rows some that are spread over it."""
    step = -(-len(latents.matrix) // CHECKED_ROWS)
    log_variance = None if latents.log_variance is None else latents.log_variance[::step]
    return examine_vectors(latents.matrix[::step].astype("float32"), log_variance)


def health_facts(health: LatentHealth) -> list[Fact]:
    """Return the facts about all dimensions together."""
    facts = [
        _fact("active_units", 0, Measured(health.count("active"), None)),
        _fact("effective_rank", 0, health.effective_rank),
        *(_fact("variance_share", k, share) for k, share in health.variance_shares),
    ]
    if health.kl is not None:
        facts.append(_fact("prior_divergence", 0, Measured(float(health.kl.sum()), None)))
        facts.append(_fact("collapsed_dimensions", 0, Measured(health.count("collapsed"), None)))
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
