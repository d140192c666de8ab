"""The record of nights in a store: what became of every sweep, and which number its clusters keep.

``nights/sweeps/NIGHT.parquet`` has a row per sweep, ``nights/clusters/NIGHT.parquet`` the clusters of those that were
new. The second is written first; the first makes the night count. Nothing is ever changed, so a folder of nights is
read as one table: ``pandas.read_parquet("results/nights/sweeps")``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from steadymap.configs.schemas import NIGHT_CLUSTERS, NIGHTS
from steadymap.configs.slug import slug
from steadymap.reports.commit_file import commit
from steadymap.reports.run.run_folder import Run

SWEEPS, CLUSTERS = Path("nights") / "sweeps", Path("nights") / "clusters"

LATER_COLUMNS = (
    "moved",
    *("p_value", "halves", "halves_proving", "configurations", "recovered", "stands_from"),
)
"""Columns that records of earlier versions lack."""

HAS_RUN = ("computed", "found", "unchanged")
"""Statuses of sweeps that have a result."""


@dataclass(frozen=True)
class SweepOfNight:
    """What became of a sweep in a night; ``steadymap.configs.schemas.NIGHTS`` has the columns.

    Attributes
    ----------
    sweep, config, data
        Its name, and where it comes from.
    status, reason
        One of ``NIGHT_STATUSES``, and why.
    run, state
        Its run and the digest of that run's manifest; of a sweep without a result those of its last one.
    previous
        The run that it was compared with.
    seconds
        What it took tonight.
    computed, failed
        Cells.
    clusters, real, new, lost, flipped, dropped, moved
        Clusters now, REAL ones, and how many changes of each kind were said; scores ``moved`` that rose, or of which
        neither direction is worse.
    agreement, seed_agreement
        Drift, and the noise of seeds beside it.
    said
        What the night said of it, a sentence each.
    """

    sweep: str
    config: str
    data: str
    status: str
    reason: str | None = None
    run: str | None = None
    state: str | None = None
    previous: str | None = None
    seconds: float = 0.0
    computed: int | None = None
    failed: int | None = None
    clusters: int | None = None
    real: int | None = None
    new: int | None = None
    lost: int | None = None
    flipped: int | None = None
    dropped: int | None = None
    moved: int | None = None
    agreement: float | None = None
    seed_agreement: float | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """What earlier nights of one name have left.

    Attributes
    ----------
    night
        The last one; empty before the first.
    sweeps
        The last row of every sweep.
    left
        Sweeps that the last night had no time for, or not enough, and those of it altogether.
    numbers
        Lasting numbers of every sweep's clusters, by its run and by that run's own numbers.
    standing
        By the same, the cluster's row of the night whose verdict stands: of the last night unless its verdict was
        another by no more than chance.
    free
        The first lasting number that no cluster of a sweep has had.
    unreadable
        Files that were passed over.
    """

    night: str = ""
    sweeps: Mapping[str, SweepOfNight] = field(default_factory=dict)
    last: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    numbers: Mapping[tuple[str, str], Mapping[int, int]] = field(default_factory=dict)
    standing: Mapping[tuple[str, str], Mapping[int, Mapping[str, Any]]] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def of(self, sweep: str) -> SweepOfNight | None:
        """Return the last row of a sweep."""
        return self.sweeps.get(sweep)


def name_night(started: datetime, name: str) -> str:
    """Name a night by its start in UTC, so that names sort by time."""
    return f"{started.strftime('%Y-%m-%dT%H-%M-%S.%f')}Z-{night_slug(name)}"


def night_slug(name: str) -> str:
    """Return the name of nights, or of a sweep of one, as resource ids take it."""
    return slug(name, "night")


def read_past(store: Path, name: str) -> Past:
    """Read the nights of one name; a file that cannot be read is passed over and named."""
    rows, unreadable = _read_folder(store / SWEEPS, NIGHTS)
    rows = [row for row in rows if row["name"] == name]
    if not rows:
        return Past(unreadable=tuple(unreadable))
    nights = {row["night"] for row in rows}
    clusters, lost = _read_folder(store / CLUSTERS, NIGHT_CLUSTERS)
    numbers: dict[tuple[str, str], dict[int, int]] = {}
    standing: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    of_night: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    free: dict[str, int] = {}
    night_of: dict[tuple[str, str], str] = {}
    for row in clusters:
        if row["night"] not in nights:
            continue  # of a night of another name, or of one that did not come to its end
        key = (row["sweep"], row["run"])
        if night_of.setdefault(key, row["night"]) != row["night"]:
            night_of[key], numbers[key], standing[key] = row["night"], {}, {}
        numbers.setdefault(key, {})[row["cluster"]] = row["lasting"]
        of_night[row["sweep"], row["night"], row["lasting"]] = row
        stood = of_night.get((row["sweep"], row["stands_from"], row["lasting"]), row)
        standing.setdefault(key, {})[row["cluster"]] = stood
        free[row["sweep"]] = max(free.get(row["sweep"], 1), row["lasting"] + 1)
    last = max(nights)
    of_last = [row for row in rows if row["night"] == last]
    return Past(
        night=last,
        sweeps={row["sweep"]: _from_row(row) for row in rows},
        last=tuple(row["sweep"] for row in of_last),
        left=tuple(row["sweep"] for row in of_last if row["status"] == "left"),
        numbers=numbers,
        standing=standing,
        free=free,
        unreadable=(*unreadable, *lost),
    )


@dataclass(frozen=True)
class Record:
    """All that nights of every name have written down, as rows of ``NIGHTS`` and ``NIGHT_CLUSTERS``, oldest first."""

    sweeps: tuple[Mapping[str, Any], ...]
    clusters: tuple[Mapping[str, Any], ...]
    unreadable: tuple[str, ...]


def read_record(store: Path) -> Record:
    """Read every night of a store; a file that cannot be read is passed over and named."""
    sweeps, unreadable = _read_folder(store / SWEEPS, NIGHTS)
    clusters, lost = _read_folder(store / CLUSTERS, NIGHT_CLUSTERS)
    return Record(tuple(sweeps), tuple(clusters), (*unreadable, *lost))


def write_night(
    store: Path,
    night: str,
    name: str,
    sweeps: Sequence[SweepOfNight],
    clusters: Sequence[Mapping[str, Any]],
) -> None:
    """Commit a night: its clusters (see ``list_clusters``), and then its sweeps."""
    found = [{"night": night, **row} for row in clusters]
    _commit(store / CLUSTERS / f"{night}.parquet", found, NIGHT_CLUSTERS)
    rows = [{"night": night, "name": name, **asdict(sweep), "said": list(sweep.said)} for sweep in sweeps]
    _commit(store / SWEEPS / f"{night}.parquet", rows, NIGHTS)


def kept_result(row: SweepOfNight, before: SweepOfNight | None) -> SweepOfNight:
    """Let a sweep without a result keep its last one, so that the next night has something to compare with."""
    return row if before is None else replace(row, run=before.run, state=before.state)


def list_clusters(
    sweep: str, run: Run, numbers: Mapping[int, int], standing: Mapping[int, str] | None = None
) -> list[dict[str, Any]]:
    """List the clusters of a run for the record; small, whatever the size of the run.

    Parameters
    ----------
    numbers
        Their lasting numbers.
    standing
        The night whose verdict stands, of those whose own does not; see ``night_changes.still_standing``.
    """
    counted = ("p_value", "halves", "halves_proving", "configurations", "recovered")
    known = run.clusters[["cluster", "size", "label", "verdict", *counted]].astype(object)
    return [
        {
            "sweep": sweep,
            "run": run.folder.name,
            "cluster": int(row["cluster"]),
            "lasting": numbers[int(row["cluster"])],
            "size": int(row["size"]),
            "label": row["label"],
            "verdict": row["verdict"],
            "p_value": row["p_value"],
            **{name: None if row[name] is None else int(row[name]) for name in counted[1:]},
            "stands_from": (standing or {}).get(int(row["cluster"])),
        }
        for row in known.where(known.notna(), None).to_dict("records")
    ]


def _commit(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    table = pa.Table.from_pylist(rows, schema=schema)
    commit(path, lambda temporary: pq.write_table(table, temporary, compression="zstd", write_page_checksum=True))


def _read_folder(folder: Path, schema: pa.Schema) -> tuple[list[dict[str, Any]], list[str]]:
    """Read every night of a folder, the oldest first."""
    rows: list[dict[str, Any]] = []
    unreadable = []
    for path in sorted(folder.glob("[!.]*.parquet")):
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                rows += _with_later_columns(file.read(columns=schema.names), schema).to_pylist()
        except (OSError, pa.ArrowException, ValueError) as error:
            unreadable.append(f"{path}: {str(error).splitlines()[0]}")
    return rows, unreadable


def _with_later_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a record of earlier nights the columns that they did not write; null is what is known of them."""
    for name in LATER_COLUMNS:
        if name in schema.names and name not in table.column_names:
            table = table.append_column(schema.field(name), pa.nulls(len(table), schema.field(name).type))
    return table.select(schema.names).cast(schema)


def _from_row(row: Mapping[str, Any]) -> SweepOfNight:
    kept = {key: value for key, value in row.items() if key not in ("night", "name")}
    return SweepOfNight(**{**kept, "said": tuple(row["said"])})
