"""Digest code by what it does: the content of definitions and of all they rest on, not the names of files.

A number in the store is good for as long as the code that shaped it is the same. So a definition's digest is made of
its own text and of the digests of the project's definitions that it names, directly or not. Comments, docstrings,
layout, the names of modules and of functions do not count: better words, a renamed file, a function that moves to
another file recompute nothing.

Attributes and keyword arguments are part of the text, and whoever is named in an annotation counts as used, since its
methods may be called. What carries bytes without shaping them (the store, the worker pool) is not followed.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).absolute().parents[2]
"""The package's folder, which holds the rooms; links to them are not followed (`src/steadymap` has more than they)."""

ROOMS = ("configs", "tasks", "reports", "flows", "holm")
CARRIERS = (
    "configs.checksum",
    "tasks.store.files",
    "tasks.store.layout",
    "tasks.store.object_store",
    "tasks.store.sync",
    "tasks.store.identity",
    "tasks.store.code_digest",
    "tasks.store.locks",
    "tasks.store.leases",
    "tasks.store.turns",
    "tasks.store.renewal",
    "tasks.store.run_uses",
    "tasks.store.run_manifest",
    "tasks.store.collect_garbage",
    "tasks.store.check_store",
    "tasks.workers",
    "tasks.progress",
)
"""Modules that carry bytes, or wait for those who make them; they shape none."""

MOST_MISCOUNTS = 20

_MODULE_NAME = re.compile(rf"(steadymap\.)?({'|'.join(ROOMS)})(\.\w+)+(:\w+)?")


@functools.cache
def code_digest(*places: str) -> str:
    """Digest code and all of the project that it rests on.

    Parameters
    ----------
    places
        Modules (``steadymap.tasks.numerics.valleys.dip``: all that they define) and definitions
        (``steadymap.tasks.cells.compute_cells:draw``).

    Raises
    ------
    LookupError
        There is no such module, or no such definition in it.
    """
    return _code_of(PROJECT).digest(*places)


@functools.cache
def _code_of(project: Path) -> Code:
    return Code(project)


class Code:
    """The code below a project's folder, read once."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._modules: dict[str, _Module] = {}
        self._digests: dict[tuple[str, str], str] = {}

    def digest(self, *places: str) -> str:
        """Digest modules and definitions; see ``code_digest``."""
        return _digest(sorted(self._digest_place(*_local(place).partition(":")[::2]) for place in places))

    def _digest_place(self, module: str, name: str) -> str:
        known = self._module(module)
        if name and name not in known.definitions:
            raise LookupError(f"{module} defines no {name!r}")
        return self._digest_definition(module, name) if name else self._digest_module(module)

    def _digest_module(self, module: str) -> str:
        known = self._module(module)
        return _digest(sorted(self._digest_definition(module, name) for name in known.definitions))

    def _digest_definition(self, module: str, name: str) -> str:
        place = (module, name)
        if place not in self._digests:
            self._digests[place] = _digest(list(self._texts(module, name)))
        return self._digests[place]

    def _texts(self, module: str, name: str) -> Iterator[str]:
        """Yield the texts of a definition, of those that call it in turn, and of its module's other statements."""
        known = self._module(module)
        numbers = {name: 0}
        for one in _growing(numbers):
            for statement in known.definitions[one]:
                yield self._text(module, one, statement, numbers)
        for statement in known.effects:
            yield self._text(module, name, statement, numbers)

    def _text(self, module: str, name: str, source: str, numbers: dict[str, int]) -> str:
        tree = _parse(source)  # anew: the names in it are replaced
        _drop_docstrings(tree)
        known = self._module(module)
        imports = {**known.imports, **_imports(tree)}

        def named(other: str) -> str:
            if other in imports:
                return f"‹{self.meaning(*imports[other])}›"
            if other not in known.definitions:
                return other
            if known.is_circle(name, other):
                return f"‹{numbers.setdefault(other, len(numbers))}›"
            return f"‹{self._digest_definition(module, other)}›"

        def member(of: str, attribute: str) -> str | None:
            module, name = imports.get(of, ("", None))
            whole = f"{_local(module)}.{name}" if name else _local(module)
            if of not in imports or _is_carrier(whole) or self._file(whole) is None:
                return None
            return (
                f"‹{self._digest_definition(whole, attribute)}›"
                if attribute in self._module(whole).definitions
                else None
            )

        return ast.unparse(_Renaming(named, member).visit(tree))

    def meaning(self, origin: str, name: str | None) -> str:
        """Return what an imported name stands for: a digest of the project's code, or the library's own name."""
        module = _local(origin)
        if module.partition(".")[0] not in ROOMS:
            return origin if name is None else f"{origin}.{name}"
        if name is not None and self._file(f"{module}.{name}") is not None:
            module, name = f"{module}.{name}", None
        if _is_carrier(module):
            return str(name)
        if name is None:
            return self._digest_module(module)
        known = self._module(module)
        if name in known.definitions:
            return self._digest_definition(module, name)
        return self.meaning(*known.imports[name]) if name in known.imports else self._digest_module(module)

    def _module(self, module: str) -> _Module:
        if module not in self._modules:
            file = self._file(module)
            if file is None:
                raise LookupError(f"the project has no module {module!r}")
            self._modules[module] = _read(file.read_text(encoding="utf-8"))
        return self._modules[module]

    def _file(self, module: str) -> Path | None:
        """Return where a module lies; looking it up by path imports nothing."""
        place = self._project.joinpath(*module.split("."))
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        return file if file.is_file() else None


