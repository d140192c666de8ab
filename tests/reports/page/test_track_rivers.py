"""Clusters through a parameter as a river, from the fixture's grid: t-SNE 5 and 30, UMAP 5 and 15 by 0.1 and 0.5."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from steadymap.reports.page.track_alluvials import TrackRiver, track_rivers
from steadymap.reports.run.run_folder import Run

SLOTS = {0: 0, 1: 1, 2: None}


def rivers(run: Run) -> dict[str, TrackRiver]:
    return {river.heading: river for river in track_rivers(run, SLOTS)}


def rows_of_bands(river: TrackRiver) -> list[int]:
    return [int(band.words.split(" ", 1)[0].replace(",", "")) for band in river.drawing.bands]


def test_a_river_for_every_parameter_that_was_varied(run: Run) -> None:
    assert {heading: river.held for heading, river in rivers(run).items()} == {
        "t-SNE, perplexity 5 → 30": "seed 0",
        # The recommended setting has 0.1 and 15; min_dist 0.5 crashed with its seed 1, so both are shown with seed 0.
        "UMAP, n_neighbors 5 → 15": "min_dist\u00a00.1, seed 1",
        "UMAP, min_dist 0.1 → 0.5": "n_neighbors\u00a015, seed 0",
    }


def test_bands_carry_every_row_once(run: Run) -> None:
    for river in rivers(run).values():
        assert sum(rows_of_bands(river)) == 120


def test_an_island_is_named_and_coloured_by_the_cluster_it_holds(run: Run) -> None:
    river = rivers(run)["t-SNE, perplexity 5 → 30"]
    right = [one for one in river.drawing.blocks if one.anchor == "start"]
    assert [(one.block.label, one.block.slot, one.block.rows) for one in right] == [
        ("c0", 0, 40),
        ("c1", 1, 40),
        ("c2", None, 40),
    ]
    left = [one for one in river.drawing.blocks if one.anchor == "end"]
    assert [one.block.label for one in left] == ["c0", "c0", "c1", "c1", "c2", "c2"]
    assert "6 islands at 5, 3 islands at 30" in river.drawing.alt


def test_an_island_of_several_clusters_names_them_all(run: Run) -> None:
    merged = run.embeddings.assign(island_filled=0)
    river = rivers(replace(run, embeddings=merged))["t-SNE, perplexity 5 → 30"]
    assert {one.block.label for one in river.drawing.blocks} == {"c0 + c1 + c2"}
    assert rows_of_bands(river) == [120]


def test_of_long_names_the_first_is_told_and_the_others_are_counted(run: Run) -> None:
    named = run.clusters.assign(label=[f"a rather long name {number}" for number in range(3)])
    merged = replace(run, embeddings=run.embeddings.assign(island_filled=0), clusters=named)
    river = rivers(merged)["t-SNE, perplexity 5 → 30"]
    assert {one.block.label for one in river.drawing.blocks} == {"a rather long… + 2 more"}


def test_nothing_is_drawn_without_clusters_or_with_one_value_only(run: Run) -> None:
    assert track_rivers(replace(run, clusters=run.clusters.iloc[:0]), SLOTS) == ()
    only = run.cells[run.cells["configuration"].isin(["tsne perplexity=30", "pca"])]
    assert track_rivers(replace(run, cells=pd.DataFrame(only)), SLOTS) == ()
