"""Array types as they appear in signatures; shapes are in the docstrings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
AnyFloat = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]
Booleans = NDArray[np.bool_]
