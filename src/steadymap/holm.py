"""Holm's correction, which the science and the reports both need; it rests on nothing, so that both may import it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def holm(p_values: Sequence[float], weights: Sequence[float] | None = None) -> tuple[float, ...]:
    """Return Holm's adjusted p-values: the ith smallest of m times m − i + 1, capped at 1 and never falling.

    The chance that any true null hypothesis has an adjusted p-value of at most α is α at most.

    Parameters
    ----------
    weights
        How the level is shared, positive, chosen without a look at the p-values; equal by default. With weights the
        order is that of p/w, and the factor of the ith is the weight of all that are left over its own.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65–70.
    """
    shares = [1.0] * len(p_values) if weights is None else weights
    order = sorted(range(len(p_values)), key=lambda one: p_values[one] / shares[one])
    left = [*accumulate(shares[one] for one in reversed(order))][::-1]
    adjusted, highest = [0.0] * len(p_values), 0.0
    for one, weight_left in zip(order, left, strict=True):
        highest = max(highest, min(1.0, p_values[one] * weight_left / shares[one]))
        adjusted[one] = highest
    return tuple(adjusted)
