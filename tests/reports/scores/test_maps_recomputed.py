"""Every map of every score on the page (losses and scores of labels, too), against pandas over the Parquet files.

The usual fixture has four scores, each the same number plus something small. Here every score that has a card is drawn
at random for every picture, losses on scales of their own, and the grid varies in more than two ways, so that a map of
the wrong score, setting, k or seed is seen.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadymap.configs import schemas
from steadymap.configs.cards import CARD_OF
from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import summarise
from tests.reports.elements import Element, mean_and_error, plain, read_elements, rows_of
from tests.reports.run_folder_fixture import KS, T30, U15A, RunFolder

SCOPES = ("local", "every scale", "global", "labels", "loss")
MAPPED = [score for score, card in CARD_OF.items() if card.scope in SCOPES and score != "r_nx"]
SOLID = (T30, U15A)
"""Settings of three dimensions: their maps stand apart, so that no cell averages over both."""


def with_every_score(folder: Path) -> Path:
    """Give every picture a value of every score: at each k where the fixture's own have one, else of the whole."""
    generator = np.random.default_rng(17)
    cells = pd.read_parquet(folder / "cells.parquet").query("kind == 'data' and status == 'ok'")
    rows = [
        {"cell": cell, "score": score, "k": k, "value": scale * generator.uniform(0.2, 1), "stderr": stderr}
        for score in MAPPED
        for k in (KS if CARD_OF[score].scope == "local" or score == "neighbourhood_hit" else (None,))
        for cell, scale, stderr in zip(
            cells["cell"],
            generator.uniform(1, 40, len(cells)) if CARD_OF[score].scope == "loss" else np.ones(len(cells)),
            np.where(generator.random(len(cells)) < 0.5, 0.0, generator.uniform(0, 0.02, len(cells))),
            strict=True,
        )
    ]
    table = pa.Table.from_pylist(rows, schema=schemas.SCORES)
    pq.write_table(table.take(generator.permutation(len(rows))), folder / "scores.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["tables"]["scores.parquet"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_every_score(RunFolder(solid=SOLID).write(tmp_path_factory.mktemp("every") / "run"))


@pytest.fixture(scope="module")
def page(folder: Path) -> Element:
    run = read_run(folder)
    return read_elements(render_page(run, summarise(run)))


@pytest.fixture(scope="module")
def joined(folder: Path) -> pd.DataFrame:
    cells = pd.read_parquet(folder / "cells.parquet").query("kind == 'data' and status == 'ok'")
    return pd.read_parquet(folder / "scores.parquet").merge(cells, on="cell")


def sections_of(page: Element) -> dict[str, Element]:
    """Return the part of the page that tells of each score."""
    scores = {CARD_OF[score].title: score for score in MAPPED}
    return {scores[one.first("h4").text]: one for one in page.first("", id="scores").every("details", class_="score")}


def cells_of(found: Element) -> list[tuple[str, list[Element]]]:
    """Return the rows of a map: their name, and their cells."""
    return [(row.first("th").text, list(row.every("td"))) for row in found.first("tbody").every("tr")]


def values_of(found: Element, joined: pd.DataFrame, score: str) -> pd.DataFrame:
    """Return the values that a map is of, by what its caption says: reducer, k, and what else varies."""
    title = plain(str(found.first("caption").parts[0]))
    own = joined[(joined["score"] == score) & (joined["reducer"] == ("tsne" if title.startswith("t-SNE") else "umap"))]
    for name, value in re.findall(r"(k|dimension) (?:= )?(\d+)", title):
        own = own[own[name] == int(value)]
    return own


def at_place(own: pd.DataFrame, axes: tuple[str, str | None], column: str, row: str) -> pd.DataFrame:
    across = own[own[axes[0]] == float(column)]
    return across if axes[1] is None else across[across[axes[1]] == float(row)]


def axes_of(found: Element) -> tuple[tuple[str, str | None], list[str]]:
    """Return the parameters across and down, and the heads of the columns."""
    corner, *across = found.first("thead").every("th")
    names = [one.text.split(" ")[0] for one in corner.every("span")]
    return (names[0], names[1] if len(names) > 1 else None), [one.text for one in across]


def test_every_score_has_its_maps(page: Element, joined: pd.DataFrame) -> None:
    sections = sections_of(page)
    assert set(sections) == set(MAPPED)
    for score, section in sections.items():
        ks = joined.loc[joined["score"] == score, "k"].nunique() or 1
        # t-SNE: a map a dimension; UMAP: one a dimension and k.
        assert len(list(section.every("table"))) == 2 + 2 * ks, score


@pytest.mark.parametrize("score", MAPPED)
def test_every_cell_is_the_mean_over_its_seeds(page: Element, joined: pd.DataFrame, score: str) -> None:
    told, pictures = 0, 0
    for found in sections_of(page)[score].every("table"):
        own, (axes, across) = values_of(found, joined, score), axes_of(found)
        for name, cells in cells_of(found):
            for column, cell in zip(across, cells, strict=True):
                at = at_place(own, axes, column, name)
                assert cell.text == (mean_and_error(at["value"], at["stderr"]) if len(at) else "–")
                told, pictures = told + bool(len(at)), pictures + len(at)
    wanted = joined[(joined["score"] == score) & (joined["reducer"] != "pca")]
    assert pictures == len(wanted)  # every picture is in one cell
    assert told == len(wanted[["configuration", "k"]].drop_duplicates())


@pytest.mark.parametrize("score", MAPPED)
def test_the_shade_is_the_place_between_the_lowest_and_the_highest_picture(
    page: Element, joined: pd.DataFrame, score: str
) -> None:
    compared = joined[(joined["score"] == score) & (joined["reducer"] != "pca")]
    shades = []
    for found in sections_of(page)[score].every("table"):
        own, (axes, across) = values_of(found, joined, score), axes_of(found)
        for name, cells in cells_of(found):
            for column, cell in zip(across, cells, strict=True):
                at = at_place(own, axes, column, name)
                if CARD_OF[score].scope == "loss" or at.empty:
                    assert "style" not in cell.attributes
                    assert cell.attributes["class"] == "none"
                    continue
                same_k = compared[compared["k"].fillna(0) == at["k"].fillna(0).iloc[0]]["value"]
                wanted = (at["value"].mean() - same_k.min()) / (same_k.max() - same_k.min())
                shades.append(float(cell.attributes["style"].removeprefix("--s:")))
                assert shades[-1] == pytest.approx(wanted, abs=0.0051)
    assert (len(shades) > 0) == (CARD_OF[score].scope != "loss")
    assert all(0 <= shade <= 1 for shade in shades)


@pytest.mark.parametrize("score", MAPPED)
def test_beside_a_map_stands_what_the_linear_picture_reaches_and_no_loss_is_compared(
    page: Element, joined: pd.DataFrame, score: str
) -> None:
    linear = joined[(joined["score"] == score) & (joined["reducer"] == "pca")].set_index("k")["value"]
    for found in sections_of(page)[score].every("table"):
        said = [one.text for one in found.first("caption").every("span")]
        ks = sorted(values_of(found, joined, score)["k"].dropna().unique())
        told = [f"{linear[k]:.3f} at k = {k:g}" for k in ks] if len(ks) > 1 else [f"{linear[k]:.3f}" for k in ks]
        told = told or [f"{linear.iloc[0]:.3f}"]
        assert said[:1] == ([] if CARD_OF[score].scope == "loss" else [f"PCA {', '.join(told)}"])


@pytest.mark.parametrize("score", MAPPED)
def test_the_best_setting_stands_beside_the_name_of_a_score(page: Element, joined: pd.DataFrame, score: str) -> None:
    said = [one.text for one in sections_of(page)[score].first("summary").every("span")]
    if CARD_OF[score].scope == "loss":
        assert said == []  # losses of two settings cannot be compared
        return
    own = joined[(joined["score"] == score) & (joined["reducer"] != "pca")]
    own = own if own["k"].isna().all() else own[own["k"] == KS[1]]
    means = own.groupby("configuration", sort=False)["value"].mean()
    best = means.idxmin() if CARD_OF[score].better == "lower" else means.idxmax()
    parameters = [one.replace("=", " ") for one in str(best).split(" ")[1:]]
    named = ", ".join([{"tsne": "t-SNE", "umap": "UMAP"}[str(best).split(" ", maxsplit=1)[0]], *parameters])
    at = "" if own["k"].isna().all() else f" at k = {KS[1]}"
    values = own[own["configuration"] == best]
    error = mean_and_error(values["value"], values["stderr"]).replace("±", " ±")
    assert said == [f"best{at}: {named} ({error})"]


def test_no_two_maps_are_alike(page: Element) -> None:
    """The control: one map read for another would be seen."""
    maps = [one for section in sections_of(page).values() for one in section.every("table")]
    texts = [" ".join(" ".join(row) for row in rows_of(one)) for one in maps]
    assert len(set(texts)) == len(texts)
