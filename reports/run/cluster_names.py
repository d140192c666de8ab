"""What a cluster is called: by the label that most of its rows share, its number second; else by its number.

A name stands in sentences ("digit 8 (59 %)"), in heads of columns and on the map ("8"). Two clusters of one label
keep their numbers beside it, so that every name means one cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import NARROW_SPACE, join_words, spell_share

MOST_OF_IT = 0.5
"""A label names a cluster if more than this share of its rows has it."""

NEARLY_ALL = 0.9
"""From here on the share is not told: the name is right for the cluster as a whole."""

BRIEF = 14
"""Characters of a name that a narrow cell has room for."""


@dataclass(frozen=True)
class ClusterName:
    """A cluster's number and, where most of its rows share one, its label.

    Attributes
    ----------
    number
        Its number in the tables.
    column, value, share
        The label's column, its value and its share of the rows; empty without one.
    alone
        Whether no other cluster has the same label.
    """

    number: int
    column: str = ""
    value: str = ""
    share: float = 0.0
    alone: bool = True

    @property
    def short(self) -> str:
        """The value alone for a map or a column: ``8``, ``1 #9`` of several, ``#3`` without a label."""
        if not self.value:
            return f"#{self.number}"
        return self.value if self.alone else f"{self.value} #{self.number}"

    @property
    def brief(self) -> str:
        """The short name, cut where a narrow cell has no room for it."""
        return self.short if len(self.short) <= BRIEF else f"{self.short[: BRIEF - 1].rstrip()}…"

    @property
    def plain(self) -> str:
        """The name in words: ``digit 8``, ``digit 1 #9``, ``cluster 3``."""
        return f"{self.before}{self.short}" if self.value else f"cluster {self.number}"

    @property
    def before(self) -> str:
        """The label's column and a space; nothing where the value begins with it ("species 7" of ``species``)."""
        repeated = self.value.casefold().startswith(self.column.casefold())
        return "" if repeated else f"{self.column}{NARROW_SPACE}"

    @property
    def value_and_share(self) -> str:
        """The short name, with the label's share of the rows where that is not nearly all."""
        told = self.share < NEARLY_ALL and self.value
        return f"{self.short} ({spell_share(self.share)})" if told else self.short

    @property
    def full(self) -> str:
        """The name as sentences tell it: ``digit 8 (59 %)``."""
        column = f"{self.column} " if self.before else ""
        return f"{column}{self.value_and_share}" if self.value else self.plain


def name_clusters(run: Run) -> dict[int, ClusterName]:
    """Name every cluster of a run."""
    column = next(iter(run.label_columns), "")
    rows = run.clusters.to_dict("records")
    named = {int(row["cluster"]): str(row["label"]) for row in rows if _names(row)}
    counts = Counter(named.values())
    return {
        int(row["cluster"]): ClusterName(
            number=int(row["cluster"]),
            column=column,
            value=named[row["cluster"]],
            share=float(row["label_share"]),
            alone=counts[named[row["cluster"]]] == 1,
        )
        if row["cluster"] in named
        else ClusterName(int(row["cluster"]))
        for row in rows
    }


def _names(row: dict[str, object]) -> bool:
    return not pd.isna(row["label"]) and bool(str(row["label"]).strip()) and float(str(row["label_share"])) > MOST_OF_IT


def list_clusters(names: Sequence[ClusterName], most: int = 12) -> str:
    """List clusters in a sentence, the label's column once: ``digit 0, 2 and 8 (59 %)``, ``clusters 3 and 4``."""
    shown, rest = list(names[:most]), len(names) - most
    labelled = [one for one in shown if one.value]
    bare = [one for one in shown if not one.value]
    parts = []
    further = [f"{rest} more"] if rest > 0 else []
    if labelled:
        column = "" if all(not one.before for one in labelled) else f"{labelled[0].column} "
        told = [one.value_and_share for one in labelled]
        parts.append(f"{column}{join_words([*told, *([] if bare else further)])}")
    if bare:
        told = [*(str(one.number) for one in bare), *further]
        parts.append(f"cluster{'s' if len(told) > 1 else ''} {join_words(told)}")
    return "; ".join(parts)
