"""Canonical row order: rows sorted by a hash of their content, ties (equal rows) by file order.

Everything is computed in this order, so that the order of the rows in a file changes no number.
Equal rows stand next to each other.
"""

from __future__ import annotations

import hashlib

import numpy as np

from steadymap.tasks.numerics.arrays import Float32, Int64, UInt64


def row_keys(matrix: Float32) -> UInt64:
    """Hash every row, shape (n, d) to (n,). Negative zero counts as zero."""
    rows = np.ascontiguousarray(matrix + np.float32(0))
    digests = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, dtype="<u8")


def canonical_order(matrix: Float32, keys: UInt64) -> Int64:
    """Return the file positions of the rows in canonical order, shape (n,).

    Rows whose hashes collide without being equal (about 1 in 2⁶⁴ pairs) are told apart by content.
    """
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    clash = np.flatnonzero(sorted_keys[1:] == sorted_keys[:-1])
    if len(clash) and np.any(matrix[order[clash]] != matrix[order[clash + 1]]):
        columns = (*reversed(matrix.T), keys)
        order = np.lexsort(columns)
    return order


def content_digest(matrix: Float32) -> str:
    """Return the digest of a float32 matrix, shape and values (32 hexadecimal digits)."""
    digest = hashlib.blake2b(repr(matrix.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(matrix + np.float32(0)).astype("<f4").data)
    return digest.hexdigest()


def count_duplicates(matrix: Float32) -> int:
    """Count the rows of a matrix in canonical order that repeat an earlier row."""
    return int(np.sum(np.all(matrix[1:] == matrix[:-1], axis=1)))
