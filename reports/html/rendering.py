"""What every page is made with: templates that escape, our own files beside them, scripts named by their digest."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from steadymap.reports.wording import list_names, spell_configuration

TEMPLATES = Path(__file__).parent / "templates"


def open_templates() -> Environment:
    """Return the templates; whatever they print is escaped, and an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["setting"] = spell_configuration
    environment.filters["listed"] = list_names
    return environment


def read_own(*names: str) -> Markup:
    """Read our own files from beside the templates, one after the other: trusted markup."""
    return Markup("").join(Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in names)  # noqa: S704


def name_script(script: str) -> Markup:
    """Return the script's name in a content policy; base64 needs no escaping."""
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode("ascii")
    return Markup(f"sha256-{digest}")  # noqa: S704


def to_bytes(page: str) -> bytes:
    """Encode a page; a lone half of a character, which JSON and file names can hold, becomes a question mark."""
    return page.encode("utf-8", "replace")
