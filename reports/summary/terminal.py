"""The summary as a few lines for a terminal."""

from __future__ import annotations

from steadymap.reports.summary.summary import Summary, tell_lost
from steadymap.reports.wording import to_printable


def to_lines(summary: Summary) -> list[str]:
    """Return findings, clusters, recommended pictures and lost cells as plain lines."""
    lines = [*([summary.notice] if summary.notice else []), *summary.findings]
    lines += [card.line for card in summary.clusters]
    if summary.changes:
        lines += [f"since {summary.changes.previous}: {sentence}" for sentence in summary.changes.sentences]
    lines += [f"look first at {one.panel.title}: {one.reason}" for one in summary.recommended]
    lines += [summary.smallest.sentence] if summary.smallest else []
    lines += [f"{status}: {title}: {reason}" for title, status, reason in tell_lost(summary.lost)]
    return [to_printable(line) for line in lines]
