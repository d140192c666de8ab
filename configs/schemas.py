"""The tables of a store and of a run: column names, types, and what each table holds.

Every Parquet file that Steadymap writes has one of these schemas. Rows of ``points`` and
``embeddings`` are numbered as in the user's file.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

STATUSES = ("ok", "skipped", "left", "failed", "crashed", "timeout", "out_of_memory", "degenerate")
"""How a cell may end. Only ``ok`` cells have an embedding; ``skipped`` ones do not fit the data, and ``left`` ones a
budget."""

WITHOUT_FAULT = ("ok", "skipped", "left")
"""Statuses of cells that nothing went wrong with."""

VERDICTS = ("REAL", "HIDDEN", "ARTEFACT", "UNCERTAIN")
"""What may be said of a cluster."""

_dictionary = pa.dictionary(pa.int32(), pa.string())

CELL = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("x", pa.float32(), nullable=False),
        pa.field("y", pa.float32(), nullable=False),
        pa.field("z", pa.float32()),
        pa.field("island", pa.int32(), nullable=False),
        pa.field("island_filled", pa.int32(), nullable=False),
    ]
)
"""One file of ``STORE/cells``: the embedding and its islands, rows in canonical order. Island −1 is noise;
``island_filled`` gives noise to the nearest island in the latent space."""

CELLS = pa.schema(
    [
        pa.field("cell", pa.string(), nullable=False),
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("reducer", pa.string(), nullable=False),
        pa.field("engine", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("dimension", pa.int32(), nullable=False),
        pa.field("perplexity", pa.float64()),
        pa.field("exaggeration", pa.float64()),
        pa.field("learning_rate", pa.string()),
        pa.field("n_neighbors", pa.int32()),
        pa.field("min_dist", pa.float64()),
        pa.field("init", pa.string()),
        pa.field("min_cluster_size", pa.int32(), nullable=False),
        pa.field("seed", pa.int64()),
        pa.field("resample", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("islands", pa.int32()),
        pa.field("noise_share", pa.float64()),
    ]
)
"""``cells.parquet``: a row per cell, in the order of the grid. ``seed`` is null for PCA; ``resample`` names the part
of the rows (``half 0a``) or the reference data (``gaussian 0``) that is drawn, and is null where all rows are; ``kind``
is ``data``, ``resample`` or ``null``; ``reason`` says why a cell has no embedding, ``noise_share`` is the share of rows
in no island."""

SCORES = pa.schema(
    [
        pa.field("cell", pa.string(), nullable=False),
        pa.field("score", pa.string(), nullable=False),
        pa.field("k", pa.int32()),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64(), nullable=False),
    ]
)
"""``scores.parquet``: a row per cell, score and k (null where a score has none). ``stderr`` is 0 where every row was
scored."""

EMBEDDINGS = pa.schema(
    [
        pa.field("cell", _dictionary, nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("x", pa.float32(), nullable=False),
        pa.field("y", pa.float32(), nullable=False),
        pa.field("z", pa.float32()),
        pa.field("island", pa.int32(), nullable=False),
        pa.field("island_filled", pa.int32(), nullable=False),
    ]
)
"""``embeddings.parquet``: what the report draws. Aligned coordinates of every cell, scaled so that the reference
picture has unit root-mean-square radius; every cell has the same rows in the same order."""

STABILITY = pa.schema(
    [
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("reducer", pa.string(), nullable=False),
        pa.field("between", pa.string(), nullable=False),
        pa.field("score", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64()),
        pa.field("runs", pa.int32(), nullable=False),
        pa.field("pairs", pa.int32(), nullable=False),
    ]
)
"""``stability.parquet``: a row per configuration and score. ``between`` is ``seeds`` (its own seeds) or
``configurations`` (its cells against those of the other configurations). ``stderr`` is a jackknife over runs,
null with fewer than 3 runs."""

PAIRS = pa.schema(
    [
        pa.field("between", pa.string(), nullable=False),
        pa.field("configuration_a", pa.string(), nullable=False),
        pa.field("configuration_b", pa.string(), nullable=False),
        pa.field("cell_a", pa.string(), nullable=False),
        pa.field("cell_b", pa.string(), nullable=False),
        pa.field("score", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("shared", pa.float64(), nullable=False),
    ]
)
"""``pairs.parquet``: a row per pair of cells and score. ``shared`` is the share of rows that were compared (rows in an
island of both pictures, for ARI and AMI)."""

RECOMMENDATIONS = pa.schema(
    [
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("reducer", pa.string(), nullable=False),
        pa.field("trustworthiness", pa.float64(), nullable=False),
        pa.field("auc_ln_k", pa.float64(), nullable=False),
        pa.field("stability", pa.float64()),
        pa.field("on_front", pa.bool_(), nullable=False),
        pa.field("kept", pa.int32()),
        pa.field("counted", pa.int32()),
        pa.field("rank", pa.int32()),
        pa.field("recommended", pa.bool_(), nullable=False),
        pa.field("cell", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""``recommendations.parquet``: a row per configuration with an embedding. ``rank`` counts from 1, the best; null for
what is drawn for comparison. ``kept`` of the ``counted`` clusters (the REAL ones, else all) are kept by most of its
pictures; null where no fate of clusters is known. ``on_front`` marks the Pareto front over the three numbers,
``recommended`` the best rank of a reducer, ``cell`` is the picture that stands for the configuration."""

