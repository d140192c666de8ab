"""What is wrong with single dimensions of the latent space, in sentences, before any picture."""

from __future__ import annotations

import pandas as pd

from steadymap.reports.wording import count, spell_numbers, spell_share

DOMINATED = 0.9
"""Share of all variance in one column from which distances are hardly more than differences in that column."""

ONE_LINE = 0.95
"""Share along the first component from which the vectors are called collapsed to a line."""

MOST_NAMED = 12
"""Dimensions that a sentence names; of more it gives the first ones."""

FAULTS = {
    "dead": "0 in every row: dead, as a ReLU unit that nothing switches on",
    "constant": "the same value in every row",
    "collapsed": "collapsed: the posterior equals the prior, whatever the input",
    "negligible": "of less than a thousandth of the widest dimension's variance: no distance depends on them",
}


def spell_health(dimensions: pd.DataFrame, facts: pd.DataFrame) -> tuple[str, ...]:
    """Say which dimensions carry nothing, or the same twice; with none of that, that.

    Parameters
    ----------
    dimensions, facts
        ``dimensions`` and ``latent_space`` of a run; empty where a run of an earlier version has none.
    """
    if dimensions.empty:
        return ()
    width = len(dimensions)
    active = int((dimensions["state"] == "active").sum())
    if active == width:
        lead = f"All {count(width, 'dimension')} are active: none is dead, constant, duplicated or collapsed."
    else:
        lead = f"{active} of {count(width, 'dimension')} are active."
    told = [_tell_collapse(dimensions, facts), lead, _tell_left_out(facts)]
    told += [_tell_state(dimensions, state, what) for state, what in FAULTS.items()]
    told += [_tell_twins(dimensions), _tell_dominance(dimensions)]
    return tuple(sentence for sentence in told if sentence)


def spell_aggregate(dimensions: pd.DataFrame, verdicts: list[str]) -> str:
    """Say of a variational encoder whether its rows together are one blob, as its prior wants them.

    Parameters
    ----------
    verdicts
        Of every cluster of the run; empty where nothing was tested.
    """
    if dimensions.empty or dimensions["kl"].isna().all() or not verdicts:
        return ""
    apart = sum(verdict in ("REAL", "HIDDEN") for verdict in verdicts)
    if apart:
        return f"The aggregate posterior is no single blob: {count(apart, 'cluster')} in it passed the held-out test."
    return (
        "No cluster of the aggregate posterior passed the held-out test: it may be one blob, as the prior wants it. "
        "A smaller weight of the KL term (β) tells whether the prior has erased clusters."
    )


def _tell_collapse(dimensions: pd.DataFrame, facts: pd.DataFrame) -> str:
    """Name a collapse of the whole, the strongest that there is."""
    states = dimensions["state"]
    if (states == "collapsed").all():
        return (
            "Posterior collapse: no dimension depends on the input. Every picture below is of noise; train with a "
            "smaller weight of the KL term, or warm it up."
        )
    first = facts[(facts["score"] == "variance_share") & (facts["k"] == 1)]["value"]
    if len(dimensions) > 2 and len(first) and float(first.iloc[0]) >= ONE_LINE:
        share = spell_share(float(first.iloc[0]))
        return f"Dimensional collapse: {share} of the variance lies along a single line."
    if (states == "active").sum() * 2 < len(states):
        return "Dimensional collapse: fewer than half of the dimensions carry anything of their own."
    return ""


def _tell_left_out(facts: pd.DataFrame) -> str:
    """Say that rows far from all others have no say in this."""
    found = facts.loc[facts["score"] == "rows_left_out", "value"]
    if found.empty:
        return ""
    rows = int(found.iloc[0])
    names = "a warning names it" if rows == 1 else "a warning names them"
    return (
        f"{count(rows, 'row').capitalize()} far from all others {'is' if rows == 1 else 'are'} left out here: {names}."
    )


def _tell_state(dimensions: pd.DataFrame, state: str, what: str) -> str:
    found = dimensions.loc[dimensions["state"] == state, "dimension"].tolist()
    return f"{_name(found)}: {what}." if found else ""


def _tell_twins(dimensions: pd.DataFrame) -> str:
    copies = dimensions[dimensions["state"] == "duplicated"]
    if copies.empty:
        return ""
    pairs = [f"{row['dimension']} repeats {int(row['twin'])}" for row in copies.head(MOST_NAMED).to_dict("records")]
    more = f" and {len(copies) - MOST_NAMED} more" if len(copies) > MOST_NAMED else ""
    return f"Duplicated, up to sign, scale and shift: {'; '.join(pairs)}{more}. Distances count them twice."


def _tell_dominance(dimensions: pd.DataFrame) -> str:
    total = float(dimensions["variance"].sum())
    widest = dimensions.loc[dimensions["variance"].idxmax()]
    if len(dimensions) < 3 or total == 0 or widest["variance"] / total < DOMINATED:
        return ""
    return (
        f"Dimension {widest['dimension']} holds {spell_share(widest['variance'] / total)} of the variance, so "
        "distances are hardly more than differences in it; `preprocess: scale: standard` gives all the same weight."
    )


def _name(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"Dimension {numbers[0]}"
    if len(numbers) > MOST_NAMED and numbers[-1] - numbers[0] + 1 != len(numbers):
        shown = ", ".join(map(str, numbers[:MOST_NAMED]))
        return f"Dimensions {shown} and {len(numbers) - MOST_NAMED} more"
    return f"Dimensions {spell_numbers(numbers)}"
