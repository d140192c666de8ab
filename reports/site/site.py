"""A static site over all runs of a store: a list, trends, and every run beside the one before it.

Only files, and only relative links, so that any static file server, or none, is enough. What is right is neither
read nor written again. A run that cannot be read is listed with its reason and costs nothing else.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from steadymap.configs.errors import InputError
from steadymap.configs.schemas import TRENDS
from steadymap.reports.build import REPORT
from steadymap.reports.clusters.cluster_cards import SHAPES
from steadymap.reports.commit_file import commit_if_new
from steadymap.reports.compare.compare_runs import compare_runs
from steadymap.reports.compare.comparison_page import GENERATOR, render_comparison
from steadymap.reports.compare.news import find_news
from steadymap.reports.html.rendering import name_script, open_templates, read_own, to_bytes
from steadymap.reports.pictures.palette import THEMES
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.run.store_runs import RUNS, Finished, finished_runs
from steadymap.reports.site.kept_rows import KeptRow, read_rows, state_of, write_rows
from steadymap.reports.site.trends import HEIGHT, MEASURES, WIDTH, Sparkline, draw_sparkline, measure_run, spell_value
from steadymap.reports.wording import count

INDEX, TREND_TABLE, COMPARISONS = "index.html", "trends.parquet", "compare"

NIGHTS_PAGE = "nights.html"
"""The morning's page, which ``reports.nights`` writes beside this one."""

LONGEST_REASON = 400


