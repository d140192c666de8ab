"""Places that are not on this machine: what counts as a URL, and which URLs are refused."""

from __future__ import annotations

import re

from steadymap.configs.errors import InputError

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""A scheme has two letters or more, so a Windows drive is none."""


NO_SECRETS = "URLs are kept in configs, logs and reports, so none may carry a secret: no @ and no ?"


def is_url(place: str) -> bool:
    """Say whether a place is a URL such as ``s3://bucket/folder``; all others are paths of this machine."""
    return URL.match(place) is not None


def scheme_of(url: str) -> str:
    """Return what stands before ``://``."""
    return url.partition("://")[0].lower()


def carries_secret(place: str) -> bool:
    """Say whether a place is a URL that may carry a user, a password or a signature."""
    return is_url(place) and ("@" in place or "?" in place)


def refuse_secrets(url: str) -> None:
    """Refuse a URL with a user, a password or a query: it would end in configs, logs and reports.

    Raises
    ------
    InputError
        Which does not repeat them.
    """
    if carries_secret(url):
        raise InputError(
            f"a {scheme_of(url)}:// URL with a user, a password or a query",
            rule=NO_SECRETS,
            remedy="give credentials through the environment, as the cloud's own tools read them",
        )
