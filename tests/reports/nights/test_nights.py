"""What a night says and keeps: lasting numbers, changes that count, drift beside the noise of seeds, the record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import adjusted_rand_score

from steadymap.configs import schemas
from steadymap.reports.compare.compare_runs import compare_runs
from steadymap.reports.compare.drift import Drift, SettingDrift, adjusted_rand, measure_drift
from steadymap.reports.nights.night_changes import (
    carry_numbers,
    find_failures,
    find_night_changes,
    quieten,
    stand_by,
    still_standing,
)
from steadymap.reports.nights.night_summary import Night, night_lines, night_markdown, night_object
from steadymap.reports.nights.nights import SweepOfNight, list_clusters, name_night, night_slug, read_past, write_night
from steadymap.reports.run.run_folder import Run, read_run
from tests.reports.compare.test_compare import regrouped, with_ids
from tests.reports.payloads import PAYLOADS
from tests.reports.run_folder_fixture import PCA, T5, T30, RunFolder, clusters


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Read a run with verdicts: 0 is REAL, 1 HIDDEN, 2 UNCERTAIN; each has every third row."""
    verdicts = ("REAL", "HIDDEN", "UNCERTAIN")
    return read_run(RunFolder(verdicts=verdicts).write(tmp_path_factory.mktemp("tested") / "run"))


def changes(before: Run, after: Run, numbers: dict[int, int]) -> list[tuple[str, str, str]]:
    found = compare_runs(before, after)
    now = carry_numbers(found, after, numbers, 10)
    return [
        (one.kind, one.subject, one.sentence.replace("\u00a0", " "))
        for one in find_night_changes(found, numbers, now)
        if one.kind != "score.dropped"
    ]


# --- lasting numbers and changes ----------------------------------------------------------------------------------


def test_a_cluster_keeps_its_number_whatever_the_run_calls_it(tested: Run) -> None:
    turned = regrouped(tested, (clusters() + 1) % 3, ("UNCERTAIN", "REAL", "HIDDEN"))
    found = compare_runs(tested, turned)
    assert carry_numbers(found, turned, {0: 4, 1: 7, 2: 9}, 10) == {1: 4, 2: 7, 0: 9}
    assert changes(tested, turned, {0: 4, 1: 7, 2: 9}) == []
    # A first night counts from the first free number; so does a cluster whose number is not known.
    assert carry_numbers(None, tested, {}, 1) == {0: 1, 1: 2, 2: 3}
    assert carry_numbers(found, turned, {0: 4}, 5) == {0: 5, 1: 4, 2: 6}


def test_a_split_a_flip_and_a_new_cluster_are_said_once_each(tested: Run) -> None:
    numbers = clusters()
    apart = np.where((numbers == 0) & (np.arange(len(numbers)) % 2 == 0), 3, numbers)
    after = regrouped(tested, apart, ("REAL", "ARTEFACT", "UNCERTAIN", "UNCERTAIN"))
    told = changes(tested, after, {0: 1, 1: 2, 2: 3})
    assert [(kind, subject) for kind, subject, _ in told] == [
        ("verdict.flipped", "2"),
        ("cluster.lost", "1"),
        ("cluster.new", "10"),
    ]
    assert "became ARTEFACT, HIDDEN before" in told[0][2]
    assert "it split into C10 (50 %), C11 (50 %)." in told[1][2]
    assert "New REAL cluster: C10" in told[2][2]
    assert "100 % of them from C1" in told[2][2]


def test_that_an_artefact_comes_or_goes_is_no_news(tested: Run) -> None:
    scattered = np.where(clusters() == 2, -1, clusters())
    gone = regrouped(tested, scattered, ("", "REAL", "HIDDEN"))
    gone = replace(gone, clusters=gone.clusters[gone.clusters["cluster"] >= 0])
    assert changes(tested, gone, {0: 1, 1: 2, 2: 3}) == []
    assert changes(gone, tested, {0: 1, 1: 2}) == []
    lost = [kind for kind, _, _ in changes(regrouped(tested, clusters(), ("REAL", "HIDDEN", "REAL")), gone, {2: 3})]
    assert lost == ["cluster.lost"]
    (vanished,) = changes(regrouped(tested, clusters(), ("REAL", "HIDDEN", "REAL")), gone, {2: 3})
    assert vanished[2].endswith("its rows are in no cluster.")


