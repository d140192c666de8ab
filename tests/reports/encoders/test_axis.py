"""What several encoders say together: verdicts of each, "in all" with its own level, what is missing and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.reports.compare.encoder_agreement import EncoderAgreement, Measure
from steadymap.reports.encoders.axis import (
    ALPHA,
    Axis,
    EncoderRun,
    MovingRow,
    PairOfEncoders,
    build_axis,
    share_rows,
)
from steadymap.reports.encoders.axis_page import draw_encoders, draw_river, write_axis
from steadymap.reports.encoders.axis_tables import axis_tables, to_json
from steadymap.reports.encoders.axis_words import spell_axis
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.wording import Estimate, spell_configuration
from tests.reports.payloads import PAYLOADS
from tests.reports.run_folder_fixture import ROWS, RunFolder

IDS = [f"r{row:03d}" for row in range(ROWS)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return read_run(RunFolder(verdicts=("REAL", "REAL", "UNCERTAIN"), ids=IDS).write(tmp_path / "runs" / "a"))


def with_clusters(run: Run, partition: np.ndarray, verdicts: Sequence[str], p: Sequence[float] = ()) -> Run:
    """Return a run whose rows lie in other clusters."""
    points = run.points.assign(cluster=partition)
    row = run.clusters.iloc[[0]]
    tables = [
        row.assign(
            cluster=number, verdict=verdict, p_value=p[number] if p else 0.003, size=int(np.sum(partition == number))
        )
        for number, verdict in enumerate(verdicts)
    ]
    return replace(run, points=points, clusters=pd.concat(tables) if tables else run.clusters.iloc[:0])


def axis_of(*runs: Run, checkpoints: bool = False) -> Axis:
    names = [f"step {100 * place}" if checkpoints else f"seed {place}" for place in range(len(runs))]
    encoders = [EncoderRun(name, one) for name, one in zip(names, runs, strict=True)]
    return build_axis("three", encoders, share_rows(encoders), checkpoints=checkpoints)


def test_what_every_encoder_shows_is_real_in_all_and_the_rest_says_where_it_is_not(run: Run) -> None:
    axis = axis_of(run, run, with_clusters(run, run.points["cluster"].to_numpy(), ("REAL", "UNCERTAIN", "UNCERTAIN")))
    told = spell_axis(axis)
    assert told[0] == (
        "REAL in all 3 encoders: cluster c0. The chance that any of them is not, in any encoder, is at most "
        "5\N{NO-BREAK SPACE}%."
    )
    assert told[1] == "REAL in 2 of 3 encoders: cluster c1 (UNCERTAIN in seed 2)."
    assert told[2] == "In no encoder shown by held-out rows: cluster c2."


def test_p_in_all_is_the_largest_times_the_encoders(run: Run) -> None:
    partition = run.points["cluster"].to_numpy()
    weak = with_clusters(run, partition, ("REAL", "REAL", "REAL"), (0.02, 0.001, 0.04))
    axis = axis_of(run, weak)
    found = {one.name.value: one for one in axis.clusters}
    assert found["c0"].p_in_all == pytest.approx(0.04)
    assert found["c0"].in_all
    assert found["c1"].p_in_all == pytest.approx(0.006)
    assert axis_of(run, run, weak).clusters[0].p_in_all == pytest.approx(0.06)
    assert not axis_of(run, run, weak).clusters[0].in_all
    assert spell_axis(axis_of(run, run, weak))[1].startswith(
        "Shown in each of them, but not in all at once with that certainty: cluster c0."
    )


def test_a_merge_is_told_with_whom_and_is_not_called_uncertain(run: Run) -> None:
    partition = run.points["cluster"].to_numpy()
    merged = with_clusters(run, np.where(partition == 1, 0, partition), ("REAL", "REAL", "REAL"))
    axis = axis_of(run, merged, run)
    told = " ".join(spell_axis(axis))
    assert (
        "REAL in 2 of 3 encoders: cluster c0 (merged with C3 in seed 1); cluster c1 (merged with C2 in seed 1)." in told
    )
    of_both = next(one for one in axis.clusters if one.rows == 2 * ROWS // 3)
    assert [member.followed.fate for member in of_both.members] == ["split", "found", "split"]


def test_an_encoder_of_noise_shows_none_of_them(run: Run) -> None:
    noise = with_clusters(run, np.full(ROWS, -1), ())
    told = spell_axis(axis_of(run, run, noise))
    assert told[0] == "No cluster is shown in all 3 encoders."
    assert "cluster c0 (missing in seed 2)" in told[1]
    assert "seed 2 shows none of the clusters." in told
    assert spell_axis(axis_of(noise, noise)) == ("No encoder has any cluster.",)


def test_a_training_is_told_from_its_end(run: Run) -> None:
    partition = run.points["cluster"].to_numpy()
    early = with_clusters(run, np.where(partition == 0, 0, -1), ("UNCERTAIN",))
    middle = with_clusters(run, partition, ("REAL", "REAL", "REAL"))
    late = with_clusters(run, np.where(partition == 2, 1, partition), ("REAL", "UNCERTAIN"))
    told = spell_axis(axis_of(early, middle, late, checkpoints=True))
    assert told[0] == (
        "REAL at step 200: cluster c0 (since step 100). Every checkpoint is tested for itself, with a chance of "
        "5\N{NO-BREAK SPACE}% that any REAL in it is false."
    )
    assert told[1].startswith("Shown on the way, and not at step 200: cluster c1 (merged with C")


def test_since_when_is_since_the_last_break(run: Run) -> None:
    partition = run.points["cluster"].to_numpy()
    shown = with_clusters(run, partition, ("REAL", "UNCERTAIN", "UNCERTAIN"))
    not_shown = with_clusters(run, partition, ("UNCERTAIN",) * 3)
    told = spell_axis(axis_of(not_shown, shown, not_shown, shown, shown, checkpoints=True))
    assert told[0].startswith("REAL at step 400: cluster c0 (since step 300).")


def test_an_id_that_is_there_twice_is_not_followed_and_that_is_told(run: Run) -> None:
    twice = replace(run, points=run.points.assign(id=["r000", "r000", *IDS[2:]]))
    encoders = [EncoderRun("a", run), EncoderRun("b", twice)]
    assert share_rows(encoders).ids.tolist() == IDS[2:]
    assert axis_of(run, twice).notices[0].startswith("118 rows are in all encoders, by their ids")


def test_rows_are_joined_by_ids_in_any_order_and_what_some_lack_is_told(run: Run) -> None:
    order = np.random.default_rng(0).permutation(ROWS)[: ROWS - 20]
    points = run.points.iloc[order].assign(row=np.arange(len(order)))
    other = replace(run, points=points)
    shared = share_rows([EncoderRun("a", run), EncoderRun("b", other)])
    assert shared.ids.tolist() == sorted(points["id"])
    assert (points["id"].to_numpy()[shared.places[1]] == shared.ids).all()
    axis = axis_of(run, other)
    assert axis.notices == (
        "100 rows are in all encoders, by their ids (seed 0 has 120); the others are not followed.",
    )
    assert {one.members[1].followed.jaccard for one in axis.clusters} == {1.0}


def test_other_inputs_are_refused_with_what_to_do(run: Run) -> None:
    other = replace(run, points=run.points.assign(id=[f"x{row}" for row in range(ROWS)]))
    with pytest.raises(InputError, match="0 of 120 rows are in all encoders") as caught:
        axis_of(run, other)
    assert "ids of one of them begin with" in str(caught.value)


def test_files_without_ids_need_the_same_number_of_rows(run: Run) -> None:
    numbered = replace(run, points=run.points.assign(id=[str(row) for row in range(ROWS)]))
    axis = axis_of(numbered, numbered)
    assert axis.by_order
    assert axis.notices == (
        "No file has ids: rows are joined by their order, the same row of every file as the same input.",
    )
    assert not axis_of(run, run).by_order
    fewer = replace(numbered, points=numbered.points.iloc[:-1])
    with pytest.raises(InputError, match="without ids have different numbers of rows: seed 0 120, seed 1 119"):
        axis_of(numbered, fewer)


def test_no_false_cluster_in_all_beyond_the_level() -> None:
    """Two encoders, each with one false cluster that the other really has: the worst case of the union bound."""
    generator = np.random.default_rng(20261)
    rounds, false = 4_000, 0
    for p in generator.uniform(size=(rounds, 2)):
        false += any(min(1.0, 2 * one) <= ALPHA for one in p)  # the other encoder's p-value is 0
    assert false / rounds == pytest.approx(ALPHA, abs=0.01)


def agreement(kept: float, *, same: bool = False) -> EncoderAgreement:
    return EncoderAgreement(
        cka=Measure(Estimate(1.0 if same else 0.9, 0.01), 0.05),
        disparity=Measure(Estimate(0.0 if same else 0.2, 0.01)),
        kept=Measure(Estimate(kept, 0.02), 0.1),
        k=15,
        rows=ROWS,
        moved=(),
    )


def test_spaces_are_told_over_all_pairs_and_turned_copies_as_unchanged(run: Run) -> None:
    encoders = [EncoderRun(name, run) for name in "abc"]
    places = [(0, 1), (0, 2), (1, 2)]
    pairs = [PairOfEncoders(*place, agreement(kept)) for place, kept in zip(places, (0.5, 0.6, 0.7), strict=True)]
    told = spell_axis(build_axis("x", encoders, share_rows(encoders), pairs, [MovingRow("r7", 0.25)]))
    assert told[-2].startswith("Latent spaces, over 3 pairs of encoders: linear CKA 0.900 ± 0.010 to 0.900 ± 0.010")
    assert "of a row's 15 nearest 50\N{NO-BREAK SPACE}% to 70\N{NO-BREAK SPACE}% stay its nearest" in told[-2]
    assert told[-1].endswith("r7 (25\N{NO-BREAK SPACE}%).")
    copies = [PairOfEncoders(*place, agreement(1.0, same=True)) for place in places]
    assert spell_axis(build_axis("x", encoders, share_rows(encoders), copies))[-1] == (
        "Nothing changed between the encoders: each is the first but for a turn, mirroring and scale."
    )


def test_tables_page_and_json_hold_the_same_numbers(run: Run, tmp_path: Path) -> None:
    encoders = [EncoderRun(name, run) for name in ("first", "second")]
    shared = share_rows(encoders)
    axis = build_axis("two", encoders, shared, [PairOfEncoders(0, 1, agreement(0.5))], [MovingRow("r7", 0.25)])
    page = write_axis(axis, encoders, shared, tmp_path / "encoders", {"first": "../runs/a/report.html"})
    for name, schema in schemas.ENCODER_TABLES.items():
        assert pd.read_parquet(tmp_path / "encoders" / f"{name}.parquet").columns.tolist() == schema.names
    clusters = axis_tables(axis)["encoder_clusters"].to_pandas()
    by_hand = run.clusters.set_index("cluster")
    for row in clusters.to_dict("records"):
        assert row["verdict"] == by_hand.loc[row["clusters"][0], "verdict"]
        assert row["shown_in"] == 2 * (by_hand.loc[row["clusters"][0], "verdict"] == "REAL")
    assert [one["shown_in"] for one in to_json(axis)["clusters"]] == [one.shown for one in axis.clusters]
    html = page.read_text(encoding="utf-8")
    assert all(sentence.split(".")[0].split("'")[0] in html for sentence in spell_axis(axis))
    assert '<a href="../runs/a/report.html">first</a>' in html
    assert "<script" not in html


def test_every_number_of_the_drawings_is_that_of_the_tables(run: Run) -> None:
    """Bands, blocks, dots and facts of every encoder, counted again by pandas from the points of the runs."""
    partition = run.points["cluster"].to_numpy().copy()
    partition[::7] = -1  # rows in no cluster are in no band
    merged = with_clusters(run, np.where(partition == 1, 0, partition), ("REAL", "REAL", "HIDDEN"))
    points = merged.points.iloc[::-1].reset_index(drop=True)
    other = replace(merged, points=points.assign(row=np.arange(ROWS)))
    encoders = [EncoderRun("first", run), EncoderRun("second", other)]
    shared = share_rows(encoders)
    axis = build_axis("two", encoders, shared)
    river = draw_river(axis, encoders, shared)
    assert river is not None
    both = run.points.set_index("id")["cluster"].to_frame("a").join(points.set_index("id")["cluster"].rename("b"))
    table = pd.crosstab(both["a"], both["b"]).drop(index=-1, columns=-1, errors="ignore")
    wanted = sorted(int(rows) for rows in table.to_numpy().ravel() if rows)
    assert sorted(_rows_of(band.words) for band in river.bands) == wanted
    sizes = [*both.loc[both["a"] >= 0, "a"].value_counts(), *both.loc[both["b"] >= 0, "b"].value_counts()]
    assert sorted(one.block.rows for one in river.blocks) == sorted(int(rows) for rows in sizes)
    for picture, one in zip(draw_encoders(axis, encoders), encoders, strict=True):
        cell = next(
            row["cell"]
            for row in one.run.drawn.to_dict("records")
            if picture.title.endswith(f"seed {int(row['seed']) if row['seed'] == row['seed'] else -1}")
            and spell_configuration(row["configuration"]) in picture.title
        )
        drawn = one.run.embeddings[one.run.embeddings["cell"] == cell].merge(
            one.run.points[["row", "cluster"]], on="row"
        )
        dots = {own.slot: own.path.count("M") for own in picture.dots}
        assert sorted(dots.values()) == sorted(drawn["cluster"].value_counts().tolist())
    for facts, one in zip(axis.encoders, encoders, strict=True):
        shown = one.run.clusters.query("verdict in ['REAL', 'HIDDEN']")["cluster"]
        assert (facts.shown, facts.clusters) == (len(shown), len(one.run.clusters))
        assert facts.in_shown == pytest.approx(one.run.points["cluster"].isin(set(shown)).sum() / ROWS)
        rank = one.run.latent_space.query("score == 'label_purity'").iloc[0]
        assert (facts.label_purity.value, facts.label_purity.stderr) == (rank["value"], rank["stderr"])
        assert facts.active == (one.run.dimensions["state"] == "active").sum()


def _rows_of(words: str) -> int:
    return int(words.split(" rows", maxsplit=1)[0].replace(",", ""))


@pytest.mark.parametrize("payload", PAYLOADS[:6])
def test_names_of_encoders_labels_and_ids_are_text(payload: str, tmp_path: Path) -> None:
    folder = RunFolder(
        name=payload,
        labels={payload: [payload] * ROWS},
        ids=[f"{payload}{row}" for row in range(ROWS)],
        verdicts=("REAL",) * 3,
    ).write(tmp_path / "runs" / "a")
    run = read_run(folder)
    encoders = [EncoderRun(payload, run), EncoderRun(f"{payload} 2", run)]
    shared = share_rows(encoders)
    axis = build_axis(payload, encoders, shared, [PairOfEncoders(0, 1, agreement(0.5))], [MovingRow(payload, 0.1)])
    html = write_axis(axis, encoders, shared, tmp_path / "encoders", {}).read_text(encoding="utf-8")
    assert payload not in html