class _Module:
    """What a module binds: definitions by name and imported names; and statements that are neither. As source text."""

    def __init__(self) -> None:
        self.definitions: dict[str, list[str]] = {}
        self.imports: dict[str, tuple[str, str | None]] = {}
        self.effects: list[str] = []
        self._named: dict[str, set[str]] = {}

    def is_circle(self, name: str, other: str) -> bool:
        """Say whether of two definitions, of which the first names the second, the second also rests on the first."""
        reached = {other: 0}
        for one in _growing(reached):
            if one == name:
                return True
            for below in self._names_in(one):
                reached.setdefault(below, len(reached))
        return False

    def _names_in(self, name: str) -> set[str]:
        """Return the module's own definitions that one of them names."""
        if name not in self._named:
            nodes = (node for source in self.definitions[name] for node in ast.walk(_parse(source)))
            named = {node.id for node in nodes if isinstance(node, ast.Name)}
            self._named[name] = named & set(self.definitions)
        return self._named[name]


def _read(source: str) -> _Module:
    module, lines = _Module(), source.split("\n")
    for statement in _parse(source).body:
        first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", ()))])
        text = "\n".join(lines[first - 1 : statement.end_lineno])
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_for_types(statement):
            module.imports.update(_imports(statement))
        elif names := _bound(statement):
            for name in names:
                module.definitions.setdefault(name, []).append(text)
        elif not _is_text(statement):
            module.effects.append(text)
    return module


def _parse(source: str) -> ast.Module:
    """Parse code, again where CPython says that it has miscounted.

    It counts the depth of a tree that it builds in one place for all threads, so another thread that parses at the same
    moment leaves a SystemError here ("recursion depth mismatch"), and nothing is wrong with the code.
    """
    for _ in range(MOST_MISCOUNTS):
        with contextlib.suppress(SystemError):
            return ast.parse(source)
    return ast.parse(source)


def _bound(statement: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    else:
        return []
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _imports(tree: ast.AST) -> dict[str, tuple[str, str | None]]:
    """Return what the imports in a tree bind: by local name the module, and the name in it (None: the module)."""
    found: dict[str, tuple[str, str | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = (alias.name, None)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({alias.asname or alias.name: (node.module, alias.name) for alias in node.names})
    return found


class _Renaming(ast.NodeTransformer):
    """Puts what a name stands for in its place, and takes imports and names of modules out."""

    def __init__(self, named: Callable[[str], str], member: Callable[[str, str], str | None]) -> None:
        self._named, self._member = named, member

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        # Of a module that is imported whole only the definition counts that is asked for.
        found = self._member(node.value.id, node.attr) if isinstance(node.value, ast.Name) else None
        return ast.Name(found, node.ctx) if found else ast.Attribute(self.visit(node.value), node.attr, node.ctx)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._named(node.id), node.ctx)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._named(node.name)
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.name = self._named(node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._named(node.name)
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.Pass:
        return ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.Pass:
        return ast.Pass()

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        named = isinstance(node.value, str) and _MODULE_NAME.fullmatch(node.value)
        return ast.Constant("‹module›") if named else node


def _growing(numbers: dict[str, int]) -> Iterator[str]:
    """Yield the names in the order of their numbers, those included that are added on the way."""
    at = 0
    while at < len(numbers):
        yield list(numbers)[at]
        at += 1


def _local(module: str) -> str:
    """Return a module's name below the project's folder."""
    return module.removeprefix("steadymap.")


def _is_carrier(module: str) -> bool:
    return any(module == carrier or module.startswith(f"{carrier}.") for carrier in CARRIERS)


def _is_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _digest(texts: list[str]) -> str:
    return hashlib.blake2b(json.dumps(texts).encode(), digest_size=16).hexdigest()
