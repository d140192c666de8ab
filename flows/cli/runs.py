"""Commands about the runs of a store: list, render, compare, export, show, and make room."""

from __future__ import annotations

import glob
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from steadymap.configs.errors import InputError
from steadymap.configs.schemas import VERDICTS
from steadymap.flows.cli.options import (
    EXIT_NOTHING_USABLE,
    EXIT_REPORT,
    JsonOption,
    StoreOption,
    app,
    bring_runs,
    find_folder,
    open_place,
)

LEAST_NAME, BESIDE_NAMES = 18, 80
"""Columns of a terminal that names of runs have at least, and that everything else in their table takes at most."""

PAGE_ENDINGS = (".html", ".htm")

EXPORT_FORMATS: tuple[Literal["parquet", "csv", "h5ad"], ...] = ("parquet", "csv", "h5ad")


@app.command
def report(
    run: Annotated[str, Parameter(help="Name of a run (see `steadymap runs`) or its folder.")],
    *,
    store: StoreOption = "results",
) -> int:
    """Render a run's report again, from its folder alone."""
    from steadymap.reports.build import build_report
    from steadymap.tasks.store.sync import upload

    place = open_place(store)
    folder = find_folder(run, place)
    print(build_report(folder))
    upload(place, [folder])
    return EXIT_REPORT


