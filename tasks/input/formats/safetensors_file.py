"""Named tensors from .safetensors: a header in JSON and bytes; nothing in it can run."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from steadymap.tasks.input.formats.data_file import DataFile, Kind, Part, Values, check_fits

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}
DTYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "BOOL": "?"}
BFLOAT16 = "BF16"


class SafetensorsFile(DataFile):
    """Named tensors."""

    holder = "tensor"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        check_fits(path.stat().st_size, "file", path)
        try:
            found = safetensors.deserialize(path.read_bytes())  # type: ignore[no-untyped-call] # an extension in Rust
        except safetensors.SafetensorError as error:
            raise ValueError(str(error)) from None
        self._tensors: dict[str, dict[str, Any]] = dict(found)

    @property
    def names(self) -> list[str]:
        """The tensors of a type that NumPy knows, and bfloat16."""
        return [name for name, one in self._tensors.items() if one["dtype"] in (*DTYPES, BFLOAT16)]

    def parts(self) -> list[Part]:
        """Return what every tensor holds."""
        return [_part(name, one["shape"], one["dtype"]) for name, one in sorted(self._tensors.items())]

    def matching(self, wanted: Sequence[str], role: str) -> list[str]:
        """Return the tensor that is named."""
        for name in wanted:
            self.require(name, role)
        return list(wanted)

    def matrix(self, names: Sequence[str], role: str = "latents") -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Return a tensor."""
        self.require(names[0], role)
        return self._load(names[0]), None

    def values(self, name: str, role: str) -> Values:
        """Return a tensor."""
        name = name or self.only_name(role)
        self.require(name, role)
        return self._load(name)

    def inputs(self, wanted: Sequence[str], taken: Set[str] = frozenset(), role: str = "inputs") -> np.ndarray:
        """Return a tensor."""
        free = [name for name in self.names if name not in taken]
        return np.asarray(self.values(free[0] if list(wanted) == [""] and len(free) == 1 else wanted[0], role))

    def _load(self, name: str) -> np.ndarray:
        one = self._tensors[name]
        if one["dtype"] == BFLOAT16:
            wide = np.frombuffer(one["data"], "<u2").astype(np.uint32) << 16
            return wide.view(np.float32).reshape(one["shape"])
        return np.frombuffer(one["data"], DTYPES[one["dtype"]]).reshape(one["shape"])


def _part(name: str, shape: Sequence[int], dtype: str) -> Part:
    size = " × ".join(map(str, shape))
    if dtype not in (*DTYPES, BFLOAT16):
        return Part(name, "other", f"{size}, {dtype}")
    if len(shape) == 2 and dtype != "BOOL":
        return Part(name, "matrix", "tensor", width=shape[1])
    if len(shape) == 1:
        kind: Kind = "flag" if dtype == "BOOL" else "number" if dtype[0] in "FB" else "whole"
        return Part(name, kind, "one number" if kind == "number" else "one integer")
    return Part(name, "other", f"{size}, {dtype}")
