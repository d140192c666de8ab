"""The summary as Markdown: a file of the run folder, Prefect's artifact, a message in a chat."""

from __future__ import annotations

import re

from reports.summary import Summary


def to_markdown(summary: Summary, picture: str | None = None) -> str:
    """Render a summary, with a picture that lies beside it; names from the user are text, never markup."""
    lines = [_text(summary.notice), ""] if summary.notice else []
    lines += [f"# {_text(summary.title)}", "", " · ".join(_text(fact) for fact in summary.facts), ""]
    lines += [f"* {_text(finding)}" for finding in summary.findings]
    lines += ["", _text(summary.limit), "", _text(summary.selftest)]
    if picture is not None:
        lines += ["", f"![Every setting by every seed]({picture})"]
    if summary.clusters:
        lines += ["", *(f"* {_text(card.line)}" for card in summary.clusters)]
    if summary.changes:
        lines += ["", f"Since {_text(summary.changes.previous)}:", ""]
        lines += [f"* {_text(sentence)}" for sentence in summary.changes.sentences]
    if summary.recommended:
        lines += ["", "| look first at | numbers | why |", "|---|---|---|"]
        for one in summary.recommended:
            numbers = ", ".join(f"{name} {value}" for name, value in one.numbers)
            lines.append(f"| {_text(one.panel.title)} | {_text(numbers)} | {_text(one.reason)} |")
    if summary.smallest:
        lines += ["", _text(summary.smallest.sentence)]
    if summary.lost:
        lines += ["", "| without a picture | status | reason |", "|---|---|---|"]
        lines += [f"| {_text(p.title)} | {_text(p.status)} | {_text(p.reason or '')} |" for p in summary.lost]
    if summary.warnings:
        lines += ["", *(f"* warning: {_text(warning)}" for warning in summary.warnings)]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Escape what Markdown or HTML would read as markup, and keep it on one line.

    What would make a link of a name that holds an address is escaped too (``://``, ``www.``, ``@``), and control
    characters are dropped.
    """
    visible = "".join(character for character in text if character.isprintable() or character.isspace())
    safe = " ".join(visible.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~@]|:(?=//)|(?<=www)\.)", r"\\\1", safe)
