"""The summary as a few lines for a terminal."""

from __future__ import annotations

from reports.summary import Summary, tell_lost


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


def to_printable(line: str) -> str:
    """Drop control characters, which could move a terminal's cursor; spaces of every kind become plain ones."""
    return "".join(" " if character.isspace() else character for character in line if _shows(character))


def _shows(character: str) -> bool:
    return character.isprintable() or character.isspace()
