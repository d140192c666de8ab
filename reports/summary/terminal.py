"""The summary as lines for a terminal: a few that fit 80 columns, and all of it where that is asked for."""

from __future__ import annotations

from steadymap.reports.summary.summary import Summary, spell_lost
from steadymap.reports.wording import to_printable

WIDTH = 80
"""Columns that a terminal has at least; what is longer is cut here, and whole under ``--verbose``."""


def to_short_lines(summary: Summary) -> list[str]:
    """Return the answer in at most six lines of 80 columns: clusters by verdict, the setting to use, what changed.

    Without verdicts the headline stands in their place. Names are cut where they do not fit, numbers never.
    """
    answer = summary.answer
    groups = [f"{group.shape} {group.word} {group.count}: {group.names}" for group in answer.groups if group.word]
    lines = groups or [*summary.findings[:1]]
    lines += [f"use {answer.use.title}: {answer.because}"] if answer.use else []
    lines += [f"since {summary.changes.previous}: {summary.changes.sentences[0]}"] if summary.changes else []
    return [_cut(to_printable(line)) for line in lines]


def to_lines(summary: Summary) -> list[str]:
    """Return the answer, findings, clusters, recommended pictures and lost cells as plain lines."""
    lines = [*([summary.notice] if summary.notice else []), *summary.answer.lines, *summary.findings]
    lines += [card.line for card in summary.clusters]
    if summary.changes:
        lines += [f"since {summary.changes.previous}: {sentence}" for sentence in summary.changes.sentences]
    lines += [f"look first at {one.panel.title}: {one.reason}" for one in summary.recommended]
    lines += [summary.smallest.sentence] if summary.smallest else []
    lines += [f"{status}: {title}: {reason}" for title, status, reason in spell_lost(summary.lost)]
    return [to_printable(line) for line in lines]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1].rstrip()}…"