def test_a_cluster_whose_rows_are_gone_is_lost_and_others_in_its_place_are_new(tested: Run) -> None:
    ids = [f"other {row}" if cluster == 0 else f"{row}" for row, cluster in enumerate(clusters())]
    lost, new = changes(tested, with_ids(tested, ids), {0: 1, 1: 2, 2: 3})
    assert lost == (
        "cluster.lost",
        "1",
        f"Lost REAL cluster: C1 (c0), {(clusters() == 0).sum()} rows; none of its rows is in the data any more.",
    )
    assert (new[0], new[1]) == ("cluster.new", "10")
    found = compare_runs(tested, with_ids(tested, ids))
    (change,) = (one for one in find_night_changes(found, {0: 1}, {0: 10, 1: 2, 2: 3}) if one.kind == "cluster.lost")
    assert (change.labels["fate"], change.facts["into"], change.brief) == ("gone", [], "C1 (c0): REAL, gone")


def rescored(run: Run, by: float) -> Run:
    scores = run.scores.copy()
    scores.loc[scores["score"] == "trustworthiness", "value"] += by
    return replace(run, scores=scores)


def test_only_scores_that_fell_count(tested: Run) -> None:
    found = compare_runs(tested, rescored(tested, -0.9))
    (dropped,) = (one for one in find_night_changes(found, {}, {}) if one.kind == "score.dropped")
    assert dropped.facts["dropped"] == len(dropped.facts["scores"]) > 0
    assert {one["score"] for one in dropped.facts["scores"]} == {"trustworthiness"}
    assert all(one["after"] < one["before"] for one in dropped.facts["scores"])
    better = compare_runs(rescored(tested, -0.9), tested)
    assert better.score_changes
    (rose,) = find_night_changes(better, {}, {})
    assert (rose.kind, rose.quiet) == ("score.moved", True)  # said and recorded, and no event tells of it
    assert all(one["after"] > one["before"] for one in rose.facts["scores"])


def test_failed_cells_are_told_with_their_reasons(tested: Run) -> None:
    failed = find_failures(tested)
    assert failed is not None
    assert failed.facts == {
        "failed": 1,
        "cells": len(tested.cells),
        "reasons": ["crashed: the worker was killed by signal 11"],
    }
    whole = replace(tested, cells=tested.cells[tested.cells["status"] != "crashed"])
    assert find_failures(whole) is None


# --- drift --------------------------------------------------------------------------------------------------------


def test_the_adjusted_rand_index_by_hand_by_reference_and_at_its_limits() -> None:
    # Hubert and Arabie's formula by hand: 1 pair together of 3 and 3; of 10 pairs 0.9 expected, at most 3.
    a, b = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 1])
    assert adjusted_rand(a, b) == pytest.approx((1 - 3 * 4 / 10) / ((3 + 4) / 2 - 3 * 4 / 10))
    generator = np.random.default_rng(0)
    for _ in range(20):
        a, b = generator.integers(0, 4, 50), generator.integers(0, 6, 50)
        assert adjusted_rand(a, b) == pytest.approx(adjusted_rand_score(a, b))
        assert adjusted_rand(a, b) == pytest.approx(adjusted_rand(b, a))
    assert adjusted_rand(a, (a + 1) % 4) == 1.0
    assert adjusted_rand(np.zeros(5, np.int64), np.zeros(5, np.int64)) == 1.0
    assert adjusted_rand(np.arange(5), np.arange(5)) == 1.0


def shuffled(run: Run, configurations: Sequence[str]) -> Run:
    """Return the run with the islands of some settings dealt out anew."""
    cells = set(run.cells.loc[run.cells["configuration"].isin(configurations), "cell"])
    table = run.embeddings.copy()
    of_them = table["cell"].astype(str).isin(cells) & (table["island"] >= 0)
    table.loc[of_them, "island"] = np.random.default_rng(0).permutation(table.loc[of_them, "island"].to_numpy())
    return replace(run, embeddings=table)


