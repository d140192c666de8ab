"""Four verdicts on a cluster, each with one sentence of reason.

REAL and HIDDEN rest on the held-out valley test, which keeps the chance of any false one below α; how often pictures
show the cluster only decides between the two. ARTEFACT needs evidence of its own: that there is no valley, or that the
cluster falls apart although a valley would have been seen. Everything else is UNCERTAIN, with what would settle it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["REAL", "HIDDEN", "ARTEFACT", "UNCERTAIN"]

NO_VALLEY = 0.8
"""From this lower bound of its depth on there is no valley worth the name: the ground sinks by a fifth at most."""

OFTEN = 0.5
"""Share of the settings (or of the pictures) that makes it most of them."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a cluster.

    Attributes
    ----------
    p
        Combined p-value of the held-out valley test; 1 where nothing was tested or no split found it.
    depth, low, high
        Density at the valley over that at the lower peak, with a 95 % interval; None where it was not seen.
    rows_needed
        Rows in all at which the test would see a valley of usual depth; None where there were enough.
    recovered
        Share of the settings in which it is found again (mean Jaccard above .75).
    dissolved
        Share of the pictures in which it is not (at most .5).
    unmatched
        Share of the splits in which nothing corresponds to it.
    splits
        How many splits there were.
    rows
        Rows of the data.
    """

    p: float
    depth: float | None
    low: float | None
    high: float | None
    rows_needed: int | None
    recovered: float
    dissolved: float
    unmatched: float
    splits: int
    rows: int


@dataclass(frozen=True)
class Judgement:
    """A verdict and its reason, one sentence."""

    verdict: Verdict
    reason: str


def judge(evidence: Evidence, alpha: float = 0.05) -> Judgement:
    """Give the verdict on a cluster."""
    judgement = _judge(evidence, alpha)
    return Judgement(judgement.verdict, f"{judgement.reason[0].upper()}{judgement.reason[1:]}.")


def _judge(evidence: Evidence, alpha: float) -> Judgement:
    shown = f"found again in {evidence.recovered:.0%} of the settings"
    if evidence.p <= alpha:
        valley = f"held-out rows show a valley around it (p {_spell_p(evidence.p)}{_spell_depth(evidence)})"
        if evidence.recovered >= OFTEN:
            return Judgement("REAL", f"{valley}, and it is {shown}")
        return Judgement("HIDDEN", f"{valley}, yet most pictures hide it: {shown}")
    if evidence.splits == 0:
        return Judgement("UNCERTAIN", "nothing was tested: there are no halves of the rows; set resamples.pairs")
    if evidence.low is not None and evidence.low >= NO_VALLEY and evidence.recovered >= OFTEN:
        return Judgement(
            "ARTEFACT",
            f"{shown}, but held-out rows show that there is no valley around it: the density sinks to "
            f"{evidence.depth:.2f} of the lower peak, at least {evidence.low:.2f}",
        )
    if evidence.dissolved >= OFTEN and evidence.rows_needed is None and evidence.depth is not None:
        return Judgement(
            "ARTEFACT",
            f"it falls apart in {evidence.dissolved:.0%} of the pictures, and held-out rows, which were enough, show "
            f"no valley around it (p {_spell_p(evidence.p)})",
        )
    return Judgement("UNCERTAIN", _what_would_settle(evidence))


def _what_would_settle(evidence: Evidence) -> str:
    if evidence.rows_needed is not None and evidence.rows_needed > evidence.rows:
        more = _round_up(evidence.rows_needed - evidence.rows)
        return f"too few rows to see a valley around it; about {more:,} more would settle it"
    if evidence.unmatched >= OFTEN:
        return (
            f"in {evidence.unmatched:.0%} of the splits nothing corresponds to it: whether it is found depends on the "
            "rows; more rows, or fewer pictures that split it, would settle it"
        )
    if evidence.depth is not None and evidence.depth < 1:
        more = _round_up(evidence.rows)
        return (
            f"there may be a shallow valley around it ({_interval(evidence)} of the lower peak), which so few rows "
            f"cannot tell from none (p {_spell_p(evidence.p)}); about {more:,} more rows would settle it"
        )
    return f"no valley was shown around it, and none was excluded (p {_spell_p(evidence.p)})"


def _interval(evidence: Evidence) -> str:
    return f"{evidence.depth:.2f}, {evidence.low:.2f} to {evidence.high:.2f}"


def _spell_p(p: float) -> str:
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def _spell_depth(evidence: Evidence) -> str:
    return "" if evidence.depth is None else f", density down to {evidence.depth:.2f} of the lower peak"


def _round_up(rows: int) -> int:
    """Round up to two digits: more would promise what nobody can know."""
    scale = int(10 ** max(0, len(str(rows)) - 2))
    return -(-rows // scale) * scale
