"""What the report costs: size, time to build, time to first paint, frames per second while brushing, memory.

    python -m benchmarks.report_page [SETTINGSxSEEDSxROWS …]

Run folders are made here, by their schema and of numbers without a meaning, so that no engine runs. Chromium renders in
software. Frames are counted while a box grows over one picture, once a frame, with every other picture linked; pictures
are then of the size that the page starts with. The times are those of this machine and of what else runs on it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import Page, sync_playwright

from steadymap.configs import schemas
from steadymap.reports.build import build_report

NOISE = 0.1
IMAGE = (32, 32, 3)
DRAWN_ROWS = 10_000
"""A run draws no more rows than that, however many there are."""
WINDOW = {"width": 1400, "height": 900}
BRUSHING_SECONDS = 3

BRUSH = """seconds => new Promise((done) => {
  const picture = document.querySelector("#rows [data-cell]"), box = picture.getBoundingClientRect();
  const times = [], begin = performance.now();
  function step(now) {
    times.push(performance.now());
    const share = 0.2 + 0.6 * Math.abs(Math.sin((now - begin) / 700));
    picture.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, pointerId: 1,
      clientX: box.left + share * box.width, clientY: box.top + share * box.height }));
    if (performance.now() - begin < 1000 * seconds) requestAnimationFrame(step); else done(times);
  }
  requestAnimationFrame(step);
})"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
LAG = """() => new Promise((done) => {
  const begin = performance.now();
  const look = () => document.getElementById("rows").getAttribute("aria-busy") === "true"
    ? requestAnimationFrame(look) : done(performance.now() - begin);
  requestAnimationFrame(look);
})"""
"""How long the last picture takes to follow."""
ON_SCREEN = """() => [...document.querySelectorAll('#rows [data-cell]')].filter((one) => {
  const { top, bottom } = one.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}).length"""
READY = """() => { new MutationObserver(() => { window.readyAt ??= performance.now(); })
  .observe(document, { attributes: true, subtree: true, attributeFilter: ["data-ready"] }); }"""


@dataclass(frozen=True)
class Case:
    """A size of run and what its report may cost, None where nothing was promised."""

    settings: int
    seeds: int
    rows: int
    clusters: int = 12
    megabytes: float | None = None
    paint_seconds: float | None = None
    frames: float | None = None
    build_seconds: float | None = None
    text_seconds: float | None = None
    heap_megabytes: float | None = None

    @property
    def drawn(self) -> int:
        """Rows in every picture."""
        return min(self.rows, DRAWN_ROWS)


CASES = (
    Case(12, 3, 1_797, megabytes=3, paint_seconds=1, frames=20, text_seconds=1),
    Case(12, 3, 10_000, build_seconds=30),
    Case(12, 5, 10_000, megabytes=15, paint_seconds=1, frames=20, text_seconds=1, heap_megabytes=500),
    Case(12, 3, 70_000, megabytes=40),
)


def main() -> int:
    """Measure every case, print a line each, and return 1 where a budget is missed."""
    cases = [Case(*map(int, asked.split("x"))) for asked in sys.argv[1:]] or CASES
    good = True
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            run = write_run_folder(Path(folder) / "run", case)
            began = time.perf_counter()
            report = build_report(run)
            measured = {"build_seconds": time.perf_counter() - began, **_open(report)}
        good = _tell(case, measured) and good
    print("passed" if good else "FAILED")
    return 0 if good else 1


def _tell(case: Case, measured: dict[str, float]) -> bool:
    bounds = {
        "megabytes": (case.megabytes, 1),
        "build_seconds": (case.build_seconds, 1),
        "paint_seconds": (case.paint_seconds, 1),
        "frames": (case.frames, -1),
        "text_seconds": (case.text_seconds, 1),
        "heap_megabytes": (case.heap_megabytes, 1),
    }
    missed = [
        name for name, (bound, sign) in bounds.items() if bound is not None and sign * measured[name] > sign * bound
    ]
    told = [
        f"{measured['megabytes']:.1f} MB",
        f"built in {measured['build_seconds']:.1f} s",
        f"text after {measured['text_seconds']:.2f} s, pictures after {measured['paint_seconds']:.2f} s",
        f"{measured['frames']:.0f} frames/s while brushing (longest {measured['longest_frame']:.0f} ms)",
        f"all of {measured['on_screen']:.0f} pictures on the screen follow within {measured['lag']:.0f} ms",
        f"heap {measured['heap_megabytes']:.0f} MB",
        *(f"MISSED: {name}" for name in missed),
    ]
    print(f"{case.settings * case.seeds} × {case.rows:,}: {'; '.join(told)}", flush=True)
    return not missed


# --- the browser ----------------------------------------------------------------------------------------------------


def _open(report: Path) -> dict[str, float]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
        )
        page = browser.new_page(viewport=WINDOW)
        page.add_init_script(f"({READY})()")
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready=true]", state="attached", timeout=120_000)
        measured = {
            "megabytes": report.stat().st_size / 1e6,
            "text_seconds": (page.evaluate(PAINT) or float("nan")) / 1000,
            "paint_seconds": page.evaluate("window.readyAt") / 1000,
            **_brush(page),
            "heap_megabytes": page.evaluate("performance.memory.usedJSHeapSize") / 1e6,
        }
        browser.close()
    return measured


def _brush(page: Page) -> dict[str, float]:
    first = page.locator("#rows [data-cell]").first
    first.evaluate("element => element.scrollIntoView()")
    box = first.bounding_box()
    assert box is not None  # noqa: S101
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    times = np.array(page.evaluate(BRUSH, BRUSHING_SECONDS))
    lag = page.evaluate(LAG)
    page.mouse.up()
    return {
        "frames": (len(times) - 1) / (times[-1] - times[0]) * 1000,
        "longest_frame": float(np.diff(times).max()),
        "lag": lag,
        "on_screen": page.evaluate(ON_SCREEN),
    }


