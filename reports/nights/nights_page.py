"""The morning's page: every sweep with its clusters as lines of verdicts over the nights, what changed last on top.

It is made of the record of nights alone, so it costs nothing and is right on every morning, whatever was computed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from steadymap.reports.build import REPORT
from steadymap.reports.clusters.cluster_cards import SHAPES
from steadymap.reports.commit_file import commit_if_new
from steadymap.reports.compare.compare_runs import SHOWN
from steadymap.reports.html.rendering import name_script, open_templates, read_own, to_bytes
from steadymap.reports.nights.night_summary import STATUS_WORDS
from steadymap.reports.nights.nights import HAS_RUN, Record, read_record
from steadymap.reports.pictures.palette import THEMES
from steadymap.reports.run.store_runs import RUNS

MORNING = "nights.html"
MOST_NIGHTS = 30
"""Nights that a line shows, the latest ones."""

UNTESTED = "◇"

NEWS = ("new", "lost", "flipped", "dropped", "moved")
"""Columns of the record that count what changed."""


@dataclass(frozen=True)
class Verdict:
    """What a cluster was in one night: a shape, a word, and whether it is another than the time before."""

    shape: str
    word: str
    changed: bool = False


@dataclass(frozen=True)
class ClusterLine:
    """One cluster through the nights, None where there is none or no result."""

    name: str
    size: int
    verdicts: tuple[Verdict | None, ...]

    @property
    def changed(self) -> bool:
        """Whether the last night changed it."""
        last = self.verdicts[-1] if self.verdicts else None
        return last is not None and last.changed


@dataclass(frozen=True)
class SweepLines:
    """One sweep through the nights.

    Attributes
    ----------
    sweep, night_name
        Which, and of which nights.
    status, reason
        How it ended last night; the reason where it has no result.
    said
        What last night said of it.
    report
        Link to the report of its latest run, empty where there is none.
    nights
        The nights of the lines, oldest first.
    lines
        Its clusters; those that changed last come first.
    news
        Whether the record of last night counts a change: of a cluster, or of a score.
    """

    sweep: str
    night_name: str
    status: str
    reason: str
    said: tuple[str, ...]
    report: str
    nights: tuple[str, ...]
    lines: tuple[ClusterLine, ...]
    news: bool = False

    @property
    def failed(self) -> bool:
        """Whether it has no result of last night."""
        return self.status == "failed"

    @property
    def changed(self) -> bool:
        """Whether last night said that anything changed, as the headline of its summary counts it."""
        return self.news or any(line.changed for line in self.lines)

    @property
    def status_words(self) -> str:
        """How it ended, in words."""
        return STATUS_WORDS.get(self.status, self.status)


def build_nights_page(store: Path, out: Path | None = None) -> Path | None:
    """Write the page beside the site's first; None where there is no night."""
    record = read_record(store)
    if not record.sweeps:
        return None
    page = (store / "site" if out is None else out) / MORNING
    commit_if_new(page, to_bytes(render_nights(follow_sweeps(record, store, page.parent), record)))
    return page


def follow_sweeps(record: Record, store: Path, folder: Path) -> list[SweepLines]:
    """List every sweep of the latest nights: failed ones, then those that changed, then the others by name."""
    latest = {str(row["name"]): str(row["night"]) for row in record.sweeps}
    keys = dict.fromkeys((str(row["name"]), str(row["sweep"])) for row in record.sweeps)
    found = []
    for name, sweep in keys:
        rows = [row for row in record.sweeps if (row["name"], row["sweep"]) == (name, sweep)]
        if rows[-1]["night"] == latest[name]:  # others are no longer swept
            clusters = [row for row in record.clusters if row["sweep"] == sweep]
            found.append(_follow(rows[-MOST_NIGHTS:], clusters, store, folder))
    return sorted(found, key=lambda one: (not one.failed, not one.changed, one.night_name, one.sweep))


def _follow(
    rows: Sequence[Mapping[str, Any]], clusters: Sequence[Mapping[str, Any]], store: Path, folder: Path
) -> SweepLines:
    last = rows[-1]
    return SweepLines(
        sweep=str(last["sweep"]),
        night_name=str(last["name"]),
        status=str(last["status"]),
        reason=str(last["reason"] or ""),
        said=tuple(last["said"]),
        report=_link_of(last["run"], store, folder),
        nights=tuple(_day(str(row["night"])) for row in rows),
        lines=tuple(sorted(_lines(rows, clusters), key=lambda line: not line.changed)),
        news=any(last[what] for what in NEWS),
    )


def _lines(rows: Sequence[Mapping[str, Any]], clusters: Sequence[Mapping[str, Any]]) -> Iterator[ClusterLine]:
    """Follow the lasting numbers; an unchanged night has the clusters of the night before."""
    told: list[dict[int, Mapping[str, Any]] | None] = []
    now: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        if row["status"] in ("computed", "found"):
            of_night = [one for one in clusters if (one["night"], one["run"]) == (row["night"], row["run"])]
            now = {int(one["lasting"]): one for one in of_night}
        elif row["status"] == "unchanged" and not now:
            now = {int(one["lasting"]): one for one in clusters if one["run"] == row["run"]}
        told.append(now if row["status"] in HAS_RUN else None)
    for lasting in sorted({number for one in told if one is not None for number in one}):
        latest = next(one[lasting] for one in reversed(told) if one is not None and lasting in one)
        label = f" ({latest['label']})" if latest["label"] else ""
        yield ClusterLine(f"C{lasting}{label}", int(latest["size"]), tuple(_verdicts(lasting, told)))


def _verdicts(lasting: int, told: Sequence[dict[int, Mapping[str, Any]] | None]) -> Iterator[Verdict | None]:
    """Yield the verdicts of a cluster; one is changed where the night told so: see ``reports.compare.news``."""
    stood: str | None = None
    any_before = False
    for clusters in told:
        if clusters is None or lasting not in clusters:
            yield None
        else:
            word, stands = str(clusters[lasting]["verdict"] or "not tested"), clusters[lasting].get("stands_from")
            news = any_before and word != stood and (word in SHOWN or stood in SHOWN)
            yield Verdict(SHAPES.get(word, UNTESTED), word, news and not stands)
            stood = stood if stands else word
        any_before = any_before or clusters is not None


def _day(night: str) -> str:
    """Return the day of a night: its name begins with its start in UTC."""
    return night[:10]


def _link_of(run: str | None, store: Path, folder: Path) -> str:
    page = store / RUNS / str(run) / REPORT
    if run is None or not page.is_file():
        return ""
    return quote(Path(os.path.relpath(page.absolute(), folder.absolute())).as_posix())


def render_nights(sweeps: Sequence[SweepLines], record: Record) -> str:
    """Render the page; names from users are text, never markup."""
    script = read_own("nights.js")
    return (
        open_templates()
        .get_template("nights.html.j2")
        .render(
            sweeps=sweeps,
            unreadable=record.unreadable,
            latest=max(str(row["night"]) for row in record.sweeps),
            failed=[one for one in sweeps if one.failed],
            changed=[one for one in sweeps if one.changed],
            shapes=SHAPES,
            themes=THEMES,
            css=read_own("page.css", "site.css", "nights.css"),
            script=script,
            script_digest=name_script(script),
            generator="Steadymap nights",
        )
    )
