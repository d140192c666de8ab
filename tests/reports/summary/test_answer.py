"""The answer of the first screen: names, the setting to use, the ones to avoid, lines of Python that can be run."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadymap.reports.run.cluster_names import ClusterName, list_clusters, name_clusters
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.summary import Summary, summarise
from tests.reports.run_folder_fixture import T30, U15A, U15B, RunFolder

T5_TOLD, U5B_TOLD = "t-SNE, perplexity\u00a05", "UMAP, n_neighbors\u00a05, min_dist\u00a00.5"


def summary_of(tmp_path: Path, folder: RunFolder) -> Summary:
    return summarise(read_run(folder.write(tmp_path / "run")))


# --- names --------------------------------------------------------------------------------------------------------


def test_a_cluster_is_called_by_the_label_that_most_of_its_rows_share(run: Run) -> None:
    assert [one.full for one in name_clusters(run).values()] == ["cluster c0", "cluster c1", "cluster c2"]
    shares = run.clusters.assign(label=["8", "8", "1"], label_share=[0.59, 0.95, 0.5])
    named = name_clusters(replace(run, clusters=shares))
    assert [one.full for one in named.values()] == ["cluster 8 #0 (59\u00a0%)", "cluster 8 #1", "cluster 2"]
    assert [one.short for one in named.values()] == ["8 #0", "8 #1", "#2"]


def test_without_labels_it_is_called_by_its_number(tmp_path: Path) -> None:
    cards = summary_of(tmp_path, RunFolder(labels={})).clusters
    assert [card.name.full for card in cards] == ["cluster 0", "cluster 1", "cluster 2"]


def test_a_list_names_the_column_once() -> None:
    names = [ClusterName(number, "digit", str(number), 0.95) for number in (0, 2, 8)]
    assert list_clusters(names) == "digit 0, 2 and 8"
    assert list_clusters([*names, ClusterName(11)]) == "digit 0, 2 and 8; cluster 11"
    assert list_clusters([ClusterName(3), ClusterName(4)]) == "clusters 3 and 4"
    assert list_clusters(names, most=2) == "digit 0, 2 and 1 more"
    assert list_clusters([ClusterName(3), ClusterName(4)], most=1) == "clusters 3 and 1 more"
    species = [ClusterName(number, "species", f"Species {number}", 0.95) for number in (1, 2)]
    assert list_clusters(species) == "Species 1 and Species 2"  # and not: species Species 1
    assert [one.full for one in species] == [one.plain for one in species] == ["Species 1", "Species 2"]
    assert list_clusters(names, most=2) == "digit 0, 2 and 1 more"


# --- the answer ---------------------------------------------------------------------------------------------------


def test_why_no_cluster_is_real_is_said_as_it_is(tmp_path: Path) -> None:
    def told(*verdicts: str) -> str:
        return summary_of(tmp_path / "-".join(verdicts), RunFolder(verdicts=verdicts)).answer.none_real

    assert told("UNCERTAIN", "REAL", "HIDDEN") == ""
    assert told("UNCERTAIN", "HIDDEN", "ARTEFACT") == (
        "No cluster is REAL: those that held-out rows show to be apart are hidden by most pictures."
    )
    assert told("UNCERTAIN", "ARTEFACT", "UNCERTAIN") == "No cluster is REAL: held-out rows show none to be apart."
    run = read_run(RunFolder(verdicts=("UNCERTAIN",) * 3).write(tmp_path / "untested"))
    untested = summarise(replace(run, clusters=run.clusters.assign(p_value=np.nan)))
    assert untested.answer.none_real == "No cluster can be REAL: no rows were held out, so nothing was tested."


def test_clusters_are_named_by_verdict_real_first(tmp_path: Path) -> None:
    answer = summary_of(tmp_path, RunFolder(verdicts=("UNCERTAIN", "REAL", "REAL"))).answer
    assert [(group.shape, group.word, group.names) for group in answer.groups] == [
        ("●", "REAL", "cluster c1 and c2"),
        ("◇", "UNCERTAIN", "cluster c0"),
    ]
    assert answer.lines[0] == "● REAL: cluster c1 and c2"


def test_classes_that_run_into_each_other_are_told_together(summary: Summary, run: Run) -> None:
    assert summary.answer.collisions == "cluster c1 and c2 run into each other."
    labels = pd.DataFrame({"label": list("abcd"), "runs_into": [["c"], [], ["d"], []]})
    labels = labels.assign(size=1, p_value=1.0, separated=False, depth=None)
    assert summarise(replace(run, labels=labels)).answer.collisions == "cluster a, c and d run into each other."
    assert summarise(replace(run, labels=labels.iloc[:0])).answer.collisions == ""


def test_the_setting_to_use_is_the_first_by_the_rank_of_the_table(tmp_path: Path) -> None:
    # t-SNE 30 is the most faithful of all; where the table has it last, as it keeps no REAL cluster, so has the page.
    run = read_run(RunFolder(verdicts=("REAL", "UNCERTAIN", "UNCERTAIN")).write(tmp_path / "run"))
    use = summarise(run).answer.use
    assert use is not None
    assert (use.configuration, use.kept, use.wanted) == (T30, 1, 1)
    t30 = run.recommendations["configuration"] == T30
    table = run.recommendations.assign(
        rank=run.recommendations["rank"].mask(t30, 9), kept=run.recommendations["kept"].mask(t30, 0)
    )
    other = summarise(replace(run, recommendations=table))
    assert other.answer.use is not None
    assert other.answer.use.configuration == U15A
    assert other.ranking[-1].configuration == T30
    assert other.answer.because.startswith("it keeps the one REAL cluster, ")


@pytest.mark.parametrize(
    ("kept", "wanted", "told"),
    [
        (1, 1, "the one REAL cluster"),
        (2, 2, "both REAL clusters"),
        (3, 3, "all 3 REAL clusters"),
        (0, 1, "0 of 1 REAL"),
    ],
)
def test_how_many_clusters_a_setting_keeps_is_told_in_words(tmp_path: Path, kept: int, wanted: int, told: str) -> None:
    run = read_run(RunFolder(verdicts=("REAL",) * 3).write(tmp_path / "run"))
    table = run.recommendations.assign(kept=kept, counted=wanted)
    assert summarise(replace(run, recommendations=table)).answer.because.startswith(f"it keeps {told}")


def test_settings_that_hang_on_the_seed_are_to_be_avoided(summary: Summary) -> None:
    # 0.40 and 0.70 between seeds, the worse one first.
    assert summary.answer.avoid == f"Avoid {T5_TOLD} and {U5B_TOLD}: another seed draws other islands."


def test_where_every_setting_hangs_on_the_seed_none_is_held_against_another(run: Run) -> None:
    shaky = replace(run, stability=run.stability.assign(value=0.1))
    trust = "another seed draws other islands: trust the verdicts, not a picture."
    assert summarise(shaky).answer.avoid == f"In every setting with two seeds {trust}"  # UMAP 15, .5 lost one of them
    table = shaky.recommendations[shaky.recommendations["configuration"] != U15B]
    cells = shaky.cells[shaky.cells["configuration"] != U15B]
    tracks = shaky.tracks[shaky.tracks["configuration"] != U15B]
    fewer = replace(shaky, recommendations=table, cells=cells, tracks=tracks)
    assert summarise(fewer).answer.avoid == f"In every setting {trust}"


def test_where_the_best_setting_hangs_on_the_seed_that_is_told_of_it_too(run: Run) -> None:
    best = run.stability["configuration"] == T30
    shaky = run.stability.assign(value=run.stability["value"].mask(best, 0.1))
    told = summarise(replace(run, stability=shaky)).answer.avoid
    assert told == f"With this one, too, another seed draws other islands, as with {T5_TOLD} and {U5B_TOLD}."


def test_where_all_are_steady_the_one_that_keeps_least_is_to_be_avoided(run: Run) -> None:
    steady = run.stability.assign(value=0.9)
    assert summarise(replace(run, stability=steady)).answer.avoid == f"Avoid {T5_TOLD}: it keeps 1 of 3 clusters."


def test_a_run_without_a_picture_or_a_cluster_has_an_answer(tmp_path: Path, run: Run) -> None:
    nothing = summary_of(tmp_path, RunFolder(nothing_drawn=True)).answer
    assert (nothing.groups, nothing.use, nothing.code, nothing.avoid) == ((), None, "", "")
    bare = {name: getattr(run, name).iloc[:0] for name in ("clusters", "tracks", "recurrence", "boundaries")}
    table = run.recommendations.assign(kept=None, counted=0)
    use = summarise(replace(run, recommendations=table, **bare)).answer.use
    assert use is not None
    assert (use.configuration, use.kept, use.wanted) == (T30, None, 0)


@pytest.mark.parametrize("name", [T30, U15A, U15B])
def test_the_lines_of_python_are_python_with_the_parameters_of_the_setting(run: Run, name: str) -> None:
    only = {one: getattr(run, one) for one in ("cells", "recommendations", "stability", "tracks")}
    own = replace(run, **{key: frame[frame["configuration"] == name] for key, frame in only.items()})
    summary = summarise(replace(own, pairs=run.pairs.iloc[:0], manifest={**run.manifest, "preprocess": {"pca": 5}}))
    code = summary.answer.code
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    told = {keyword.arg: ast.literal_eval(keyword.value) for call in calls for keyword in call.keywords}
    row = own.cells[own.cells["cell"] == summary.answer.use.panel.cell].iloc[0]  # type: ignore[union-attr]
    for parameter in ("perplexity", "n_neighbors", "min_dist"):
        assert told.get(parameter) == (None if pd.isna(row[parameter]) else row[parameter])
    assert told["random_state"] == row["seed"]
    assert "PCA(5).fit_transform(latents)" in code


def test_a_run_without_ranks_has_its_recommended_settings_first(run: Run) -> None:
    # A run of an earlier version: t-SNE 30 and UMAP 15, 0.1 were recommended, in the order of the grid.
    table = run.recommendations.assign(kept=None, counted=None, rank=None)
    ranking = summarise(replace(run, recommendations=table)).ranking
    assert [one.configuration for one in ranking[:3]] == [T30, U15A, "tsne perplexity=5"]