# --- the run folder -------------------------------------------------------------------------------------------------


def write_run_folder(folder: Path, case: Case) -> Path:
    """Write a run folder of this size: clouds around a circle, in islands, with everything that colours rows."""
    folder.mkdir(parents=True)
    cells = [_cell(case, setting, seed) for setting in range(case.settings) for seed in range(case.seeds)]
    rows = np.random.default_rng(0).permutation(case.rows)[: case.drawn]
    names = [cell["cell"] for cell in cells]
    tables = {name: schema.empty_table() for name, schema in schemas.RUN_TABLES.items()}
    tables["cells"] = pa.Table.from_pylist(cells, schema=schemas.CELLS)
    tables["scores"] = pa.Table.from_pylist(
        [{"cell": name, "score": "trustworthiness", "k": 15, "value": 0.9, "stderr": 0.0} for name in names],
        schema=schemas.SCORES,
    )
    tables["embeddings"] = pa.concat_tables(_picture(place, names, rows, case.clusters) for place in range(len(names)))
    tables["clusters"] = pa.Table.from_pylist(
        [_cluster(number, case, names[0]) for number in range(case.clusters)],
        schema=schemas.CLUSTERS,
    )
    tables["points"] = _points(case.rows, case.clusters)
    tables["images"] = _images(rows)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    (folder / "manifest.json").write_text(json.dumps(_manifest(case)), encoding="utf-8")
    return folder


def _cell(case: Case, setting: int, seed: int) -> dict[str, Any]:
    tsne = setting < case.settings // 2
    told = {"perplexity": 5.0 + 5 * setting} if tsne else {"n_neighbors": 5 + 5 * setting, "min_dist": 0.1}
    reducer = "tsne" if tsne else "umap"
    return {
        **told,
        "cell": f"{setting:016x}{seed:016x}",
        "configuration": " ".join([reducer, *(f"{name}={value:g}" for name, value in told.items())]),
        "reducer": reducer,
        "engine": "none",
        "method": "none",
        "metric": "euclidean",
        "dimension": 2,
        "min_cluster_size": 10,
        "seed": seed,
        "kind": "data",
        "rows": case.rows,
        "status": "ok",
        "islands": case.clusters,
        "noise_share": 0.0,
    }


def _picture(place: int, names: list[str], rows: np.ndarray, clusters: int) -> pa.Table:
    generator = np.random.default_rng(place)
    turns = 2 * np.pi * (rows % clusters) / clusters
    centres = np.column_stack([np.cos(turns), np.sin(turns)])
    x, y = (centres + 0.12 * generator.standard_normal((len(rows), 2))).astype(np.float32).T
    filled = (rows % clusters).astype(np.int32)
    island = np.where(generator.random(len(rows)) < NOISE, -1, filled).astype(np.int32)
    return pa.table(
        {
            "cell": pa.DictionaryArray.from_arrays(np.full(len(rows), place, np.int32), pa.array(names)),
            "row": rows,
            "x": x,
            "y": y,
            "z": pa.nulls(len(rows), pa.float32()),
            "island": island,
            "island_filled": filled,
        },
        schema=schemas.EMBEDDINGS,
    )


def _cluster(number: int, case: Case, cell: str) -> dict[str, Any]:
    return {
        "cluster": number,
        "size": case.rows // case.clusters,
        "label": f"class {number}",
        "label_share": 1.0,
        "co_assignment": 0.9,
        "recurrence": 0.9,
        "band": "highly stable",
        "recovered": case.settings,
        "dissolved": 0,
        "configurations": case.settings,
        "best_cell": cell,
    }


def _points(rows: int, clusters: int) -> pa.Table:
    generator = np.random.default_rng(0)
    number = np.arange(rows)
    columns: dict[str, Any] = {
        "row": number,
        "position": number,
        "id": [f"sample-{row:06d}" for row in number],
        "label": [f"class {row % clusters}" for row in number],
        "group": pa.nulls(rows, pa.string()),
        "cluster": (number % clusters).astype(np.int32),
        "membership": generator.random(rows).astype(np.float32),
        **{
            name: generator.random(rows).astype(np.float32)
            for name in (*schemas.INSTABILITY.names, *schemas.RATINGS.names, *schemas.RECONSTRUCTION.names)
        },
    }
    return pa.table(columns, schema=schemas.points(()))


def _images(rows: np.ndarray) -> pa.Table:
    """Return noise in colour, which does not deflate: the most that images can take."""
    noise = np.random.default_rng(0).integers(0, 256, (len(rows), *IMAGE), dtype=np.uint8)
    sides = {
        name: np.full(len(rows), size, np.int32)
        for name, size in zip(("height", "width", "channels"), IMAGE, strict=True)
    }
    return pa.table({"row": rows, **sides, "pixels": [one.tobytes() for one in noise]}, schema=schemas.IMAGES)


def _manifest(case: Case) -> dict[str, Any]:
    cells = case.settings * case.seeds
    return {
        "run": "benchmark",
        "name": f"{cells} pictures of {case.rows:,} rows",
        "identity": "0" * 32,
        "data": {"source": "none", "rows": case.rows, "dimensions": 16, "digest": "0" * 32, "labels": ["class"]},
        "preprocess": {"metric": "euclidean", "pca": None, "scale": "none"},
        "seeds": list(range(case.seeds)),
        "versions": {},
        "cells": {"total": cells, "ok": cells},
        "warnings": [],
        "drawn_rows": case.drawn,
        "scored_rows": case.rows,
        "reproduce": "",
    }


if __name__ == "__main__":
    sys.exit(main())
