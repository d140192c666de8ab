"""Matrices and columns from AnnData's .h5ad: ``obsm`` and ``X`` as vectors, ``obs`` as what is known of each row.

Only what is asked for is read, element by element, after its size was held against the file and the free memory.
Nothing in an .h5ad is pickled. A file whose parts lie in other files is refused: it could be made to show any file.

``hdf5_parts`` guards against what a damaged file does to HDF5.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.configs.extras import import_extra
from steadymap.tasks.input.formats.data_file import DataFile, Kind, Part, Values, check_fits, some
from steadymap.tasks.input.formats.hdf5_file import check, linked, part, rehearse, size_of

ROW_NAMES = "obs_names"
MAIN_MATRIX = "X"
SPARSE = ("csr_matrix", "csc_matrix")
COLUMNS = ("array", "string-array", "categorical", "nullable-integer", "nullable-boolean", "nullable-string-array")
"""How a column of ``obs`` may be stored (``encoding-type``)."""


class AnnDataFile(DataFile):
    """An annotated matrix; latent vectors are one of ``obsm``, or ``X``."""

    holder = "matrix in obsm"
    pictures_beside = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._anndata = import_extra("anndata", rule="an .h5ad file is read by AnnData", file=path)
        self._h5py = import_extra("h5py", rule="an .h5ad file is read by AnnData", file=path)
        rehearse(path, ["obs", "obsm"], deep=False)
        with self._opened() as file:
            obs = part(file, "obs")
            if not isinstance(obs, self._h5py.Group) or "__categories" in obs:
                raise InputError(
                    "obs is stored as AnnData did before version 0.8",
                    file=path,
                    rule="a table with a group or an array per column",
                    remedy="read it and write it again with a current AnnData",
                )
            self._index = str(obs.attrs["_index"])
            self._columns = [name for name in map(str, obs.keys()) if name != self._index]
            obsm = part(file, "obsm") if "obsm" in file else {}
            self._matrices = [str(name) for name in obsm]
            self._widths = {name: _width(linked(obsm, name)) for name in self._matrices}
            self._kinds = {name: _kind(linked(obs, name)) for name in self._columns}

    @property
    def names(self) -> list[str]:
        """The columns of ``obs``, and ``obs_names``."""
        return [*self._columns, ROW_NAMES]

    def parts(self) -> list[Part]:
        """Return the matrices of ``obsm`` and the columns of ``obs``; X has to be asked for."""
        matrices = [Part(name, "matrix", "matrix", width=self._widths[name]) for name in self._matrices]
        columns = [Part(name, self._kinds[name], self._kinds[name]) for name in self._columns]
        return [*matrices, *columns, Part(ROW_NAMES, "text", "text")]

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Return the one matrix that is named."""
        if role == "latents" and len(wanted) != 1:
            raise InputError("several matrices named as latents", file=self.path, rule="name one of obsm, or X")
        return list(wanted)

    def matrix(self, names: Sequence[str], role: str = "latents") -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return a matrix of ``obsm``, or ``X``."""
        return self._matrix(names[0], role), None

    def values(self, name: str, role: str) -> Values:
        """Return a column of ``obs``, or the names of the rows."""
        import pandas as pd

        name = name or self.only_name(role)
        self.require(name, role)
        column_name = self._index if name == ROW_NAMES else name
        rehearse(self.path, [f"obs/{column_name}"])
        with self._opened() as file:
            element = linked(part(file, "obs"), column_name)
            check(element, name)
            kind = str(element.attrs.get("encoding-type", "array"))
            if kind not in COLUMNS:
                raise InputError(
                    f"column {name!r} is stored as {kind}",
                    file=self.path,
                    place=f"data.{role}",
                    rule=f"one of {', '.join(COLUMNS)}",
                )
            column = pd.Series(self._anndata.io.read_elem(element))
        return [None if pd.isna(value) else value for value in column.astype(object)]

    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return a matrix of ``obsm``, or ``X``, which is meant where nothing is named."""
        if len(wanted) != 1:
            raise InputError("several matrices named as inputs", file=self.path, rule="name one of obsm, or X")
        return self._matrix(wanted[0] or MAIN_MATRIX, role)

    def _matrix(self, name: str, role: str) -> np.ndarray:
        if name not in (*self._matrices, MAIN_MATRIX):
            raise InputError(
                f"there is no {name!r}",
                file=self.path,
                place=f"data.{role}",
                rule=f"one of {some([repr(known) for known in (*self._matrices, MAIN_MATRIX)], 8)}",
                remedy="check the name",
            )
        rehearse(self.path, [MAIN_MATRIX if name not in self._matrices else f"obsm/{name}"])
        with self._opened() as file:
            element = part(file, MAIN_MATRIX) if name not in self._matrices else linked(part(file, "obsm"), name)
            check(element, name)
            if isinstance(element, self._h5py.Dataset):
                return np.asarray(element[()])
            if element.attrs.get("encoding-type") in SPARSE:
                check_fits(size_of([*element.attrs["shape"]], element["data"].dtype), f"element {name!r}")
                return np.asarray(self._anndata.io.read_elem(element).toarray())
            if element.attrs.get("encoding-type") == "dataframe":
                return np.asarray(self._anndata.io.read_elem(element).to_numpy())
        raise InputError(
            f"{name!r} is no matrix", file=self.path, place=f"data.{role}", rule="a dense or a sparse matrix"
        )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        """Open the file; whatever HDF5 and AnnData say of a damaged one becomes an error that names it."""
        try:
            with self._h5py.File(self.path, "r") as file:
                yield file
        except InputError as error:
            raise InputError(
                error.problem,
                file=error.file or self.path,
                place=error.place,
                rule=error.rule,
                remedy=error.remedy,
            ) from None
        # A parser of a foreign format raises whatever it likes (KeyError, AttributeError, errors of its own).
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"cannot be read: {reason}",
                file=self.path,
                rule="a whole, undamaged .h5ad file",
                remedy="write the file again",
            ) from None


def _width(element: Any) -> int | None:
    shape = getattr(element, "shape", None)
    if shape is None and element.attrs.get("encoding-type") in SPARSE:
        shape = element.attrs["shape"]
    if shape is None and element.attrs.get("encoding-type") == "dataframe":
        return len(element.attrs["column-order"])
    return int(shape[1]) if shape is not None and len(shape) == 2 else None


def _kind(element: Any) -> Kind:
    dtype = getattr(element, "dtype", None)
    return KINDS.get(dtype.kind, "text") if dtype is not None else "text"


KINDS: dict[str, Kind] = {"f": "number", "i": "whole", "u": "whole", "b": "flag"}
