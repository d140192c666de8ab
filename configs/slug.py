"""What a person called something, as every file system and every resource id takes it."""

from __future__ import annotations


def slug(name: str, otherwise: str) -> str:
    """Return a name in small letters, digits and hyphens; ``otherwise`` where nothing of it is left."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return "-".join(part for part in kept.split("-") if part) or otherwise
