"""Arrays from .npy and .npz.

An array's header is held against its file before anything is allocated, so that a header that claims gigabytes
costs nothing. Object arrays, which would have to be unpickled, are refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence, Set
from pathlib import Path
from typing import IO, Any

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.data_file import DataFile, Kind, Part, Values, check_expansion, check_fits


class NpyFile(DataFile):
    """One array without a name."""

    @property
    def names(self) -> list[str]:
        """There are none."""
        return []

    def parts(self) -> list[Part]:
        """There are none: it is one array."""
        return []

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Refuse a name; there is none."""
        if wanted:
            self._refuse(wanted[0], role)
        return []

    def matrix(self, names: Sequence[str], role: str = "latents") -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return the array."""
        return self._load(), None

    def values(self, name: str, role: str) -> Values:
        """Return the array."""
        if name:
            self._refuse(name, role)
        return self._load()

    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return the array."""
        return np.asarray(self.values("".join(wanted), role))

    def _load(self) -> np.ndarray:
        with self.path.open("rb") as file:
            _check_header(file, self.path.stat().st_size, self.path, self.path.name)
        array: np.ndarray = np.load(self.path, allow_pickle=False)
        return array

    def _refuse(self, name: str, role: str) -> None:
        raise InputError(
            f"there is no {name!r} in an .npy file",
            file=self.path,
            place=f"data.{role}",
            rule="an .npy holds one array without a name",
            remedy="name a file of its own, such as labels.npy, or save all together with numpy.savez",
        )


class NpzFile(DataFile):
    """Named arrays."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        self._unusable: dict[str, InputError] = {}
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy"):
                    self._look_at(archive, member)
        if {"format", "shape", "data"} < self._found.keys():
            raise InputError(
                "a sparse matrix of SciPy",
                file=path,
                rule="arrays, a row per input",
                remedy=f"import scipy.sparse, numpy; x = scipy.sparse.load_npz({path.name!r})\n"
                "          numpy.save('latents.npy', x.toarray())",
            )
        if not self._found and not self._unusable:
            raise InputError(
                "there is no array in it",
                file=path,
                rule="an .npz holds arrays, each a member that ends with .npy",
                remedy="save them with numpy.savez('latents.npz', z=vectors)",
            )

    def _look_at(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        name = member.filename.removesuffix(".npy")
        try:
            check_expansion(
                member.file_size,
                member.compress_size,
                self.path,
                f"array {member.filename.removesuffix('.npy')!r}",
                "save it with numpy.savez instead of savez_compressed if the data is genuine",
            )
            with archive.open(member) as file:
                self._found[name] = _check_header(file, member.file_size, self.path, name)
        except InputError as error:
            # An array nobody asks for may hold anything.
            self._unusable[name] = error

    @property
    def names(self) -> list[str]:
        """The arrays that can be read."""
        return list(self._found)

    def parts(self) -> list[Part]:
        """Return what every array holds."""
        unusable = [Part(name, "other", _told_of(error)) for name, error in self._unusable.items()]
        return [*(_part(name, *found) for name, found in self._found.items()), *unusable]

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Return the one array that is named as latents."""
        if role == "latents" and len(wanted) != 1:
            raise InputError("several arrays named as latents", file=self.path, rule="name one array of an .npz")
        return list(wanted)

    def matrix(self, names: Sequence[str], role: str = "latents") -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return an array."""
        return self._load(names[0], role), None

    def values(self, name: str, role: str) -> Values:
        """Return an array."""
        return self._load(name or self.only_name(role), role)

    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return an array."""
        if len(wanted) != 1:
            raise InputError("several arrays named as inputs", file=self.path, rule="name one array of an .npz")
        free = [name for name in self.names if name not in taken]
        return np.asarray(self.values(free[0] if wanted == [""] and len(free) == 1 else wanted[0], role))

    def _load(self, name: str, role: str) -> np.ndarray:
        if name in self._unusable:
            raise self._unusable[name]
        self.require(name, role)
        with np.load(self.path, allow_pickle=False) as arrays:
            array: np.ndarray = arrays[name]
        return array


def _part(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Part:
    """Say what an array holds, by its header."""
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1 and dtype.kind != "f"):
        kind, told = VALUE_KINDS.get(dtype.kind, ("other", f"dtype {dtype}"))
        return Part(name, kind, told)
    size = " × ".join(map(str, shape))
    if len(shape) == 2 and dtype.kind in "fiu":
        return Part(name, "matrix", "array", width=shape[1])
    return Part(name, "other", f"{size}, {dtype}" if shape else "one value")


def _told_of(error: InputError) -> str:
    return "Python objects, not read" if "Python objects" in error.problem else "cannot be read"


VALUE_KINDS: dict[str, tuple[Kind, str]] = {
    "f": ("number", "one number"),
    "i": ("whole", "one integer"),
    "u": ("whole", "one integer"),
    "b": ("flag", "true or false"),
    "U": ("text", "text"),
    "S": ("text", "text"),
}
"""What one value a row is, by NumPy's kind of its dtype."""


def _check_header(file: IO[bytes], size: int, path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return an array's shape and type after holding its header against the bytes that are there."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise InputError(
            "holds Python objects, which would have to be unpickled",
            file=path,
            place=f"array {name!r}",
            rule="arrays of numbers or fixed-width text",
            remedy=f"save it as array.astype(float) or array.astype(str) instead of dtype {dtype}",
        )
    claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    present = size - file.tell()
    if claimed != present:
        raise InputError(
            f"claims {claimed:,} bytes, the file has {present:,}",
            file=path,
            place=f"array {name!r}",
            rule="a whole, undamaged file",
            remedy="write the file again",
        )
    check_fits(claimed, f"array {name!r}", path)
    return tuple(int(length) for length in shape), dtype