def test_drift_is_measured_by_setting_against_the_noise_of_seeds(tested: Run) -> None:
    same = measure_drift(tested, tested)
    assert PCA not in {one.configuration for one in same.settings}
    assert {one.nights for one in same.settings} == {1.0}
    assert not any(one.moved for one in same.settings)
    assert "no more than seeds" in same.sentence
    moved = measure_drift(tested, shuffled(tested, [T30]))
    by_name = {one.configuration: one for one in moved.settings}
    assert by_name[T30].nights < 0.3 < by_name[T5].nights
    assert [name for name, one in by_name.items() if one.moved] == [T30]
    assert f"moved more than seeds move them in 1 of {len(by_name)} settings" in moved.sentence
    # Rows are compared by their ids: in another order they are the same.
    points = tested.points.sample(frac=1, random_state=0)
    assert measure_drift(tested, replace(tested, points=points)).agreement == 1.0
    strange = replace(tested, points=tested.points.assign(id=[f"x{row}" for row in tested.points["row"]]))
    assert measure_drift(tested, strange) == Drift(())
    assert Drift(()).sentence == ""
    assert "no noise to compare" in Drift((SettingDrift("tsne", 0.5, None),)).sentence


# --- the record ---------------------------------------------------------------------------------------------------


def night_of(*sweeps: SweepOfNight, **changed: str) -> Night:
    return Night(night="n", name=changed.get("name", "nightly"), previous="", store="/nowhere", sweeps=sweeps)


def test_a_night_is_read_back_and_what_is_damaged_is_passed_over(tmp_path: Path, tested: Run) -> None:
    first = SweepOfNight("a", "a.yaml", "a.npz", "computed", run=tested.folder.name, state="s", said=("one", "two"))
    write_night(tmp_path, "2026-01-01", "nightly", [first], list_clusters("a", tested, {0: 1, 1: 2, 2: 3}))
    write_night(
        tmp_path, "2026-01-02", "other", [replace(first, status="left")], list_clusters("a", tested, {0: 7, 1: 8, 2: 9})
    )
    past = read_past(tmp_path, "nightly")
    assert (past.night, past.sweeps, past.left, past.unreadable) == ("2026-01-01", {"a": first}, (), ())
    assert past.numbers == {("a", tested.folder.name): {0: 1, 1: 2, 2: 3}}
    assert past.free == {"a": 4}
    assert read_past(tmp_path, "other").left == ("a",)
    assert read_past(tmp_path, "never").night == ""
    table = pq.read_table(tmp_path / "nights" / "clusters" / "2026-01-01.parquet")
    assert table.schema.equals(schemas.NIGHT_CLUSTERS)
    damaged = tmp_path / "nights" / "sweeps" / "2026-01-03.parquet"
    damaged.write_bytes(b"PAR1")
    past = read_past(tmp_path, "nightly")
    assert past.night == "2026-01-01"
    assert [str(damaged) in one for one in past.unreadable] == [True]


def test_numbers_of_a_night_that_did_not_end_do_not_count(tmp_path: Path, tested: Run) -> None:
    row = SweepOfNight("a", "", "", "computed", run=tested.folder.name)
    write_night(tmp_path, "1", "nightly", [row], list_clusters("a", tested, {0: 1, 1: 2, 2: 3}))
    write_night(tmp_path, "2", "nightly", [row], list_clusters("a", tested, {0: 4, 1: 5, 2: 6}))
    (tmp_path / "nights" / "sweeps" / "2.parquet").unlink()
    past = read_past(tmp_path, "nightly")
    assert past.numbers["a", tested.folder.name] == {0: 1, 1: 2, 2: 3}
    assert past.free == {"a": 4}


def test_names_of_nights_sort_by_time_and_fit_every_file_system() -> None:
    times = pd.to_datetime(["2026-11-25T02:00:00.5Z", "2026-11-25T02:00:01.0Z", "2026-12-01T00:00:00.0Z"])
    names = [name_night(time.to_pydatetime(), "Ünïcode / night") for time in times]
    assert names == sorted(names)
    assert names[0] == "2026-11-25T02-00-00.500000Z-n-code-night"
    assert night_slug("///") == "night"


