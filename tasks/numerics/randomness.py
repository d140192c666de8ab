"""Random streams that belong to a thing, not to a moment: the same identity gives the same stream anywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from steadymap.tasks.numerics.arrays import Float64, Int64, UInt64


def stream(*identity: str | int | float) -> np.random.Generator:
    """Return the generator that belongs to an identity, such as ``("tsne start", seed)``."""
    return np.random.default_rng(int.from_bytes(_digest(*identity), "little"))


def sample_rows(keys: UInt64, count: int, purpose: str) -> Int64:
    """Choose rows by their content, so that neither file order nor any seed matters.

    Parameters
    ----------
    keys
        One 64-bit hash per row.
    count
        Rows to choose; all rows are returned where there are no more than that.
    purpose
        What the sample is for; samples for different purposes are independent.

    Returns
    -------
    Row indices in ascending order, shape (min(count, n),).
    """
    if count >= len(keys):
        return np.arange(len(keys))
    order = np.argsort(mix(salted(keys, purpose)), kind="stable")
    return np.sort(order[:count])


def salted(keys: UInt64, purpose: str) -> UInt64:
    """Return other hashes of the same things for a purpose of their own; ``mix`` makes them independent."""
    return keys ^ np.uint64(int.from_bytes(_digest(purpose)[:8], "little"))


def name_keys(names: Sequence[str]) -> UInt64:
    """Hash every name, shape (n,)."""
    return np.frombuffer(b"".join(_digest(name)[:8] for name in names), dtype="<u8")


def row_uniforms(keys: UInt64, purpose: str) -> Float64:
    """Return one number in [0, 1) per row, drawn from its key: the same row gets the same number in any company.

    Shape (n,) to (n,). Numbers for different purposes are independent; equal keys get equal numbers.
    """
    return np.asarray((mix(salted(keys, purpose)) >> np.uint64(11)) * 2.0**-53)


def _digest(*identity: str | int | float) -> bytes:
    return hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).digest()


def mix(values: UInt64) -> UInt64:
    """Scramble 64-bit words (the finaliser of splitmix64, Steele et al. 2014, doi:10.1145/2660193.2660195)."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scrambled: UInt64 = mixed ^ (mixed >> np.uint64(31))
    return scrambled
