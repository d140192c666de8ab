"""Which neighbours of a row come back from run to run (NESS), and from setting to setting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse

from steadymap.tasks.numerics.arrays import Booleans, Float64, Int64, Integers, UInt64

QUANTILE = 0.75
"""A row is as stable as the upper quartile of its neighbours: the reference's default."""

RUNS_PER_WORD = 64

PAIRS_AT_A_TIME = 1_000_000
"""Pairs, about, that are divided and sorted at a time: 8 MB for each of the few arrays made of them."""


class NeighbourCounts:
    """Counts, over runs of one configuration, how often a row is among another's k nearest in the picture.

    Only pairs that were neighbours in some run are kept: at most R n k of them, never n × n.

    Parameters
    ----------
    rows
        Rows of the data, n.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._runs = 0
        self._counts = scipy.sparse.csr_matrix((rows, rows), dtype=np.int32)
        self._words: list[UInt64] = []

    def add(self, neighbours: Integers, present: Int64 | None = None) -> None:
        """Count the neighbours of one run.

        Parameters
        ----------
        neighbours
            The k nearest other rows of each of the run's m rows, as indices into the run's rows; shape (m, k).
        present
            The rows of the data that the run drew, ascending, shape (m,); None where it drew all n.

        Raises
        ------
        ValueError
            ``neighbours`` does not have a line per row drawn.
        """
        drawn = np.arange(self.rows) if present is None else present
        if len(neighbours) != len(drawn):
            raise ValueError(f"{len(neighbours)} lines of neighbours for {len(drawn)} rows drawn; give one for each")
        lines = np.zeros(self.rows + 1, dtype=np.int64)
        lines[drawn + 1] = neighbours.shape[1]
        pairs = (np.ones(neighbours.size, dtype=np.int32), drawn[neighbours].ravel(), np.cumsum(lines))
        self._counts = self._counts + scipy.sparse.csr_matrix(pairs, shape=(self.rows, self.rows))
        self._note_presence(drawn)

    def stability(self) -> Float64:
        """Return NESS of every row, shape (n,), in (0, 1], higher is better; NaN for rows that no run drew.

        Sᵢ = 0.75 quantile of {Gᵢⱼ / Nᵢⱼ : Gᵢⱼ > 0}; Gᵢⱼ is the number of runs with j among the k nearest of i, made
        symmetric by the larger of Gᵢⱼ and Gⱼᵢ, and Nᵢⱼ the number of runs that drew both. With R runs, 1 is the same
        neighbours in every run, 1/R other ones in each.

        Source: arXiv:2506.22228. Its code differs in two ways. It takes the larger of Gᵢⱼ and Gⱼᵢ anew after every
        run, so that two one-sided neighbourhoods in two runs count as two and the order of the runs matters. And it
        divides by the number of runs, since it always draws all rows.
        """
        counts = self._counts.maximum(self._counts.T).tocsr()
        step = max(1, PAIRS_AT_A_TIME * self.rows // max(1, counts.nnz))
        blocks = [self._of_rows(counts[at : at + step], at) for at in range(0, self.rows, step)]
        return np.concatenate(blocks)

    def _of_rows(self, counts: scipy.sparse.csr_matrix, at: int) -> Float64:
        """Return the stability of a block of rows that starts at row ``at``."""
        lengths = np.diff(counts.indptr)
        line = np.repeat(np.arange(len(lengths)), lengths)
        shares = counts.data / self._common_runs(at + line, counts.indices)
        return _quantile_by_line(shares[np.lexsort((shares, line))], counts.indptr[:-1], lengths)

    def _note_presence(self, drawn: Int64) -> None:
        """Set the run's bit in the presence word of every row drawn."""
        bit = self._runs % RUNS_PER_WORD
        if bit == 0:
            self._words.append(np.zeros(self.rows, dtype=np.uint64))
        self._words[-1][drawn] |= np.uint64(1) << np.uint64(bit)
        self._runs += 1

    def _common_runs(self, first: Int64, second: Int64) -> Int64:
        """Count the runs that drew both rows of a pair."""
        common = np.zeros(len(first), dtype=np.int64)
        for word in self._words:
            common += np.bitwise_count(word[first] & word[second])
        return common


def kept_share(own: Integers, others: Sequence[Integers]) -> Float64:
    """Return how well other pictures keep a row's neighbours, shape (n,), in [0, 1], higher is better.

    The 0.75 quantile over a row's own k neighbours of the share of the other pictures that have it among theirs, too;
    NaN where there is no other picture. Unlike ``NeighbourCounts`` it looks from one picture at the rest, which suits
    pictures of other configurations.

    Parameters
    ----------
    own, others
        The k nearest other rows in each picture of the same n rows, shape (n, k), every line ascending, as
        ``picture_neighbours`` returns them.
    """
    if not others:
        return np.full(len(own), np.nan)
    kept = np.zeros(own.shape)
    for other in others:
        kept += _among(own, other)
    return np.asarray(np.quantile(kept / len(others), QUANTILE, axis=1))


def _among(own: Integers, other: Integers) -> Booleans:
    """Tell which entries of ``own`` stand in the same line of ``other``; lines are ascending, so all is one search."""
    rows = len(own)
    offsets = np.arange(rows, dtype=np.int64)[:, None] * rows
    known = (other + offsets).ravel()
    wanted = (own + offsets).ravel()
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.asarray((known[at] == wanted).reshape(own.shape))


def _quantile_by_line(ascending: Float64, starts: Int64, lengths: Int64) -> Float64:
    """Return a quantile of every line of values, interpolated as NumPy does; NaN for empty lines."""
    found = np.full(len(lengths), np.nan)
    some = lengths > 0
    place = QUANTILE * (lengths[some] - 1)
    below = starts[some] + place.astype(np.int64)
    above = np.minimum(below + 1, starts[some] + lengths[some] - 1)
    found[some] = ascending[below] + (place % 1) * (ascending[above] - ascending[below])
    return found
