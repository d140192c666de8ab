"""The summary as Markdown: a file of the run folder, Prefect's artifact, a message in a chat."""

from __future__ import annotations

import re

from steadymap.reports.summary.summary import Summary, spell_lost


def to_markdown(summary: Summary, picture: str | None = None) -> str:
    """Render a summary, with a picture that lies beside it; names from the user are text, never markup."""
    lines = [escape(summary.notice), ""] if summary.notice else []
    lines += [f"# {escape(summary.title)}", "", " · ".join(escape(fact) for fact in summary.facts), ""]
    lines += [f"* {escape(finding)}" for finding in summary.findings]
    lines += ["", escape(summary.limit), "", escape(summary.selftest)]
    if picture is not None:
        lines += ["", f"![Every setting by every seed]({picture})"]
    if summary.clusters:
        lines += ["", *(f"* {escape(card.line)}" for card in summary.clusters)]
    if summary.changes:
        lines += ["", f"Since {escape(summary.changes.previous)}:", ""]
        lines += [f"* {escape(sentence)}" for sentence in summary.changes.sentences]
    if summary.recommended:
        lines += ["", "| look first at | numbers | why |", "|---|---|---|"]
        for one in summary.recommended:
            numbers = ", ".join(f"{name} {value}" for name, value in one.numbers)
            lines.append(f"| {escape(one.panel.title)} | {escape(numbers)} | {escape(one.reason)} |")
    if summary.smallest:
        lines += ["", escape(summary.smallest.sentence)]
    if summary.lost:
        lines += ["", "| without a picture | status | reason |", "|---|---|---|"]
        lines += [f"| {' | '.join(map(escape, told))} |" for told in spell_lost(summary.lost)]
    if summary.warnings:
        lines += ["", *(f"* warning: {escape(warning)}" for warning in summary.warnings)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Escape what Markdown or HTML would read as markup, and keep it on one line.

    What would make a link of a name that holds an address is escaped too (``://``, ``www.``, ``@``), and control
    characters are dropped.
    """
    visible = "".join(character for character in text if character.isprintable() or character.isspace())
    safe = " ".join(visible.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~@]|:(?=//)|(?<=www)\.)", r"\\\1", safe)
