"""A night in words: a few lines for a terminal, Markdown for Prefect and chats, one object for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from steadymap.reports.build import REPORT
from steadymap.reports.compare.news import NOTHING
from steadymap.reports.nights.nights import HAS_RUN, SweepOfNight
from steadymap.reports.run.store_runs import RUNS
from steadymap.reports.summary.markdown import escape
from steadymap.reports.wording import count, list_names, to_printable

STATUS_WORDS = {
    "computed": "computed",
    "found": "complete already",
    "unchanged": "unchanged",
    "failed": "failed",
    "left": "left for the next night",
}

MOST_BRIEFS = 3
"""Changes that a list of runs names; the run's own page has them all."""


@dataclass(frozen=True)
class Night:
    """A night that came to its end.

    Attributes
    ----------
    night, name
        Its own name, and what these nights are called.
    previous
        The night before, empty in the first.
    store
        Where runs and records lie.
    sweeps
        What became of every sweep.
    gone
        Sweeps of the night before that are no more.
    notices
        What else has to be known.
    site
        First page of the static site; None where there is none.
    seconds
        What the night took.
    briefs
        Its changes in a few words each, of every sweep that has any.
    """

    night: str
    name: str
    previous: str
    store: str
    sweeps: tuple[SweepOfNight, ...]
    gone: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    site: str | None = None
    seconds: float = 0.0
    briefs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def with_status(self, status: str) -> list[SweepOfNight]:
        """Return the sweeps that ended in one way."""
        return [one for one in self.sweeps if one.status == status]

    @property
    def complete(self) -> bool:
        """Whether no sweep failed."""
        return not self.with_status("failed")

    @property
    def headline(self) -> str:
        """The night in one sentence."""
        counts = {words: len(self.with_status(status)) for status, words in STATUS_WORDS.items()}
        told = [f"{number} {words}" for words, number in counts.items() if number]
        return f"{count(len(self.sweeps), 'sweep')}: {', '.join(told)}; {self.what_changed}."

    @property
    def what_changed(self) -> str:
        """The first changes by name, or that there are none."""
        every = [brief for briefs in self.briefs.values() for brief in briefs]
        if not every:
            return NOTHING if self.previous else "the first night, with nothing to compare with"
        told, more = every[:MOST_BRIEFS], len(every) - MOST_BRIEFS
        rest = [f"{more} more"] if more > 0 else []
        return "; ".join([*told, *rest, f"{len(self.briefs)} of {count(len(self.sweeps), 'sweep')} changed"])

    @property
    def message(self) -> str:
        """What a list of runs shows: what changed, or that nothing did."""
        failed, left = len(self.with_status("failed")), len(self.with_status("left"))
        rest = [f"{failed} of {len(self.sweeps)} failed"] if failed else []
        rest += [f"{left} left for the next night"] if left else []
        return "; ".join([self.what_changed, *rest])


def report_of(night: Night, sweep: SweepOfNight) -> Path | None:
    """Return the report of a sweep's run, if there is one."""
    page = Path(night.store) / RUNS / str(sweep.run) / REPORT
    return page if sweep.run is not None and page.is_file() else None


def night_lines(night: Night) -> list[str]:
    """Return a night as plain lines."""
    lines = [night.headline]
    for one in night.sweeps:
        of = f" ({file_of(one)})" if one.data else ""
        lines.append(f"{one.sweep}{of}: {_ending(one)}")
        lines += [f"  {line}" for said in (one.reason, *one.said) if said for line in said.splitlines()]
    lines += [f"warning: {notice}" for notice in _notices(night)]
    lines += [f"report: {page}" for one in night.with_status("computed") if (page := report_of(night, one)) is not None]
    lines += [f"site: {night.site}"] if night.site else []
    return [to_printable(line) for line in lines]


def night_markdown(night: Night) -> str:
    """Render a night; names from the user are text, never markup."""
    lines = [f"# {escape(night.name)}", "", escape(night.headline)]
    for one in sorted(night.sweeps, key=lambda sweep: not sweep.said):
        if one.said or one.reason:
            lines += ["", f"## {escape(one.sweep)}", ""]
            lines += [f"* {escape(said)}" for said in (*(one.reason or "").splitlines(), *one.said)]
    lines += ["", "| sweep | data | what became of it | cells computed | failed | clusters | REAL | drift | run |"]
    lines += ["|---|---|---|---|---|---|---|---|---|", *(_row(one) for one in night.sweeps)]
    lines += ["", *(f"* warning: {escape(notice)}" for notice in _notices(night))]
    return "\n".join(lines).rstrip() + "\n"


def night_object(night: Night) -> dict[str, Any]:
    """Return a night as one JSON object."""
    sweeps = [
        {
            **asdict(one),
            "said": list(one.said),
            "report": None if (page := report_of(night, one)) is None else str(page),
        }
        for one in night.sweeps
    ]
    return {
        "night": night.night,
        "name": night.name,
        "previous": night.previous or None,
        "headline": night.headline,
        "counts": {status: len(night.with_status(status)) for status in STATUS_WORDS},
        "sweeps": sweeps,
        "gone": list(night.gone),
        "warnings": list(_notices(night)),
        "site": night.site,
        "seconds": round(night.seconds, 2),
    }


def file_of(one: SweepOfNight) -> str:
    """Return the name of the data file that a sweep was made of: of dated files, which."""
    return PurePosixPath(one.data).name or one.data


def _ending(one: SweepOfNight) -> str:
    told = STATUS_WORDS[one.status]
    if one.status in HAS_RUN and one.clusters is not None:
        told += f", {count(one.clusters, 'cluster')}, {one.real} of them REAL"
    if one.status == "computed":
        told += f"; {count(one.computed or 0, 'cell')} in {one.seconds:.0f} s"
    return told


def _notices(night: Night) -> Iterator[str]:
    if night.gone:
        yield f"no longer there: {list_names(night.gone, most=6)}"
    yield from night.notices


def _row(one: SweepOfNight) -> str:
    drift = "" if one.agreement is None else f"{one.agreement:.2f}"
    noise = "" if one.seed_agreement is None else f" (seeds {one.seed_agreement:.2f})"
    known = (one.computed, one.failed, one.clusters, one.real)
    cells = [
        escape(one.sweep),
        escape(file_of(one)),
        STATUS_WORDS[one.status],
        *("" if value is None else str(value) for value in known),
    ]
    return "| " + " | ".join([*cells, drift + noise if drift else "", escape(one.run or "")]) + " |"