@dataclass(frozen=True)
class ListedRun:
    """A row of the list.

    Attributes
    ----------
    run, name, source
        Its folder, the name of its sweep, and its data.
    time
        When it was finished, in UTC.
    rows, dimensions
        Size of the data in words.
    verdicts
        Shape, count and word of every verdict that a cluster got.
    trustworthiness
        The best of a recommended setting, in words.
    status, problem
        How it ended, and why it cannot be read (empty where it can).
    report, comparison
        Links, empty where there is nothing to link to.
    changes
        What changed since the run before of its name, in a few words.
    measures
        For trends; empty where it cannot be read.
    """

    run: str
    name: str
    source: str
    time: str
    rows: str
    verdicts: tuple[tuple[str, int, str], ...]
    trustworthiness: str
    status: str
    problem: str
    report: str
    comparison: str
    changes: str
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Trend:
    """The runs of one name: lines, and a table that says the same (runs oldest first, a value per measure)."""

    name: str
    lines: tuple[Sparkline, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Site:
    """What was built: its first page, the runs in it, those that cannot be read, and how many files were written."""

    index: Path
    runs: int
    unreadable: int
    written: int


def build_site(store: Path, out: Path | None = None) -> Site:
    """Build or bring up to date the site of a store.

    Raises
    ------
    InputError
        The store has no run folder.
    """
    finished = finished_runs(store)
    if not finished:
        raise InputError(
            "there is no run",
            file=store,
            rule=f"a store has its runs in {RUNS}/",
            remedy="run `steadymap sweep`, or name the folder it has written to",
        )
    out = store / "site" if out is None else out
    listed, written = [], 0
    known, kept = read_rows(out), {}
    before: dict[str, Earlier] = {}
    for one in reversed(finished):
        files = _files(one, out)
        row = _row_as_it_was(one, files, before, out, known.get(one.folder.name))
        if row is not None:
            kept[one.folder.name] = known[one.folder.name]
        else:
            row, pages, keep = _list_run(one, files, before, out)
            written += pages
            kept |= {one.folder.name: keep} if keep is not None else {}
        listed.append(row)
    written += commit_if_new(out / TREND_TABLE, _trend_table(listed))
    written += commit_if_new(
        out / INDEX, to_bytes(_render_index(listed, NIGHTS_PAGE if (out / NIGHTS_PAGE).is_file() else ""))
    )
    _remove_stale(out, {row.run for row in listed if row.comparison})
    write_rows(out, kept)
    return Site(out / INDEX, len(listed), sum(bool(row.problem) for row in listed), written)


@dataclass
class Earlier:
    """The run that the next one of its name is compared with, and the state of its files; read when it has to be."""

    one: Finished
    files: str
    held: Run | None = None

    def run(self) -> Run:
        """Return it without its pictures, which no comparison reads."""
        if self.held is None:
            self.held = _without_pictures(read_run(self.one.folder))
        return self.held


def _files(one: Finished, out: Path) -> str:
    try:
        return state_of(out, one.folder)
    except OSError:
        return ""  # being replaced: what is read of it is true now, and is not kept


def _row_as_it_was(
    one: Finished, files: str, before: dict[str, Earlier], out: Path, known: KeptRow | None
) -> ListedRun | None:
    """Return the row of a run that was listed before, where nothing of what it says has changed."""
    if known is None or not files:
        return None
    try:
        row = ListedRun(**{**known.row, "verdicts": tuple(tuple(verdict) for verdict in known.row["verdicts"])})
        if known.state != _state(one, files, before.get(row.name) if known.whole else None, out):
            return None
    except (OSError, TypeError, KeyError):  # of a file that says something else, or is just being replaced
        return None
    if known.whole:
        before[row.name] = Earlier(one, files)
    return row


def _state(one: Finished, files: str, earlier: Earlier | None, out: Path) -> str:
    """Return the state of all that a row says: of files as they were before they were read, of its page as it is."""
    page = state_of(out, out / COMPARISONS / one.folder.name / INDEX)
    return f"{files} {'' if earlier is None else earlier.files} {page}"


def _keep(
    row: ListedRun, one: Finished, files: str, earlier: Earlier | None, out: Path, *, whole: bool
) -> KeptRow | None:
    if not files or (earlier is not None and not earlier.files):
        return None
    return KeptRow(_state(one, files, earlier, out), asdict(row), whole)


def _list_run(
    one: Finished, files: str, before: dict[str, Earlier], out: Path
) -> tuple[ListedRun, int, KeptRow | None]:
    """Describe a run and write its comparison with the one before; what is right for good is to be kept."""
    empty = ListedRun(
        run=one.folder.name,
        name="",
        source="",
        time=one.time.strftime("%Y-%m-%d %H:%M"),
        rows="",
        verdicts=(),
        trustworthiness="",
        status="damaged" if one.complete else "incomplete",
        problem="",
        report=_link(one.folder / REPORT, out),
        comparison="",
        changes="",
        measures={},
    )
    try:
        run = read_run(one.folder)
        row = _describe(run, empty)
    except InputError as error:
        place = "" if error.file in (None, str(one.folder)) else f"{Path(str(error.file)).name} "
        return replace(empty, problem=_shorten(f"{place}{error.problem}")), 0, None
    except Exception as error:  # whatever is wrong with one run, the others are listed
        return replace(empty, problem=_shorten(f"{type(error).__name__}: {error}")), 0, None
    if run.manifest.get("cut_short"):
        # Half a grid is compared with nothing: what it lacks would be told as lost.
        return row, 0, _keep(row, one, files, None, out, whole=False)
    earlier = before.get(row.name)
    before[row.name] = Earlier(one, files, _without_pictures(run))
    row, pages, lasting = (row, 0, True) if earlier is None else _compare(row, run, one, earlier, out)
    return row, pages, _keep(row, one, files, earlier, out, whole=True) if lasting else None


def _compare(row: ListedRun, run: Run, one: Finished, earlier: Earlier, out: Path) -> tuple[ListedRun, int, bool]:
    """Write the comparison; return the row with it, how many files were written, and whether that says it for good."""
    page = out / COMPARISONS / one.folder.name / INDEX
    try:
        found = compare_runs(earlier.run(), run)
        links = {
            "A": _link(earlier.one.folder / REPORT, page.parent),
            "B": _link(one.folder / REPORT, page.parent),
        }
        content = to_bytes(render_comparison(found, links))
    except InputError as error:
        return replace(row, changes=_shorten(f"not compared: {error.problem}")), 0, True
    except Exception as error:  # likewise
        return replace(row, changes=_shorten(f"not compared: {type(error).__name__}: {error}")), 0, False
    written = commit_if_new(page, content)
    return replace(row, comparison=_link(page, out), changes=find_news(found).briefly), int(written), True


def _describe(run: Run, empty: ListedRun) -> ListedRun:
    data, verdicts = run.manifest["data"], run.clusters["verdict"].value_counts()
    measures = measure_run(run)
    failed = int(measures["failed_cells"])
    faults = ["cut short"] if run.manifest.get("cut_short") else []
    faults += [f"{count(failed, 'cell')} failed"] if failed else []
    status = ", ".join(faults) or "complete"
    return replace(
        empty,
        name=str(run.manifest["name"]),
        source=str(data["source"]),
        rows=f"{int(data['rows']):,} × {int(data['dimensions']):,}",
        verdicts=tuple((shape, int(verdicts[word]), word) for word, shape in SHAPES.items() if word in verdicts),
        trustworthiness=spell_value("trustworthiness", measures.get("trustworthiness")),
        status=f"{status}, fast" if run.manifest.get("fast") else status,
        measures=measures,
    )


def _without_pictures(run: Run) -> Run:
    """Keep what a comparison reads; pictures are by far the largest part of a run."""
    small = {name: getattr(run, name).iloc[:0].copy() for name in ("embeddings", "pairs", "null_pictures", "nulls")}
    return replace(run, **small)


def _link(target: Path, start: Path) -> str:
    """Return a relative address; no name can be read as anything but a path. Empty where there is no such file."""
    if not target.is_file() and target.name == REPORT:
        return ""
    return quote(os.fsencode(Path(os.path.relpath(target.absolute(), start.absolute())).as_posix()))


def _shorten(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else f"{reason[: LONGEST_REASON - 1]}…"


def _trend_table(listed: list[ListedRun]) -> bytes:
    """Return tidy Parquet, a row per run and measure, oldest first."""
    rows = [
        {"run": _clean(row.run), "name": _clean(row.name), "finished": row.time, "measure": measure, "value": value}
        for row in listed
        for measure, value in row.measures.items()
    ]
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=TRENDS), buffer, compression="zstd")
    content: bytes = buffer.getvalue().to_pybytes()
    return content