# --- in words -----------------------------------------------------------------------------------------------------


def test_a_night_in_words_counts_what_became_of_its_sweeps() -> None:
    night = night_of(
        SweepOfNight(
            "a",
            "",
            "/data/encoder7-v10.npz",
            "computed",
            clusters=3,
            real=2,
            computed=4,
            lost=1,
            said=("Lost REAL cluster: C1.",),
        ),
        SweepOfNight("b", "", "", "failed", "a.npz: broken\n  remedy: write it again"),
        SweepOfNight("c", "", "", "left", "no time was left"),
    )
    assert night.headline == (
        "3 sweeps: 1 computed, 1 failed, 1 left for the next night; the first night, with nothing to compare with."
    )
    changed = replace(night, previous="before", briefs={"a": ("C4 (elm): REAL → UNCERTAIN",)})
    assert changed.message == (
        "C4 (elm): REAL → UNCERTAIN; 1 of 3 sweeps changed; 1 of 3 failed; 1 left for the next night"
    )
    assert replace(changed, briefs={}, sweeps=night.sweeps[:1]).message == "nothing changed"
    many = replace(changed, briefs={"a": ("one", "two"), "b": ("three", "four", "five")}, sweeps=night.sweeps[:1])
    assert many.message == "one; two; three; 2 more; 2 of 1 sweep changed"
    assert not night.complete
    lines = night_lines(night)
    # Of dated files, the summary says which was taken.
    assert "a (encoder7-v10.npz): computed, 3 clusters, 2 of them REAL; 4 cells in 0 s" in lines
    assert "    remedy: write it again" in lines
    assert night_object(night)["counts"] == {"computed": 1, "found": 0, "unchanged": 0, "failed": 1, "left": 1}
    assert "* Lost REAL cluster: C1." in night_markdown(night)
    assert "| a | encoder7-v10.npz | computed |" in night_markdown(night)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_of_users_are_text_in_markdown_and_in_a_terminal(payload: str) -> None:
    night = night_of(SweepOfNight(payload, payload, payload, "failed", payload, said=(payload,)), name=payload)
    page = night_markdown(night)
    assert "<" not in page
    assert not re.search(r"(?<!\\)\]\(", page)
    assert len([line for line in page.splitlines() if line.startswith("#")]) == 2
    assert all(line.isprintable() for line in night_lines(night))


# --- verdicts that sway -------------------------------------------------------------------------------------------


def proving(run: Run, name: str, verdict: str | None, halves: int, of: int = 10) -> Run:
    """Return the run under another name, with so many halves that separate cluster 0, and the verdict on it."""
    verdicts = (verdict, "HIDDEN", "UNCERTAIN")
    tables = run.clusters.sort_values("cluster").assign(verdict=verdicts, halves=of, halves_proving=[halves, 9, 0])
    return replace(run, folder=run.folder.with_name(name), manifest={**run.manifest, "run": name}, clusters=tables)


def follow(store: Path, runs: Sequence[Run]) -> list[list[str]]:
    """Let a night follow the other over one sweep, by way of the record, and return the sentences about verdicts."""
    told: list[list[str]] = []
    before: Run | None = None
    for day, run in enumerate(runs):
        past = read_past(store, "nightly")
        key = ("a", before.folder.name) if before is not None else ("", "")
        old, stood = past.numbers.get(key, {}), past.standing.get(key, {})
        found = None if before is None else stand_by(compare_runs(before, run), stood)
        numbers = carry_numbers(found, run, old, past.free.get("a", 1))
        changes = [] if found is None or before is None else find_night_changes(found, old, numbers)
        told.append([one.sentence.replace("\u00a0", " ") for one in changes if one.kind == "verdict.flipped"])
        standing = {} if found is None else still_standing(found, stood, run)
        row = SweepOfNight("a", "", "", "computed", run=run.folder.name)
        write_night(store, f"2026-01-0{day + 1}", "nightly", [row], list_clusters("a", run, numbers, standing))
        before = run
    return told


