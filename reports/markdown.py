"""The summary as Markdown, for Prefect's UI and for a chat."""

from __future__ import annotations

import re

from reports.summary import Summary


def to_markdown(summary: Summary) -> str:
    """Render a summary; names from the user are text, never markup."""
    lines = [f"# {_text(summary.title)}", "", " · ".join(_text(fact) for fact in summary.facts), ""]
    lines += [f"* {_text(finding)}" for finding in summary.findings]
    if summary.recommended:
        lines += ["", "| look first at | islands | trustworthiness | why |", "|---|---|---|---|"]
        for one in summary.recommended:
            trust = "" if one.panel.trustworthiness is None else f"{one.panel.trustworthiness:.3f}"
            lines.append(f"| {_text(one.panel.title)} | {one.panel.islands} | {trust} | {_text(one.reason)} |")
    if summary.lost:
        lines += ["", "| without a picture | status | reason |", "|---|---|---|"]
        lines += [f"| {_text(p.title)} | {p.status} | {_text(p.reason or '')} |" for p in summary.lost]
    if summary.warnings:
        lines += ["", *(f"* warning: {_text(warning)}" for warning in summary.warnings)]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Escape what Markdown or HTML would read as markup."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    return re.sub(r"([\\`*_{}\[\]|#!])", r"\\\1", safe)