def _clean(text: str) -> str:
    return to_bytes(text).decode("utf-8")


def _render_index(listed: list[ListedRun], nights: str) -> str:
    script = read_own("index.js")
    return (
        open_templates()
        .get_template("index.html.j2")
        .render(
            runs=listed[::-1],
            nights=nights,
            trends=_trends(listed),
            measures=list(MEASURES.values()),
            width=WIDTH,
            height=HEIGHT,
            themes=THEMES,
            css=read_own("page.css", "site.css"),
            script=script,
            script_digest=name_script(script),
            generator="Steadymap site",
        )
    )


def _trends(listed: list[ListedRun]) -> list[Trend]:
    """Follow every name that has two runs or more, the name with the latest run first."""
    by_name: dict[str, list[ListedRun]] = {}
    for row in reversed(listed):
        if row.measures:
            by_name.setdefault(row.name, []).insert(0, row)
    return [
        Trend(
            name=name,
            lines=tuple(
                line
                for measure in MEASURES
                if (line := draw_sparkline(measure, [row.measures.get(measure) for row in rows], name)) is not None
            ),
            rows=tuple(
                (f"{row.run}, {row.time}", tuple(spell_value(one, row.measures.get(one)) for one in MEASURES))
                for row in rows
            ),
        )
        for name, rows in by_name.items()
        if len(rows) > 1
    ]


def _remove_stale(out: Path, runs: set[str]) -> None:
    """Remove comparisons of runs that are no more, or are now the first; only pages that this file has written."""
    for page in (out / COMPARISONS).glob(f"*/{INDEX}"):
        with contextlib.suppress(OSError):
            if page.parent.name not in runs and GENERATOR.encode() in page.read_bytes()[:1000]:
                page.unlink()
                page.parent.rmdir()
