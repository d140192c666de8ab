"""Sum up a selftest: how often a verdict was false, and how often the truth was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from steadymap.configs.selftest import SelftestConfig
from steadymap.tasks.numerics.selftest.known_truth import rate_of
from steadymap.tasks.store.identity import run_versions


def sum_up(outcomes: Mapping[str, Sequence[dict[str, Any]]], config: SelftestConfig) -> dict[str, Any]:
    """Return rates over all sets, and over those of every part and family; shares of sets with exact 95 % intervals.

    Parameters
    ----------
    outcomes
        What is kept of the sets that have been judged, by the name of their part.
    """
    everything = [one for sets in outcomes.values() for one in sets]
    return {
        "first_seed": config.first_seed,
        "rows": sorted({one["rows"] for one in everything}),
        **_rates(everything),
        "false_sets": [_name(one) for one in everything if one["false"]],
        "parts": [{"name": name, **_part(sets)} for name, sets in outcomes.items() if sets],
        "versions": run_versions(),
    }


def _rates(outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    nothing_real = [one for one in outcomes if not one["real"]]
    return {
        "sets": len(outcomes),
        "false_real": _false(nothing_real),
        "recurring_called_artefact": _artefacts(nothing_real),
    }


def _part(outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_family: dict[str, list[dict[str, Any]]] = {}
    for one in outcomes:
        by_family.setdefault(one["family"], []).append(one)
    families = {family: _family(sets) for family, sets in by_family.items()}
    return {"rows": outcomes[0]["rows"], **_rates(outcomes), "families": families}


def _family(sets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {"real": sets[0]["real"], "sets": len(sets), "false_real": _false(sets)}
    if sets[0]["real"]:
        summary["found"] = float(np.mean([one["found"] for one in sets]))
        summary["ari"] = float(np.mean([one["ari"] for one in sets]))
        summary["called_artefact"] = sum(one["false_artefacts"] for one in sets)
    else:
        summary["recurring_called_artefact"] = _artefacts(sets)
    return summary


def _false(sets: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the share of sets with any false REAL or HIDDEN."""
    return asdict(rate_of(sum(one["false"] > 0 for one in sets), len(sets))) if sets else None


def _artefacts(sets: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the share of recurring islands that are called ARTEFACT."""
    recurring = sum(one["recurring"] for one in sets)
    return asdict(rate_of(sum(one["recurring_artefacts"] for one in sets), recurring)) if recurring else None


def spell_outcome(outcome: dict[str, Any]) -> str:
    """Say in a line what a set got."""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(outcome["verdicts"].items()))
    found = "" if outcome["found"] is None else f", {100 * outcome['found']:.0f} % of the truth found"
    false = f", {outcome['false']} FALSE" if outcome["false"] else ""
    return f"{_name(outcome)}: {verdicts}{found}{false}"


def _name(outcome: dict[str, Any]) -> str:
    return f"{outcome['family']} {outcome['rows']} × {outcome['dimensions']}, seed {outcome['seed']}"
