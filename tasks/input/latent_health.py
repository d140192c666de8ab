"""The health of a latent space as rows of tables: of a run's data set, or of a file that no sweep has seen yet."""

from __future__ import annotations

from typing import TypedDict

import pyarrow as pa
from threadpoolctl import threadpool_limits

from steadymap.configs import schemas
from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.dataset import measure
from steadymap.tasks.input.fetch_inputs import fetched
from steadymap.tasks.input.latents_file import read_latents
from steadymap.tasks.numerics.arrays import AnyFloat
from steadymap.tasks.numerics.scores.latent_health import LatentHealth, Measured, examine

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


def measure_and_examine(source: DataSource) -> tuple[int, int, LatentHealth | None]:
    """Return rows, dimensions and health of a file of vectors; health is None of what is yet to be encoded or trained.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    if source.path is None:
        return (*measure(source), None)
    with fetched(source) as here:
        latents = read_latents(here)
    rows, dimensions = latents.matrix.shape
    step = -(-rows // CHECKED_ROWS)
    log_variance = None if latents.log_variance is None else latents.log_variance[::step]
    return rows, dimensions, examine_vectors(latents.matrix[::step].astype("float32"), log_variance)


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
