"""What a run says of its clusters, from pictures and splits made by hand: recurrence, tracks, boundaries, verdicts."""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from steadymap.configs.grid import expand
from steadymap.configs.sweep import Preprocessing, SweepConfig
from steadymap.tasks.clusters.cluster_tables import (
    Recovered,
    boundaries_table,
    kept_table,
    recurrence_table,
    tracks_table,
)
from steadymap.tasks.geometry.parts import Geometry
from steadymap.tasks.input.dataset import Dataset
from steadymap.tasks.numerics.clusters.recurrence import recover_clusters
from steadymap.tasks.numerics.valleys.valley_depth import Depth
from steadymap.tasks.numerics.verdicts.border_depth import BorderDepth
from steadymap.tasks.numerics.verdicts.combine_splits import SplitOutcome
from steadymap.tasks.numerics.verdicts.split_test import SplitTest
from steadymap.tasks.plan.plan import Cell
from steadymap.tasks.store.layout import Store
from steadymap.tasks.verdicts.border_depths import HalfBorders
from steadymap.tasks.verdicts.cluster_verdicts import tabulate_verdicts
from steadymap.tasks.verdicts.label_rows import label_rows

CLUSTERS = np.repeat([0, 1, 2], 20)
WHOLE = np.repeat([0, 1, 2], 20).astype(np.int32)
SPLIT = np.repeat([0, 3, 1, 2], [10, 10, 20, 20]).astype(np.int32)
MERGED = np.repeat([0, 1], [20, 40]).astype(np.int32)


def seen() -> list[Recovered]:
    """Return four pictures: t-SNE at two perplexities with two seeds, and what each does with three clusters."""
    config = SweepConfig.model_validate(
        {
            "name": "x",
            "data": {"path": "z.npy"},
            "reducers": [{"reducer": "tsne", "perplexity": [5, 15]}, {"reducer": "umap", "n_neighbors": 5}],
        }
    )
    data = Dataset(Path("d"), "digest", 60, 2, 0, "identity", (), has_inputs=False, source="z.npy", notes={})
    geometry = Geometry(Store(Path("s")), data, Preprocessing())
    low, high, umap = expand(config, 60).configurations
    drawn = [
        (low, 0, SPLIT),
        (low, 1, SPLIT),
        (high, 0, WHOLE),
        (high, 1, MERGED),
        (umap, 0, MERGED),
    ]
    return [
        Recovered(Cell(f"{one.name} {seed}", one, seed, geometry), recover_clusters(CLUSTERS, islands, 3))
        for one, seed, islands in drawn
    ]


def test_recurrence_is_told_by_every_cause_that_varies() -> None:
    table = recurrence_table(seen(), [], 3).to_pandas()
    assert set(table["cause"]) == {"configuration", "reducer", "perplexity", "seed"}
    at = table.set_index(["cluster", "cause", "setting"])
    assert at.loc[(0, "perplexity", "5"), "recurrence"] == pytest.approx(0.5)
    assert at.loc[(0, "perplexity", "5"), ["cells", "recovered", "dissolved"]].tolist() == [2, 0, 2]
    assert at.loc[(1, "perplexity", "15"), "recurrence"] == pytest.approx((1 + 0.5) / 2)
    assert at.loc[(1, "perplexity", "15"), "stderr"] == pytest.approx(0.25)
    assert at.loc[(2, "configuration", "tsne perplexity=5"), "band"] == "highly stable"
    assert at.loc[(1, "reducer", "umap"), "recurrence"] == pytest.approx(0.5)
    assert at.loc[(0, "seed", "1"), "cells"] == 2


def test_tracks_say_what_most_pictures_do_and_with_whom() -> None:
    table = tracks_table(seen(), 3).to_pandas().set_index(["cluster", "configuration"])
    split = table.loc[(0, "tsne perplexity=5")]
    assert (split["fate"], split["split"], split["pieces"]) == ("split", 2, 2)
    # One seed keeps it and one merges it: of equally frequent fates the gentlest.
    even = table.loc[(1, "tsne perplexity=15")]
    assert (even["fate"], even["kept"], even["merged"], even["partners"].tolist()) == ("kept", 1, 1, [2])
    merged = table.loc[(2, "umap n_neighbors=5 min_dist=0.1")]
    assert (merged["fate"], merged["partners"].tolist(), merged["recurrence"]) == ("merged", [1], 0.5)


