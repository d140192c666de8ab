"""Every number of the site (the list, trends of scores, nights by clusters), against pandas over the Parquet files."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadymap.configs import schemas
from steadymap.reports.nights.nights import SweepOfNight, write_night
from steadymap.reports.nights.nights_page import build_nights_page
from steadymap.reports.site.site import build_site
from tests.reports.elements import Element, plain, read_elements, rows_of
from tests.reports.nights.test_nights_page import cluster, row
from tests.reports.run_folder_fixture import ROWS, RunFolder
from tests.reports.site.test_site import DAY, NOON

SHAPES = {"REAL": "●", "HIDDEN": "◐", "ARTEFACT": "○", "UNCERTAIN": "◇"}

NIGHTS = {
    "monday": ("REAL", "HIDDEN", "UNCERTAIN"),
    "tuesday": ("REAL", "REAL", "REAL"),
    "wednesday": ("ARTEFACT", "UNCERTAIN", "UNCERTAIN"),
    "thursday": ("REAL", "ARTEFACT", "REAL"),
}

MEASURES = {
    "REAL clusters": "real_clusters",
    "median recurrence": "median_recurrence",
    "trustworthiness, best recommended": "trustworthiness",
    "AUC of R_NX, best recommended": "auc_ln_k",
    "failed cells": "failed_cells",
}


def with_other_numbers(folder: Path, seed: int) -> None:
    """Deal out other recurrences, scores of settings, and endings of cells."""
    generator = np.random.default_rng(seed)
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("clusters", "recommendations", "cells")}
    clusters, advice, cells = tables["clusters"], tables["recommendations"], tables["cells"]
    clusters["recurrence"] = generator.uniform(0.2, 1, len(clusters))
    advice["trustworthiness"] = generator.uniform(0.5, 1, len(advice))
    advice["auc_ln_k"] = generator.uniform(0.1, 0.6, len(advice))
    lost = generator.random(len(cells)) < 0.2 * seed
    cells.loc[lost & (cells["status"] == "skipped"), "status"] = "timed_out"
    for name, table in tables.items():
        written = pa.Table.from_pandas(table, schemas.RUN_TABLES[name], preserve_index=False)
        pq.write_table(written, folder / f"{name}.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["tables"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    for day, (run, verdicts) in enumerate(NIGHTS.items()):
        folder = RunFolder(run=run, verdicts=verdicts).write(place / "runs" / run)
        with_other_numbers(folder, day)
        os.utime(folder / "manifest.json", (NOON + day * DAY, NOON + day * DAY))
    build_site(place)
    return place


@pytest.fixture(scope="module")
def page(store: Path) -> Element:
    return read_elements((store / "site" / "index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wanted(store: Path) -> pd.DataFrame:
    """Return every measure of every run by another road, oldest first."""
    found = []
    for run in NIGHTS:
        clusters, advice, cells = (
            pd.read_parquet(store / "runs" / run / f"{name}.parquet")
            for name in ("clusters", "recommendations", "cells")
        )
        chosen = advice.query("recommended")
        found.append(
            {
                "run": run,
                "real_clusters": (clusters["verdict"] == "REAL").sum(),
                "median_recurrence": float(np.median(clusters["recurrence"])),
                "trustworthiness": max(chosen["trustworthiness"]),
                "auc_ln_k": max(chosen["auc_ln_k"]),
                "failed_cells": cells["status"].isin(["crashed", "timed_out", "failed"]).sum(),
            }
        )
    table = pd.DataFrame(found).set_index("run")
    assert (table.max() > table.min()).all()  # no line is flat
    return table


def spelled(measure: str, value: float) -> str:
    return f"{value:.0f}" if measure in ("real_clusters", "failed_cells") else f"{value:.3f}"


def test_the_list_of_runs(store: Path, page: Element, wanted: pd.DataFrame) -> None:
    told = rows_of(page.first("", id="runs"))
    assert [one[0].split(" ")[0] for one in told] == list(NIGHTS)[::-1]
    for one in told:
        run = one[0].split(" ")[0]
        verdicts = pd.read_parquet(store / "runs" / run / "clusters.parquet")["verdict"].value_counts()
        counts = [f"{SHAPES[word]} {verdicts[word]} {word}" for word in SHAPES if word in verdicts]
        assert one[2] == " ".join(counts)
        failed = wanted.loc[run, "failed_cells"]
        assert one[4] == f"{failed:.0f} cell{'' if failed == 1 else 's'} failed"
        assert one[5] == f"{wanted.loc[run, 'trustworthiness']:.3f}"
        assert one[8] == f"{ROWS} × 6"


def test_every_value_of_a_trend(page: Element, wanted: pd.DataFrame) -> None:
    found = page.first("", id="trends").first("table")
    heads = [one.text for one in found.first("thead").every("th")][1:]
    assert heads == list(MEASURES)
    told = rows_of(found)
    assert [one[0].split(",")[0] for one in told] == list(wanted.index)
    for one, (_, own) in zip(told, wanted.iterrows(), strict=True):
        assert one[1:] == [spelled(measure, own[measure]) for measure in MEASURES.values()]


@pytest.mark.parametrize("title", MEASURES)
def test_the_line_of_a_trend(page: Element, wanted: pd.DataFrame, title: str) -> None:
    measure, values = MEASURES[title], wanted[MEASURES[title]].to_numpy(dtype=float)
    (figure,) = (
        one for one in page.first("", id="trends").every("figure") if one.first("figcaption").text.startswith(title)
    )
    words = [spelled(measure, value) for value in values]
    assert figure.first("figcaption").text == f"{title}: {words[-1]} ({words[-2]} before)"
    svg = figure.first("svg")
    assert svg.attributes["aria-label"].endswith(f"oldest first: {', '.join(words)}")
    places = np.array([one.split(",") for one in svg.first("polyline").attributes["points"].split()], dtype=float)
    height, width = float(svg.attributes["height"]), float(svg.attributes["width"])
    up = (height - 4 - places[:, 1]) / (height - 8)
    assert up == pytest.approx((values - values.min()) / (values.max() - values.min()), abs=0.005)
    assert places[:, 0] == pytest.approx(np.linspace(4, width - 4, len(values)), abs=0.06)
    circle = svg.first("circle")
    assert (float(circle.attributes["cx"]), float(circle.attributes["cy"])) == pytest.approx(places[-1], abs=0.06)


def test_the_table_of_trends_beside_the_page(store: Path, wanted: pd.DataFrame) -> None:
    table = pd.read_parquet(store / "site" / "trends.parquet")
    across = table.pivot_table(index="run", columns="measure", values="value", sort=False)
    assert list(table["run"].drop_duplicates()) == list(wanted.index)
    pd.testing.assert_frame_equal(
        across[list(wanted.columns)].astype(float), wanted.astype(float), check_names=False, check_like=True
    )


# --- nights by clusters -----------------------------------------------------------------------------------------------


def test_the_time_lines_of_clusters(tmp_path: Path) -> None:
    """Six nights of two sweeps at random: computed, unchanged or failed; the page's cells against the record's rows."""
    generator = np.random.default_rng(12)
    words = [*SHAPES]
    runs: dict[str, str] = {}
    for day in range(6):
        sweeps: list[SweepOfNight] = []
        clusters: list[dict[str, object]] = []
        for sweep in ("elm", "oak"):
            status = "computed" if day == 0 else str(generator.choice(["computed", "computed", "unchanged", "failed"]))
            if status == "computed":
                runs[sweep] = f"{sweep}-{day}"
                for lasting in generator.permutation(6)[:4] + 1:
                    label = None if lasting % 2 else f"leaf {lasting}"
                    told = cluster(sweep, runs[sweep], int(lasting), str(generator.choice(words)), label)
                    clusters.append({**told, "size": int(generator.integers(10, 5_000))})
            sweeps.append(row(sweep, status, runs[sweep], reason="half a file" if status == "failed" else None))
        write_night(tmp_path, f"2026-11-{20 + day}T02-00-00Z-n", "nightly", sweeps, clusters)
    built = build_nights_page(tmp_path)
    assert built is not None
    page = read_elements(built.read_text(encoding="utf-8"))
    nights = pd.read_parquet(tmp_path / "nights" / "sweeps")
    record = pd.read_parquet(tmp_path / "nights" / "clusters")
    assert set(nights["status"]) == {"computed", "unchanged", "failed"}
    for sweep in ("elm", "oak"):
        (section,) = (one for one in page.every("section") if one.attributes.get("data-name") == sweep)
        own = nights[nights["sweep"] == sweep].sort_values("night")
        days = [one.attributes["datetime"] for one in section.every("time")]
        assert days == [night[:10] for night in own["night"]]
        # By another road: a cluster's verdict of a night is that of the night's run; failed nights have none.
        verdicts = record[record["sweep"] == sweep].pivot_table(
            index="lasting", columns="run", values="verdict", aggfunc="first"
        )
        by_night = verdicts.reindex(columns=own["run"])
        by_night.columns = pd.Index(own["night"])
        by_night[own.loc[own["status"] == "failed", "night"]] = None
        latest = record[record["sweep"] == sweep].sort_values("night").groupby("lasting").last()
        lines = {}
        for line in section.first("tbody").every("tr"):
            number = int(re.findall(r"^C(\d+)", line.first("th").text)[0])
            lines[number] = line
            label = latest.loc[number, "label"]
            assert line.first("th").text == f"C{number}" + ("" if pd.isna(label) else f" ({label})")
            rows, *told = line.every("td")
            assert rows.text == f"{latest.loc[number, 'size']:,}"
            before, any_before = None, False
            for cell, status, verdict in zip(told, own["status"], by_night.loc[number], strict=True):
                if isinstance(verdict, str):
                    assert cell.first("span").attributes["title"] == verdict
                    assert cell.text.startswith(SHAPES[verdict])
                    # Another verdict than the time before, or a cluster that earlier nights did not have; what is
                    # neither REAL nor HIDDEN before and now is no news.
                    flips = any_before and verdict != before and {verdict, before} & {"REAL", "HIDDEN"}
                    assert (cell.attributes.get("class") == "flip") == bool(flips)
                    before = verdict
                else:
                    assert (plain(cell.text), cell.attributes) == ("none", {})
                any_before = any_before or status != "failed"
        assert set(lines) == set(by_night.dropna(how="all").index)
