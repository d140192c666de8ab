"""Matrices and columns from a .zarr: one array, a group of arrays, or AnnData's (``obsm``, ``X`` and ``obs``)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.configs.extras import import_extra
from steadymap.tasks.input.formats.data_file import DataFile, Kind, Part, Values, check_fits

KINDS: dict[str, Kind] = {"f": "number", "i": "whole", "u": "whole", "b": "flag"}
ROW_NAMES = "obs_names"


class ZarrFile(DataFile):
    """Arrays of a Zarr store."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        zarr = import_extra("zarr", rule="a .zarr is read by zarr", file=path, extra="anndata")
        self._node = zarr.open(str(path), mode="r")
        self._single = not hasattr(self._node, "array_keys")
        self._annotated = not self._single and "obsm" in self._node
        self.pictures_beside = self._annotated
        self._matrices = {} if self._single else _matrices(self._node)
        self._columns = {} if self._single else _columns(self._node)

    @property
    def names(self) -> list[str]:
        """The arrays with one value a row."""
        return list(self._columns)

    def parts(self) -> list[Part]:
        """Return what every array holds."""
        matrices = [
            Part(name, "matrix", "matrix" if self._annotated else "array", width=_width(one))
            for name, one in self._matrices.items()
            if not (self._annotated and name == "X")
        ]
        return [*matrices, *(Part(name, _kind(one), _kind(one)) for name, one in self._columns.items())]

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Return the array that is named."""
        if role == "latents" and (len(wanted) != 1 or wanted[0] not in self._matrices):
            raise InputError(
                f"there is no {', '.join(wanted)!r}",
                file=self.path,
                place=f"data.{role}",
                rule=f"one of {', '.join(self._matrices) or '(it is one array, without a name)'}",
                remedy="check the name",
            )
        return list(wanted)

    def matrix(self, names: Sequence[str], role: str = "latents") -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return an array of two axes."""
        return self._load(self._node if not names else self._matrices[names[0]]), None

    def values(self, name: str, role: str) -> Values:
        """Return one value a row."""
        if self._single and not name:
            return self._load(self._node)
        name = name or self.only_name(role)
        self.require(name, role)
        values = self._load(self._columns[name])
        return values.tolist() if values.dtype == object else values

    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return an array of any shape."""
        name = "".join(wanted)
        if self._single and not name:
            return self._load(self._node)
        if name not in self._matrices:
            self.matching([name], "latents")
        return self._load(self._matrices[name])

    def _load(self, element: Any) -> np.ndarray:
        if hasattr(element, "shape"):
            check_fits(int(np.prod(element.shape, dtype=object)) * element.dtype.itemsize, "array", self.path)
            return np.asarray(element[...])
        anndata = import_extra("anndata", rule="a .zarr of AnnData is read by AnnData", file=self.path)
        read = anndata.io.read_elem(element)
        for name in ("toarray", "to_numpy"):
            if hasattr(read, name):
                return np.asarray(getattr(read, name)())
        return np.asarray(read)


def _matrices(node: Any) -> dict[str, Any]:
    if "obsm" not in node:
        return {name: node[name] for name in node.array_keys() if len(node[name].shape) > 1}
    found = {name: node["obsm"][name] for name in node["obsm"].keys()}  # noqa: SIM118 - a group is no mapping
    return {**found, "X": node["X"]} if "X" in node else found


def _columns(node: Any) -> dict[str, Any]:
    if "obs" not in node:
        return {name: node[name] for name in node.array_keys() if len(node[name].shape) == 1}
    index = str(node["obs"].attrs["_index"])
    found = {name: node["obs"][name] for name in node["obs"].keys() if name != index}  # noqa: SIM118
    return {**found, ROW_NAMES: node["obs"][index]}


def _width(element: Any) -> int | None:
    shape = getattr(element, "shape", None)
    if shape is None:
        order = element.attrs.get("column-order")
        return None if order is None else len(order)
    return int(shape[1]) if len(shape) == 2 else None


def _kind(element: Any) -> Kind:
    dtype = getattr(element, "dtype", None)
    return "text" if dtype is None else KINDS.get(dtype.kind, "text")