def test_boundaries_are_those_of_neighbours_and_of_what_a_setting_merges() -> None:
    near = np.tile(np.arange(60)[:, None], (1, 2))  # every row touches its own cluster only
    table = boundaries_table(seen(), CLUSTERS, near).to_pandas().set_index(["cluster_a", "cluster_b", "configuration"])
    assert {pair[:2] for pair in table.index} == {(1, 2)}
    assert table.loc[(1, 2, "tsne perplexity=5"), "apart"] == 1
    assert table.loc[(1, 2, "tsne perplexity=15"), "apart"] == pytest.approx(0.5)
    assert table.loc[(1, 2, "umap n_neighbors=5 min_dist=0.1"), "apart"] == pytest.approx(0)
    near[0] = 20  # a row of the first cluster beside one of the second
    touching = (
        boundaries_table(seen(), CLUSTERS, near).to_pandas().set_index(["cluster_a", "cluster_b", "configuration"])
    )
    assert touching.loc[(0, 1, "tsne perplexity=15"), "touching"] == pytest.approx(2 / 80)


def test_what_a_picture_keeps_is_what_it_recovers() -> None:
    kept = kept_table(seen()).to_pandas()
    assert kept[kept["cell"] == "tsne perplexity=5 0"]["cluster"].tolist() == [1, 2]
    assert kept[kept["cell"] == "tsne perplexity=15 0"]["cluster"].tolist() == [0, 1, 2]


# --- verdicts -----------------------------------------------------------------------------------------------------


def split_of(p: float) -> SplitOutcome:
    """Return a split on all rows: 1 and 2 are merged first, then 0 with both; only the root is rejected."""
    apart = p <= 0.05
    found = CLUSTERS if apart else np.where(CLUSTERS == 2, 1, CLUSTERS)
    p_values = (0.001, p, p) if apart else (0.001, 0.001)
    return SplitOutcome(np.ones(60, dtype=bool), SplitTest(found, p_values, CLUSTERS, ()))


def look(pair: int, *depths: float, p: float = 0.5, needed: int | None = None) -> HalfBorders:
    """Return what a half shows around the clusters: the depth over their own peaks, the lower ones."""
    around = [BorderDepth(Depth((log(depth), log(depth / 2)), (0.05, 0.05), 0), p, needed) for depth in depths]
    return HalfBorders(pair, tuple(around))


def described(recovered: int, third_dissolves: float = 0.0) -> list[dict[str, object]]:
    told = {"size": 20, "label": None, "label_share": None, "co_assignment": 1.0, "recurrence": 0.9}
    told |= {"recurrence_stderr": None, "recurrence_resamples": None, "band": "stable", "best_cell": "c"}
    told |= {"recovered": recovered, "dissolved": 0, "configurations": 4}
    return [{"cluster": n, **told, "dissolved_share": share} for n, share in enumerate((0.0, 0.0, third_dissolves))]


def verdicts(rows: pa.Table) -> list[str]:
    return rows.column("verdict").to_pylist()


def test_verdicts_follow_from_p_and_what_pictures_do() -> None:
    looks = [look(0, 0.1, 0.3, 0.3, p=0.001), look(0, 0.1, 0.3, 0.3, p=0.001)]
    apart = tabulate_verdicts(described(4), CLUSTERS, [split_of(0.01)] * 2, looks).to_pylist()
    assert [row["verdict"] for row in apart] == ["REAL"] * 3
    assert apart[1]["p_value"] == pytest.approx(0.02)  # twice the median
    # Both halves of a split: independent, so that the error is √2 smaller.
    error = 1.96 * 0.05 / np.sqrt(2)
    told = (apart[1]["depth"], apart[1]["depth_low"], apart[1]["depth_high"])
    assert told == pytest.approx((0.3, 0.3 * np.exp(-error), 0.3 * np.exp(error)))
    assert verdicts(tabulate_verdicts(described(1), CLUSTERS, [split_of(0.01)] * 2, looks)) == ["HIDDEN"] * 3


