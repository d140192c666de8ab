"""Every number that the rendered page shows in a table or drawing, against pandas over the Parquet files.

The summary is recomputed in ``test_figures_recomputed``; here the HTML is read back, so that a template that mixes up
columns, rounds wrongly or forgets a row is seen as well.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser

from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import summarise
from steadymap.reports.wording import spell_configuration, spell_p, spell_share
from tests.reports.browsing import visit
from tests.reports.elements import Element, caption, mean_and_error, plain, read_elements, rows_of
from tests.reports.run_folder_fixture import KS, ROWS, RunFolder

ORDER = ["REAL", "HIDDEN", "ARTEFACT", "UNCERTAIN"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sizes = np.random.default_rng(3).choice(["c0", "c1", "c2"], ROWS, p=[0.6, 0.3, 0.1]).tolist()
    run = RunFolder(
        verdicts=("REAL", "UNCERTAIN", "REAL"), halves=True, labels={"kind": sizes}, membership=np.linspace(0, 1, ROWS)
    )
    return run.write(tmp_path_factory.mktemp("page") / "run")


@pytest.fixture(scope="module")
def page(folder: Path) -> Element:
    run = read_run(folder)
    return read_elements(render_page(run, summarise(run)))


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def drawn(folder: Path) -> pd.DataFrame:
    return table(folder, "cells").query("kind == 'data' and status == 'ok'")


# --- tables of clusters and settings ----------------------------------------------------------------------------------


def test_the_table_of_clusters(folder: Path, page: Element) -> None:
    clusters = table(folder, "clusters")
    tracks, settings = table(folder, "tracks"), drawn(folder)["configuration"].nunique() - 1  # PCA has no tracks
    clusters["order"] = clusters["verdict"].map(ORDER.index)
    told = rows_of(page.first("table", class_="clusters"))
    assert len(told) == len(clusters) == 3
    for row, (_, own) in zip(told, clusters.sort_values(["order", "cluster"]).iterrows(), strict=True):
        kept = (tracks[tracks["cluster"] == own["cluster"]]["fate"] == "kept").sum()
        assert row[0].split(" ")[1] == own["verdict"]
        assert row[1].startswith(f"kind {own['label']}")
        assert row[2:] == [
            f"{own['size']:,}",
            spell_p(own["p_value"]).removeprefix("p = "),
            f"{own['depth']:.2f}",
            f"{own['recurrence']:.2f}",
            f"{kept}/{settings}",
        ]


def test_bars_and_dots_of_the_table_of_clusters(folder: Path, page: Element) -> None:
    clusters, tracks = table(folder, "clusters").set_index("cluster"), table(folder, "tracks")
    ranked = table(folder, "recommendations").dropna(subset=["rank"]).sort_values("rank")["configuration"]
    for body in page.first("table", class_="clusters").every("tbody"):
        number = int(
            next(one for one in body.every("button") if "data-cluster" in one.attributes).attributes["data-cluster"]
        )
        (bar,) = body.first("td", class_="depth").every("i")
        assert bar.attributes["style"] == f"width: {100 * clusters.loc[number, 'depth']:.0f}%"
        fates = tracks[tracks["cluster"] == number].set_index("configuration")["fate"]
        dots = [one.attributes["class"] for one in body.first("span", class_="strip").every("i")]
        assert dots == [f"f-{fates[name]}" for name in ranked]


def test_settings_by_clusters(folder: Path, page: Element) -> None:
    tracks = table(folder, "tracks").set_index(["configuration", "cluster"])
    clusters, advice = table(folder, "clusters"), table(folder, "recommendations")
    scores = table(folder, "scores").merge(drawn(folder)[["cell", "configuration"]], on="cell")
    trust = scores.query(f"score == 'trustworthiness' and k == {KS[1]}").groupby("configuration")["value"].mean()
    auc = scores.query("score == 'auc_ln_k'").groupby("configuration")["value"].mean()
    seeds = (
        table(folder, "pairs").query("score == 'ari' and between == 'seeds'").groupby("configuration_a")["value"].mean()
    )
    real = clusters.loc[clusters["verdict"] == "REAL", "cluster"]
    order = [0, 2, 1]  # REAL first, then by name
    labels = clusters.set_index("cluster")["label"]
    called = {n: f"{labels[n]} #{n}" if (labels == labels[n]).sum() > 1 else labels[n] for n in labels.index}
    told = rows_of(next(one for one in page.every("table", class_="tracks")))
    ranked = advice.dropna(subset=["rank"]).sort_values("rank")["configuration"]
    assert [row[0] for row in told] == [plain(spell_configuration(name)) for name in ranked]
    for row, name in zip(told, ranked, strict=True):
        for cell, number in zip(row[1:4], order, strict=True):
            own = tracks.loc[(name, number)]
            beside = {"split": str(own["pieces"]), "merged": ", ".join(called[n] for n in own["partners"])}
            assert re.sub(r"^\W*\s*", "", cell) == beside.get(own["fate"], "")
        kept = sum(tracks.loc[(name, number), "fate"] == "kept" for number in real)
        assert row[4] == f"{kept}/{len(real)}"
        assert row[5:] == [f"{trust[name]:.3f}", f"{auc[name]:.3f}", f"{seeds[name]:.3f}" if name in seeds else "–"]


def test_the_shade_of_a_setting_and_cluster_is_its_recurrence(folder: Path, page: Element) -> None:
    tracks = table(folder, "tracks").set_index(["configuration", "cluster"])["recurrence"]
    ranked = table(folder, "recommendations").dropna(subset=["rank"]).sort_values("rank")["configuration"]
    bodies = next(one for one in page.every("table", class_="tracks")).first("tbody")
    for row, name in zip(bodies.every("tr"), ranked, strict=True):
        shades = [one.attributes["style"] for one in row.every("td") if "style" in one.attributes]
        assert shades == [f"--s:{tracks[name, number]:.2f}" for number in (0, 2, 1)]


# --- the grid of pictures ---------------------------------------------------------------------------------------------


def test_numbers_beside_the_pictures(folder: Path, page: Element) -> None:
    cells = table(folder, "cells").query("kind == 'data'")
    scores = table(folder, "scores").merge(drawn(folder)[["cell", "configuration"]], on="cell")
    trust = scores.query(f"score == 'trustworthiness' and k == {KS[1]}")
    ari = table(folder, "stability").query("between == 'seeds' and score == 'ari'").set_index("configuration")
    rows = list(page.every("section", class_="row"))
    assert [row.first("h3").text for row in rows] == [
        plain(spell_configuration(name)) for name in cells["configuration"].unique()
    ]
    for row, name in zip(rows, cells["configuration"].unique(), strict=True):
        told = {one.first("dt").text: one.first("dd").text for dl in row.every("dl") for one in dl.every("div")}
        expected = {}
        if name in ari.index:
            expected["ARI between seeds"] = f"{ari.loc[name, 'value']:.3f}"
        own = trust[trust["configuration"] == name]
        if len(own):
            expected["trustworthiness"] = mean_and_error(own["value"], own["stderr"]).replace("±", " ±")
        assert told == expected
        figures = [one for one in row.every("figure") if "data-figure" in one.attributes]
        of_setting = cells[cells["configuration"] == name].set_index("cell")
        assert {one.attributes["data-figure"] for one in figures} == set(of_setting.index)
        for one in figures:
            cell = of_setting.loc[one.attributes["data-figure"]]
            said = one.first("figcaption").text
            assert ("seed" in said) == pd.notna(cell["seed"])
            if cell["status"] == "ok":
                assert f"{int(cell['islands'])} island" in said
            else:
                assert one.first("strong").text == cell["status"]
                assert cell["reason"] in one.text


@pytest.mark.browser
def test_the_legend_counts_the_drawn_rows_and_a_selection_is_told_as_it_is(browser: Browser, folder: Path) -> None:
    run, page_file = read_run(folder), folder / "page.html"
    page_file.write_text(render_page(run, summarise(run)), encoding="utf-8")
    page = visit(browser, page_file, unfold=False).page
    points = table(folder, "points")
    verdicts = points["cluster"].map(table(folder, "clusters").set_index("cluster")["verdict"])
    levels = np.minimum((points["membership"] * 10).astype(int), 9)
    for colouring, counts in {
        "cluster": points["cluster"].value_counts(),
        "kind": points["label"].value_counts(),
        "verdict of the cluster": verdicts.value_counts(),
        "belongs firmly to its cluster": levels.value_counts(),
    }.items():
        options = page.locator("#colour option").all_inner_texts()
        page.locator("#colour").select_option(
            label=next(one for one in options if colouring in (one, "consensus " + one))
        )
        told = [int(one.replace(",", "")) for one in page.locator("#legend .frequency").all_inner_texts()]
        assert sorted(count for count in told if count) == sorted(counts)
    page.locator("#colour").select_option(label="kind")
    page.locator("#legend button").first.click()
    most = points["label"].value_counts()
    assert (
        page.locator("#status").inner_text().startswith(f"{most.max()} of {ROWS} rows selected, kind: {most.idxmax()}")
    )
    cell = drawn(folder)["cell"].iloc[0]
    islands = table(folder, "embeddings").query(f"cell == '{cell}'").set_index("row")["island_filled"]
    own = islands[points.set_index("row")["label"] == most.idxmax()]
    share = round(100 * own.value_counts().max() / len(own))
    assert plain(page.locator(f"[data-figure='{cell}'] .together").first.inner_text()) == f"{share} % in one island"
    page.close()


# --- labels, latent space, causes -------------------------------------------------------------------------------------


def test_labels_tested_like_clusters(folder: Path, page: Element) -> None:
    told = rows_of(caption(page, "Classes of kind"))
    assert told == [
        [
            one["label"],
            str(one["size"]),
            "● yes" if one["separated"] else "◇ not shown",
            spell_p(one["p_value"]),
            "–" if pd.isna(one["depth"]) else f"{one['depth']:.2f}",
            " and ".join(one["runs_into"]) or "–",
        ]
        for _, one in table(folder, "labels").iterrows()
    ]


def test_class_by_cluster(folder: Path, page: Element) -> None:
    points = table(folder, "points")
    found = caption(page, "Rows of each class")
    counts = pd.crosstab(points["label"], points["cluster"].fillna(-1).astype(int)).reindex(
        columns=[0, 2, 1, -1], fill_value=0
    )
    assert counts.to_numpy().std() > 0
    assert rows_of(found) == [
        [name, *(f"{n:,}" if n else "·" for n in row)]
        for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    shades = [float(cell.attributes["style"].removeprefix("--s:")) for cell in found.every("td")]
    assert shades == pytest.approx((counts.to_numpy() / counts.sum(axis=1).to_numpy()[:, None]).ravel(), abs=0.0051)


def test_facts_of_the_latent_space(folder: Path, page: Element) -> None:
    said = page.first("dl", class_="facts-of").text
    for _, one in table(folder, "latent_space").iterrows():
        error = f" ± {one['stderr']:.3f}" if one["stderr"] else ""
        chance = "" if pd.isna(one["chance"]) else f", chance {one['chance']:.3f}"
        assert f"{one['value']:.3f}{error} at k = {one['k']}{chance}" in said


def test_recurrence_by_cause(folder: Path, page: Element) -> None:
    recurrence = table(folder, "recurrence")
    told = {row[0]: row[1:] for row in rows_of(caption(page, "Recurrence of each cluster"))}
    assert set(told) == {"perplexity 5", "perplexity 30", "parts of the rows"}
    for setting in ("5", "30"):
        own = recurrence.query(f"cause == 'perplexity' and setting == '{setting}'").set_index("cluster")["recurrence"]
        assert told[f"perplexity {setting}"] == [f"{own[number]:.2f}" for number in (0, 1, 2)]
    parts = recurrence.query("cause == 'resample'").groupby("cluster")["recurrence"]
    assert told["parts of the rows"] == [f"{one.mean():.2f}{one.min():.2f}–{one.max():.2f}" for _, one in parts]


def test_how_far_apart_two_clusters_are_kept(folder: Path, page: Element) -> None:
    boundaries = table(folder, "boundaries")
    groups = boundaries.groupby(["cluster_a", "cluster_b"])
    means, least = groups["apart"].mean(), groups["apart"].min()
    worst = boundaries.loc[groups["apart"].idxmin()].set_index(["cluster_a", "cluster_b"])["configuration"]
    touching = groups["touching"].mean()
    found = caption(page, "Share of pairs of rows kept apart")
    for a, row in enumerate(rows_of(found)):
        for b, cell in enumerate(row[1:]):
            pair = (min(a, b), max(a, b))
            assert cell == ("" if a == b else f"{means[pair]:.2f}" if pair in means.index else "–")
    titles = [one.attributes["title"] for one in found.every("td") if "title" in one.attributes]
    assert len(titles) == 2 * len(means)
    sentences = [one.text for one in page.first("ul", class_="closest").every("li")]
    assert len(sentences) == len(means)
    for sentence, pair in zip(sentences, means.sort_values().index, strict=True):
        told = (
            f"{spell_share(means[pair])} apart",
            f"{spell_share(least[pair])} with {spell_configuration(worst[pair])}",
        )
        for words in (*told, f"{spell_share(touching[pair])} of their nearest neighbours"):
            assert plain(words) in sentence
        assert (
            sum(
                plain(f"by {spell_configuration(worst[pair])}, {least[pair]:.2f} apart") in plain(one) for one in titles
            )
            >= 2
        )


# --- rivers -----------------------------------------------------------------------------------------------------------


def test_the_river_of_perplexity_has_as_many_rows_as_islands_share(folder: Path, page: Element) -> None:
    heading = next(one for one in page.every("h4") if one.text.startswith("t-SNE, perplexity 5 → 30"))
    river = next(
        one for one in page.every("svg", class_="river") if one.attributes["aria-label"].startswith("6 islands at 5")
    )
    assert heading.first("small").text == "seed 0"
    cells = drawn(folder).query("seed == 0").set_index("configuration")["cell"]
    islands = table(folder, "embeddings").pivot_table(
        index="row", columns="cell", values="island_filled", observed=True
    )
    left, right = (islands[cells[f"tsne perplexity={value}"]].astype(int) for value in (5, 30))
    blocks = sorted(float(one.attributes["height"]) for one in river.every("rect"))
    heights = sorted([*left.value_counts(), *right.value_counts()])
    assert np.array(blocks) / blocks[-1] == pytest.approx(np.array(heights) / heights[-1], abs=0.01)
    bands = sorted(int(one.first("title").text.split(" ")[0]) for one in river.every("path", class_="band"))
    assert bands == sorted(pd.crosstab(left, right).to_numpy()[pd.crosstab(left, right).to_numpy() > 0])


# --- scores -----------------------------------------------------------------------------------------------------------


def test_every_cell_of_every_heat_map_with_its_error(folder: Path, page: Element) -> None:
    joined = table(folder, "scores").merge(drawn(folder), on="cell")
    seen = 0
    for score in page.first("", id="scores").every("details", class_="score"):
        named = {"Trustworthiness": "trustworthiness", "Continuity": "continuity"}.get(score.first("h4").text)
        if named is None:
            continue
        for found in score.every("table"):
            title = plain(str(found.first("caption").parts[0]))  # what comes after it is said of controls and of noise
            reducer = "tsne" if title.startswith("t-SNE") else "umap"
            own = joined[(joined["score"] == named) & (joined["reducer"] == reducer)]
            corner, *across = (one.text for one in found.first("thead").every("th"))
            axes = re.fullmatch(r"(\w+) →(\w+) ↓", corner)
            assert axes is not None
            k = re.search(r"k = (\d+)", title)
            own = own if k is None else own[own["k"] == int(k[1])]
            for row in rows_of(found):
                for column, cell in zip(across, row[1:], strict=True):
                    at = own[(own[axes[1]] == float(column)) & (own[axes[2]] == float(row[0]))]
                    assert cell == (mean_and_error(at["value"], at["stderr"]) if len(at) else "–")
                    seen += 1
    assert seen == 2 * (2 * 3 + 3 * 4)  # two scores: perplexity by k, and n_neighbors by min_dist at each k


def test_what_controls_and_noise_reach(folder: Path, page: Element) -> None:
    joined = table(folder, "scores").merge(drawn(folder), on="cell").query("score == 'trustworthiness'")
    nulls = table(folder, "nulls").query("score == 'trustworthiness'")
    maps = [
        one for one in page.first("", id="scores").every("table") if one.first("caption").seen().startswith("t-SNE")
    ]
    said = [one.text for one in maps[0].first("caption").every("span")]
    linear = joined[joined["reducer"] == "pca"].set_index("k")["value"]
    pca = [f"{linear[k]:.3f} at k = {k}" for k in KS]
    assert said[0] == f"PCA {', '.join(pca)}"
    assert said[1] == f"noise {nulls['value'].min():.2f} to {nulls['value'].max():.2f} at k = {KS[1]}"


def test_the_line_of_every_curve(folder: Path, page: Element) -> None:
    own = table(folder, "scores").query("score == 'r_nx'").merge(drawn(folder), on="cell")
    means = own.groupby(["configuration", "k"])["value"].mean()
    lines = list(page.first("figure", class_="curves").every("polyline"))
    ticks = page.first("figure", class_="curves").first("svg")
    texts = {one.text: one.attributes for one in ticks.every("text")}
    zero, one = float(texts["0"]["y"]), float(texts["1"]["y"])
    assert len(lines) == drawn(folder)["configuration"].nunique()
    for line, name in zip(lines, drawn(folder)["configuration"].unique(), strict=True):
        peak = int(means[name].idxmax())
        assert line.first("title").text == f"{plain(spell_configuration(name))}: {means[name][peak]:.2f} at K = {peak}"
        places = np.array([point.split(",") for point in line.attributes["points"].split()], dtype=float)
        assert (zero - 4 - places[:, 1]) / (zero - one) == pytest.approx(means[name].to_numpy(), abs=0.002)
        sizes = np.log(means[name].index.to_numpy())
        spread = (places[:, 0] - places[0, 0]) / (places[-1, 0] - places[0, 0])
        assert spread == pytest.approx((sizes - sizes[0]) / (sizes[-1] - sizes[0]), abs=0.002)


# --- stability --------------------------------------------------------------------------------------------------------


def test_the_table_of_stability(folder: Path, page: Element) -> None:
    stability = table(folder, "stability").set_index(["configuration", "between", "score"])
    columns = [
        ("seeds", "ari"), ("seeds", "ami"), ("seeds", "procrustes"),
        ("configurations", "ari"), ("configurations", "ami"), ("configurations", "procrustes"),
        ("resamples", "ari"), ("resamples", "ness"),
    ]  # fmt: skip
    names = drawn(folder)["configuration"].value_counts(sort=False)
    for row, (name, pictures) in zip(rows_of(caption(page, "Agreement of each")), names.items(), strict=True):
        expected = [plain(spell_configuration(str(name))), str(pictures)]
        for between, score in columns:
            found = stability.loc[(name, between, score)] if (name, between, score) in stability.index else None
            error = "" if found is None or pd.isna(found["stderr"]) else f" ± {found['stderr']:.3f}"
            expected.append("–" if found is None else f"{found['value']:.3f}{error}")
        assert row == expected


def test_setting_against_setting(folder: Path, page: Element) -> None:
    pairs = table(folder, "pairs").query("score == 'ari' and between != 'resamples'")
    names = list(drawn(folder)["configuration"].unique())
    told = rows_of(caption(page, "Mean ARI of setting against setting"))
    for row, name in zip(told, names, strict=True):
        assert row[0].endswith(plain(spell_configuration(name)))
        for cell, other in zip(row[1:], names, strict=True):
            forth = (pairs["configuration_a"] == name) & (pairs["configuration_b"] == other)
            back = (pairs["configuration_a"] == other) & (pairs["configuration_b"] == name)
            own = pairs[forth | back]["value"]
            assert cell == (f"{own.mean():.2f}" if len(own) else "–")


def test_noise(folder: Path, page: Element) -> None:
    nulls = table(folder, "nulls").set_index(["cell", "score"])["value"]
    kinds = table(folder, "nulls").drop_duplicates("cell").set_index("cell")["null"]
    told = 0
    for one in page.first("", id="noise").every("figure"):
        still = [found for found in one.every("div") if "data-null" in found.attributes]
        for found in still:
            cell = found.attributes["data-null"]
            assert f"ARI {nulls[cell, 'ari']:.2f}" in one.text
            assert one.text.lower().startswith({"gaussian": "gaussian", "copula": "copula"}[kinds[cell]])
            assert f"{int(nulls[cell, 'islands'])} island" in found.attributes["aria-label"]
            told += 1
    assert told == len(kinds)


def test_cells_without_a_picture(folder: Path, page: Element) -> None:
    lost = table(folder, "cells").query("kind == 'data' and status != 'ok'")
    told = rows_of(caption(page, "Cells without a picture"))
    assert sorted(row[1:] for row in told) == sorted([one["status"], one["reason"]] for _, one in lost.iterrows())
