"""Ways to lay out the grid of the fixture: t-SNE 5, 30, 200, UMAP 5 and 15 by 0.1 and 0.5, PCA."""

from __future__ import annotations

from dataclasses import replace

from steadymap.reports.page.layouts import Layout, layouts
from steadymap.reports.run.run_folder import Run
from tests.reports.run_folder_fixture import T5, T30, T200, U5A, U5B, U15A, U15B, cell_id


def named(run: Run) -> dict[str, Layout]:
    return {layout.name: layout for layout in layouts(run)}


def cells(layout: Layout) -> list[list[str | None]]:
    return [[place.cell for place in row.places] for row in layout.rows]


def test_every_way_that_has_an_axis_is_offered(run: Run) -> None:
    assert list(named(run)) == ["perplexity", "n_neighbors and min_dist", "seed"]


def test_a_row_for_each_perplexity_with_its_seeds(run: Run) -> None:
    layout = named(run)["perplexity"]
    assert [row.title for row in layout.rows] == [f"perplexity\u00a0{value}" for value in (5, 30, 200)]
    assert cells(layout) == [[cell_id(name, place) for place in (0, 1)] for name in (T5, T30, T200)]
    assert [place.caption for place in layout.rows[0].places] == ["seed 0", "seed 1"]
    assert layout.note.endswith(" Left out: UMAP, PCA.")


def test_n_neighbors_downwards_and_min_dist_to_the_right_seed_by_seed(run: Run) -> None:
    layout = named(run)["n_neighbors and min_dist"]
    assert [row.title for row in layout.rows] == [
        f"n_neighbors\u00a0{neighbours}, seed {seed}" for seed in (0, 1) for neighbours in (5, 15)
    ]
    assert cells(layout) == [
        [cell_id(name, place) for name in row] for place in (0, 1) for row in ((U5A, U5B), (U15A, U15B))
    ]
    assert [place.caption for place in layout.rows[0].places] == ["min_dist\u00a00.1", "min_dist\u00a00.5"]


def test_a_setting_that_the_sweep_lacks_leaves_its_place_free(run: Run) -> None:
    lacking = replace(run, cells=run.cells[run.cells["configuration"] != U5B])
    assert cells(named(lacking)["n_neighbors and min_dist"])[0] == [cell_id(U5A, 0), None]


def test_what_neither_axis_says_makes_rows_of_its_own(run: Run) -> None:
    also = run.cells[run.cells["reducer"] == "umap"].assign(
        cell=lambda frame: frame["cell"] + "c",
        configuration=lambda frame: frame["configuration"] + " metric=cosine",
        metric="cosine",
    )
    both = replace(run, cells=type(run.cells)({name: [*run.cells[name], *also[name]] for name in run.cells.columns}))
    layout = named(both)["n_neighbors and min_dist"]
    assert [row.title for row in layout.rows[:4]] == [
        "n_neighbors\u00a05, seed 0",
        "n_neighbors\u00a015, seed 0",
        "n_neighbors\u00a05, metric\u00a0cosine, seed 0",
        "n_neighbors\u00a015, metric\u00a0cosine, seed 0",
    ]
    assert cells(layout)[2] == [cell_id(name, 0) + "c" for name in (U5A, U5B)]


def test_every_setting_with_the_same_seed_and_last_what_has_none(run: Run) -> None:
    layout = named(run)["seed"]
    assert [row.title for row in layout.rows] == ["seed 0", "seed 1", "no seed"]
    assert [len(row.places) for row in layout.rows] == [7, 7, 1]
    assert layout.rows[1].places[1].caption == "t-SNE, perplexity\u00a030"
    shown = [cell for row in cells(layout) for cell in row]
    assert sorted(map(str, shown)) == sorted(run.grid["cell"])


def test_an_axis_with_one_value_is_no_way(run: Run) -> None:
    one = run.cells[run.cells["configuration"].isin([T30, U5A, U5B]) & (run.cells["seed"] == 0)]
    assert layouts(replace(run, cells=one)) == ()
