"""Settings by clusters: the figure that answers which setting to use, and the same facts as a strip beside a cluster.

Settings stand in the order of their rank, clusters REAL first, so that the upper left corner is what matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadymap.reports.clusters.cluster_cards import SHAPES, ClusterCard
from steadymap.reports.clusters.tracks import Track
from steadymap.reports.summary.answer import by_name
from steadymap.reports.summary.ranking import RankedSetting
from steadymap.reports.summary.summary import Summary

OPEN_SETTINGS = 4
"""Settings whose pictures a phone shows at once; the others unfold."""


@dataclass(frozen=True)
class ClusterRow:
    """A cluster's row: its card, fate and words for each ranked setting, how many keep it, its place by verdict."""

    card: ClusterCard
    strip: tuple[tuple[str, str], ...]
    kept: int
    place: int

    @property
    def keys(self) -> dict[str, float]:
        """What the table can be sorted by; what is not known comes last."""
        verdict = self.card.verdict
        return {
            "verdict": self.place,
            "rows": -self.card.size,
            "p": _or_last(None if verdict is None else verdict.p_value),
            "depth": _or_last(None if verdict is None else verdict.depth_value),
            "kept": -self.kept,
            "recurrence": -self.card.recurrence.value,
        }


@dataclass(frozen=True)
class SettingRow:
    """A setting's row: its rank from 1, the setting, and what it does to each cluster in the order of the columns."""

    rank: int
    setting: RankedSetting
    tracks: tuple[Track | None, ...]


def by_verdict(clusters: Sequence[ClusterCard]) -> list[ClusterCard]:
    """Order clusters: REAL first, then by name; without verdicts, labels or ties in the order of the tables."""
    order = {word: place for place, word in enumerate(SHAPES)}
    return sorted(by_name(clusters), key=lambda card: order.get(card.verdict.word, 9) if card.verdict else 9)


def cluster_rows(summary: Summary) -> tuple[ClusterRow, ...]:
    """Return a row per cluster, REAL first."""
    cards = by_verdict(summary.clusters)
    settings = [(row.setting.title, row.tracks) for row in setting_rows(summary)]
    found = []
    for place, card in enumerate(cards):
        tracks = [(title, tracks[place]) for title, tracks in settings]
        strip = tuple((track.fate, f"{title}: {track.words}") for title, track in tracks if track is not None)
        found.append(ClusterRow(card, strip, sum(fate == "kept" for fate, _ in strip), place))
    return tuple(found)


def setting_rows(summary: Summary) -> tuple[SettingRow, ...]:
    """Return a row per ranked setting with tracks, the best first; columns are clusters as ``by_verdict`` has them."""
    if summary.tracks is None:
        return ()
    column = {number: place for place, number in enumerate(summary.tracks.clusters)}
    columns = [column[card.number] for card in by_verdict(summary.clusters)]
    tracks = {title: row for group in summary.tracks.groups for title, row in group.rows}
    return tuple(
        SettingRow(rank, setting, tuple(tracks[setting.title][place] for place in columns))
        for rank, setting in enumerate(summary.ranking, start=1)
        if setting.title in tracks
    )


def open_settings(summary: Summary) -> frozenset[str]:
    """Return the settings whose pictures a phone shows before all are asked for: the best, else the first."""
    names = [row.configuration for row in summary.rows]
    if len(names) <= OPEN_SETTINGS + 1:  # folding one would save nothing
        return frozenset(names)
    ranked = [one.configuration for one in summary.ranking]
    return frozenset(list(dict.fromkeys([*ranked, *names]))[:OPEN_SETTINGS])


def _or_last(value: float | None) -> float:
    return 9.0 if value is None else value
