"""Places that are not on this machine: what counts as a URL, and which URLs are refused."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from configs.errors import InputError

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""A scheme has two letters or more, so a Windows drive is none."""


def is_url(place: str) -> bool:
    """Say whether a place is a URL such as ``s3://bucket/folder``; all others are paths of this machine."""
    return URL.match(place) is not None


def scheme_of(url: str) -> str:
    """Return what stands before ``://``."""
    return url.partition("://")[0].lower()


def refuse_secrets(url: str) -> None:
    """Refuse a URL with a user, a password or a query: it would end in configs, logs and reports.

    Raises
    ------
    InputError
        Which does not repeat them.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query:
        raise InputError(
            "the URL has a user, a password or a query (the part after ?)",
            file=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}",
            rule="URLs are kept in configs, logs and reports, so none may carry a secret",
            remedy="give credentials through the environment, as the cloud's own tools read them",
        )
