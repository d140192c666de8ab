"""Arrays from .npy and .npz.

An array's header is held against its file before anything is allocated, so that a header that claims gigabytes
costs nothing. Object arrays, which would have to be unpickled, are refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Sequence, Set
from pathlib import Path
from typing import IO

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.tasks.input.data_file import DataFile, Values, check_fits

LATENT_NAMES = ("latents", "z", "Z", "X", "embeddings", "mu")
"""Arrays that are taken for the latent vectors where none is named."""

MEAN_NAME = "mu"

LOG_VARIANCE_NAMES = ("logvar", "log_var")
"""Beside an array ``mu``: log σ² of a variational encoder, whose means are then the latent vectors, not a ``z``."""


def posterior_variance(names: Collection[str]) -> str | None:
    """Return the array with log σ² where the means beside it are the latent vectors; one called latents goes before."""
    if MEAN_NAME not in names or LATENT_NAMES[0] in names:
        return None
    return next((name for name in LOG_VARIANCE_NAMES if name in names), None)


LARGEST_EXPANSION = 400
"""A member of an .npz may unpack to so many times its size; deflate reaches 1,000 only on constant data."""

ABOVE_SUSPICION_BYTES = 64_000_000
"""Below this an archive may be as compressible as it likes."""


class NpyFile(DataFile):
    """One array without a name."""

    @property
    def names(self) -> list[str]:
        """There are none."""
        return []

    def latents(self, wanted: Sequence[str] | None, taken: set[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return the array."""
        if wanted:
            self._refuse(wanted[0], "latents")
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
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._unusable: dict[str, InputError] = {}
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy"):
                    self._look_at(archive, member)

    def _look_at(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        name = member.filename.removesuffix(".npy")
        try:
            _check_expansion(member, self.path)
            with archive.open(member) as file:
                self._shapes[name] = _check_header(file, member.file_size, self.path, name)
        except InputError as error:
            # An array nobody asks for may hold anything.
            self._unusable[name] = error

    @property
    def names(self) -> list[str]:
        """The arrays that can be read."""
        return list(self._shapes)

    def latents(self, wanted: Sequence[str] | None, taken: set[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return the array named; else the first of the usual names, or the only matrix."""
        if wanted is not None and len(wanted) != 1:
            raise InputError("several arrays named as latents", file=self.path, rule="name one array of an .npz")
        return self._load(wanted[0] if wanted else self._choose(taken), "latents"), None

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

    def _choose(self, taken: set[str]) -> str:
        if posterior_variance(self._shapes) is not None:
            return MEAN_NAME
        for name in LATENT_NAMES:
            if name in self._shapes or name in self._unusable:
                return name
        matrices = [name for name, shape in self._shapes.items() if len(shape) == 2 and name not in taken]
        if len(matrices) == 1:
            return matrices[0]
        unusable = f" (not usable: {', '.join(sorted(self._unusable))})" if self._unusable else ""
        raise InputError(
            f"which of the arrays {', '.join(sorted(self._shapes)) or '(none)'} holds the latent vectors?{unusable}",
            file=self.path,
            rule=f"an array called {', '.join(LATENT_NAMES)}, or a single 2-d array",
            remedy="name it under `data: latents:`",
        )


def _check_header(file: IO[bytes], size: int, path: Path, name: str) -> tuple[int, ...]:
    """Return an array's shape after holding its header against the bytes that are there."""
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
    return tuple(int(length) for length in shape)


def _check_expansion(member: zipfile.ZipInfo, path: Path) -> None:
    expansion = member.file_size / max(1, member.compress_size)
    if member.file_size > ABOVE_SUSPICION_BYTES and expansion > LARGEST_EXPANSION:
        raise InputError(
            f"unpacks to {expansion:.0f} times its size ({member.file_size:,} bytes)",
            file=path,
            place=f"array {member.filename.removesuffix('.npy')!r}",
            rule=f"at most {LARGEST_EXPANSION} times",
            remedy="save it with numpy.savez instead of savez_compressed if the data is genuine",
        )
