"""Comparing runs: what becomes of clusters and verdicts, which rows are compared, and pages on which a name is text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadymap.configs.errors import InputError
from steadymap.flows.cli import app as cli
from steadymap.reports.compare.compare_runs import Comparison, compare_runs, spell_changes
from steadymap.reports.compare.comparison_page import MOST_BLOCKS, draw_clusters, render_comparison
from steadymap.reports.compare.comparison_text import to_json, to_tables
from steadymap.reports.compare.news import find_news
from steadymap.reports.nights.night_changes import find_night_changes
from steadymap.reports.nights.night_summary import Night
from steadymap.reports.nights.nights import SweepOfNight
from steadymap.reports.run.run_folder import Run, read_run
from tests.reports.page.test_page import FETCHING, Parsed
from tests.reports.payloads import HARMLESS, PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import ROWS, T5, T30, U15A, RunFolder, clusters


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Read a run with verdicts: 0 is REAL, 1 HIDDEN, 2 UNCERTAIN; each has every third row."""
    verdicts = ("REAL", "HIDDEN", "UNCERTAIN")
    return read_run(RunFolder(verdicts=verdicts).write(tmp_path_factory.mktemp("tested") / "run"))


def regrouped(run: Run, numbers: Sequence[int], verdicts: Sequence[str] = ()) -> Run:
    """Return the run with other clusters: the number of every row, and the verdict of every cluster."""
    sizes = pd.Series(numbers).value_counts().sort_index()
    told = verdicts or ["UNCERTAIN"] * len(sizes)
    rows = pd.concat([run.clusters.iloc[[0]]] * len(sizes), ignore_index=True)
    table = rows.assign(cluster=sizes.index.to_numpy(), size=sizes.to_numpy(), verdict=list(told))
    return replace(run, points=run.points.assign(cluster=np.asarray(numbers)), clusters=table)


def told(found: Comparison) -> list[str]:
    return [text.replace("\u00a0", " ") for text in spell_changes(found, "A{}".format, "B{}".format)]


def fates(found: Comparison) -> dict[str, str]:
    return {f"{'B' if one.is_new else 'A'}{one.cluster.cluster}": one.fate for one in found.clusters}


def test_a_run_and_itself_nothing_changed(tested: Run) -> None:
    found = compare_runs(tested, tested)
    assert found.nothing_changed
    assert told(found) == ["Nothing changed: the same clusters to the last row, the same verdicts, the same scores."]
    assert (found.circumstances, found.notices, found.score_changes) == ((), (), ())
    assert [one.jaccard for one in found.clusters] == [1.0, 1.0, 1.0]
    assert "Nothing changed" in render_comparison(found)
    assert "unchanged" in render_comparison(found)


def test_other_numbers_for_the_same_clusters_are_no_change(tested: Run) -> None:
    found = compare_runs(tested, regrouped(tested, (clusters() + 1) % 3, ("UNCERTAIN", "REAL", "HIDDEN")))
    assert [one.partner.cluster for one in found.clusters if one.partner] == [1, 2, 0]
    assert found.nothing_changed


def test_a_flipped_verdict_is_the_first_thing_told(tested: Run) -> None:
    found = compare_runs(tested, regrouped(tested, clusters(), ("UNCERTAIN", "HIDDEN", "REAL")))
    assert not found.nothing_changed
    assert told(found)[:3] == [
        "3 of 3 clusters are found again, 1 of them unchanged.",
        "1 cluster became REAL, UNCERTAIN before: B2 (A2).",
        "1 cluster became UNCERTAIN, REAL before: B0 (A0).",
    ]
    assert [one.flipped for one in found.clusters] == [True, False, True]


