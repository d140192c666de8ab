"""Nights as people run them, for a long life (L1): the nightly flow under a Prefect server of its own, on SQLite.

    python -m tests.chaos.served_nights FOLDER

reads the numbers of nights, runs each over data of its own, and prints what everything has grown to, a line of JSON.
``PREFECT_API_URL`` names the server, ``PREFECT_HOME`` has its database.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from steadymap.reports.nights.nights import SweepOfNight
from tests.conftest import three_blobs
from tests.processes import answers, beside, end_group, free_port, wait_until

PROJECT = Path(__file__).resolve().parents[2]
SWEEP = """\
name: night
data: {path: latents.npz, id: id}
reducers: [{reducer: tsne, perplexity: 8}, {reducer: pca}]
seeds: [0]
scores: {k: [5]}
resamples: {pairs: 1, configurations: 1}
nulls: {gaussian: 0, copula: 0}
workers: {count: 1}
"""
"""Two pictures of all rows, and two of halves."""
PICTURES = 4
ROWS = 72
UNCHANGED = 3
"""Every so many nights the data are those of the night before."""
FOURTH = 5
"""Every so many nights there is a fourth cluster, which is lost the night after."""


@dataclass(frozen=True)
class Grown:
    """What everything has grown to after a night, in bytes.

    Attributes
    ----------
    night, computed
        Which, and how many pictures it drew.
    database
        Pages of the server's database that hold something.
    store, record
        The store without its site, and of it what nights have written down.
    index, morning, trends
        The site's list of runs, the morning's page, and the table of trends.
    report, comparison
        The night's report, and its page beside the night before; 0 where the night drew nothing.
    runs, read
        Runs in the store, and how many of them the site read to be renewed.
    seconds
        What the night took.
    memory, handles
        Of the process that runs the nights, and the files that it has open.
    """

    night: int
    computed: int
    database: int
    store: int
    record: int
    index: int
    morning: int
    trends: int
    report: int
    comparison: int
    runs: int
    read: int
    seconds: float
    memory: int
    handles: int


# --- the server ---------------------------------------------------------------------------------------------------


RETENTION = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    # Every hour, and every day, otherwise.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "3",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ORPHAN_CLEANUP_LOOP_SECONDS": "3",
}
"""What docs/nights/team-server.md sets, at a faster pace."""


@contextlib.contextmanager
def prefect_server(folder: Path) -> Iterator[dict[str, str]]:
    """Run a Prefect server with its database in a folder, and give the environment of who works with it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}",
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_TO_CONSOLE_ENABLED": "false",
        **RETENTION,
    }
    start = ("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with beside(*start, environment=environment, folder=folder, log="server.log") as process:
        wait_until(lambda: answers(url), "the Prefect server", process)
        yield environment


def database(folder: Path) -> Path:
    """Return the server's database."""
    return folder / "prefect" / "prefect.db"


def in_use(file: Path) -> int:
    """Return the bytes of the pages of a database that hold something."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)) as connection:
        size, pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
    return int(size * (pages - free))


EMPTY_DATABASE = 1_500_000
DAYS = 100
"""How old nights are made: older than the 90 days that Prefect keeps runs, and the 7 that it keeps events."""


def grow_old(file: Path, young: int) -> set[str]:
    """Make all but the latest nights of a database old; return the flow runs that are to stay."""
    with contextlib.closing(sqlite3.connect(file, timeout=60)) as connection, connection:
        nights = "SELECT start_time FROM flow_run WHERE parent_task_run_id IS NULL ORDER BY start_time DESC LIMIT ?"
        since = connection.execute(nights, (young,)).fetchall()[-1][0]
        for table, column in (("flow_run", "end_time"), ("events", "occurred"), ("event_resources", "occurred")):
            older = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{DAYS} days')"
            connection.execute(f"UPDATE {table} SET {column} = {older} WHERE {column} < ?", (since,))  # noqa: S608 - ours
        return {row[0] for row in connection.execute("SELECT id FROM flow_run WHERE start_time >= ?", (since,))}


def flow_runs(file: Path) -> set[str]:
    """Return the flow runs that a database holds."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM flow_run")}


