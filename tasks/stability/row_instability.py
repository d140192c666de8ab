"""How unsteady every row is, by cause, averaged over pairs of pictures."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.stability.pairs import Compared


class InstabilityTotals:
    """Sums over pairs, a number per row and cause; controls, which agree with nobody, are left out."""

    def __init__(self, rows: int) -> None:
        self._sums = {name: np.zeros(rows) for name in schemas.INSTABILITY.names}
        self._pairs = {name: np.zeros(rows, dtype=np.int64) for name in schemas.INSTABILITY.names}

    def add(self, found: Compared) -> None:
        """Add what a pair shows of every row."""
        if found.control:
            return
        rows = slice(None) if found.positions is None else found.positions
        for kind, values in (("island", found.islands), ("neighbour", found.neighbours)):
            name = f"{kind}_instability_{found.between}"
            self._sums[name][rows] += values
            self._pairs[name][rows] += 1

    def merge(self, sums: np.ndarray) -> None:
        """Add what others have summed up, in the order in which this is called; see ``stacked``."""
        for at, name in enumerate(schemas.INSTABILITY.names):
            self._sums[name] += sums[0, at]
            self._pairs[name] += sums[1, at].astype(np.int64)

    def stacked(self) -> np.ndarray:
        """Return sums and numbers of pairs, shape (2, columns of ``INSTABILITY``, n)."""
        return np.array([list(self._sums.values()), list(self._pairs.values())], dtype=np.float64)

    def instability(self) -> pa.Table:
        """Return the mean change of every row by cause."""
        columns = {name: _mean_change(total, self._pairs[name]) for name, total in self._sums.items()}
        return pa.table(columns, schema=schemas.INSTABILITY)


def _mean_change(total: np.ndarray, pairs: np.ndarray) -> pa.Array:
    """Return 1 minus the mean over pairs, null for a row that no pair has compared."""
    values = np.clip(1 - total / np.maximum(pairs, 1), 0, 1).astype(np.float32)
    return pa.array(values, mask=pairs == 0)
