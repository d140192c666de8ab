"""Every river that is drawn (by parameter, from run to run, over a training), against pandas over the tables.

Read back from the SVG: blocks and bands have their rows by name, by height on one scale, and stacked without gap or
overlap; colours are those of the clusters.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadymap.configs import schemas
from steadymap.reports.compare.compare_runs import compare_runs
from steadymap.reports.compare.comparison_page import render_comparison
from steadymap.reports.encoders.axis import EncoderRun, build_axis, share_rows
from steadymap.reports.encoders.axis_page import write_axis
from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import read_run
from steadymap.reports.summary.summary import summarise
from tests.reports.compare.test_compare import regrouped
from tests.reports.elements import Element, plain, read_elements
from tests.reports.run_folder_fixture import ROWS, RunFolder

FINE = 0.11
"""Places in an SVG have one decimal."""


@dataclass(frozen=True)
class DrawnBlock:
    """A block as it is drawn: its column, top and height, what it says, its colour."""

    column: int
    top: float
    height: float
    words: str
    slot: int | None


@dataclass(frozen=True)
class DrawnBand:
    """A band as it is drawn: the column it begins at, tops and bottoms of its ends, what it says, its colour."""

    column: int
    start: tuple[float, float]
    end: tuple[float, float]
    rows: int
    left: str
    right: str
    slot: int | None


def slot_of(one: Element) -> int | None:
    found = re.search(r"--c(\d+)", one.attributes.get("style", ""))
    return None if found is None else int(found[1])


def read_river(svg: Element) -> tuple[list[DrawnBlock], list[DrawnBand]]:
    """Read blocks and bands back."""
    rects = list(svg.every("rect"))
    xs = sorted({float(one.attributes["x"]) for one in rects})
    blocks = [
        DrawnBlock(
            xs.index(float(one.attributes["x"])),
            float(one.attributes["y"]),
            float(one.attributes["height"]),
            plain(one.first("title").text),
            slot_of(one),
        )
        for one in rects
    ]
    bands = []
    for one in svg.every("path", class_="band"):
        numbers = [float(part) for part in re.findall(r"-?[0-9.]+", one.attributes["d"])]
        # M left start C middle start middle end right end V low C middle low middle high left high Z
        left, start, end, low, high = numbers[0], numbers[1], numbers[7], numbers[8], numbers[14]
        told = re.fullmatch(r"([0-9,]+) rows?: (.*) → (.*)", plain(one.first("title").text))
        assert told is not None
        column = next(place for place, x in enumerate(xs) if abs(x + 12 - left) < FINE)
        rows = int(told[1].replace(",", ""))
        assert (" rows: " in told[0]) == (rows != 1)
        bands.append(DrawnBand(column, (start, high), (end, low), rows, told[2], told[3], slot_of(one)))
    return blocks, bands


def check_geometry(blocks: Sequence[DrawnBlock], bands: Sequence[DrawnBand], rows: dict[str, int]) -> None:
    """Check that all heights have one scale, and that bands lie side by side along their blocks.

    ``rows`` are those of every block, by ``COLUMN/WORDS``.
    """
    scale = max(one.height for one in blocks) / max(rows.values())
    for one in blocks:
        assert one.height == pytest.approx(max(rows[f"{one.column}/{one.words}"] * scale, 0.6), abs=FINE)
    for band in bands:
        for top, bottom in (band.start, band.end):
            assert bottom - top == pytest.approx(max(band.rows * scale, 0.6), abs=2 * FINE)
    for one in blocks:
        ends = [
            [band.start for band in bands if (band.column, band.left) == (one.column, one.words)],
            [band.end for band in bands if (band.column + 1, band.right) == (one.column, one.words)],
        ]
        for side in filter(None, ends):
            side.sort()
            assert side[0][0] == pytest.approx(one.top, abs=FINE)
            for (_, above), (below, _) in pairwise(side):
                assert below == pytest.approx(above, abs=0.75)  # a band of few rows is drawn wider than it is
    for column in {one.column for one in blocks}:
        stacked = sorted((one.top, one.top + one.height) for one in blocks if one.column == column)
        assert all(below > above for (_, above), (below, _) in pairwise(stacked))


def crossed(left: pd.Series, right: pd.Series) -> dict[tuple[object, object], int]:
    table = pd.crosstab(left, right)
    return {(a, b): int(table.loc[a, b]) for a in table.index for b in table.columns if table.loc[a, b]}


# --- by parameter -----------------------------------------------------------------------------------------------------


def with_uneven_islands(folder: Path) -> Path:
    """Deal the rows out to islands of uneven sizes, other ones in every picture, clusters mixed in each."""
    generator = np.random.default_rng(8)
    table = pd.read_parquet(folder / "embeddings.parquet")
    for cell in table["cell"].unique():
        own = table["cell"] == cell
        dealt = generator.choice(4, int(own.sum()), p=[0.45, 0.3, 0.2, 0.05])
        table.loc[own, "island_filled"] = dealt.astype(np.int32)
    pq.write_table(pa.Table.from_pandas(table, schemas.EMBEDDINGS, preserve_index=False), folder / "embeddings.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["tables"]["embeddings.parquet"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    ("parameter", "values"), [("perplexity", ["5", "30"]), ("n_neighbors", ["5", "15"]), ("min_dist", ["0.1", "0.5"])]
)
def test_the_river_of_a_parameter(tmp_path: Path, parameter: str, values: list[str]) -> None:
    folder = with_uneven_islands(RunFolder(verdicts=("REAL",) * 3).write(tmp_path / "run"))
    run = read_run(folder)
    section = read_elements(render_page(run, summarise(run))).first("", id="tracks")
    (heading,) = (one for one in section.every("h4") if f"{parameter} {' → '.join(values)}" in plain(one.text))
    river = next(
        one.first("svg", class_="river")
        for one in section.first("div", class_="rivers").every("div")
        if heading in one.parts
    )
    held = dict(part.rsplit(" ", 1) for part in plain(heading.first("small").text).split(", "))
    cells = pd.read_parquet(folder / "cells.parquet").query("kind == 'data' and status == 'ok'")
    own = cells[cells["seed"] == int(held.pop("seed"))]
    for name, value in held.items():
        own = own[own[name] == float(value)]
    chosen = own.dropna(subset=[parameter]).set_index(parameter)["cell"]
    islands = pd.read_parquet(folder / "embeddings.parquet").pivot_table(
        index="row", columns="cell", values="island_filled", observed=True
    )
    columns = [islands[chosen[float(value)]].astype(int) for value in values]
    assert all(column.value_counts().nunique() == column.nunique() for column in columns)  # no two islands alike
    clusters = pd.read_parquet(folder / "points.parquet").set_index("row")["cluster"].reindex(islands.index)
    blocks, bands = read_river(river)
    number = {one.words: int(one.words.split(" ")[1]) for one in blocks}
    rows = {}
    for one in blocks:
        held_by = clusters[columns[one.column] == number[one.words]].value_counts()
        named = held_by[held_by >= 0.1 * held_by.sum()].sort_values(ascending=False, kind="stable")
        rows[f"{one.column}/{one.words}"] = int(held_by.sum())
        assert f"({held_by.sum()} row{'' if held_by.sum() == 1 else 's'}, " in one.words
        told = re.findall(r"(\d+) % of it cluster c(\d)", one.words)
        assert [int(share) for share, _ in told] == [round(100 * value / held_by.sum()) for value in named]
        assert {int(cluster) for _, cluster in told} == {int(cluster) for cluster in named.index}
        assert one.slot == int(told[0][1])  # clusters 0, 1 and 2 have the first three hues
    assert len(blocks) == sum(column.nunique() for column in columns)
    assert {(number[band.left], number[band.right]): band.rows for band in bands} == crossed(*columns)
    check_geometry(blocks, bands, rows)
    slots = {f"{one.column}/{one.words}": one.slot for one in blocks}
    for band in bands:
        ends = f"{band.column}/{band.left}", f"{band.column + 1}/{band.right}"
        assert band.slot == slots[min(ends, key=lambda end: rows[end])]  # the smaller says better whose rows these are


# --- from run to run --------------------------------------------------------------------------------------------------

UNEVEN = np.random.default_rng(3).choice(4, ROWS, p=[0.5, 0.27, 0.18, 0.05])


def test_the_river_from_run_to_run(tmp_path: Path) -> None:
    before = read_run(RunFolder(verdicts=("REAL", "HIDDEN", "UNCERTAIN")).write(tmp_path / "run"))
    first = np.random.default_rng(4).choice(3, ROWS, p=[0.5, 0.3, 0.2])
    mixed = np.where(np.arange(ROWS) % 5 == 0, UNEVEN, (first + 1) % 3)
    a = regrouped(before, first, ("REAL", "HIDDEN", "UNCERTAIN"))
    b = regrouped(before, mixed, ["REAL", "ARTEFACT", "UNCERTAIN", "HIDDEN"][: len(set(mixed))])
    page = read_elements(render_comparison(compare_runs(a, b)))
    blocks, bands = read_river(page.first("svg", class_="river"))
    shared = a.points[["id", "cluster"]].merge(b.points[["id", "cluster"]], on="id", suffixes=("_a", "_b"))
    sizes = [shared["cluster_a"].value_counts(), shared["cluster_b"].value_counts()]
    rows = {}
    for one in blocks:
        found = re.fullmatch(r"([AB])(\d+), (\w+)", one.words)
        assert found is not None
        side = "AB".index(found[1])
        assert side == one.column
        table = (a, b)[side].clusters.set_index("cluster")
        assert found[3] == table.loc[int(found[2]), "verdict"]
        rows[f"{one.column}/{one.words}"] = int(sizes[side][int(found[2])])
    assert len(rows) == len(blocks) == len(sizes[0]) + len(sizes[1])
    names = [{one.words: int(re.findall(r"\d+", one.words)[0]) for one in blocks if one.column == at} for at in (0, 1)]
    told = {(names[0][band.left], names[1][band.right]): band.rows for band in bands}
    assert told == crossed(shared["cluster_a"], shared["cluster_b"])
    texts = [plain(one.text) for one in page.first("svg", class_="river").every("text")]
    for one in blocks:
        assert any(f"{one.words[:2]} · {rows[f'{one.column}/{one.words}']}" in text for text in texts)
    check_geometry(blocks, bands, rows)


# --- over a training --------------------------------------------------------------------------------------------------


def test_the_river_of_training_steps(tmp_path: Path) -> None:
    last = read_run(
        RunFolder(verdicts=("REAL", "HIDDEN", "UNCERTAIN"), ids=[f"r{row:03d}" for row in range(ROWS)]).write(
            tmp_path / "runs" / "a"
        )
    )
    generator = np.random.default_rng(6)
    final = generator.choice(3, ROWS, p=[0.5, 0.3, 0.2])
    middle = np.where(generator.random(ROWS) < 0.15, -1, final)
    early = np.where(middle == 2, 0, middle)
    early = np.where(generator.random(ROWS) < 0.1, 1, early)
    steps = []
    for partition in (early, middle, final):
        one = regrouped(
            last, partition, ["", *["REAL"] * (len(set(partition)) - 1)] if min(partition) < 0 else ["REAL"] * 3
        )
        steps.append(replace(one, clusters=one.clusters[one.clusters["cluster"] >= 0]))
    encoders = [EncoderRun(f"step {100 * place}", one) for place, one in enumerate(steps)]
    shared = share_rows(encoders)
    axis = build_axis("training", encoders, shared, checkpoints=True)
    page = read_elements(write_axis(axis, encoders, shared, tmp_path / "encoders", {}).read_text(encoding="utf-8"))
    river = page.first("svg", class_="river")
    blocks, bands = read_river(river)
    heads = [one.text for one in river.every("text", class_="head")]
    assert heads == ["step 0", "step 100", "step 200"]
    tables = [one.points.set_index("id")["cluster"] for one in steps]
    for at, table in enumerate(tables):
        sizes = table[table >= 0].value_counts()
        assert sum(one.column == at for one in blocks) == len(sizes)
    scale = max(one.height for one in blocks) / max(int(table[table >= 0].value_counts().max()) for table in tables)
    for at, table in enumerate(tables):
        wanted = sorted(int(size) for size in table[table >= 0].value_counts())
        assert sorted(one.height / scale for one in blocks if one.column == at) == pytest.approx(wanted, abs=0.1)
    for at in (0, 1):
        both = pd.DataFrame({"a": tables[at], "b": tables[at + 1]}).query("a >= 0 and b >= 0")
        drawn = [band for band in bands if band.column == at]
        assert Counter(band.rows for band in drawn) == Counter(crossed(both["a"], both["b"]).values())
        # What a block gives is what its rows are: by the height of the block that a band begins in.
        for one in (block for block in blocks if block.column == at):
            number = min(
                (cluster for cluster in tables[at].unique() if cluster >= 0),
                key=lambda cluster: abs((tables[at] == cluster).sum() - one.height / scale),
            )
            given = Counter(band.rows for band in drawn if one.top - FINE <= band.start[0] < one.top + one.height)
            own = both[both["a"] == number]
            assert given == Counter(int(size) for size in own["b"].value_counts())
    texts = [plain(one.text) for one in river.every("text")]
    for one in blocks:
        assert any(text.endswith(f"· {round(one.height / scale)}") for text in texts)