@app.command
def compare(
    a: Annotated[str, Parameter(help="Name of a run (see `steadymap runs`) or its folder: before.")],
    b: Annotated[str, Parameter(help="Another one, of the same inputs: after.")],
    *,
    out: Annotated[Path | None, Parameter(help="Also write a page: an .html file that opens offline.")] = None,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Say which clusters appear, vanish, split or merge from one run to another, and which scores really differ."""
    from steadymap.flows.compare_latents import compare_encoders
    from steadymap.reports.commit_file import commit_if_new
    from steadymap.reports.compare.compare_runs import compare_runs
    from steadymap.reports.compare.comparison_page import render_comparison
    from steadymap.reports.compare.comparison_text import to_json, to_tables
    from steadymap.reports.html.rendering import to_bytes
    from steadymap.reports.run.run_folder import read_run

    place = open_place(store)
    if out is not None and out.suffix.lower() not in PAGE_ENDINGS:
        raise InputError(f"--out {out}", rule="the page is an .html file", remedy=f"--out {out}.html")
    before, after = (read_run(find_folder(run, place)) for run in (a, b))
    found = compare_runs(before, after, compare_encoders(before, after))
    if out is not None:
        commit_if_new(out, to_bytes(render_comparison(found)))
    if as_json:
        print(json.dumps({**to_json(found), "page": None if out is None else str(out)}))
        return EXIT_REPORT
    lines, tables = to_tables(found)
    console = Console()
    for line in lines:
        console.print(line, markup=False, highlight=False)
    for title, columns, rows in tables:
        table = Table(*columns, title=title)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    if out is not None:
        console.print(f"page: {out}", markup=False, highlight=False, soft_wrap=True)
    return EXIT_REPORT


@app.command
def export(
    run: Annotated[str, Parameter(help="Name of a run (see `steadymap runs`) or its folder.")],
    *,
    out: Annotated[Path, Parameter(help="The file to write.")],
    form: Annotated[
        Literal["parquet", "csv", "h5ad"] | None, Parameter(name="--format", help="Default: by the file's ending.")
    ] = None,
    cell: Annotated[
        list[str] | None, Parameter(help="Pictures: `recommended` (default), `all`, or a cell.", negative="")
    ] = None,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Write a run as one table for other tools: a row per row of the data, with clusters, verdicts and coordinates."""
    from steadymap.flows.export import export_run

    place = open_place(store)

    found = export_run(find_folder(run, place), out, form or _format_of(out), cell or ["recommended"], place.url)
    if as_json:
        print(json.dumps(asdict(found)))
        return EXIT_REPORT
    print(f"{found.file}: {found.rows:,} rows with {', '.join(found.pictures)}")
    for sentence in found.left_out:
        print(f"left out: {sentence}")
    return EXIT_REPORT


def _format_of(out: Path) -> Literal["parquet", "csv", "h5ad"]:
    for known in EXPORT_FORMATS:
        if out.suffix.lower() == f".{known}":
            return known
    raise InputError(
        f"what format is {out.suffix or 'a file without ending'!r}?",
        file=out,
        place="--out",
        rule=f"one of {', '.join(f'.{known}' for known in EXPORT_FORMATS)}",
        remedy="name the file so, or give --format",
    )


@app.command
def runs(*, store: StoreOption = "results", as_json: JsonOption = False) -> int:
    """List the runs in the store, the latest first."""
    from steadymap.tasks.store.sync import bytes_here, bytes_of

    place = open_place(store)
    bring_runs(place)
    manifests = sorted(
        (place.root / "runs").glob("*/manifest.json"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    listed = [(path, manifest) for path in manifests if (manifest := _read_manifest(path)) is not None]
    if as_json:
        print(json.dumps([_run_row(path, manifest) for path, manifest in listed]))
        return EXIT_REPORT
    console = Console()
    if not listed:
        console.print(f"no complete run in {store}", markup=False)
        return EXIT_REPORT
    # A name that is cut cannot be typed again: it goes on below instead.
    longest, room = max(len(path.parent.name) for path, _ in listed), console.width - BESIDE_NAMES
    names = Column("run", overflow="fold", width=min(longest, max(LEAST_NAME, room)))
    finished = Column("finished", width=10 if room < LEAST_NAME else None)  # the day, and the time below it
    table = Table(names, "data", "rows", "cells", "clusters", finished)
    for path, manifest in listed:
        row = _run_row(path, manifest)
        table.add_row(
            row["run"],
            row["data"],
            f"{row['rows']:,}",
            f"{row['cells']}, {row['failed']} failed" if row["failed"] else str(row["cells"]),
            _tell_verdicts(row["clusters"]),
            row["finished"],
        )
    console.print(table)
    size = f"{store}: {bytes_of(place) / 1e6:,.0f} MB"
    copied = "" if place.url is None else f" (and a copy of {bytes_here(place) / 1e6:,.0f} MB here, in {place.root})"
    console.print(f"{size}{copied}; `steadymap gc` says what of it no run rests on", markup=False)
    return EXIT_REPORT


@app.command
def gc(
    *,
    keep_runs: Annotated[int | None, Parameter(help="Of every name keep so many runs, the latest.")] = None,
    older_than: Annotated[float | None, Parameter(help="Days: younger runs stay in any case.")] = None,
    do: Annotated[bool, Parameter(negative="", help="Remove it; without this it is only said.")] = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Say what no run of a store rests on and how much room it takes, and remove it."""
    from steadymap.flows.cli.terminal import garbage_table
    from steadymap.tasks.store.collect_garbage import find_garbage, remove_garbage
    from steadymap.tasks.store.sync import bring_folder, exists

    place = open_place(store)
    for folder in ("runs", "uses"):
        bring_folder(place, folder)
    if not exists(place):
        raise InputError("there is no such store", file=store, remedy="name it with --store")
    if (keep_runs is not None and keep_runs < 1) or (older_than is not None and older_than < 0):
        raise InputError("a store keeps one run of every name or more, and days are no less than 0")
    found = find_garbage(place, keep_runs, older_than)
    if do:
        remove_garbage(place, found)
    if as_json:
        listed = [{"kind": one.kind, "path": str(one.path), "bytes": one.size} for one in found.garbage]
        print(json.dumps({"removed": do, "garbage": listed, "kept": found.kept, "unknown": found.unknown}))
        return EXIT_REPORT
    console = Console()
    if found.garbage:
        console.print(garbage_table(found, done=do))
    else:
        console.print(f"{store}: nothing to remove, its runs rest on all of it", markup=False, highlight=False)
    for name in found.unknown:
        console.print(
            f"what {name} rests on was not noted (an earlier version wrote it), so nothing that is shared was touched; "
            "let it go (--keep-runs) once it was swept again",
            markup=False,
            highlight=False,
        )
    if found.garbage and not do:
        console.print("nothing was removed; --do removes it")
    return EXIT_REPORT


@app.command
def fsck(
    *,
    repair: Annotated[
        bool, Parameter(negative="", help="Move what is damaged to `damaged/`; the next sweep makes it again.")
    ] = False,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Read every file of a store, and say what is damaged, lost or not ours; exit code 1 where anything is.

    Nothing is ever removed, and what is not ours stays where it is.
    """
    from steadymap.tasks.store.check_store import check_store, move_damage

    place = open_place(store)
    found = check_store(place)
    aside = move_damage(place, found) if repair else None
    damaged, lost, foreign = (found.of(state) for state in ("damaged", "lost", "foreign"))
    if as_json:
        faults = [{"state": one.state, "path": str(one.path), "reason": one.reason} for one in found.faults]
        print(json.dumps({"things": found.things, "faults": faults, "moved": None if aside is None else str(aside)}))
    else:
        for one in (*damaged, *lost, *foreign):
            print(f"{one.state}: {one.path}: {one.reason}")
        print(f"{found.things:,} things read: {len(damaged)} damaged, {len(lost)} lost, {len(foreign)} not ours")
        if aside is not None:
            print(f"what is damaged was moved to {aside}")
        if damaged or lost:
            print("sweep again: what is missing is made again, to the same bytes" + ("" if repair else "; damage, too"))
    return EXIT_NOTHING_USABLE if lost or (damaged and not repair) else EXIT_REPORT


@app.command
def show(
    cell: Annotated[str, Parameter(help="A cell's identity, or its beginning (column `cell` of cells.parquet).")],
    *,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Say where a picture comes from: its setting, seed, data, versions, processor, as its file states them."""
    from steadymap.tasks.store.files import DamagedError, read_provenance

    place = open_place(store)
    found = sorted((place.root / "cells").glob(f"*/{glob.escape(cell)}*.parquet")) if cell else []
    if len(found) != 1:
        raise InputError(
            f"{len(found)} cells begin with {cell!r}" if found else f"no cell begins with {cell!r}",
            file=place.place,
            rule="the identity of one cell, or as much of it as no other begins with",
            remedy="take it from the column `cell` of a run's cells.parquet",
        )
    try:
        provenance = {**read_provenance(found[0]), "file": str(found[0])}
    except DamagedError as damage:
        raise InputError(
            f"the picture is damaged: {damage}",
            remedy="sweep again, which draws it anew; `steadymap fsck` looks at all",
        ) from None
    if as_json:
        print(json.dumps(provenance, ensure_ascii=False))
        return EXIT_REPORT
    for name, value in provenance.items():
        told = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
        print(f"{name.replace('_', ' ')}: {'–' if told is None else told}")
    return EXIT_REPORT


@app.command(name="open")
def open_report(
    run: Annotated[str | None, Parameter(help="Name of a run or its folder (default: the latest).")] = None,
    *,
    only_print: Annotated[bool, Parameter(name="--print", negative="", help="Print the path, open nothing.")] = False,
    store: StoreOption = "results",
) -> int:
    """Open the report of the latest run, or of the one named, in the browser, and print its path."""
    import webbrowser

    from steadymap.reports.build import REPORT
    from steadymap.reports.run.store_runs import latest_run

    place = open_place(store)
    if run is None:
        bring_runs(place)
    folder = latest_run(place.root) if run is None else find_folder(run, place)
    page = (folder / REPORT).resolve()
    if not folder.is_dir():
        raise InputError("there is no such run", file=folder, remedy="`steadymap runs` lists the runs of a store")
    if not page.is_file():
        raise InputError(
            "the run has no report", file=folder, remedy=f"`steadymap report {run or folder.name}` makes it"
        )
    print(page)
    if not only_print:
        webbrowser.open(page.as_uri())
    return EXIT_REPORT


def _read_manifest(path: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        _run_row(path, manifest)
    except (ValueError, KeyError, TypeError):
        print(f"steadymap: {path}: damaged, left out; the sweep writes it anew", file=sys.stderr)
        return None
    return dict(manifest)


def _run_row(path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    finished = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
    return {
        "run": manifest["run"],
        "data": manifest["data"]["source"],
        "rows": manifest["data"]["rows"],
        "cells": manifest["cells"]["ok"],
        "failed": manifest["cells"]["failed"],
        "clusters": _count_verdicts(path.parent / "clusters.parquet"),
        "finished": finished,
    }


def _count_verdicts(file: Path) -> dict[str, int]:
    """Count the clusters of a run by verdict, those without one as ``untested``; empty where the table is not there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        verdicts = pq.read_table(file, columns=["verdict"])["verdict"].to_pylist()
    except (OSError, pa.ArrowException):
        return {}
    words = [verdict or "untested" for verdict in verdicts]
    return {word: words.count(word) for word in (*VERDICTS, "untested") if word in words}


def _tell_verdicts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts.items()) or "none"
