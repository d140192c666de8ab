"""The morning's page: verdicts as lines over the nights, failed sweeps first, then what changed; names are text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from steadymap.reports.nights.nights import SweepOfNight, read_record, write_night
from steadymap.reports.nights.nights_page import MORNING, build_nights_page, follow_sweeps
from tests.reports.payloads import PAYLOADS


def row(sweep: str, status: str, run: str | None, **more: Any) -> SweepOfNight:
    return SweepOfNight(sweep, f"{sweep}.yaml", f"{sweep}.npz", status, run=run, state=run, **more)


def cluster(sweep: str, run: str, lasting: int, verdict: str, label: str | None = None) -> dict[str, Any]:
    return {
        "sweep": sweep,
        "run": run,
        "cluster": lasting - 1,
        "lasting": lasting,
        "size": 40 * lasting,
        "label": label,
        "verdict": verdict,
    }


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Write four nights: `a` flips in the last, `b` stays, `c` cannot be read in the last."""
    two = [cluster("a", "a1", 1, "REAL", "elm"), cluster("a", "a1", 2, "HIDDEN"), cluster("b", "b1", 1, "REAL")]
    first = [row("a", "computed", "a1"), row("b", "computed", "b1"), row("c", "computed", "c1")]
    write_night(tmp_path, "2026-11-23T02-00-00Z-n", "nightly", first, [*two, cluster("c", "c1", 1, "REAL")])
    same = [row("a", "unchanged", "a1"), row("b", "unchanged", "b1"), row("c", "unchanged", "c1")]
    write_night(tmp_path, "2026-11-24T02-00-00Z-n", "nightly", same, [])
    broken = row("c", "failed", "c1", reason="c.npz: half a file")
    flip = [cluster("a", "a2", 1, "UNCERTAIN", "elm"), cluster("a", "a2", 3, "REAL")]
    said = ("Flipped verdict: C1 (elm) became UNCERTAIN, REAL before.",)
    last = [row("a", "computed", "a2", said=said), row("b", "unchanged", "b1"), broken]
    write_night(tmp_path, "2026-11-25T02-00-00Z-n", "nightly", last, flip)
    return tmp_path


def test_verdicts_are_followed_by_lasting_number_through_nights_without_a_computation(store: Path) -> None:
    found = {one.sweep: one for one in follow_sweeps(read_record(store), store, store / "site")}
    lines = {
        line.name: [None if one is None else (one.word, one.changed) for one in line.verdicts]
        for line in found["a"].lines
    }
    assert lines == {
        "C1 (elm)": [("REAL", False), ("REAL", False), ("UNCERTAIN", True)],
        "C2": [("HIDDEN", False), ("HIDDEN", False), None],
        "C3": [None, None, ("REAL", True)],
    }
    assert [line.name for line in found["a"].lines] == ["C1 (elm)", "C3", "C2"]  # what changed last comes first
    assert [one is None for one in found["c"].lines[0].verdicts] == [False, False, True]
    assert found["a"].nights == ("2026-11-23", "2026-11-24", "2026-11-25")


def test_a_verdict_that_is_another_by_chance_is_shown_and_not_marked(tmp_path: Path) -> None:
    first = "2026-11-23T02-00-00Z-n"
    nights = [("REAL", None), ("UNCERTAIN", first), ("REAL", None), ("UNCERTAIN", None), ("ARTEFACT", None)]
    for day, (verdict, stands) in enumerate(nights, start=3):
        one = {**cluster("a", f"a{day}", 1, verdict), "stands_from": stands}
        write_night(tmp_path, f"2026-11-2{day}T02-00-00Z-n", "nightly", [row("a", "computed", f"a{day}")], [one])
    (sweep,) = follow_sweeps(read_record(tmp_path), tmp_path, tmp_path / "site")
    told = [(one.word, one.changed) for one in sweep.lines[0].verdicts if one is not None]
    assert told == [
        ("REAL", False),
        ("UNCERTAIN", False),  # the first night's verdict stands
        ("REAL", False),
        ("UNCERTAIN", True),
        ("ARTEFACT", False),  # neither this nor the last was ever shown
    ]
    assert not sweep.changed


def test_what_failed_comes_first_then_what_changed(store: Path) -> None:
    assert [one.sweep for one in follow_sweeps(read_record(store), store, store / "site")] == ["c", "a", "b"]
    page = build_nights_page(store)
    assert page == store / "site" / MORNING
    text = page.read_text(encoding="utf-8")
    assert "1 of 3 sweeps failed, 1 changed" in text
    assert "c.npz: half a file" in text
    assert [text.index(f'data-name="{name}"') for name in "cab"] == sorted(
        text.index(f'data-name="{name}"') for name in "abc"
    )
    assert not re.search(r"https?://|file:", text)  # served by anything, from anywhere
    before = page.stat().st_mtime_ns
    build_nights_page(store)
    assert page.stat().st_mtime_ns == before


def test_a_sweep_that_is_no_longer_swept_is_not_shown(store: Path) -> None:
    write_night(store, "2026-11-26T02-00-00Z-n", "nightly", [row("a", "unchanged", "a2")], [])
    (only,) = follow_sweeps(read_record(store), store, store / "site")
    assert (only.sweep, only.changed) == ("a", False)


def test_without_nights_there_is_no_page(tmp_path: Path) -> None:
    assert build_nights_page(tmp_path) is None
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_of_users_are_text(tmp_path: Path, payload: str) -> None:
    failed = row(payload, "failed", None, reason=payload, said=(payload,))
    write_night(tmp_path, "2026-11-23T02-00-00Z-n", payload, [failed], [])
    page = build_nights_page(tmp_path)
    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == 1
    assert not re.search(r"<(img|svg|iframe|a href=\"javascript)", text)


@pytest.mark.parametrize("what", ["new", "lost", "flipped", "dropped", "moved", ""])
def test_the_headline_says_that_something_changed_whenever_the_night_did(tmp_path: Path, what: str) -> None:
    clusters = [cluster("a", "a1", 1, "REAL")]
    write_night(tmp_path, "2026-11-23T02-00-00Z-n", "nightly", [row("a", "computed", "a1")], clusters)
    last = row("a", "computed", "a2", **({what: 1} if what else {}))
    write_night(tmp_path, "2026-11-24T02-00-00Z-n", "nightly", [last], [cluster("a", "a2", 1, "REAL")])
    page = build_nights_page(tmp_path)
    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert ("1 of 1 sweep changed" in text, "Nothing changed" in text) == (bool(what), not what)


def test_a_night_of_an_earlier_version_has_no_column_of_scores_that_rose(store: Path) -> None:
    before = read_record(store)
    for path in (store / "nights" / "sweeps").glob("*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["moved"]), path, write_page_checksum=True)
    assert read_record(store) == before
    assert before.unreadable == ()
