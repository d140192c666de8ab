"""What a thing is: digests of its parameters, of the code that shapes it, and of the libraries it rests on.

Two things with the same identity have the same bytes, so whatever is found in the store under an identity need
not be computed again. Labels, paths, formats, threads and hosts are no part of it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable
from pathlib import Path
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
    "pandas",
    "pyarrow",
)
"""Versions that a run states."""


PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds the rooms."""


def digest(identity: Any) -> str:
    """Return 32 hexadecimal digits for any JSON-like identity; the order of keys does not matter."""
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@functools.cache
def code_digest(*modules: str) -> str:
    """Digest the code of modules and of every project module they import, directly or not.

    Comments, docstrings and layout do not count, so that better words never recompute a number.
    """
    seen: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        tree = ast.parse(_source(module))
        _drop_docstrings(tree)
        seen[module] = ast.unparse(tree)
        waiting.extend(_project_imports(tree))
    return digest(seen)


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return installed versions by library name."""
    return {library: _version(library) for library in libraries}


@functools.cache
def _version(library: str) -> str:
    return importlib.metadata.version(library)


def run_versions() -> dict[str, str]:
    """Return the versions that a run states, Python's included."""
    return {"python": platform.python_version(), **versions(RUN_LIBRARIES)}


def _source(module: str) -> str:
    return _file(module).read_text(encoding="utf-8")


def _file(module: str) -> Path:
    """Return where a project module lies; looking it up by path imports nothing."""
    place = PROJECT.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _project_imports(tree: ast.Module) -> list[str]:
    rooms = ("tasks.", "configs.")
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith(rooms)]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(rooms):
            module = str(node.module)
            inner = [f"{module}.{alias.name}" for alias in node.names]
            found += [name for name in inner if _file(name).is_file()] or [module]
    return found


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