def test_clusters_without_a_peak_of_their_own_are_artefacts() -> None:
    joined = [split_of(0.6)] * 2
    # 2 is half of a cluster of the splits, so that nothing corresponds to it.
    smaller = np.where(np.arange(60) >= 55, 1, CLUSTERS)
    judged = tabulate_verdicts(described(4), smaller, joined, [look(0, 0.1, 0.3, 0.95), look(1, 0.1, 0.3, 1.0)])
    assert verdicts(judged) == ["REAL", "REAL", "ARTEFACT"]
    hinted = tabulate_verdicts(described(4), smaller, joined, [look(0, 0.1, 0.3, 0.95, p=0.01)])
    assert verdicts(hinted)[2] == "UNCERTAIN"


def test_the_only_peak_is_an_artefact_with_its_flanks() -> None:
    nothing = SplitOutcome(np.ones(60, dtype=bool), SplitTest(np.zeros(60, dtype=int), (1.0,), CLUSTERS, ()))
    peak = BorderDepth(Depth((log(0.4), log(1.2)), (0.05, 0.05), 1), 0.5, None)
    flank = BorderDepth(Depth((log(1.2), log(0.4)), (0.05, 0.05), 0), 0.5, None)
    one = tabulate_verdicts(described(4), CLUSTERS, [nothing], [HalfBorders(0, (peak, flank, flank))])
    assert verdicts(one) == ["ARTEFACT"] * 3
    two = tabulate_verdicts(described(4), CLUSTERS, [nothing], [HalfBorders(0, (peak, peak, flank))])
    assert verdicts(two) == ["UNCERTAIN", "UNCERTAIN", "ARTEFACT"]


def test_falling_apart_is_evidence_where_rows_were_enough() -> None:
    smaller = np.where(np.arange(60) >= 55, 1, CLUSTERS)

    def third(dissolved: float, **changes: object) -> str:
        looks = [look(0, 0.3, 0.3, 0.98, **changes), look(1, 0.3, 0.3, 1.1, **changes)]  # type: ignore[arg-type]
        return verdicts(tabulate_verdicts(described(0, dissolved), smaller, [split_of(0.6)] * 2, looks))[2]

    assert third(0.5) == "ARTEFACT"
    assert third(0.4) == "UNCERTAIN"
    assert third(0.9, needed=500) == "UNCERTAIN"


def test_without_splits_nothing_is_claimed() -> None:
    judged = tabulate_verdicts(described(4), CLUSTERS, []).to_pylist()
    assert [(row["verdict"], row["p_value"]) for row in judged] == [("UNCERTAIN", None)] * 3


def test_labels_are_combined_over_halves_and_corrected_for_their_number() -> None:
    def half(p: float) -> dict[str, object]:
        ground, far = ({"logs": [log(at), 0.0], "stderrs": [0.1, 0.1], "lower": 0} for at in (0.4, 0.1))
        ground, far = {"p": p, "depth": ground}, {"p": 0.001, "depth": far}
        pairs = [{"first": 0, "second": 1, "valley": ground}, {"first": 1, "second": 2, "valley": far}]
        return {"p_values": [p, p, 0.001], "pairs": pairs}

    classes = ["a"] * 3 + ["b"] * 2 + ["c"] + [None]
    rows = label_rows(["a", "b", "c"], [half(0.2), half(0.3), half(0.01)], classes)
    assert [row["size"] for row in rows] == [3, 2, 1]
    assert rows[2]["p_value"] == pytest.approx(3 * 3 * 0.001)
    assert [row["separated"] for row in rows] == [False, False, True]
    assert [row["runs_into"] for row in rows] == [["b"], ["a"], []]
    assert [row["depth"] for row in rows] == pytest.approx([0.4, 0.4, 0.1])