TIMINGS = pa.schema(
    [
        pa.field("cell", pa.string(), nullable=False),
        pa.field("seconds", pa.float64()),
        pa.field("cpu_seconds", pa.float64()),
        pa.field("memory_mb", pa.float64()),
        pa.field("cached", pa.bool_(), nullable=False),
        pa.field("host", pa.string()),
        pa.field("cpu", pa.string()),
        pa.field("threads", pa.int32()),
    ]
)
"""``timings.parquet``: everything that varies from run to run; the only table outside every digest."""

TRENDS = pa.schema(
    [
        pa.field("run", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("finished", pa.string(), nullable=False),
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)
"""``trends.parquet`` of a site: a row per run and measure, the oldest run first; ``finished`` in UTC."""


NIGHTS = pa.schema(
    [
        pa.field("night", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("sweep", pa.string(), nullable=False),
        pa.field("config", pa.string(), nullable=False),
        pa.field("data", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("run", pa.string()),
        pa.field("state", pa.string()),
        pa.field("previous", pa.string()),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("computed", pa.int32()),
        pa.field("failed", pa.int32()),
        pa.field("clusters", pa.int32()),
        pa.field("real", pa.int32()),
        pa.field("new", pa.int32()),
        pa.field("lost", pa.int32()),
        pa.field("flipped", pa.int32()),
        pa.field("dropped", pa.int32()),
        pa.field("moved", pa.int32()),
        pa.field("agreement", pa.float64()),
        pa.field("seed_agreement", pa.float64()),
        pa.field("said", pa.list_(pa.string()), nullable=False),
    ]
)
"""``nights/sweeps/NIGHT.parquet``: a row per sweep of a night."""

NIGHT_STATUSES = ("computed", "found", "unchanged", "failed", "left")
"""What became of a sweep in a night: computed, complete already though new to the nights, as in the night before,
without a result, not started or cut short for want of time."""

NIGHT_CLUSTERS = pa.schema(
    [
        pa.field("night", pa.string(), nullable=False),
        pa.field("sweep", pa.string(), nullable=False),
        pa.field("run", pa.string(), nullable=False),
        pa.field("cluster", pa.int32(), nullable=False),
        pa.field("lasting", pa.int32(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("p_value", pa.float64()),
        pa.field("halves", pa.int32()),
        pa.field("halves_proving", pa.int32()),
        pa.field("configurations", pa.int32()),
        pa.field("recovered", pa.int32()),
        pa.field("stands_from", pa.string()),
    ]
)
"""``nights/clusters/NIGHT.parquet``: the clusters of every sweep that was new that night; ``lasting`` is the number
that a cluster keeps from night to night. ``p_value`` to ``recovered`` are those of ``clusters.parquet``.
``stands_from`` is the night whose verdict still stands, where this night's is another by no more than chance; null
where it is its own."""


LATENT_SPACE = pa.schema(
    [
        pa.field("score", pa.string(), nullable=False),
        pa.field("k", pa.int32(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64()),
        pa.field("chance", pa.float64()),
    ]
)
"""``latent_space.parquet``: a row per fact about the vectors themselves; ``k`` are neighbours, or principal
components of ``variance_share``, 0 of what knows neither; ``chance`` is what random neighbours give."""

DIMENSIONS = pa.schema(
    [
        pa.field("dimension", pa.int32(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("twin", pa.int32()),
        pa.field("mean", pa.float64(), nullable=False),
        pa.field("variance", pa.float64(), nullable=False),
        pa.field("zero_share", pa.float64(), nullable=False),
        pa.field("kl", pa.float64()),
    ]
)
"""``dimensions.parquet``: a row per latent dimension. ``state`` is active, dead (0 in every row), constant, collapsed
(a variational posterior equal to its prior), duplicated (``twin`` is the earlier one that it repeats) or negligible.
``zero_share`` of the rows are exactly 0; ``kl`` in nats is null without the posterior's variance."""

INSTABILITY = pa.schema(
    [
        pa.field("island_instability_seeds", pa.float32()),
        pa.field("island_instability_configurations", pa.float32()),
        pa.field("island_instability_resamples", pa.float32()),
        pa.field("neighbour_instability_seeds", pa.float32()),
        pa.field("neighbour_instability_configurations", pa.float32()),
        pa.field("neighbour_instability_resamples", pa.float32()),
    ]
)
"""Columns of ``points.parquet`` that say how unsteady a row is, 0 to 1, by cause: 1 minus the mean element-centric
similarity of its island, and 1 minus the chance-adjusted Jaccard overlap of its 15 neighbours, over pairs of
pictures that differ in seed or in configuration (PCA left out). Null where no two pictures do."""


RATINGS = pa.schema(
    [
        pa.field("distance_variance_seeds", pa.float32()),
        pa.field("distance_variance_configurations", pa.float32()),
        pa.field("distance_variance_resamples", pa.float32()),
        pa.field("embedr_p", pa.float32()),
        pa.field("reliability", pa.float32()),
        pa.field("dubious_share", pa.float32()),
    ]
)
"""Columns of ``points.parquet`` that say how far a row's place can be trusted: the variance of its distances to its 15
nearest neighbours by cause (DynamicViz), the p-value of its embedding error against reference data (EMBEDR, combined
over pictures as twice the median), its mean reliability (scDEED; scored rows only) and the share of pictures in which
that is below the 5 % quantile of reference data."""

MEMBERSHIP = pa.schema(
    [
        pa.field("cluster", pa.int32()),
        pa.field("membership", pa.float32()),
    ]
)
"""Columns of ``points.parquet`` that say to which consensus cluster a row belongs, and how firmly: the mean share of
that cluster which pictures put into the row's island. Null where no picture speaks about clusters."""

CLUSTERS = pa.schema(
    [
        pa.field("cluster", pa.int32(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("label_share", pa.float64()),
        pa.field("co_assignment", pa.float64(), nullable=False),
        pa.field("recurrence", pa.float64(), nullable=False),
        pa.field("recurrence_stderr", pa.float64()),
        pa.field("recurrence_resamples", pa.float64()),
        pa.field("band", pa.string(), nullable=False),
        pa.field("recovered", pa.int32(), nullable=False),
        pa.field("recovered_by_cut", pa.int32()),
        pa.field("dissolved", pa.int32(), nullable=False),
        pa.field("configurations", pa.int32(), nullable=False),
        pa.field("best_cell", pa.string(), nullable=False),
        pa.field("verdict", pa.string()),
        pa.field("p_value", pa.float64()),
        pa.field("depth", pa.float64()),
        pa.field("depth_low", pa.float64()),
        pa.field("depth_high", pa.float64()),
        pa.field("neighbour", pa.int32()),
        pa.field("halves", pa.int32()),
        pa.field("halves_proving", pa.int32()),
        pa.field("reason", pa.string()),
    ]
)
"""``clusters.parquet``: a row per consensus cluster, the largest first. ``label`` is its most frequent label.
``co_assignment`` is the mean share of pictures that keep two of its rows together; ``recurrence`` the mean over
configurations of its Jaccard similarity to the most similar branch of a picture's density tree, with standard error;
``recovered`` (above .75) and ``dissolved`` (at most .5) count configurations by the mean over their seeds, and
``recovered_by_cut`` those in which the islands of one flat cut are enough.
``verdict`` is ``REAL``, ``HIDDEN``, ``ARTEFACT`` or ``UNCERTAIN`` with its ``reason``, ``p_value`` that of the held-out
valley test, ``depth`` the density at the valley over that at the lower peak (1 is no valley) with a 95 % interval,
``neighbour`` the cluster beyond it; ``halves_proving`` of the ``halves`` that tested separate it alone. All null where
nothing was tested."""

RECURRENCE = pa.schema(
    [
        pa.field("cluster", pa.int32(), nullable=False),
        pa.field("cause", pa.string(), nullable=False),
        pa.field("setting", pa.string(), nullable=False),
        pa.field("recurrence", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64()),
        pa.field("cells", pa.int32(), nullable=False),
        pa.field("recovered", pa.int32(), nullable=False),
        pa.field("dissolved", pa.int32(), nullable=False),
        pa.field("band", pa.string(), nullable=False),
    ]
)
"""``recurrence.parquet``: a row per cluster, cause and setting. ``cause`` is ``configuration``, ``seed``, ``resample``
or the name of a parameter with several values; ``setting`` is its value. ``recovered`` and ``dissolved`` count
pictures."""

TRACKS = pa.schema(
    [
        pa.field("cluster", pa.int32(), nullable=False),
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("fate", pa.string(), nullable=False),
        pa.field("recurrence", pa.float64(), nullable=False),
        pa.field("kept", pa.int32(), nullable=False),
        pa.field("split", pa.int32(), nullable=False),
        pa.field("merged", pa.int32(), nullable=False),
        pa.field("lost", pa.int32(), nullable=False),
        pa.field("pieces", pa.int32(), nullable=False),
        pa.field("partners", pa.list_(pa.int32()), nullable=False),
    ]
)
"""``tracks.parquet``: a row per cluster and configuration. ``fate`` is what most of its pictures do with the cluster
(the counts beside it), ``pieces`` the most branches that a picture splits it into, ``partners`` the clusters it cannot
be told from where a picture merges it."""

BOUNDARIES = pa.schema(
    [
        pa.field("cluster_a", pa.int32(), nullable=False),
        pa.field("cluster_b", pa.int32(), nullable=False),
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("apart", pa.float64(), nullable=False),
        pa.field("touching", pa.float64(), nullable=False),
    ]
)
"""``boundaries.parquet``: a row per pair of clusters and configuration. ``apart`` is the share of pairs of rows, one of
each, that its pictures put into different islands; ``touching`` the share of the nearest neighbours of either that lie
in the other. Pairs that do not touch and that every picture keeps apart are left out."""

LABELS = pa.schema(
    [
        pa.field("label", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("p_value", pa.float64(), nullable=False),
        pa.field("separated", pa.bool_(), nullable=False),
        pa.field("depth", pa.float64()),
        pa.field("runs_into", pa.list_(pa.string()), nullable=False),
    ]
)
"""``labels.parquet``: a row per class of the first label, tested like a cluster, without any picture. ``p_value`` is of
being separated from every neighbour (Holm over classes), ``depth`` that of the shallowest valley around it,
``runs_into`` the classes from which most halves show no valley. Empty without labels or halves."""

NULL_SCORES = pa.schema(
    [
        pa.field("cell", pa.string(), nullable=False),
        pa.field("null", pa.string(), nullable=False),
        pa.field("number", pa.int32(), nullable=False),
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("seed", pa.int64()),
        pa.field("score", pa.string(), nullable=False),
        pa.field("k", pa.int32()),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64(), nullable=False),
    ]
)
"""``nulls.parquet``: the same scores of pictures of reference data (``gaussian``, ``copula``); ``islands`` is how many
islands HDBSCAN found there, ``ari`` how well two seeds agree about them (of the first of the two cells)."""


NULL_PICTURES = pa.schema(
    [
        pa.field("cell", _dictionary, nullable=False),
        pa.field("x", pa.float32(), nullable=False),
        pa.field("y", pa.float32(), nullable=False),
        pa.field("island", pa.int32(), nullable=False),
    ]
)
"""``null_pictures.parquet``: pictures of reference data, a sample of 2,000 rows above that; scaled like the others.
Their rows are no rows of the file."""


HALF_PICTURES = pa.schema(
    [
        pa.field("cell", _dictionary, nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("x", pa.float32(), nullable=False),
        pa.field("y", pa.float32(), nullable=False),
        pa.field("island", pa.int32(), nullable=False),
        pa.field("island_filled", pa.int32(), nullable=False),
    ]
)
"""``half_pictures.parquet``: pictures of the first pair of complementary halves, one of each setting that is drawn on
them, laid over that setting's picture of all rows; at most 2,000 rows, all of them among those in ``embeddings``."""

IMAGES = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("channels", pa.int32(), nullable=False),
        pa.field("pixels", pa.binary(), nullable=False),
    ]
)
"""``images.parquet``: a row per drawn row where the raw inputs are images, else none. ``pixels`` are height × width ×
channels bytes (1 channel is grey, 3 are red, green, blue), at most 32 × 32 pixels."""

NEIGHBOURS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("neighbour", pa.int64(), nullable=False),
    ]
)
"""``neighbours.parquet``: of every drawn row its nearest drawn rows in the latent space, at most 10, the nearest first
(rank 1)."""


DECODED = pa.schema(
    [
        pa.field("cluster", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("step", pa.int32(), nullable=False),
        pa.field("row", pa.int64()),
        pa.field("neighbour", pa.int32()),
        pa.field("dimension", pa.int32()),
        pa.field("position", pa.float64()),
        pa.field("density", pa.float64()),
        pa.field("pixels", pa.binary()),
        pa.field("values", pa.list_(pa.float32())),
    ]
)
"""``decoded.parquet``: a row per thing that a decoder shows of a cluster. ``kind`` is ``input`` (raw inputs of its most
typical rows, the medoid first), ``medoid`` and ``mean`` (decoded), ``path`` (decoded steps from its medoid to that of
its ``neighbour``, ``position`` from 0 to 1, ``density`` there over that at the less dense end) or ``dimension`` (its
medoid decoded with one latent ``dimension`` at ``position``). ``row`` is that of the file. An image is ``pixels``
(bytes, its shape under ``decoded: shape`` in the manifest), anything else ``values``."""

DECODED_CLUSTERS = pa.schema(
    [
        pa.field("cluster", pa.int32(), nullable=False),
        pa.field("medoid", pa.int64(), nullable=False),
        pa.field("neighbour", pa.int32()),
        pa.field("lowest_density", pa.float64()),
        pa.field("landing", pa.float64()),
        pa.field("landing_p", pa.float64()),
        pa.field("lands_in", pa.int32()),
        pa.field("off_manifold", pa.bool_()),
        pa.field("error", pa.float64()),
        pa.field("error_stderr", pa.float64()),
        pa.field("error_rest", pa.float64()),
        pa.field("error_p", pa.float64()),
        pa.field("worse", pa.bool_()),
        pa.field("dimensions", pa.list_(pa.int32()), nullable=False),
        pa.field("dimensions_auc", pa.list_(pa.float64()), nullable=False),
        pa.field("features", pa.list_(pa.string()), nullable=False),
        pa.field("features_sd", pa.list_(pa.float64()), nullable=False),
    ]
)
"""``decoded_clusters.parquet``: a row per decoded cluster. ``medoid`` is a row of the file, ``lowest_density`` that
along the path to its ``neighbour``. ``landing`` is how far from the mean its reconstruction is when encoded again,
``landing_p`` the share of rows that land farther off, ``lands_in`` the cluster there, ``off_manifold`` whether that is
elsewhere (null without an encoder). ``error`` is the mean squared reconstruction error of its rows, ``error_rest`` that
of all others, ``error_p`` the one-sided p-value of its being no larger (Holm over clusters), ``worse`` whether it is
(p at most .05 and 1.2 times as large; null without inputs). ``dimensions`` tell it from its neighbour best, by the area
under the ROC curve beside them; ``features`` are the columns that set its decoded mean apart, in standard deviations
of the reconstructions."""

RECONSTRUCTION = pa.schema([pa.field("reconstruction_error", pa.float32())])
"""Column of ``points.parquet``: the mean squared difference of a row's input and its reconstruction, in squared units
of the input. Null without a decoder, without inputs, and where the two have different scales."""


def points(further_labels: Sequence[str]) -> pa.Schema:
    """Return the schema of ``points.parquet``: a row per row of the user's file, in its order.

    ``label`` is the first label; each further one has a column ``label:NAME``. ``position`` is the
    row's place in canonical order.
    """
    return pa.schema([*rows_of_file(further_labels), *MEMBERSHIP, *INSTABILITY, *RATINGS, *RECONSTRUCTION])


def rows_of_file(further_labels: Sequence[str]) -> pa.Schema:
    """Return the schema of what the data file itself says of its rows; see ``points``."""
    return pa.schema(
        [
            pa.field("row", pa.int64(), nullable=False),
            pa.field("position", pa.int64(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("label", pa.string()),
            pa.field("group", pa.string()),
            *(pa.field(f"label:{name}", pa.string()) for name in further_labels),
        ]
    )


RUN_TABLES: dict[str, pa.Schema] = {
    "cells": CELLS,
    "scores": SCORES,
    "embeddings": EMBEDDINGS,
    "stability": STABILITY,
    "pairs": PAIRS,
    "recommendations": RECOMMENDATIONS,
    "latent_space": LATENT_SPACE,
    "dimensions": DIMENSIONS,
    "clusters": CLUSTERS,
    "recurrence": RECURRENCE,
    "tracks": TRACKS,
    "boundaries": BOUNDARIES,
    "labels": LABELS,
    "nulls": NULL_SCORES,
    "null_pictures": NULL_PICTURES,
    "half_pictures": HALF_PICTURES,
    "images": IMAGES,
    "neighbours": NEIGHBOURS,
    "decoded": DECODED,
    "decoded_clusters": DECODED_CLUSTERS,
}
"""The tables of a run with a fixed schema; ``points`` depends on the labels, ``timings`` is kept apart."""


ENCODERS = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("run", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("dimensions", pa.int32(), nullable=False),
        pa.field("clusters", pa.int32(), nullable=False),
        pa.field("shown", pa.int32(), nullable=False),
        pa.field("in_shown", pa.float64(), nullable=False),
        pa.field("active", pa.int32()),
        pa.field("effective_rank", pa.float64()),
        pa.field("effective_rank_stderr", pa.float64()),
        pa.field("label_purity", pa.float64()),
        pa.field("label_purity_stderr", pa.float64()),
        pa.field("fast", pa.bool_(), nullable=False),
    ]
)
"""``encoders.parquet``: a row per encoder, in their order. ``shown`` clusters are REAL or HIDDEN, ``in_shown`` is the
share of rows in one of them, ``active`` counts latent dimensions that carry something of their own."""

ENCODER_CLUSTERS = pa.schema(
    [
        pa.field("number", pa.int32(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("encoder", pa.string(), nullable=False),
        pa.field("fate", pa.string(), nullable=False),
        pa.field("clusters", pa.list_(pa.int32()), nullable=False),
        pa.field("jaccard", pa.float64()),
        pa.field("share", pa.float64(), nullable=False),
        pa.field("verdict", pa.string()),
        pa.field("p_value", pa.float64()),
        pa.field("shown_in", pa.int32(), nullable=False),
        pa.field("p_in_all", pa.float64(), nullable=False),
        pa.field("in_all", pa.bool_(), nullable=False),
    ]
)
"""``encoder_clusters.parquet``: a row per followed cluster and encoder. ``fate`` is ``found``, ``merged``, ``split`` or
``missing``, ``clusters`` its numbers in that encoder's run, ``share`` the share of its rows that they hold, ``verdict``
and ``p_value`` those of that run; ``p_in_all`` is of its being separated in every encoder."""

ENCODER_PAIRS = pa.schema(
    [
        pa.field("encoder_a", pa.string(), nullable=False),
        pa.field("encoder_b", pa.string(), nullable=False),
        pa.field("score", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64()),
        pa.field("chance", pa.float64()),
    ]
)
"""``encoder_pairs.parquet``: a row per pair of encoders and score: linear CKA (``cka``), Procrustes ``disparity``, mean
share of neighbours that are ``kept``; ``chance`` is what unrelated spaces give."""

ENCODER_ROWS = pa.schema(
    [pa.field("id", pa.string(), nullable=False), pa.field("kept", pa.float64(), nullable=False)],
)
"""``encoder_rows.parquet``: rows that keep the fewest neighbours, and the mean share that they keep over all pairs."""

ENCODER_TABLES: dict[str, pa.Schema] = {
    "encoders": ENCODERS,
    "encoder_clusters": ENCODER_CLUSTERS,
    "encoder_pairs": ENCODER_PAIRS,
    "encoder_rows": ENCODER_ROWS,
}
"""The tables of several encoders of the same inputs."""
