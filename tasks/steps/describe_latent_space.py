"""Step: ask the latent space itself, before any picture, whether it organises the data."""

from __future__ import annotations

import contextlib

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.tasks.cells.score_files import classes_of
from steadymap.tasks.geometry.compute_part import read_working
from steadymap.tasks.geometry.latent_neighbours import latent_neighbours
from steadymap.tasks.input.latent_health import Fact, dimensions_table, examine_vectors, health_facts
from steadymap.tasks.numerics.geometry.neighbours import Neighbours
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.files import map_array, write_table
from steadymap.tasks.store.findings import LatentSpace

HUBNESS_K, PURITY_K, DIMENSION_K = 10, 15, 20


@task(name="describe latent space", task_run_name="latent space of {plan.rows} rows", cache_policy=NO_CACHE)
def describe_latent_space(plan: Plan) -> LatentSpace:
    """Examine the dimensions; measure how many are needed, hubs, purity of labels, and what similar inputs do."""
    from steadymap.tasks.numerics.geometry.preprocess import UnusableVectorsError

    metric = plan.config.preprocess.metric
    examined = examine_vectors(plan.dataset.latents(), plan.dataset.log_variance())
    facts = health_facts(examined)
    with contextlib.suppress(UnusableVectorsError):  # then every cell says so
        working = read_working(plan.geometry, metric)
        found = latent_neighbours(plan.geometry, metric, DIMENSION_K, plan.config.workers.count)
        facts += [*_shape(found, metric), *_purity(plan, found), *_inputs(plan, working)]
    place = LatentSpace(plan.store.findings(plan.run) / "latent_space.parquet")
    write_table(pa.Table.from_pylist(facts, schema=schemas.LATENT_SPACE), place.file)
    write_table(dimensions_table(examined.health), place.file.with_name("dimensions.parquet"))
    return place


def _shape(found: Neighbours, metric: str) -> list[Fact]:
    from steadymap.tasks.numerics.scores.latent_space.hubness import hubness
    from steadymap.tasks.numerics.scores.latent_space.intrinsic_dimension import inverse_dimensions

    facts: list[Fact] = []
    # Of cosine distances, 1 − cos, the chord √(2 (1 − cos)) grows with the radius as a Euclidean distance does.
    distances = found.distances if metric == "euclidean" else np.sqrt(2 * found.distances)
    inverse = inverse_dimensions(distances)
    if len(inverse) > 1 and inverse.mean() > 0:
        dimension = float(1 / inverse.mean())
        stderr = float(dimension**2 * inverse.std(ddof=1) / np.sqrt(len(inverse)))
        k = found.indices.shape[1]
        facts.append({"score": "intrinsic_dimension", "k": k, "value": dimension, "stderr": stderr, "chance": None})
    near = found.first(min(HUBNESS_K, found.indices.shape[1]))
    k = near.indices.shape[1]
    facts.append({"score": "hubness", "k": k, "value": hubness(near.indices), "stderr": None, "chance": None})
    return facts


def _purity(plan: Plan, found: Neighbours) -> list[Fact]:
    from steadymap.tasks.numerics.scores.latent_space.label_purity import chance_purity, label_purity

    classes = classes_of(plan.dataset)
    if classes is None or np.sum(classes.codes >= 0) < 2:
        return []
    near = found.first(min(PURITY_K, found.indices.shape[1]))
    purity = label_purity(near.indices, classes.codes)
    return [
        {
            "score": "label_purity",
            "k": near.indices.shape[1],
            "value": float(purity.mean()),
            "stderr": float(purity.std(ddof=1) / np.sqrt(len(purity))),
            "chance": chance_purity(classes.codes),
        }
    ]


def _inputs(plan: Plan, working: np.ndarray) -> list[Fact]:
    """Score the latent vectors as if they were a picture of the raw inputs."""
    from steadymap.tasks.numerics.scores.all_scores import Scorer, choose_anchors

    if not plan.dataset.has_inputs:
        return []
    inputs = np.array(map_array(plan.dataset.folder, "inputs"), dtype=np.float32)
    if not np.isfinite(inputs).all():
        return []
    keys = np.array(plan.dataset.keys())
    scorer = Scorer(inputs, keys, plan.ks, choose_anchors(keys, exact=plan.config.scores.exact))
    (scores,) = scorer.score([working])
    return [
        {"score": f"input_{one.score}", "k": one.k, "value": one.value, "stderr": one.stderr, "chance": None}
        for one in scores
        if one.k is not None and one.score in ("trustworthiness", "continuity")
    ]
