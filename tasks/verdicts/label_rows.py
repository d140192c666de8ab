"""Rows of the table of labels: which classes are separate, and which run into each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from steadymap.holm import holm
from steadymap.tasks.verdicts.split_job import ALPHA


def label_rows(names: list[str], found: list[dict[str, Any]], classes: list[str | None]) -> list[dict[str, Any]]:
    """Combine what the halves found of every class, with Holm over the classes."""
    from steadymap.tasks.numerics.verdicts.combine_splits import combine_p_values

    p_values = holm([combine_p_values([_p_of(meta, code) for meta in found]) for code in range(len(names))])
    return [
        {
            "label": name,
            "size": sum(label == name for label in classes),
            "p_value": p_values[code],
            "separated": p_values[code] <= ALPHA,
            "depth": _shallowest(code, found),
            "runs_into": [names[other] for other in _runs_into(code, found)],
        }
        for code, name in enumerate(names)
    ]


def _p_of(meta: dict[str, Any], code: int) -> float:
    """Return the p-value of a class in a half; 1 where the half has none of its rows."""
    return float(meta["p_values"][code]) if code < len(meta["p_values"]) else 1.0


def _pairs_of(code: int, found: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Return the tests of a class by neighbour."""
    pairs: dict[int, list[dict[str, Any]]] = {}
    for meta in found:
        for pair in meta["pairs"]:
            if code in (pair["first"], pair["second"]):
                other = pair["second"] if pair["first"] == code else pair["first"]
                pairs.setdefault(other, []).append(pair["valley"])
    return pairs


def _runs_into(code: int, found: list[dict[str, Any]]) -> list[int]:
    """Return the neighbours from which most halves show no valley."""
    return sorted(
        other
        for other, valleys in _pairs_of(code, found).items()
        if sum(valley["p"] > ALPHA for valley in valleys) > len(found) / 2
    )


def _shallowest(code: int, found: list[dict[str, Any]]) -> float | None:
    """Return the depth of the shallowest valley around a class, each the median over halves."""
    from steadymap.tasks.numerics.valleys.valley_depth import read_depth

    medians = [
        float(np.median(depths))
        for valleys in _pairs_of(code, found).values()
        if (depths := [read_depth(valley["depth"]).value for valley in valleys if valley["depth"] is not None])
    ]
    return max(medians, default=None)