def test_a_verdict_that_sways_is_told_when_it_has_gone_far_enough_from_what_stands(tmp_path: Path, tested: Run) -> None:
    # 6 of 10 and 3 of 10 halves are one share; 6 and 1 are not, though 3 and 1 are and the verdict is no other.
    sliding = [("REAL", 6), ("UNCERTAIN", 3), ("UNCERTAIN", 1), ("UNCERTAIN", 0)]
    nights = [proving(tested, f"run {day}", *night) for day, night in enumerate(sliding)]
    told = follow(tmp_path / "sliding", nights)
    assert [len(one) for one in told] == [0, 0, 1, 0]
    assert "C1 (c0) became UNCERTAIN, REAL until the night of 2026-01-01" in told[2][0]
    swaying = [("REAL", 5), ("UNCERTAIN", 3)] * 3
    assert not any(
        follow(tmp_path / "swaying", [proving(tested, f"run {day}", *night) for day, night in enumerate(swaying)])
    )
    record = pd.read_parquet(tmp_path / "swaying" / "nights" / "clusters")
    own = record[record["lasting"] == 1].sort_values("night").astype({"stands_from": object})
    assert own["stands_from"].where(own["stands_from"].notna(), None).tolist() == [
        None,
        "2026-01-01",
        None,
        "2026-01-03",
        None,
        "2026-01-05",
    ]


def test_a_night_of_one_split_between_two_whole_ones_hides_no_flip(tmp_path: Path, tested: Run) -> None:
    fast = proving(tested, "fast", "UNCERTAIN", 0, of=2)
    fast = replace(fast, manifest={**fast.manifest, "fast": True})
    nights = [proving(tested, "first", "REAL", 9), fast, proving(tested, "last", "UNCERTAIN", 0)]
    told = follow(tmp_path, nights)
    assert [len(one) for one in told] == [0, 1, 1]
    found = stand_by(compare_runs(fast, nights[2]), read_past(tmp_path, "nightly").standing["a", "fast"])
    flips = [one for one in find_night_changes(found, {}, {0: 1, 1: 2, 2: 3}) if one.kind == "verdict.flipped"]
    assert [one.quiet for one in quieten(flips, fast, nights[2])] == [False]
    assert flips[0].facts["since"] == "2026-01-01"
    # Without a whole night before, what the fast one says is all there is, and wakes nobody.
    alone = find_night_changes(compare_runs(fast, nights[0]), {}, {0: 1, 1: 2, 2: 3})
    assert [one.quiet for one in quieten(alone, fast, nights[0]) if one.kind == "verdict.flipped"] == [True]


def test_a_night_without_a_test_between_two_hides_no_flip(tmp_path: Path, tested: Run) -> None:
    nights = [
        proving(tested, "first", "REAL", 9),
        proving(tested, "none", None, 0),
        proving(tested, "last", "UNCERTAIN", 0),
    ]
    assert [len(one) for one in follow(tmp_path, nights)] == [0, 0, 1]


def test_that_an_uncertain_cluster_is_called_an_artefact_is_no_news(tested: Run) -> None:
    now = regrouped(tested, clusters(), ("REAL", "HIDDEN", "ARTEFACT"))
    assert changes(tested, now, {0: 1, 1: 2, 2: 3}) == []
    assert changes(now, tested, {0: 1, 1: 2, 2: 3}) == []


def test_a_record_of_an_earlier_version_stands_as_it_is(tmp_path: Path, tested: Run) -> None:
    row = SweepOfNight("a", "", "", "computed", run=tested.folder.name)
    write_night(tmp_path, "2026-01-01", "nightly", [row], list_clusters("a", tested, {0: 1, 1: 2, 2: 3}))
    path = tmp_path / "nights" / "clusters" / "2026-01-01.parquet"
    table = pq.read_table(path)
    pq.write_table(table.select(table.column_names[:8]), path)
    past = read_past(tmp_path, "nightly")
    stood = past.standing["a", tested.folder.name]
    assert [(stood[number]["verdict"], stood[number]["p_value"]) for number in range(3)] == [
        ("REAL", None),
        ("HIDDEN", None),
        ("UNCERTAIN", None),
    ]
