"""The site over a store: what it lists and in which order, what damage costs, and that nothing is half-written."""

from __future__ import annotations

import json
import os
import re
import shutil
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest

from steadymap.configs.errors import InputError
from steadymap.configs.schemas import TRENDS
from steadymap.reports.build import build_report
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.run.store_runs import finished_runs, latest_run, previous_run
from steadymap.reports.site import kept_rows, site
from steadymap.reports.site.kept_rows import KEPT
from steadymap.reports.site.site import LONGEST_REASON, build_site
from steadymap.reports.site.trends import HEIGHT, MARGIN, draw_sparkline, measure_run
from tests.reports.compare.test_compare import call
from tests.reports.page.test_page import Parsed
from tests.reports.payloads import HARMLESS, PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import RunFolder

DAY = 86_400
NOON = 1_800_000_000
"""2027-01-15 08:00 UTC."""


def add(store: Path, run: str, day: int, folder: RunFolder | None = None) -> Path:
    """Write a run that was finished on a day."""
    place = (folder or RunFolder(run=run, verdicts=("REAL", "UNCERTAIN", "HIDDEN"))).write(store / "runs" / run)
    os.utime(place / "manifest.json", (NOON + day * DAY, NOON + day * DAY))
    return place


def rows_of(page: str) -> list[list[str]]:
    """Return the cells of the list as text."""
    body = page.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0]
    return [
        [" ".join(Parsed(cell).text.split()) for cell in re.split(r"</t[hd]>", row)[:-1]]
        for row in body.split("</tr>")[:-1]
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """Three nights of one name, whose folders sort in another order, and a run of another name."""
    store = tmp_path / "store"
    add(store, "b-first", 0)
    add(store, "c-second", 1, RunFolder(run="c-second", verdicts=("REAL", "REAL", "HIDDEN")))
    add(store, "a-third", 2)
    add(store, "other", 3, RunFolder(run="other", name="another"))
    yield store
    # Whatever a test does, nothing unfinished is left.
    assert not list(store.rglob(".writing-*"))


def test_runs_are_listed_the_latest_first_with_what_changed(store: Path) -> None:
    built = build_site(store)
    assert (built.runs, built.unreadable) == (4, 0)
    assert built.index == store / "site" / "index.html"
    rows = rows_of(built.index.read_text())
    assert [row[0].split()[0] for row in rows] == ["other", "a-third", "c-second", "b-first"]
    assert [row[1] for row in rows[2:]] == ["2027-01-16 08:00", "2027-01-15 08:00"]
    assert [row[2] for row in rows] == [
        "–",
        "● 1 REAL ◐ 1 HIDDEN ◇ 1 UNCERTAIN",
        "● 2 REAL ◐ 1 HIDDEN",
        "● 1 REAL ◐ 1 HIDDEN ◇ 1 UNCERTAIN",
    ]
    assert [row[3] for row in rows] == ["–", "1 flipped", "1 flipped", "–"]
    assert {row[4] for row in rows} == {"1 cell failed"}
    assert rows[0][5:] == ["0.950", "another", "latents.npz", "120 × 6"]


def test_links_lead_to_reports_and_comparisons_from_wherever_the_site_is(store: Path, tmp_path: Path) -> None:
    build_report(store / "runs" / "a-third")
    for out in (None, tmp_path / "else where" / "deep"):
        built = build_site(store, out)
        links = [link for _, link in _links(built.index)]
        assert [Path(link).name for link in links] == ["report.html", "index.html", "index.html"]
        for link in links:
            assert (built.index.parent / unquote(link)).is_file()
        page = built.index.parent / "compare" / "a-third" / "index.html"
        assert [(page.parent / unquote(link)).resolve() for _, link in _links(page)] == [
            store / "runs" / "a-third" / "report.html"
        ]


def _links(page: Path) -> list[tuple[str, str]]:
    return [(tag, at["href"] or "") for tag, at in Parsed(page.read_text()).elements if "href" in at]


def test_the_order_of_the_folder_has_no_say(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_site(store)
    before = files_of(built.index.parent)
    usual = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: sorted(usual(folder), reverse=True))
    assert build_site(store).written == 0
    monkeypatch.setattr(Path, "iterdir", lambda folder: sorted(usual(folder)))
    assert build_site(store).written == 0
    assert files_of(built.index.parent) == before


def test_building_again_writes_only_what_changed(store: Path) -> None:
    assert build_site(store).written == 4  # index, trends, two comparisons
    assert build_site(store).written == 0
    pages = files_of(store / "site" / "compare")
    add(store, "d-fourth", 4)
    assert build_site(store).written == 3  # index, trends, the new run's comparison
    assert {name: files_of(store / "site" / "compare")[name] for name in pages} == pages


def read_while_building(store: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Build the site; return the runs that were read for it, in order."""
    seen: list[str] = []

    def look(folder: Path) -> Run:
        seen.append(folder.name)
        return read_run(folder)

    with monkeypatch.context() as patch:
        patch.setattr(site, "read_run", look)
        build_site(store)
    return seen


def test_what_has_not_changed_is_not_read_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_while_building(store, monkeypatch) == ["b-first", "c-second", "a-third", "other"]
    assert read_while_building(store, monkeypatch) == []
    add(store, "d-fourth", 4)
    # The new one, and the one that it is compared with.
    assert read_while_building(store, monkeypatch) == ["d-fourth", "a-third"]
    as_kept = files_of(store / "site")
    (store / "site" / KEPT).unlink()
    build_site(store)
    assert files_of(store / "site") == as_kept


CHANGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a table of the run before": (
        lambda store: _touch(store / "runs" / "c-second" / "clusters.parquet"),
        ["c-second", "b-first", "a-third"],
    ),
    "its comparison is gone": (
        lambda store: (store / "site/compare/a-third/index.html").unlink(),
        ["a-third", "c-second"],
    ),
    "its comparison was written by somebody": (
        lambda store: (store / "site/compare/a-third/index.html").write_text("x"),
        ["a-third", "c-second"],
    ),
    "it has a report now": (lambda store: (store / "runs/other/report.html").write_text("x"), ["other"]),
    "a run is gone": (lambda store: shutil.rmtree(store / "runs" / "c-second"), ["a-third", "b-first"]),
    "its time": (lambda store: os.utime(store / "runs/other/manifest.json", (NOON, NOON)), ["other"]),
    "the kept rows are cut": (
        lambda store: (store / "site" / KEPT).write_text('{"other": {"sta'),
        ["b-first", "c-second", "a-third", "other"],
    ),
    "the kept rows are of another kind": (
        lambda store: (store / "site" / KEPT).write_text('{"other": 3}'),
        ["b-first", "c-second", "a-third", "other"],
    ),
}


def _touch(file: Path) -> None:
    """Write the same bytes with the same time again: a time that nobody can set tells."""
    at = file.stat()
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    os.utime(file, ns=(at.st_atime_ns, at.st_mtime_ns))


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_read_again(store: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    build_site(store)
    make, expected = CHANGES[change]
    make(store)
    assert read_while_building(store, monkeypatch) == expected
    as_kept = files_of(store / "site")
    (store / "site" / KEPT).unlink()
    build_site(store)
    assert files_of(store / "site") == as_kept  # as if nothing had been kept


def test_other_code_reads_every_run_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_site(store)
    monkeypatch.setattr(kept_rows, "_code", lambda: "of another version")
    assert len(read_while_building(store, monkeypatch)) == 4


def test_the_first_run_that_is_left_has_no_comparison_any_more(store: Path) -> None:
    pages = build_site(store).index.parent / "compare"
    assert sorted(path.name for path in pages.iterdir()) == ["a-third", "c-second"]
    shutil.rmtree(store / "runs" / "b-first")
    build_site(store)
    assert sorted(path.name for path in pages.iterdir()) == ["a-third"]


def test_a_run_that_was_damaged_is_read_until_it_is_whole(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = store / "runs" / "c-second" / "clusters.parquet"
    content = table.read_bytes()
    table.write_bytes(content[:-20])
    build_site(store)
    assert read_while_building(store, monkeypatch) == ["c-second"]
    table.write_bytes(content)
    assert read_while_building(store, monkeypatch) == ["c-second", "b-first", "a-third"]


def test_comparisons_of_removed_runs_go_and_foreign_files_stay(store: Path) -> None:
    site = build_site(store).index.parent
    foreign = site / "compare" / "mine" / "index.html"
    foreign.parent.mkdir()
    foreign.write_text("<h1>mine</h1>")
    (store / "runs" / "c-second" / "manifest.json").unlink()
    (store / "runs" / "c-second").rename(store / "c-second")
    build_site(store)
    assert sorted(path.parent.name for path in (site / "compare").glob("*/index.html")) == ["a-third", "mine"]
    assert rows_of((site / "index.html").read_text())[1][3] == "nothing changed"  # compared with b-first now


DAMAGES = {
    "no manifest": lambda run: (run / "manifest.json").unlink(),
    "half a manifest": lambda run: (run / "manifest.json").write_bytes((run / "manifest.json").read_bytes()[:99]),
    "a list for a manifest": lambda run: (run / "manifest.json").write_text("[]"),
    "a table cut short": lambda run: (run / "scores.parquet").write_bytes((run / "scores.parquet").read_bytes()[:99]),
    "a table missing": lambda run: (run / "points.parquet").unlink(),
    "words for numbers": lambda run: _spoil(run, "rows", "many"),
    "nothing for numbers": lambda run: _spoil(run, "rows", None),
    "half a character": lambda run: _spoil(run, "source", "\ud800"),
    "very deep": lambda run: (run / "manifest.json").write_text("[" * 100_000),
    "an empty folder": lambda run: [path.unlink() for path in run.iterdir()],
}


def _spoil(run: Path, key: str, value: object) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["data"][key] = value
    (run / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_listed_and_costs_nothing_else(store: Path, damage: str) -> None:
    DAMAGES[damage](store / "runs" / "c-second")
    built = build_site(store)
    rows = {row[0].split()[0]: row for row in rows_of(built.index.read_text())}
    assert set(rows) == {"other", "a-third", "c-second", "b-first"}
    if damage == "half a character":
        assert rows["c-second"][7] == "?"
        return
    assert built.unreadable == 1
    status, reason = rows["c-second"][4].split(" ", 1)
    assert status == ("incomplete" if damage in ("no manifest", "an empty folder") else "damaged")
    assert 5 < len(reason) <= LONGEST_REASON
    assert rows["a-third"][3] == "nothing changed"  # compared with the run before the damaged one


def test_runs_that_share_no_rows_are_listed_without_a_comparison(tmp_path: Path) -> None:
    add(tmp_path, "one", 0)
    add(tmp_path, "two", 1, RunFolder(run="two", ids=[f"other {row}" for row in range(120)]))
    rows = rows_of(build_site(tmp_path).index.read_text())
    assert rows[0][3].startswith("not compared: two and one have 0 rows") or "0 rows in common" in rows[0][3]


def test_a_failing_write_leaves_the_old_site(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = build_site(store).index.parent
    before = files_of(site)
    add(store, "d-fourth", 4)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        build_site(store)
    assert files_of(site) == before


def test_a_store_without_runs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="remedy"):
        build_site(tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- trends -------------------------------------------------------------------------------------------------------


def test_trends_are_a_tidy_table_oldest_first(store: Path) -> None:
    build_site(store)
    table = pq.read_table(store / "site" / "trends.parquet")
    assert table.schema.equals(TRENDS)
    frame = table.to_pandas()
    real = frame[frame["measure"] == "real_clusters"]
    assert list(zip(real["run"], real["value"], strict=True)) == [("b-first", 1), ("c-second", 2), ("a-third", 1)]
    assert set(frame.loc[frame["run"] == "other", "measure"]) == {
        "median_recurrence",
        "trustworthiness",
        "auc_ln_k",
        "failed_cells",
    }


def test_what_is_measured_by_hand(store: Path) -> None:
    assert measure_run(read_run(store / "runs" / "c-second")) == {
        "real_clusters": 2,
        "median_recurrence": 0.8,
        "trustworthiness": 0.95,
        "auc_ln_k": 0.55,
        "failed_cells": 1,
    }


def test_only_names_with_two_runs_have_a_trend_and_its_words_hold_every_value(store: Path) -> None:
    page = build_site(store).index.read_text()
    labels = [at["aria-label"] for tag, at in Parsed(page).elements if tag == "svg"]
    assert labels[0] == "REAL clusters over 3 runs of three clusters, oldest first: 1, 2, 1"
    assert len(labels) == 5
    assert "1 (2 before)" in page


def test_a_sparkline_goes_from_the_lowest_to_the_highest_and_leaves_gaps() -> None:
    line = draw_sparkline("real_clusters", [1, None, 3, 2], "x")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert [y for _, y in points] == [HEIGHT - MARGIN, MARGIN, HEIGHT / 2]
    assert points[1][0] - points[0][0] == pytest.approx(2 * (points[2][0] - points[1][0]), abs=0.2)
    flat = draw_sparkline("trustworthiness", [0.5, 0.5], "x")
    assert flat is not None
    assert {point.split(",")[1] for point in flat.points.split()} == {f"{HEIGHT / 2:.1f}"}
    assert draw_sparkline("auc_ln_k", [None, None], "x") is None
    alone = draw_sparkline("auc_ln_k", [0.5, None], "x")
    assert alone is not None
    assert (alone.points, alone.told) == ("", "0.500")


# --- which run ----------------------------------------------------------------------------------------------------


def test_the_run_before_is_of_the_same_name_and_complete(store: Path) -> None:
    runs = store / "runs"
    assert previous_run(runs / "a-third") == runs / "c-second"
    assert previous_run(runs / "b-first") is None
    assert previous_run(runs / "other") is None
    (runs / "c-second" / "manifest.json").unlink()
    assert previous_run(runs / "a-third") == runs / "b-first"
    assert previous_run(runs / "c-second") is None


def test_a_run_that_time_has_cut_short_is_said_to_be_and_compared_with_nothing(store: Path) -> None:
    manifest = store / "runs" / "c-second" / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**told, "cut_short": True}), encoding="utf-8")
    os.utime(manifest, (NOON + DAY, NOON + DAY))
    assert previous_run(store / "runs" / "a-third") == store / "runs" / "b-first"
    assert previous_run(store / "runs" / "c-second") is None
    third, second = rows_of(build_site(store).index.read_text())[1:3]
    assert (second[0].split()[0], second[3], second[4]) == ("c-second", "–", "cut short, 1 cell failed")
    assert third[3] == "nothing changed"  # since the first, which is the same
    assert not (store / "site" / "compare" / "c-second").exists()


def test_runs_of_the_same_moment_are_ordered_by_name(tmp_path: Path) -> None:
    for run in ("b", "c", "a"):
        add(tmp_path, run, 0)
    assert [one.folder.name for one in finished_runs(tmp_path)] == ["c", "b", "a"]
    assert latest_run(tmp_path).name == "c"
    assert previous_run(tmp_path / "runs" / "b") == tmp_path / "runs" / "a"


def test_a_folder_outside_of_a_store_has_no_run_before(tmp_path: Path) -> None:
    for name in ("one", "two"):
        RunFolder().write(tmp_path / name)
    assert previous_run(tmp_path / "two") is None


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_are_text(tmp_path: Path, payload: str) -> None:
    pages = []
    for name in (HARMLESS, payload):
        store = tmp_path / str(len(pages))
        for day in range(2):
            folder = f"{day} {name}".replace("/", "∕")
            add(store, folder, day, hostile_folder(name))
            (store / "runs" / folder / "report.html").write_text("a report")
        pages.append(Parsed(build_site(store).index.read_text()))
    assert pages[1].skeleton == pages[0].skeleton
    assert pages[1].comments == []
    assert pages[1].scripts == pages[0].scripts
    for tag, attributes in pages[1].elements:
        if "href" in attributes:
            assert tag == "a"
            assert re.fullmatch(r"(\.\./runs|compare)/[\w.%~-]+/(report|index)\.html", attributes["href"] or "")


# --- commands -----------------------------------------------------------------------------------------------------


def test_the_site_command(store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (store / "runs" / "other" / "manifest.json").write_text("{")
    code, out, _ = call(capsys, monkeypatch, "site", str(store))
    assert (code, out.splitlines()) == (
        0,
        ["4 runs, 1 of them not readable; 4 files written", str(store / "site" / "index.html")],
    )
    assert call(capsys, monkeypatch, "site", str(store / "nothing"))[0] == 2


def test_open_opens_the_latest_report_or_the_one_named(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    pages = {run: store / "runs" / run / "report.html" for run in ("other", "b-first")}
    for page in pages.values():
        page.write_text("a report")
    place = ("--store", str(store))
    assert call(capsys, monkeypatch, "open", *place)[:2] == (0, f"{pages['other']}\n")
    assert call(capsys, monkeypatch, "open", "b-first", *place)[:2] == (0, f"{pages['b-first']}\n")
    assert opened == [pages["other"].as_uri(), pages["b-first"].as_uri()]
    assert call(capsys, monkeypatch, "open", "--print", *place)[:2] == (0, f"{pages['other']}\n")
    assert len(opened) == 2


@pytest.mark.parametrize(
    ("words", "told"), [((), "no complete run"), (("none",), "no such run"), (("a-third",), "steadymap report a-third")]
)
def test_open_says_what_is_missing(
    store: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: pytest.fail(f"opened {address}"))
    place = store if words else store / "empty"
    code, out, err = call(capsys, monkeypatch, "open", *words, "--store", str(place))
    assert (code, out) == (2, "")
    assert told in err
    assert "remedy" in err
