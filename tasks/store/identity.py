"""What a thing is: digests of its parameters and of the libraries it rests on.

Two things with the same identity have the same bytes, so whatever is found in the store under an identity need
not be computed again. Labels, paths, formats, threads and hosts are no part of it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable
from typing import Any

SHAPING_LIBRARIES = ("numpy", "scipy", "scikit-learn")
"""Libraries under every number; reducers add their own."""

RUN_LIBRARIES = (
    "steadymap",
    "prefect",
    "numpy",
    "scipy",
    "scikit-learn",
    "openTSNE",
    "umap-learn",
    "numba",
    "fast_hdbscan",
    "pandas",
    "pyarrow",
)
"""Versions that a run states."""


def digest(identity: Any) -> str:
    """Return 32 hexadecimal digits for any JSON-like identity; the order of keys does not matter."""
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return installed versions by library name."""
    return {library: _version(library) for library in libraries}


@functools.cache
def _version(library: str) -> str:
    return importlib.metadata.version(library)


def run_versions() -> dict[str, str]:
    """Return the versions that a run states, Python's included."""
    return {"python": platform.python_version(), **versions(RUN_LIBRARIES)}
