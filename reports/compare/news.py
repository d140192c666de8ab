"""What of a comparison is news: the one rule by which a night's summary and a list of runs say what changed.

Only what held-out rows have shown counts as a cluster here (REAL, HIDDEN): that an artefact comes or goes, or that an
uncertain cluster is called one, is no news. Neither is a verdict that other halves or settings would have turned, nor a
score that moved within chance.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from steadymap.reports.compare.compare_runs import ClusterChange, Comparison, Facts
from steadymap.reports.compare.score_changes import ScoreChange
from steadymap.reports.wording import count

FOUND_AGAIN = ("kept", "reshaped")

GONE = "gone"
"""What became of a cluster that cannot be compared: none of its rows is there any more."""

FATES = {"split": "split", "merged": "merged", "vanished": "vanished", "not compared": GONE}
"""What loses a cluster, and what that is called."""

NOTHING = "nothing changed"
"""What is said of two runs without news between them."""


@dataclass(frozen=True)
class News:
    """What changed between two runs, the gravest first.

    Attributes
    ----------
    flipped
        Clusters found again with another verdict, beyond chance, of which either is REAL or HIDDEN.
    lost, new
        Clusters of the earlier run that are no more, and of the later one that were not there.
    dropped, others
        Scores that are worse by more than chance, and those that rose, or of which neither direction is worse.
    """

    flipped: tuple[ClusterChange, ...]
    lost: tuple[ClusterChange, ...]
    new: tuple[Facts, ...]
    dropped: tuple[ScoreChange, ...]
    others: tuple[ScoreChange, ...]

    @property
    def briefly(self) -> str:
        """All of it in a few words: ``1 flipped, 1 split, 2 scores dropped``."""
        fates = Counter(FATES[one.fate] for one in self.lost)
        counts = {"flipped": len(self.flipped), **{fate: fates[fate] for fate in FATES.values()}, "new": len(self.new)}
        told = [f"{number} {what}" for what, number in counts.items() if number]
        return ", ".join([*told, *filter(None, (self.dropped_briefly, self.others_briefly))]) or NOTHING

    @property
    def dropped_briefly(self) -> str:
        """How many scores dropped; empty where none did."""
        return f"{count(len(self.dropped), 'score')} dropped" if self.dropped else ""

    @property
    def others_briefly(self) -> str:
        """How many scores rose, or moved where neither direction is worse; empty where none did."""
        if not self.others:
            return ""
        rose = all(one.may_drop and one.difference > 0 for one in self.others)
        return f"{count(len(self.others), 'score')} {'rose' if rose else 'rose or moved'}"


def find_news(found: Comparison) -> News:
    """Take from a comparison what is news."""
    partners = {one.partner.cluster for one in found.clusters if one.fate in FOUND_AGAIN and one.partner is not None}
    dropped = found.dropped
    others = sorted((one for one in found.score_changes if one not in dropped), key=lambda one: not one.recommended)
    return News(
        flipped=tuple(one for one in found.clusters if _flipped(one)),
        lost=tuple(one for one in found.clusters if one.cluster.shown and one.fate in FATES and not one.is_new),
        new=tuple(one for one in found.after.values() if one.shown and one.cluster not in partners),
        dropped=dropped,
        others=tuple(others),
    )


def _flipped(one: ClusterChange) -> bool:
    if one.partner is None or not (one.cluster.verdict and one.partner.verdict):
        return False
    return (one.cluster.shown or one.partner.shown) and one.flipped_beyond_chance
