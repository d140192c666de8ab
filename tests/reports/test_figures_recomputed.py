"""Every figure of the page by another road: pandas over the Parquet files, not the report's own code.

The tables hold rows of several kinds side by side (seeds, settings, parts of the rows, reference data); a figure that
forgets to filter shows a plausible wrong number. The fixture's kinds differ in value, so that mixing them is seen.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from steadymap.reports.clusters.label_tests import class_matrix
from steadymap.reports.page.kept_table import cluster_rows, setting_rows
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import Summary, summarise
from steadymap.reports.wording import spell_configuration
from tests.reports.run_folder_fixture import RunFolder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return RunFolder(verdicts=("REAL", "UNCERTAIN", "REAL"), halves=True).write(tmp_path_factory.mktemp("told") / "run")


@pytest.fixture(scope="module")
def told(folder: Path) -> Summary:
    return summarise(read_run(folder))


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def drawn(folder: Path) -> pd.DataFrame:
    return table(folder, "cells").query("kind == 'data' and status == 'ok'")


def test_setting_against_setting(folder: Path, told: Summary) -> None:
    pairs = table(folder, "pairs").query("score == 'ari'")
    names = list(drawn(folder)["configuration"].unique())
    for name, (title, row) in zip(names, told.matrix, strict=True):
        assert title == spell_configuration(name)
        for other, value in zip(names, row, strict=True):
            between = "seeds" if name == other else "configurations"
            own = pairs[pairs["between"] == between]
            both = own[own["configuration_a"].isin([name, other]) & own["configuration_b"].isin([name, other])]
            mean = both[(both["configuration_a"] != both["configuration_b"]) | (name == other)]["value"].mean()
            assert (value is None and pd.isna(mean)) or value == pytest.approx(mean)
    # The control: parts of the rows are in the table, of the same setting twice, and would change the diagonal.
    mixed = pairs[pairs["configuration_a"] == pairs["configuration_b"]].groupby("configuration_a")["value"].mean()
    diagonal = pairs[pairs["between"] == "seeds"].groupby("configuration_a")["value"].mean()
    assert (mixed - diagonal).abs().max() > 0.1


def test_the_table_of_stability(folder: Path, told: Summary) -> None:
    values = table(folder, "stability").set_index(["configuration", "between", "score"])["value"]
    for row in told.stability:
        for between in ("seeds", "configurations", "resamples"):
            for score, estimate in row.group(between).items():
                assert estimate.value == values[row.configuration, between, score]
    assert sum(len(row.group(b)) for row in told.stability for b in ("seeds", "configurations", "resamples")) == len(
        values
    )


def test_stability_is_what_the_pairs_say(folder: Path, told: Summary) -> None:
    seeds = table(folder, "pairs").query("score == 'ari' and between == 'seeds'")
    means = seeds.groupby("configuration_a")["value"].mean()
    assert {row.configuration: row.seeds["ari"].value for row in told.stability if "ari" in row.seeds} == pytest.approx(
        means.to_dict()
    )


def test_every_heat_map(folder: Path, told: Summary) -> None:
    joined = table(folder, "scores").merge(drawn(folder), on="cell")
    assert told.maps
    for one in told.maps:
        own = joined[(joined["score"] == one.score) & (joined["reducer"] == one.reducer)]
        if ", k = " in one.title:
            own = own[own["k"] == int(one.title.split(", k = ")[1].split(",")[0])]
        for row_name, row in one.rows:
            at = own if row_name == "all" else own[own[one.row_name] == float(row_name)]
            for column, cell in zip(one.columns, row, strict=True):
                mean = at[at[one.column_name] == float(column)]["value"].mean()
                assert (cell is None and pd.isna(mean)) or cell.estimate.value == pytest.approx(mean)


def test_the_best_setting_of_each_score(folder: Path, told: Summary) -> None:
    joined = table(folder, "scores").merge(drawn(folder), on="cell").query("reducer != 'pca'")
    for best in told.best:
        own = joined[joined["score"] == best.score]
        own = own if best.k is None else own[own["k"] == best.k]
        means = own.groupby("configuration")["value"].mean()
        assert (best.configuration, best.estimate.value) == (means.idxmax(), pytest.approx(means.max()))


def test_the_curves(folder: Path, told: Summary) -> None:
    own = table(folder, "scores").query("score == 'r_nx'").merge(drawn(folder), on="cell")
    means = own.groupby(["configuration", "k"])["value"].mean()
    assert told.curves is not None
    for name, curve in zip(drawn(folder)["configuration"].unique(), told.curves.curves, strict=True):
        assert (curve.peak_k, curve.peak) == (means[name].idxmax(), pytest.approx(means[name].max()))
        assert len(curve.points.split()) == len(means[name])


def test_the_table_of_clusters(folder: Path, told: Summary) -> None:
    clusters, tracks = table(folder, "clusters").set_index("cluster"), table(folder, "tracks")
    rows = cluster_rows(told)
    assert {row.card.number for row in rows} == set(clusters.index)
    verdicts = [clusters["verdict"][row.card.number] for row in rows]
    assert verdicts == sorted(verdicts, key=["REAL", "HIDDEN", "ARTEFACT", "UNCERTAIN"].index)
    for row in rows:
        own, card = clusters.loc[row.card.number], row.card
        assert (card.size, card.recurrence.value) == (own["size"], own["recurrence"])
        assert card.verdict is not None
        assert (card.verdict.p_value, card.verdict.depth_value) == (own["p_value"], own["depth"])
        of_cluster = tracks[tracks["cluster"] == card.number]
        assert (row.kept, len(row.strip)) == ((of_cluster["fate"] == "kept").sum(), len(of_cluster))


def test_settings_by_clusters(folder: Path, told: Summary) -> None:
    tracks = table(folder, "tracks").set_index(["configuration", "cluster"])
    clusters = table(folder, "clusters")
    real = set(clusters.loc[clusters["verdict"] == "REAL", "cluster"])
    numbers = [row.card.number for row in cluster_rows(told)]
    rows = setting_rows(told)
    assert len(rows) == tracks.index.get_level_values(0).nunique()
    for row in rows:
        name = row.setting.configuration
        for number, track in zip(numbers, row.tracks, strict=True):
            assert track is not None
            assert (track.fate, track.recurrence) == tuple(tracks.loc[(name, number), ["fate", "recurrence"]])
        assert row.setting.kept == sum(tracks.loc[(name, number), "fate"] == "kept" for number in real)
        assert row.setting.wanted == len(real)


def test_the_rank_is_kept_clusters_then_faithfulness_then_steadiness(folder: Path, told: Summary) -> None:
    joined = table(folder, "scores").merge(drawn(folder), on="cell")
    trust = joined.query("score == 'trustworthiness' and k == 10").groupby("configuration")["value"].mean()
    auc = joined.query("score == 'auc_ln_k'").groupby("configuration")["value"].mean()
    tracks, clusters = table(folder, "tracks"), table(folder, "clusters")
    real = clusters.loc[clusters["verdict"] == "REAL", "cluster"]
    kept = tracks[tracks["cluster"].isin(real) & (tracks["fate"] == "kept")].groupby("configuration").size()
    steady = (
        table(folder, "stability").query("between == 'seeds' and score == 'ari'").set_index("configuration")["value"]
    )
    ranked = pd.DataFrame({"kept": kept, "trust": trust, "auc": auc, "steady": steady}).drop(index="pca")
    places = ranked[["trust", "auc"]].rank(ascending=False, method="min").mean(axis=1)
    order = (
        ranked.fillna(0)
        .assign(place=places)
        .sort_values(["kept", "place", "steady"], ascending=[False, True, False], kind="stable")
    )
    assert [one.configuration for one in told.ranking] == list(order.index)


def test_causes_and_boundaries(folder: Path, told: Summary) -> None:
    recurrence, boundaries = table(folder, "recurrence"), table(folder, "boundaries")
    assert told.tracks is not None
    for cause in told.tracks.causes:
        own = recurrence[recurrence["cause"] == cause.cause]
        for title, levels in cause.rows:
            at = own if cause.cause == "resample" else own[own["setting"] == title.removeprefix(f"{cause.cause} ")]
            means = at.groupby("cluster")["recurrence"].mean()
            for number, level in zip(told.tracks.clusters, levels, strict=True):
                assert level is not None
                assert level.recurrence == pytest.approx(means[number])
    means = boundaries.groupby(["cluster_a", "cluster_b"])["apart"].mean()
    for a, row in told.tracks.boundaries:
        for b, one in zip(told.tracks.clusters, row, strict=True):
            key = (min(a, b), max(a, b))
            assert (one is None) == (key not in means.index)
            assert one is None or one.apart == pytest.approx(means[key])


def test_facts_of_the_latent_space_and_labels(folder: Path, told: Summary) -> None:
    latent, labels = table(folder, "latent_space"), table(folder, "labels").set_index("label")
    for fact in told.latent_space:
        own = latent[latent["score"] == fact.card.score]
        assert all(f"{value:.3f}" in fact.numbers for value in own["value"])
    for one in told.label_tests:
        assert (one.size, one.separated) == (labels.loc[one.label, "size"], labels.loc[one.label, "separated"])


def test_reference_data(folder: Path, told: Summary) -> None:
    nulls = table(folder, "nulls")
    islands = nulls.query("score == 'islands'").set_index("cell")["value"]
    ari = nulls.query("score == 'ari'").set_index("cell")["value"]
    pictures = [one for row in told.noise for one in row.pictures]
    assert {one.cell: one.islands for one in pictures} == islands.astype(int).to_dict()
    assert {one.cell: one.agreement for one in pictures} == ari.to_dict()


def test_class_by_cluster(folder: Path, told: Summary) -> None:
    points = table(folder, "points")
    numbers = [row.card.number for row in cluster_rows(told)]
    rows = class_matrix(read_run(folder), numbers)
    assert [row.label for row in rows] == sorted(points["label"].unique())
    for row in rows:
        own = points[points["label"] == row.label]
        expected = [int((own["cluster"] == number).sum()) for number in numbers] + [int(own["cluster"].isna().sum())]
        assert [count for count, _ in row.cells] == expected
        assert [share for _, share in row.cells] == pytest.approx([count / len(own) for count in expected])