def orphans(file: Path) -> dict[str, int]:
    """Count what a database holds of flow runs that it no longer has."""
    found = {}
    with contextlib.closing(sqlite3.connect(file, timeout=60)) as connection:
        for table in ("task_run", "log", "artifact", "flow_run_state"):
            gone = "flow_run_id IS NOT NULL AND flow_run_id NOT IN (SELECT id FROM flow_run)"
            found[table] = int(connection.execute(f"SELECT count(*) FROM {table} WHERE {gone}").fetchone()[0])  # noqa: S608
    return {table: count for table, count in found.items() if count}


def shrink(file: Path) -> None:
    """Give what a database no longer holds back to the disk, as docs/nights/team-server.md says; nobody may use it."""
    with contextlib.closing(sqlite3.connect(file, timeout=60)) as connection:
        connection.execute("VACUUM")


# --- the nights ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def nights_in_a_process(folder: Path, environment: dict[str, str]) -> Iterator[Callable[[int], Grown]]:
    """Start a process that runs nights, and give how to have one run."""
    command = [sys.executable, "-m", "tests.chaos.served_nights", str(folder)]
    log = folder / "nights.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            start_new_session=True,
        )

    def run(night: int) -> Grown:
        assert process.stdin is not None and process.stdout is not None
        print(night, file=process.stdin, flush=True)
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"night {night} did not come to its end: {log.read_text(errors='replace')[-1500:]}")
        return Grown(**json.loads(line))

    try:
        yield run
    finally:
        end_group(process)


def main() -> None:
    """Run the nights that are asked for, and print what everything has grown to after each."""
    from steadymap.configs.nightly import NightlyConfig
    from steadymap.flows.nightly import nightly
    from steadymap.reports.run.run_folder import Run
    from steadymap.reports.site import site

    seen: list[Path] = []

    def read_run(run: Path) -> Run:
        seen.append(run)
        return read_as_ever(run)

    read_as_ever, site.read_run = site.read_run, read_run
    folder = Path(sys.argv[1])
    config = NightlyConfig(configs=str(_write_sweep(folder)))
    for night in map(int, sys.stdin):
        _write_data(folder, night)
        seen.clear()
        begun = time.monotonic()
        ended = nightly(config, str(folder / "store"))
        (row,) = ended.sweeps
        seconds = time.monotonic() - begun
        grown = _measure(folder, night, row, len(seen))
        print(json.dumps(asdict(replace(grown, seconds=seconds))), flush=True)


def _write_sweep(folder: Path) -> Path:
    file = folder / "night.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return file


def is_unchanged(night: int) -> bool:
    """Say whether the data of a night are those of the night before."""
    return night > 0 and night % UNCHANGED == 0


def _write_data(folder: Path, night: int) -> None:
    if is_unchanged(night):
        return
    vectors, _ = three_blobs(ROWS, dimensions=4, seed=night)
    if night % FOURTH == FOURTH - 1:
        vectors[ROWS // 2 :: 3, 3] += 12
    part = folder / ".latents.npz"
    np.savez(part, X=vectors, id=np.array([f"row {row}" for row in range(ROWS)]))
    shutil.move(part, folder / "latents.npz")


def _measure(folder: Path, night: int, row: SweepOfNight, read: int) -> Grown:
    run, computed, store = str(row.run), row.computed or 0, folder / "store"
    site, me = store / "site", psutil.Process()
    return Grown(
        night=night,
        computed=computed,
        database=in_use(database(folder)),
        store=size_of(store) - size_of(site),
        record=size_of(store / "nights"),
        index=size_of(site / "index.html"),
        morning=size_of(site / "nights.html"),
        trends=size_of(site / "trends.parquet"),
        report=size_of(store / "runs" / run / "report.html") if computed else 0,
        comparison=size_of(site / "compare" / run / "index.html") if computed else 0,
        runs=sum(1 for _ in (store / "runs").glob("*/manifest.json")),
        read=read,
        seconds=0.0,
        memory=me.memory_info().rss,
        handles=me.num_fds(),
    )


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder; 0 where there is none."""
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


if __name__ == "__main__":
    main()
