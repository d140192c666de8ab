"""Four verdicts on a cluster, each with one sentence of reason.

REAL and HIDDEN rest on the held-out valley test, which keeps the chance of any false one below α; how often pictures
show the cluster only decides between the two. ARTEFACT needs evidence of its own: that there is no valley, or that the
cluster falls apart although a valley would have been seen. Everything else is UNCERTAIN, with what would settle it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import Literal

from steadymap.tasks.numerics.valleys.valley_depth import TWO_SIDED, Interval
from steadymap.tasks.numerics.verdicts.border_depth import NO_HINT

Verdict = Literal["REAL", "HIDDEN", "ARTEFACT", "UNCERTAIN"]

NO_VALLEY = 0.8
"""What is at least as deep as this with 95 % certainty is no valley worth the name: it sinks by a fifth at most."""

MOST_FOLD = 10
"""Asking for more than so many times the rows is asking for other data."""

DEEP = 0.5
"""A valley that is known to sink at least that far is deep: that it was not proven is not for lack of a valley."""

ENOUGH_ERRORS = 3.0
"""Standard errors at which a valley would be told from even ground."""

OFTEN = 0.5
"""Share of the settings (or of the pictures) that makes it most of them."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a cluster.

    Attributes
    ----------
    p
        Combined p-value of the held-out valley test; 1 where nothing was tested or no split found it.
    depth
        Density at its border (the easiest bridge to anything else) over that at the lower peak on either side of it,
        with a 95 % interval; None where it was not seen.
    own
        The same over its own peak.
    hint
        p-value of the dip at its border, the median over halves; None where it was not seen.
    lone_peak
        Whether every other cluster is known to be a flank of something denser, so that nothing is left to be separated
        from.
    whole
        Whether it holds every row.
    rows_needed
        Rows in all at which the test would see a valley of usual depth; None where there were enough.
    recovered
        Share of the settings in which it is found again (mean Jaccard above .75).
    dissolved
        Share of the pictures in which it is not (at most .5).
    unmatched
        Share of the splits in which nothing corresponds to it.
    proven
        Share of the splits that separate it.
    neighbour
        The cluster beyond the easiest bridge; None where nothing was seen.
    splits
        How many splits there were.
    rows
        Rows of the data.
    """

    p: float
    depth: Interval | None
    own: Interval | None
    hint: float | None
    lone_peak: bool
    whole: bool
    rows_needed: int | None
    recovered: float
    dissolved: float
    unmatched: float
    splits: int
    rows: int
    proven: float = 0.0
    neighbour: int | None = None

    @property
    def flank(self) -> bool:
        """Whether the density is known not to sink towards its border: it has no peak of its own."""
        return self.own is not None and self.own.floor >= NO_VALLEY and self.even

    @property
    def valley_excluded(self) -> bool:
        """Whether there is known to be no valley between it and anything else."""
        return self.flank or (self.lone_peak and self.depth is not None and self.depth.floor >= NO_VALLEY and self.even)

    @property
    def even(self) -> bool:
        """Whether nothing hints at a valley."""
        return self.hint is not None and self.hint >= NO_HINT


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
    shown = f"found again in {_percent(evidence.recovered)} of the settings"
    if evidence.p <= alpha:
        valley = f"held-out rows show a valley around it (p {_spell_p(evidence.p)}{_spell_depth(evidence)})"
        if evidence.recovered >= OFTEN:
            return Judgement("REAL", f"{valley}, and it is {shown}")
        return Judgement("HIDDEN", f"{valley}, yet most pictures hide it: {shown}")
    if evidence.splits == 0:
        return Judgement("UNCERTAIN", "nothing was tested: there are no halves of the rows; set resamples.pairs")
    if evidence.valley_excluded and evidence.recovered >= OFTEN:
        return Judgement("ARTEFACT", f"{shown}, but {_why_no_valley(evidence)}")
    if evidence.dissolved >= OFTEN and evidence.rows_needed is None and _even(evidence):
        return Judgement(
            "ARTEFACT",
            f"it falls apart in {_percent(evidence.dissolved)} of the pictures, and held-out rows, which were enough, "
            f"show no valley around it (p {_spell_p(evidence.p)}{_spell_depth(evidence)})",
        )
    return Judgement("UNCERTAIN", _what_would_settle(evidence))


def _even(evidence: Evidence) -> bool:
    """Return whether even ground goes well with what was seen."""
    return evidence.even and evidence.depth is not None and evidence.depth.high >= 1


def _why_no_valley(evidence: Evidence) -> str:
    if evidence.flank and evidence.own is not None:
        return (
            "it has no peak of its own: held-out rows show that at its border the density is still "
            f"{evidence.own.value:.2f} of its highest, and at least {evidence.own.floor:.2f} with 95 % certainty"
        )
    return "nothing is separated from it: no other cluster has a peak of its own, and there is no valley between"


def _what_would_settle(evidence: Evidence) -> str:
    """Say why nothing is claimed, and the least that would change it; numbers are those on the card."""
    if evidence.whole:
        return "it holds every row: there is nothing that a valley could separate it from, and so no cluster"
    if evidence.depth is not None and evidence.depth.high <= DEEP:
        return _deep_but_unproven(evidence, evidence.depth)
    if evidence.rows_needed is not None and evidence.rows_needed > evidence.rows:
        return f"too few rows to see a valley around it{_toward(evidence)}; {_more(evidence, evidence.rows_needed)}"
    if evidence.even and evidence.own is not None and evidence.own.value > NO_VALLEY:
        return (
            f"nothing hints at a valley: at its border{_toward(evidence)} the density is still "
            f"{_interval(evidence.own)} of its highest, but so few rows do not exclude one; "
            f"{_more(evidence, _rows_to_exclude(evidence.own, evidence.rows))}"
        )
    return _unmatched_or_shallow(evidence)


def _unmatched_or_shallow(evidence: Evidence) -> str:
    if evidence.unmatched >= OFTEN:
        return (
            f"in {_percent(evidence.unmatched)} of the halves nothing corresponds to it{_runs_into(evidence)}: whether "
            "it is found depends on the rows; more rows, or fewer pictures that split it, would settle it"
        )
    if evidence.depth is not None and evidence.depth.value < 1:
        return (
            f"there may be a shallow valley around it{_toward(evidence)}, down to {_interval(evidence.depth)} of the "
            f"lower peak, which so few rows cannot tell from none (p {_spell_p(evidence.p)}); "
            f"{_more(evidence, _rows_to_show(evidence.depth, evidence.rows))}"
        )
    return f"no valley was shown around it{_toward(evidence)}, and none was excluded (p {_spell_p(evidence.p)})"


def _deep_but_unproven(evidence: Evidence, depth: Interval) -> str:
    """Name what keeps a deep valley from being proven: candidates, rows, or halves that disagree."""
    sinks = f"the density around it sinks to {_interval(depth)} of the lower peak{_toward(evidence)}, which is deep"
    if evidence.unmatched >= OFTEN:
        return (
            f"{sinks}, but in {_percent(evidence.unmatched)} of the halves no candidate corresponds to it, so that "
            "nothing was tested; more pictures of the halves (resamples.configurations) would settle it"
        )
    if evidence.rows_needed is not None and evidence.rows_needed > evidence.rows:
        return f"{sinks}, but too few rows prove it; {_more(evidence, evidence.rows_needed)}"
    return (
        f"{sinks}, but only {_percent(evidence.proven)} of the halves prove it (p {_spell_p(evidence.p)}); "
        f"{_more(evidence, 2 * evidence.rows)}"
    )


def _toward(evidence: Evidence) -> str:
    return "" if evidence.neighbour is None else f" towards cluster {evidence.neighbour}"


def _runs_into(evidence: Evidence) -> str:
    return "" if evidence.neighbour is None else f" (its nearest neighbour is cluster {evidence.neighbour})"


def _more(evidence: Evidence, needed: float) -> str:
    """Say how many more rows would settle it, of the same kind; ten times the data is another study."""
    if needed > MOST_FOLD * evidence.rows:
        return "this cannot be settled with data of this kind"
    return f"about {_round_up(ceil(max(needed - evidence.rows, 1))):,} more rows would settle it"


def _rows_to_exclude(own: Interval, rows: int) -> float:
    """Return how many rows would bring the least that is certain up to that of no valley; errors shrink as 1/√rows."""
    if own.floor >= NO_VALLEY:
        return 2.0 * rows  # the interval excludes a valley, and something else keeps it from being told
    return rows * (log(own.value / own.floor) / log(own.value / NO_VALLEY)) ** 2


def _rows_to_show(depth: Interval, rows: int) -> float:
    """Return how many rows would show a valley of this depth; twice as many as there are at least."""
    error = log(depth.high / depth.low) / (2 * TWO_SIDED) if depth.high > depth.low else 0.0
    return rows * max(2.0, (ENOUGH_ERRORS * error / -log(depth.value)) ** 2)


def _interval(depth: Interval) -> str:
    return f"{depth.value:.2f} (95 % {depth.low:.2f} to {depth.high:.2f})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _spell_p(p: float) -> str:
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def _spell_depth(evidence: Evidence) -> str:
    return "" if evidence.depth is None else f", density down to {evidence.depth.value:.2f} of the lower peak"


def _round_up(rows: int) -> int:
    """Round up to two digits: more would promise what nobody can know."""
    scale = int(10 ** max(0, len(str(rows)) - 2))
    return -(-rows // scale) * scale