def test_a_split_and_a_merger_are_each_others_mirror(tested: Run) -> None:
    halves = np.where((clusters() == 0) & (np.arange(ROWS) % 2 == 0), 3, clusters())
    other = regrouped(tested, halves)
    there, back = compare_runs(tested, other), compare_runs(other, tested)
    assert fates(there) == {"A0": "split", "A1": "kept", "A2": "kept"}
    assert "1 cluster split: A0 into B0 (50 %), B3 (50 %)." in told(there)
    assert fates(back) == {"A0": "merged", "A1": "kept", "A2": "kept", "A3": "merged"}
    assert "2 clusters merged: A0 into B0 (100 %) and A3 into B0 (100 %)." in [
        one.replace(";", "") for one in told(back)
    ]


def test_clusters_vanish_appear_and_split_off(tested: Run) -> None:
    row = np.arange(ROWS)
    # Cluster 0 is scattered: a third to 1, a third to 2, a third to a new 4 that has as many rows of 1 and of 2.
    numbers = np.where(clusters() == 0, np.array([1, 2, 4])[row // 3 % 3], clusters())
    numbers = np.where((clusters() > 0) & (row >= ROWS - 39), 4, numbers)
    found = compare_runs(tested, regrouped(tested, numbers))
    assert fates(found)["A0"] == "vanished"
    assert fates(found)["B4"] == "appeared"
    assert "1 cluster vanished: A0 (REAL)." in told(found)
    assert "1 cluster appeared: B4 (UNCERTAIN)." in told(found)
    vanished = found.clusters[0]
    assert sum(part.rows for part in vanished.parts) == 40
    assert sum(part.share for part in vanished.parts) == pytest.approx(1)


def test_a_small_part_is_split_off_and_swallowed_again(tested: Run) -> None:
    other = regrouped(tested, np.where((clusters() == 1) & (np.arange(ROWS) < 30), 5, clusters()))
    there, back = compare_runs(tested, other), compare_runs(other, tested)
    assert fates(there) == {"A0": "kept", "A1": "kept", "A2": "kept", "B5": "split off"}
    assert "1 cluster split off: B5 from A1." in told(there)
    assert "1 cluster merged: A5 into B1 (100 %)." in told(back)


def test_a_cluster_that_grew_by_more_than_a_tenth_is_told_of(tested: Run) -> None:
    numbers = np.where((clusters() == 2) & (np.arange(ROWS) < 30), 0, clusters())  # 10 of 40 rows go from 2 to 0
    found = compare_runs(tested, regrouped(tested, numbers, ("REAL", "HIDDEN", "UNCERTAIN")))
    assert told(found)[1] == (
        "2 clusters gained or lost more than a tenth of their rows: B0 (A0, +25 %) and B2 (A2, -25 %)."
    )
    assert [one.jaccard for one in found.clusters] == pytest.approx([40 / 50, 1, 30 / 40])


def test_scores_beyond_chance_and_other_recommendations_are_told_of(tested: Run) -> None:
    scores = tested.scores.assign(value=tested.scores["value"] + 100 * (tested.scores["score"] == "auc_ln_k"))
    table = tested.recommendations.assign(recommended=tested.recommendations["configuration"] == T5)
    found = compare_runs(tested, replace(tested, scores=scores, recommendations=table))
    assert told(found)[0] == "3 of 3 clusters are found again, 3 of them unchanged."
    assert told(found)[1].startswith("5 of 21 scores differ beyond chance: t-SNE, perplexity 5, AUC of R_NX")
    assert told(found)[2].startswith("Recommended is now t-SNE, perplexity 5; before, t-SNE, perplexity 30 and UMAP")
    assert found.recommended == ((T30, U15A), (T5,))


def test_how_many_halves_and_settings_speak_for_a_cluster_is_read_from_the_run(tested: Run) -> None:
    own = tested.clusters.set_index("cluster").assign(halves=10, halves_proving=[9, 4, 0])
    found = compare_runs(tested, replace(tested, clusters=own.reset_index()))
    counts = {one.cluster: (one.halves, one.proving, one.settings, one.showing) for one in found.after.values()}
    columns = own[["halves", "halves_proving", "configurations", "recovered"]]
    assert counts == {int(at): tuple(row) for at, row in columns.iterrows()}
    assert len({one[3] for one in counts.values()}) == 3


SAID_BRIEFLY = {
    "score.dropped": " dropped",
    "score.moved": " rose",
    "verdict.flipped": " flipped",
    "cluster.new": " new",
    "cluster.lost": "",
}

REGROUPED: list[tuple[Sequence[int], Sequence[str], str]] = [
    (clusters(), ("REAL", "HIDDEN", "UNCERTAIN"), "nothing changed"),
    (clusters(), ("REAL", "UNCERTAIN", "UNCERTAIN"), "1 flipped"),
    (clusters(), ("REAL", "HIDDEN", "ARTEFACT"), "nothing changed"),  # neither was ever shown
    (np.where(clusters() == 2, -1, clusters()), ("REAL", "HIDDEN"), "nothing changed"),  # an UNCERTAIN one is gone
    (np.where(clusters() == 0, -1, clusters()), ("HIDDEN", "UNCERTAIN"), "1 vanished"),
    (
        np.where((clusters() == 0) & (np.arange(ROWS) % 2 == 0), 3, clusters()),
        ("REAL", "ARTEFACT", "UNCERTAIN", "UNCERTAIN"),
        "1 flipped, 1 split, 1 new",
    ),
    (np.where(clusters() == 1, 0, clusters()), ("REAL", "UNCERTAIN"), "2 merged, 1 new"),
]


@pytest.mark.parametrize("by", [-100, 0, 100])
@pytest.mark.parametrize(("numbers", "verdicts", "briefly"), REGROUPED)
def test_a_night_and_the_list_of_runs_say_the_same_of_two_runs(
    tested: Run, numbers: np.ndarray, verdicts: Sequence[str], briefly: str, by: int
) -> None:
    scores = tested.scores.assign(value=tested.scores["value"] + by * (tested.scores["score"] == "auc_ln_k"))
    after = regrouped(tested, numbers, ["", *verdicts] if min(numbers) < 0 else verdicts)
    after = replace(after, clusters=after.clusters[after.clusters["cluster"] >= 0], scores=scores)
    found = compare_runs(tested, after)
    of_scores = {-100: "5 scores dropped", 0: "", 100: "5 scores rose"}[by]
    parts = [part for part in briefly.split(", ") if part != "nothing changed"] + [of_scores] * bool(by)
    assert find_news(found).briefly == (", ".join(parts) or "nothing changed")
    changes = find_night_changes(found, {}, {number: number for number in range(5)})
    counted = Counter(SAID_BRIEFLY[one.kind] or f" {one.labels['fate']}" for one in changes if "score" not in one.kind)
    said = [f"{number}{what}" for what, number in counted.items()]
    said += [one.brief for one in changes if "score" in one.kind]
    assert sorted(said) == sorted(parts)
    loud = [one.kind for one in changes if not one.quiet]
    assert ("score.dropped" in loud, "score.moved" in loud) == (by < 0, False)  # what rose wakes nobody
    briefs = {"a": tuple(one.brief for one in changes)} if changes else {}
    night = Night("night", "n", "before", "store", (SweepOfNight("a", "", "", "computed"),), briefs=briefs)
    assert (night.what_changed == "nothing changed") == (find_news(found).briefly == "nothing changed")


@pytest.mark.parametrize(("proving", "briefly"), [(3, "nothing changed"), (0, "1 flipped")])
def test_a_verdict_that_other_halves_would_have_turned_is_no_news(tested: Run, proving: int, briefly: str) -> None:
    halves = tested.clusters.assign(halves=10, halves_proving=4)
    turned = halves.assign(verdict=["UNCERTAIN", "HIDDEN", "UNCERTAIN"], halves_proving=[proving, 4, 4])
    found = compare_runs(replace(tested, clusters=halves), replace(tested, clusters=turned))
    assert found.clusters[0].flipped
    assert find_news(found).briefly == briefly
    said = find_night_changes(found, {0: 1, 1: 2, 2: 3}, {0: 1, 1: 2, 2: 3})
    assert [one.kind for one in said] == ["verdict.flipped"] * (briefly == "1 flipped")


@pytest.mark.parametrize(("moved", "briefly"), [("label_purity", "rose"), ("intrinsic_dimension", "rose or moved")])
def test_a_fact_of_which_neither_direction_is_worse_has_moved(tested: Run, moved: str, briefly: str) -> None:
    latent = tested.latent_space.assign(
        value=tested.latent_space["value"] + 9 * (tested.latent_space["score"] == moved)
    )
    assert find_news(compare_runs(tested, replace(tested, latent_space=latent))).briefly == f"1 score {briefly}"


# --- rows ---------------------------------------------------------------------------------------------------------


def with_ids(run: Run, ids: Sequence[str]) -> Run:
    return replace(run, points=run.points.assign(id=list(ids)))


def test_rows_are_joined_by_id_whatever_their_order(tested: Run) -> None:
    shuffled = replace(tested, points=tested.points.iloc[::-1].reset_index(drop=True))
    assert compare_runs(tested, shuffled).nothing_changed


def test_clusters_are_counted_over_the_shared_rows(tested: Run) -> None:
    ids = [f"{row}" if row < 90 else f"other {row}" for row in range(ROWS)]
    found = compare_runs(tested, with_ids(tested, ids))
    assert (found.shared_rows, found.a.share) == (90, 0.75)
    assert [(one.cluster.size, one.cluster.shared, one.jaccard) for one in found.clusters] == [(40, 30, 1.0)] * 3


@pytest.mark.parametrize(("shared", "share"), [(0, "0"), (11, "9.2")])
def test_too_few_rows_in_common_are_an_error_that_says_the_share(tested: Run, shared: int, share: str) -> None:
    ids = [f"{row}" if row < shared else f"other {row}" for row in range(ROWS)]
    with pytest.raises(InputError) as raised:
        compare_runs(tested, with_ids(tested, ids))
    assert f"{shared} rows in common, {share}\u00a0% of the smaller run" in str(raised.value)
    assert "remedy" in str(raised.value)


def test_few_rows_in_common_are_said_first(tested: Run) -> None:
    found = compare_runs(tested, with_ids(tested, [f"{row}" if row < 12 else f"x{row}" for row in range(ROWS)]))
    assert found.notices[0].replace("\u00a0", " ").startswith("Only 10 % of the smaller run")


def test_an_id_that_occurs_twice_says_nothing(tested: Run) -> None:
    found = compare_runs(tested, with_ids(tested, ["1", *[str(row) for row in range(1, ROWS)]]))
    assert found.shared_rows == ROWS - 2  # 0 is missing and 1 is there twice
    assert found.notices[0] == "2 rows of B left out: another row has the same id."


def test_rows_known_by_number_only_and_other_labels_are_said(tested: Run) -> None:
    other = replace(
        tested,
        points=tested.points.assign(label=["c9", *tested.points["label"][1:]]),
        manifest={**tested.manifest, "data": {**tested.manifest["data"], "digest": "another"}, "fast": True},
    )
    notices = compare_runs(tested, other).notices
    assert [notice.split(":")[0].split(",")[0] for notice in notices] == [
        "Neither run has ids of its own",
        "1 of 120 shared rows with a label have another one in B",
        "B is a fast run",
    ]
    names = [name for name, _, _ in compare_runs(tested, other).circumstances]
    assert names == ["Digest of the data", "Kind of run"]


def test_runs_without_clusters_can_be_compared(tested: Run) -> None:
    none = replace(tested, points=tested.points.assign(cluster=None), clusters=tested.clusters.iloc[:0])
    assert fates(compare_runs(tested, none)) == {f"A{number}": "vanished" for number in range(3)}
    assert fates(compare_runs(none, tested)) == {f"B{number}": "appeared" for number in range(3)}
    assert told(compare_runs(none, tested))[0] == "The earlier run has no clusters, this one has 3."
    for pair in ((none, tested), (tested, none), (none, none)):
        assert "</html>" in render_comparison(compare_runs(*pair))


# --- page, text, JSON ---------------------------------------------------------------------------------------------


def test_the_drawing_has_every_row_and_a_block_per_cluster(tested: Run) -> None:
    halves = np.where((clusters() == 0) & (np.arange(ROWS) % 2 == 0), 3, clusters())
    drawing = draw_clusters(compare_runs(tested, regrouped(tested, halves)))
    assert drawing is not None
    assert len(drawing.blocks) == 3 + 4
    assert sorted(band.words.split(" rows")[0] for band in drawing.bands) == ["20", "20", "40", "40"]
    assert any(placed.block.label.startswith("● REAL A0 · 40") for placed in drawing.blocks)


def test_of_very_many_clusters_the_small_ones_are_drawn_together(tested: Run) -> None:
    many = regrouped(tested, np.arange(ROWS) // 2)
    drawing = draw_clusters(compare_runs(many, many))
    assert drawing is not None
    assert len(drawing.blocks) == 2 * MOST_BLOCKS
    assert sum("21 smaller clusters" in placed.block.label for placed in drawing.blocks) == 2


def test_the_page_needs_nothing_and_allows_no_script(tested: Run) -> None:
    page = render_comparison(compare_runs(tested, tested))
    for tag, attributes in Parsed(page).elements:
        assert not (FETCHING & set(attributes)), tag
    assert "script-src" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_are_text(tmp_path: Path, payload: str) -> None:
    pages = []
    for name in (HARMLESS, payload):
        run = read_run(hostile_folder(name).write(tmp_path / str(len(pages))))
        other = regrouped(run, np.where(clusters() == 1, 0, clusters()), ("REAL", "ARTEFACT"))
        manifest = {**other.manifest, "data": {**other.manifest["data"], "source": f"other {name}", "digest": "x"}}
        found = compare_runs(run, replace(other, manifest=manifest))
        pages.append(Parsed(render_comparison(found)))
        lines, tables = to_tables(found)
        printed = [*lines, *(cell for _, _, rows in tables for row in rows for cell in row)]
        assert all(character.isprintable() for line in printed for character in line)
        json.dumps(to_json(found))
    assert pages[1].skeleton == pages[0].skeleton
    assert pages[1].comments == []
    assert pages[1].scripts == []


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["steadymap", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.out, printed.err


def test_the_command_prints_tables_or_one_object_and_writes_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        RunFolder(run=name, verdicts=("REAL", "HIDDEN", "UNCERTAIN")).write(tmp_path / "runs" / name)
    store, page = ("--store", str(tmp_path)), tmp_path / "new" / "page.html"
    code, out, _ = call(capsys, monkeypatch, "compare", "one", "two", *store, "--out", str(page))
    assert (code, "Nothing changed" in out, page.is_file()) == (0, True, True)
    code, out, _ = call(capsys, monkeypatch, "compare", "one", str(tmp_path / "runs" / "two"), *store, "--json")
    result = json.loads(out)
    assert (code, result["nothing_changed"], result["shared_rows"], result["page"]) == (0, True, ROWS, None)
    assert [one["fate"] for one in result["clusters"]] == ["kept"] * 3
    for words, place in ((("one", "three"), "three"), (("one", "two", "--out", "page.txt"), "page.txt")):
        code, out, err = call(capsys, monkeypatch, "compare", *words, *store)
        assert (code, out) == (2, "")
        assert place in err
        assert "remedy" in err
